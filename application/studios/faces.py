"""Face swap: a face, a whole head, or several faces put into a picture.

one face ───────────────> face-swap, or head-swap for hair and all
several, with whose ────> face-swap-multi: each comes in the place of the one beside it
index, gender ──────────> models that can be told whom; the others are passed over
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from application.asking.requests import File
from application.ports import Progress, Scalar, silent
from application.studios.desk import Advised, Served, ServiceDesk, several, sorted_out
from application.studios.drafting import Drafted, advise, perform
from application.studios.presets import Quality
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.wishes import Wishes

GENDERS: Final = ("", "all", "female", "male")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceBrief:
    """Whose face is replaced: the one at `index`, counted from 0 from the largest, or those of a `gender`.

    `head` takes the hair along. `instead_of` are the faces in the picture that several others replace, in their order.
    """

    index: int | None = None
    gender: str = ""
    head: bool = False
    instead_of: Sequence[File] = ()
    quality: str = "standard"


@dataclass(frozen=True, slots=True)
class FaceSwap:
    """The service."""

    desk: ServiceDesk

    async def __call__(
        self, image: File, *faces: File, account: str, progress: Progress = silent, **options: Any
    ) -> Served:
        """Do it. Options: those of `FaceBrief` and `Caller`, and inputs of the model. Raises as `run` does."""
        return await perform(self.desk, self.draft(image, faces, account, options), progress)

    async def estimate(self, image: File, *faces: File, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done."""
        return await advise(self.desk, self.draft(image, faces, account, options))

    def draft(self, image: File, faces: Sequence[File], account: str, options: Mapping[str, Any]) -> Drafted:
        """The request. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, FaceBrief, account, options)
        brief = FaceBrief(**{**own, "instead_of": several(own.get("instead_of", ()))})
        _check(brief, faces)
        quality = self.desk.presets.get(Quality, brief.quality, "quality")
        media: dict[str, Sequence[File]] = {"image": [image], "face": list(faces)}
        kind, note = "face-swap", "one face: a model that puts in one"
        if brief.head:
            kind, note = "head-swap", "the whole head, hair included"
        elif brief.instead_of:
            kind, note = "face-swap-multi", f"{len(faces)} faces at once, each in the place of another"
            media["target_face"] = list(brief.instead_of)
        inputs: dict[str, Scalar] = {}
        if brief.index is not None:
            inputs["target_face_index"] = brief.index
        if brief.gender:
            inputs["target_gender"] = brief.gender
        wishes = Wishes(gladly=quality.gladly)
        return Drafted(caller.request(kind, inputs, media, model=quality.chooses(caller.model), wishes=wishes), (note,))


def _check(brief: FaceBrief, faces: Sequence[File]) -> None:
    if not faces:
        raise InvalidInput("face", "is missing", hint="give the picture of a face")
    if brief.gender not in GENDERS:
        raise InvalidInput("gender", f"{shortened(brief.gender)} is not accepted", hint="choose all, female or male")
    if len(faces) > 1 and len(brief.instead_of) != len(faces):
        told = f"{len(faces)} faces in the place of {len(brief.instead_of)}"
        raise InvalidInput("instead_of", told, hint="give as many pictures of those that are replaced, in their order")
    if brief.instead_of and (brief.head or brief.index is not None or brief.gender):
        raise InvalidInput("instead_of", "already says whose face is replaced", hint="leave head, index and gender out")
