"""Compress: pictures with fewer bytes, by a preset such as "web", a quality, or a number of bytes; many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import sorted_out
from application.studios.finishing import Finishing, Piece, given_inputs, pieces_of, type_named
from domain.errors import InvalidInput

KIND: Final = "image-compress"
_KILO: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """A use of a smaller picture: its format, its quality, and the most thousands of bytes (0: any number)."""

    WORD: ClassVar[str] = "compression"
    id: str
    name: str
    format: str
    quality: int
    most_kb: int = 0
    metadata: str = "strip"

    def inputs(self) -> dict[str, Scalar]:
        return given_inputs(output_format=self.format, quality=self.quality, metadata=self.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressBrief:
    """The preset, and what is said over it. `target_kb` are thousands of bytes, `metadata` is "strip" or "keep"."""

    preset: str = ""
    format: str = ""
    quality: int | None = None
    target_kb: int | None = None
    metadata: str = ""
    progressive: bool = True
    background: str = ""


@dataclass(frozen=True, slots=True)
class Compress(Finishing):
    """The service."""

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """A request a file. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, CompressBrief, account, options, KIND)
        brief = CompressBrief(**own)
        preset = self.desk.presets.get(Compression, brief.preset, "preset") if brief.preset else None
        return pieces_of(caller, KIND, _inputs(brief, preset), images)


def _inputs(brief: CompressBrief, preset: Compression | None) -> dict[str, Scalar]:
    most = brief.target_kb if brief.target_kb is not None else preset.most_kb if preset else 0
    if most < 0 or (brief.target_kb is not None and most < 1):
        raise InvalidInput("target_kb", f"{most} thousand bytes", hint="ask for 1 or more")
    own = given_inputs(
        output_format=type_named(brief.format),
        quality=brief.quality,
        target_bytes=most * _KILO or None,
        metadata=brief.metadata,
        progressive=None if brief.progressive else False,
        background=brief.background,
    )
    return {**(preset.inputs() if preset else {}), **own}
