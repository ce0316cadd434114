"""Moves a ledger's files to another place, while it is used; stopped at any moment, it goes on when it is run again.

    the new place is reserved ── what the ledger needs is copied ── the old place says where its files are now
                                                                      └─ copied once more ── the new place is open

Nothing is deleted. Whoever opens the ledger with the old place is refused from then on, and told the new one. A process
that has it open goes on writing to the old place, and warns; once it has ended, another run brings what it wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import Final

from domain.errors import AssetDamaged, InvalidInput
from infrastructure.files.belonging import Belonging, read_marker
from infrastructure.files.naming import digest_in, home_of, is_thumbnail
from infrastructure.files.place import FilePlace, KeptFile
from infrastructure.files.verifying import verified_pieces
from infrastructure.files.where import place_of
from infrastructure.opening import open_files
from infrastructure.settings import Settings

AT_ONCE: Final = 8
PAGE: Final = 64

Told = Callable[[int, int], None]
"""Called with how many files are there by now, of how many."""


class MoveEnd(Enum):
    """The end of one file's way."""

    COPIED = auto()
    PRESENT = auto()
    """It was there already."""
    DAMAGED = auto()
    """It is not what was written: it is left where it is, since nobody would be given it anyway."""
    GONE = auto()
    """It was erased meanwhile."""


@dataclass(frozen=True, slots=True)
class MovedFiles:
    """Files by how they ended, and the bytes of those that were copied. `missing` ones are in neither place."""

    source: str
    target: str
    copied: int
    size: int
    present: int
    damaged: int
    missing: int


@dataclass(frozen=True, slots=True)
class FileMove:
    """A ledger's files on their way to another place; blocking."""

    source: Belonging
    target: Belonging
    told: Told

    def run(self) -> MovedFiles:
        """Copy, and switch; at any error nothing is lost, and another run goes on.

        Raises ForeignFiles if the new place is another ledger's, FilesMoved, FactsLost, StoreUnavailable.
        """
        self._reserve()
        first, size, missing = self._copy()
        if not self._has_switched():
            self.source.mark(moved=self.target.place.where)
            late, more, missing = self._copy()
            first, size = first + Counter({MoveEnd.COPIED: late[MoveEnd.COPIED]}), size + more
        self.target.mark(before=self.source.place.where)
        ends = (first[MoveEnd.COPIED], size, first[MoveEnd.PRESENT], first[MoveEnd.DAMAGED])
        return MovedFiles(self.source.place.where, self.target.place.where, *ends, missing)

    def _reserve(self) -> None:
        """See that nobody uses the new place before it is complete."""
        if not self._has_switched():
            self.source.claim()
            self.target.reserve(self.source.place.where)

    def _has_switched(self) -> bool:
        marker = read_marker(self.source.place)
        return marker is not None and marker.ledger == self.source.id and marker.moved == self.target.place.where

    def _copy(self) -> tuple[Counter[MoveEnd], int, int]:
        """Copy what is needed and not there: how each ended, the bytes, and how many are nowhere."""
        there = {found.name: found.size for found in self.target.place.files()}
        needed = self.source.known()
        total = sum(map(len, needed.values()))
        ends, size, found = Counter[MoveEnd](), 0, 0
        wanted = (one for one in self.source.place.files() if one.is_whole and _is_needed(one.name, needed))
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mover") as pool:
            while page := list(islice(wanted, PAGE)):
                for one, end in zip(page, pool.map(lambda one: self._bring(one, there), page), strict=True):
                    ends[end] += 1
                    size += one.size if end is MoveEnd.COPIED else 0
                found += len(page)
                self.told(min(found, total), total)
        here = Counter(name.partition("/")[0] for name in there if _is_needed(name, needed))
        return ends, size, max(0, total - max(found, here.total()))

    def _bring(self, one: KeptFile, there: Mapping[str, int]) -> MoveEnd:
        name = home_of(one.name)
        if there.get(name) == one.size:
            return MoveEnd.PRESENT
        try:
            self.target.place.put(name, verified_pieces(self.source.place.read(one.name), digest_in(name)))
        except AssetDamaged:
            return MoveEnd.DAMAGED
        except FileNotFoundError:
            return MoveEnd.GONE
        return MoveEnd.COPIED


def _is_needed(name: str, needed: Mapping[str, Collection[str]]) -> bool:
    """Thumbnails are not: they are drawn again in the new place."""
    return not is_thumbnail(name) and digest_in(name) in needed.get(name.partition("/")[0], ())


@contextmanager
def open_move(settings: Settings, to: str, told: Told) -> Iterator[FileMove]:
    """The settings' files on their way `to` a folder or an address; what came late, if that is already set.

    Raises InvalidInput if there is nowhere to move from, NoLedger, SchemaMismatch, StoreUnavailable.
    """
    with open_files(settings) as here:
        target = place_of(settings, to)
        source = here.place if here.place.where != target.where else _before(settings, target)
        yield FileMove(here.at(source), here.at(target), told)


def _before(settings: Settings, place: FilePlace) -> FilePlace:
    marker = read_marker(place)
    if marker is None or not (marker.before or marker.moved):
        raise InvalidInput("to", f"the files are in {place.where} already", hint="name another place")
    return place_of(settings, marker.moved or marker.before)
