"""Faces: one face put into a film, or several, each in an operation of its own upon what came of the one before.

one face ──────> video-face-swap ──> film
several ───────> the first ──> film ──> the second, in the place of the next person ──> film …
index, gender ─> models that can be told whom; the others are passed over
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from application.asking.requests import File, Request
from application.ports import Progress, Scalar, silent
from application.studios.carrying import given_on
from application.studios.desk import Advised, Caller, Served, ServiceDesk, sorted_out
from application.studios.drafting import Drafted, advise, perform
from application.studios.faces import GENDERS
from application.studios.video.remaking import FILM, RemakeBrief, RemakeTerms, changed_film
from domain.errors import InvalidInput
from domain.inputs import shortened

KIND: Final = "video-face-swap"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFaceBrief(RemakeBrief):
    """Whose face is replaced: the one at `index`, counted from 0 from the largest, or those of a `gender`.

    Of several faces the first comes in the place of that one, and the others in those of the next.
    """

    index: int | None = None
    gender: str = ""


@dataclass(frozen=True, slots=True)
class VideoFaces:
    """The service."""

    desk: ServiceDesk

    async def __call__(
        self, film: File, *faces: File, account: str, progress: Progress = silent, **options: Any
    ) -> Served:
        """Do it. Options: those of `VideoFaceBrief` and `Caller`, and inputs of the model. Raises as `run` does.

        All of it is estimated before the first is begun, so what cannot be done is told before anything is paid. If a
        later face fails all the same, those before stay done and charged. A repeat under the key answers what was done,
        and begins what was not.
        """
        drafts = self.draft(film, faces, account, options)
        for later in drafts[1:]:
            await advise(self.desk, later)
        before: list[Served] = []
        for drafted in drafts:
            step = drafted if not before else replace(drafted, request=await _upon(drafted.request, before[-1]))
            before.append(await perform(self.desk, step, progress))
        *others, last = before
        return replace(last, before=tuple(one.result for one in others))

    async def estimate(self, film: File, *faces: File, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done.

        Each face is estimated on the film as it is, which lasts as long as what comes of it.
        """
        *others, last = [await advise(self.desk, one) for one in self.draft(film, faces, account, options)]
        return replace(last, before=tuple(one.estimate for one in others))

    def draft(self, film: File, faces: Sequence[File], account: str, options: Mapping[str, Any]) -> tuple[Drafted, ...]:
        """The requests, one a face, each on the film as it is. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, VideoFaceBrief, account, options, KIND)
        brief = VideoFaceBrief(**own)
        _check(brief, caller, faces)
        return tuple(self._one(brief, caller, film, face, place, len(faces)) for place, face in enumerate(faces))

    def _one(self, brief: VideoFaceBrief, caller: Caller, film: File, face: File, place: int, count: int) -> Drafted:
        inputs: dict[str, Scalar] = {}
        if brief.index is not None or count > 1:
            inputs["target_face_index"] = (brief.index or 0) + place
        if brief.gender:
            inputs["target_gender"] = brief.gender
        own = caller if not caller.key or place == count - 1 else replace(caller, key=f"{caller.key}/{place + 1}")
        notes = (f"{count} faces, one after the other",) if count > 1 else ()
        terms = RemakeTerms(inputs=inputs, notes=notes)
        return changed_film(self.desk, KIND, brief, own, {FILM: [film], "face": [face]}, terms)


async def _upon(request: Request, done: Served) -> Request:
    """The request on what came of the one before."""
    if not done.result.assets:
        raise InvalidInput(FILM, f"nothing came of operation {done.result.operation}", hint="repeat it under its key")
    film = await asyncio.to_thread(given_on, done.result.assets[0])
    return replace(request, media={**request.media, FILM: [film]})


def _check(brief: VideoFaceBrief, caller: Caller, faces: Sequence[File]) -> None:
    if not faces:
        raise InvalidInput("face", "is missing", hint="give the picture of a face")
    if brief.gender not in GENDERS:
        raise InvalidInput("gender", f"{shortened(brief.gender)} is not accepted", hint="choose all, female or male")
    if len(faces) > 1 and (brief.gender or caller.n != 1):
        told = "does not say whose place each of several faces takes" if brief.gender else "of several faces is one"
        raise InvalidInput("gender" if brief.gender else "n", told, hint="leave it out")
