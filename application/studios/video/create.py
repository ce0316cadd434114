"""Create: a film from words, by a template, of a length, in a shape, with sound or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from application.studios.desk import sorted_out
from application.studios.drafting import Drafted
from application.studios.video.making import ShotBrief, film_request
from application.studios.wording import FromWords

KIND: Final = "text-to-video"


@dataclass(frozen=True, slots=True)
class VideoCreate(FromWords):
    """The service. Its brief is a `ShotBrief`."""

    def draft(self, prompt: str, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request for a brief. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, ShotBrief, account, {**options, "prompt": prompt}, KIND)
        return film_request(self.desk, KIND, ShotBrief(**own), caller, {})
