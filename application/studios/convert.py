"""Convert: pictures in another format, colour space or depth; many at once, and advice on which format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import sorted_out
from application.studios.finishing import Finishing, Piece, given_inputs, name_of_file, pieces_of, type_named
from domain.errors import InvalidInput

KIND: Final = "image-convert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The formats that a picture of one format, its `id`, is best converted to, the best first, and the reason."""

    WORD: ClassVar[str] = "conversion"
    id: str
    to: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertBrief:
    """The format; the colour space srgb, display-p3 or adobe-rgb; the colour under what is transparent.

    `depth` is "8" for a picture of 16 bits a channel that may lose the rest.
    """

    format: str = ""
    color_space: str = ""
    background: str = ""
    quality: int | None = None
    lossless: bool = False
    depth: str = ""
    metadata: str = ""
    progressive: bool = True


@dataclass(frozen=True, slots=True)
class Convert(Finishing):
    """The service."""

    def advice(self, source: str) -> Conversion:
        """The advice for a format, or for a file by its name. Raises InvalidInput that names the nearest."""
        word = Path(source).suffix.removeprefix(".").lower() or source.lower()
        return self.desk.presets.get(Conversion, type_named(word), "format")

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """A request a file; without a format, each in the one that is advised for it. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, ConvertBrief, account, options, KIND)
        brief = ConvertBrief(**own)
        inputs = _inputs(brief)
        if brief.format:
            return pieces_of(caller, KIND, {**inputs, "output_format": type_named(brief.format)}, images)
        drafted = []
        for place, piece in enumerate(pieces_of(caller, KIND, inputs, images)):
            advised = self._advised(images[place], place + 1)
            asked = replace(piece.request, inputs={**piece.request.inputs, "output_format": advised.to[0]})
            note = f"{advised.id} to {advised.to[0]}: {advised.why}"
            drafted.append(replace(piece, request=asked, notes=(note,)))
        return drafted

    def _advised(self, image: File, place: int) -> Conversion:
        if isinstance(image, bytes):
            raise InvalidInput("format", "is missing", hint="name it; only a file's name tells what it is now")
        return self.advice(name_of_file(image, place))


def _inputs(brief: ConvertBrief) -> dict[str, Scalar]:
    return given_inputs(
        color_space=brief.color_space,
        background=brief.background,
        quality=brief.quality,
        lossless=brief.lossless or None,
        depth=brief.depth,
        metadata=brief.metadata,
        progressive=None if brief.progressive else False,
    )
