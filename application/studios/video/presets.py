"""Presets of films: templates, qualities, and the words that a prompt for one may lack."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from application.studios.desk import ServiceDesk
from application.studios.presets import Enhancement, Quality
from application.studios.templates import BaseTemplate
from application.studios.wording import USUAL
from domain.errors import InvalidInput
from domain.footage import lines_of
from domain.inputs import Scalar, shortened

SECONDS: Final = (5, 6, 8, 10)
"""Lengths of a film of which none is named: of these a model gets the first that it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTemplate(BaseTemplate):
    """A film for a platform and a purpose: its shape, its length, and whether it is heard."""

    WORD: ClassVar[str] = "video-template"
    seconds: int
    sound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoQuality(Quality):
    """How much is spent on a film: a strategy, and the lines of its picture, or as many as the model has."""

    WORD: ClassVar[str] = "video-quality"
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEnhancement(Enhancement):
    """The words that the rule adds to a prompt for a film."""

    WORD: ClassVar[str] = "video-enhancement"


def quality_of(desk: ServiceDesk, name: str) -> VideoQuality:
    """The quality that is named. Raises InvalidInput that names the nearest."""
    return desk.presets.get(VideoQuality, name or USUAL, "quality")


def lines_wished(resolution: str, quality: VideoQuality) -> dict[str, Any]:
    """The lines of the film as wishes: those that are asked for, or the quality's. Raises InvalidInput."""
    if not resolution:
        return {"lines": quality.lines, "or_less": True}
    lines = lines_of(resolution)
    if not lines:
        hint = "such as 480p, 720p, 1080p or 4k"
        raise InvalidInput("resolution", f"{shortened(resolution)} is none", hint=hint)
    return {"lines": lines}


def usual_length(seconds: Decimal | None) -> dict[str, tuple[Scalar, ...]]:
    """The inputs that a model gets gladly if no length is asked for."""
    return {} if seconds is not None else {"duration": SECONDS}


def usual_sound(sound: bool) -> dict[str, tuple[Scalar, ...]]:
    """The inputs that a model gets gladly if no sound is asked for: none, so that none is paid for."""
    return {} if sound else {"generate_audio": (False,)}
