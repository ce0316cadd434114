"""Background, sound, style, surroundings and any other change: a film, and words or files that say what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.asking.requests import File
from application.studios.video.remaking import RemakeBrief, RemakeTerms, Remaking


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneBrief(RemakeBrief):
    """The new background, a `picture`; without one the background is taken away."""

    picture: File | None = None


@dataclass(frozen=True, slots=True)
class VideoBackground(Remaking):
    """A film before another picture, or before nothing."""

    KIND: ClassVar[str] = "video-background"
    BRIEF: ClassVar[type[RemakeBrief]] = SceneBrief

    def terms(self, brief: SceneBrief) -> RemakeTerms:
        """The new background."""
        if brief.picture is None:
            return RemakeTerms(notes=("cut out",))
        return RemakeTerms(media={"background": [brief.picture]}, notes=("before another picture",))


class VideoSound(Remaking):
    """A film with the sounds that it should have, or those of a prompt."""

    KIND: ClassVar[str] = "video-add-audio"


class VideoStyle(Remaking):
    """A film in another look, as a prompt says."""

    KIND: ClassVar[str] = "video-style"


class VideoOutpaint(Remaking):
    """A film with what surrounds it invented."""

    KIND: ClassVar[str] = "video-outpaint"


class VideoRework(Remaking):
    """A film changed as a prompt says, in whichever way."""

    KIND: ClassVar[str] = "video-edit"
