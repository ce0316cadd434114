"""Compress: pictures with fewer bytes, by a preset such as "web", a quality, or a number of bytes; many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Progress, Scalar, silent
from application.studios.desk import ServiceDesk, sorted_out
from application.studios.finishing import AdvisedSet, FinishedSet, Piece, advise_all, finish, pieces_of
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
class Compress:
    """The service."""

    BRIEF: ClassVar[type[Any]] = CompressBrief
    desk: ServiceDesk

    async def __call__(self, *images: File, account: str, progress: Progress = silent, **options: Any) -> FinishedSet:
        """Do it. Options: those of `CompressBrief` and `Caller`, and inputs of the model. Raises as `run` does."""
        return await finish(self.desk, self.draft(images, account, options), progress)

    async def estimate(self, *images: File, account: str, **options: Any) -> AdvisedSet:
        """The estimate of all of it; nothing is recorded. Options as when it is done."""
        return await advise_all(self.desk, self.draft(images, account, options))

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
    said: dict[str, Scalar | None] = {
        "output_format": brief.format or (preset.format if preset else None),
        "quality": brief.quality if brief.quality is not None else (preset.quality if preset else None),
        "target_bytes": most * _KILO or None,
        "metadata": brief.metadata or (preset.metadata if preset else None),
        "progressive": None if brief.progressive else False,
        "background": brief.background or None,
    }
    found = {name: value for name, value in said.items() if value is not None}
    if found.get("output_format") == "jpg":
        found["output_format"] = "jpeg"
    return found
