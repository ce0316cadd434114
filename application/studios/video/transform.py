"""Transform: a picture set in motion, up to a last picture if there is one, to a sound of one's own if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from application.asking.requests import File
from application.studios.desk import sorted_out
from application.studios.drafting import Drafted, Retouching
from application.studios.video.making import ShotBrief, film_request

KIND: Final = "image-to-video"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformBrief(ShotBrief):
    """The film that is wanted of a picture; `last` is the picture that it ends with."""

    prompt: str = ""
    last: File | None = None


@dataclass(frozen=True, slots=True)
class VideoTransform(Retouching):
    """The service."""

    def draft(self, image: File, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, TransformBrief, account, options, KIND)
        brief = TransformBrief(**own)
        media: dict[str, Sequence[File]] = {"image": [image]}
        if brief.last is not None:
            media["last_image"] = [brief.last]
        return film_request(self.desk, KIND, brief, caller, media)
