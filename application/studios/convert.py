"""Convert: pictures in another format, colour space or depth; many at once, and advice on which format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Progress, Scalar, silent
from application.studios.desk import ServiceDesk, sorted_out
from application.studios.finishing import AdvisedSet, FinishedSet, Piece, advise_all, finish, name_of_file, pieces_of
from domain.errors import InvalidInput

KIND: Final = "image-convert"
OTHER_WORDS: Final = {"jpg": "jpeg", "tif": "tiff", "heif": "heic"}


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
class Convert:
    """The service."""

    BRIEF: ClassVar[type[Any]] = ConvertBrief
    desk: ServiceDesk

    async def __call__(self, *images: File, account: str, progress: Progress = silent, **options: Any) -> FinishedSet:
        """Do it. Options: those of `ConvertBrief` and `Caller`, and inputs of the model. Raises as `run` does."""
        return await finish(self.desk, self.draft(images, account, options), progress)

    async def estimate(self, *images: File, account: str, **options: Any) -> AdvisedSet:
        """The estimate of all of it; nothing is recorded. Options as when it is done."""
        return await advise_all(self.desk, self.draft(images, account, options))

    def advice(self, source: str) -> Conversion:
        """The advice for a format, or for a file by its name. Raises InvalidInput that names the nearest."""
        word = Path(source).suffix.removeprefix(".").lower() or source.lower()
        return self.desk.presets.get(Conversion, OTHER_WORDS.get(word, word), "format")

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """A request a file; without a format, each in the one that is advised for it. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, ConvertBrief, account, options, KIND)
        brief = ConvertBrief(**own)
        inputs = _inputs(brief)
        if brief.format:
            wanted = OTHER_WORDS.get(brief.format.lower(), brief.format)
            return pieces_of(caller, KIND, {**inputs, "output_format": wanted}, images)
        drafted = []
        for place, piece in enumerate(pieces_of(caller, KIND, inputs, images)):
            advised = self._advised(images[place], place + 1)
            asked = caller.request(
                KIND, {**inputs, "output_format": advised.to[0]}, piece.request.media, key=piece.request.key
            )
            drafted.append(
                Piece(asked, piece.names, piece.source, (f"{advised.id} to {advised.to[0]}: {advised.why}",))
            )
        return drafted

    def _advised(self, image: File, place: int) -> Conversion:
        if isinstance(image, bytes):
            raise InvalidInput("format", "is missing", hint="name it; only a file's name tells what it is now")
        return self.advice(name_of_file(image, place))


def _inputs(brief: ConvertBrief) -> dict[str, Scalar]:
    said: dict[str, Scalar | None] = {
        "color_space": brief.color_space or None,
        "background": brief.background or None,
        "quality": brief.quality,
        "lossless": brief.lossless or None,
        "depth": brief.depth or None,
        "metadata": brief.metadata or None,
        "progressive": None if brief.progressive else False,
    }
    return {name: value for name, value in said.items() if value is not None}
