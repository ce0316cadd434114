"""Compress: films with fewer bytes, by a preset such as "web", a quality, or a number of bytes; many films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import ServiceDesk, sorted_out
from application.studios.finishing import Finishing, Piece, given_inputs, pieces_of
from application.studios.video.convert import KIND
from domain.errors import InvalidInput
from domain.footage import lines_of
from domain.inputs import plain, shortened

_MEGA: Final = 1_000_000
_USUAL: Final = "medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoCompression:
    """A use of a smaller film: its quality, the most lines and the most millions of bytes that it has (0: any number).

    Without a `codec` it is the one that every player knows.
    """

    WORD: ClassVar[str] = "video-compression"
    id: str
    name: str
    quality: str
    lines: int = 0
    most_mb: int = 0
    format: str = ""
    codec: str = ""

    def inputs(self) -> dict[str, Scalar]:
        return given_inputs(
            quality=self.quality,
            most_lines=self.lines or None,
            target_bytes=self.most_mb * _MEGA or None,
            output_format=self.format,
            codec=self.codec,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoCompressBrief:
    """The preset, and what is said over it: `quality` is high, medium or low, `target_mb` millions of bytes.

    `resolution` is how many lines it has at most, such as "720p".
    """

    preset: str = ""
    quality: str = ""
    target_mb: Decimal | None = None
    resolution: str = ""
    codec: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class VideoCompress(Finishing):
    """The service."""

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """A request a film. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, VideoCompressBrief, account, options, KIND)
        brief = VideoCompressBrief(**own)
        inputs = {"quality": _USUAL, **_preset(self.desk, brief), **_own(brief)}
        if brief.target_mb is not None and not brief.quality:
            del inputs["quality"]  # as good as it gets in so many bytes
        return pieces_of(caller, KIND, inputs, images, "video")


def _preset(desk: ServiceDesk, brief: VideoCompressBrief) -> dict[str, Scalar]:
    return desk.presets.get(VideoCompression, brief.preset, "preset").inputs() if brief.preset else {}


def _own(brief: VideoCompressBrief) -> dict[str, Scalar]:
    lines = lines_of(brief.resolution) if brief.resolution else None
    if brief.resolution and not lines:
        told = f"{shortened(brief.resolution)} is none"
        raise InvalidInput("resolution", told, hint="such as 480p, 720p, 1080p or 4k")
    target = None if brief.target_mb is None else brief.target_mb * _MEGA
    if target is not None and target < 1:
        raise InvalidInput("target_mb", f"{plain(target)} bytes", hint="ask for more")
    return given_inputs(
        quality=brief.quality,
        most_lines=lines,
        target_bytes=None if target is None else int(target),
        codec=brief.codec,
        output_format=brief.format,
    )
