"""Pictures and films that are finished on this machine, one or many: each a file with its bytes before and after.

files ── a service drafts ──> Pieces ─┬─ estimate ─> AdvisedSet: every estimate, and what all of it comes to
                                      └─ finish ───> FinishedSet: every result, and what was in the way of the rest
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from application.asking.requests import Estimate, File, OperationResult, Output, Request, Result
from application.ports import Progress, Scalar, silent
from application.studios.advising import recommended
from application.studios.desk import Advised, Caller, ServiceDesk
from domain.errors import ImageStudioError, InvalidInput
from domain.money import Money
from domain.value import value

AT_ONCE: Final = 4
"""Files that are in memory together."""
MOST_FILES: Final = 1_000
NOTHING: Final[Mapping[str, Sequence[File]]] = MappingProxyType({})
OTHER_WORDS: Final = {"jpg": "jpeg", "tif": "tiff", "heif": "heic"}


@value
class Piece:
    """A request, with a name for each of its operations, and the file that all of them are made of."""

    request: Request
    names: tuple[str, ...]
    source: File
    notes: tuple[str, ...] = ()


@value
class FinishedFile:
    """One file, or the error that was in its way; `before` and `after` are bytes, None if they are not known."""

    name: str
    operation: OperationResult | None
    before: int | None
    error: ImageStudioError | None = None

    @property
    def after(self) -> int | None:
        return self.operation.outputs[0].asset.size if self.operation and self.operation.outputs else None

    @property
    def lasted(self) -> int | None:
        """Milliseconds of the film that it is made of; None if there is none, or it is not known."""
        given = self.operation.given if self.operation else ()
        return next((one.duration_ms for one in given if one.duration_ms is not None), None)

    @property
    def lasts(self) -> int | None:
        """Milliseconds of what was made, if it moves."""
        return self.operation.outputs[0].asset.duration_ms if self.operation and self.operation.outputs else None


@value
class FinishedSet:
    """Every file in its order, the results that they come from, and notes on what was made of the brief."""

    files: tuple[FinishedFile, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Every file that there is."""
        return tuple(output for one in self.results for output in one.assets)

    @property
    def price(self) -> Money | None:
        """The price of all, None if nothing was done."""
        prices = [one.price for one in self.results]
        return sum(prices[1:], prices[0]) if prices else None


@dataclass(frozen=True, slots=True)
class AdvisedSet:
    """Every estimate; `price` is of all together, None if some part of it is not known."""

    parts: tuple[Advised, ...]
    notes: tuple[str, ...] = ()

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """All of them."""
        return tuple(found for part in self.parts for found in part.estimates)

    made = estimates

    @property
    def price(self) -> Money | None:
        prices = [one.price for one in self.parts if one.price is not None]
        return sum(prices[1:], prices[0]) if len(prices) == len(self.parts) else None


@dataclass(frozen=True, slots=True)
class Finishing(ABC):
    """A service that finishes pictures, one or many: each of its kind drafts a request for every file."""

    desk: ServiceDesk

    @abstractmethod
    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """The requests. Raises InvalidInput."""

    async def __call__(self, *images: File, account: str, progress: Progress = silent, **options: Any) -> FinishedSet:
        """Do it. Options: those of its brief and of `Caller`, and inputs of the model. Raises as `run` does."""
        return await finish(self.desk, self.draft(images, account, options), progress)

    async def estimate(self, *images: File, account: str, **options: Any) -> AdvisedSet:
        """The estimate of all of it; nothing is recorded. Options as when it is done."""
        return await advise_all(self.desk, self.draft(images, account, options))


def given_inputs(**inputs: Scalar | None) -> dict[str, Scalar]:
    """The inputs that have a value: what is empty is left to the model."""
    return {name: value for name, value in inputs.items() if value not in (None, "")}


def type_named(word: str) -> str:
    """The catalogue's word for a type of pictures, by that word or the end of a file's name."""
    return OTHER_WORDS.get(word.lower(), word)


def pieces_of(
    caller: Caller,
    kind: str,
    inputs: Mapping[str, Any],
    files: Sequence[File],
    field: str = "image",
    beside: Mapping[str, Sequence[File]] = NOTHING,
) -> list[Piece]:
    """The same inputs for each of several files, each a request of its own, of which it is the `field`, and others
    `beside` it. Raises InvalidInput."""
    if not files:
        raise InvalidInput(field, "is missing", hint="give one file or more")
    if len(files) > MOST_FILES:
        raise InvalidInput(field, f"{len(files)} files", hint=f"give at most {MOST_FILES} at once")
    pieces = []
    for place, file in enumerate(files, 1):
        key = f"{caller.key}/{place}" if caller.key and len(files) > 1 else caller.key
        request = caller.request(kind, inputs, {field: [file], **beside}, key=key)
        pieces.append(Piece(request, (name_of_file(file, place),), file))
    return pieces


def name_of_file(file: File, place: int = 1) -> str:
    """A name for people: that of the file, or which one it was."""
    if isinstance(file, Path):
        return file.name
    if isinstance(file, str):
        return Path(urlsplit(file).path).name or file
    return f"file {place}"


async def finish(desk: ServiceDesk, pieces: Sequence[Piece], progress: Progress) -> FinishedSet:
    """Do all of it. One alone raises as `run` does; of several, those that fail are told beside those that do not."""
    notes = tuple(dict.fromkeys(note for piece in pieces for note in piece.notes))
    if len(pieces) == 1:
        result = await desk.operations.run(pieces[0].request, progress)
        return FinishedSet(await _files(pieces[0], result), (result,), (*notes, *_left_out((result,))))
    turns, done = asyncio.Semaphore(AT_ONCE), 0

    async def one(piece: Piece) -> Result | ImageStudioError:
        nonlocal done
        async with turns:
            try:
                return await desk.operations.run(piece.request)
            except ImageStudioError as error:
                return error
            finally:
                done += 1
                progress(done / len(pieces), piece.names[0])

    ends = await asyncio.gather(*map(one, pieces))
    files = [file for piece, end in zip(pieces, ends, strict=True) for file in await _files(piece, end)]
    results = tuple(end for end in ends if isinstance(end, Result))
    return FinishedSet(tuple(files), results, (*notes, *_left_out(results)))


def _left_out(results: Sequence[Result]) -> tuple[str, ...]:
    """The parts of a film that what was made of it does not have, such as its subtitles."""
    told = dict.fromkeys(one.metadata.get("left out", "") for one in results)
    return tuple(f"left out: {what}" for what in told if what)


async def advise_all(desk: ServiceDesk, pieces: Sequence[Piece]) -> AdvisedSet:
    """The estimate of all of it; nothing is recorded. Raises as `estimate` does."""
    parts = []
    for piece in pieces:
        found = await desk.operations.estimate(piece.request)
        parts.append(Advised(found, recommended(found, desk.catalogue, piece.request.model), piece.notes))
    return AdvisedSet(tuple(parts), tuple(dict.fromkeys(note for piece in pieces for note in piece.notes)))


async def _files(piece: Piece, end: Result | ImageStudioError) -> tuple[FinishedFile, ...]:
    before = await asyncio.to_thread(_size, piece.source)
    if isinstance(end, ImageStudioError):
        return tuple(FinishedFile(name, None, before, end) for name in piece.names)
    return tuple(
        FinishedFile(name, operation, before) for name, operation in zip(piece.names, end.operations, strict=True)
    )


def _size(file: File) -> int | None:
    """Bytes; None for an address, and for a file that is gone by now."""
    if isinstance(file, bytes):
        return len(file)
    try:
        return file.stat().st_size if isinstance(file, Path) else None
    except OSError:
        return None
