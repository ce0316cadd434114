"""Avatar: the person in a picture speaks or sings a recording; the film lasts as long as that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from application.asking.requests import File
from application.ports import Progress, silent
from application.studios.desk import Advised, Served, ServiceDesk, sorted_out
from application.studios.drafting import Drafted, advise, perform
from application.studios.video.remaking import RemakeBrief, RemakeTerms, changed_film

KIND: Final = "avatar"


@dataclass(frozen=True, slots=True)
class VideoAvatar:
    """The service. Its brief is a `RemakeBrief`, whose prompt says how it is spoken; a `mask` says who speaks."""

    desk: ServiceDesk

    async def __call__(
        self, image: File, speech: File, *, account: str, progress: Progress = silent, **options: Any
    ) -> Served:
        """Do it. Options: those of `RemakeBrief` and `Caller`, and inputs of the model. Raises as `run` does."""
        return await perform(self.desk, self.draft(image, speech, account, options), progress)

    async def estimate(self, image: File, speech: File, *, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done."""
        return await advise(self.desk, self.draft(image, speech, account, options))

    def draft(self, image: File, speech: File, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, RemakeBrief, account, options, KIND)
        media = {"image": [image], "audio": [speech]}
        return changed_film(self.desk, KIND, RemakeBrief(**own), caller, media, RemakeTerms())
