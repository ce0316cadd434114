"""Extend: a film goes on, as words say, for so many seconds more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from application.asking.requests import File
from application.studios.desk import check_alone
from application.studios.video.presets import usual_length, usual_sound
from application.studios.video.remaking import RemakeBrief, RemakeTerms, Remaking


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendBrief(RemakeBrief):
    """How the film goes on: at least so many `seconds` more, with `sound`, or to a sound of one's own, `audio`."""

    seconds: Decimal | None = None
    sound: bool = False
    audio: File | None = None


@dataclass(frozen=True, slots=True)
class VideoExtend(Remaking):
    """The service."""

    KIND: ClassVar[str] = "video-extend"
    BRIEF: ClassVar[type[RemakeBrief]] = ExtendBrief

    def terms(self, brief: ExtendBrief) -> RemakeTerms:
        """The length, and whether it is heard. Raises InvalidInput."""
        check_alone(sound=brief.sound, audio=brief.audio)
        media: dict[str, Sequence[File]] = {} if brief.audio is None else {"audio": [brief.audio]}
        return RemakeTerms(
            media=media,
            wishes={"seconds": brief.seconds, "sound": brief.sound},
            gladly={**usual_length(brief.seconds), **usual_sound(brief.sound)},
        )
