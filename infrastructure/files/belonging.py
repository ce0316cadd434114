"""Files belong to one ledger: a marker beside them says to which, and how far its log was when it was last seen.

    opening for writing ─ no marker ─┬─ no file, or none that the log does not know ── marked
                                     └─ files of somebody else, or leftovers ───────── refused
                          a marker ──┬─ another ledger's ───────────────────────────── refused
                                     ├─ ours, and the log goes on from there ───────── moved on
                                     ├─ ours, and the files were moved elsewhere ───── refused, naming where
                                     └─ ours, and the log ends before, or differs ──── refused: facts were lost

The marker is moved on when a studio is opened and closed, and now and then in between: never for an operation. It
therefore may be behind the log, and is never ahead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from application.ledger.reader import LogFilter, LogReader
from domain.advice import Advice
from domain.counts import counted
from domain.errors import FactsLost, FilesMoved, ForeignFiles, StoreError
from infrastructure.files.naming import digest_in
from infrastructure.files.place import FilePlace

MARKER: Final = "ledger.json"

# Another way than to adopt the files.
OTHERS: Final = "name the right database, or another folder with IMAGESTUDIO_HOME; to give them to this ledger for good"
LEFTOVERS: Final = (
    "give each ledger an IMAGESTUDIO_HOME of its own; if no other ledger keeps files there, they are leftovers of this"
    " one"
)
INCOMPLETE: Final = (
    "open the complete database: a copied SQLite file needs its -wal beside it, and a backup lacks what came after it;"
    " to go on without what is missing"
)
DAMAGED: Final = "restore it from a backup; if the files are this ledger's"


@dataclass(frozen=True, slots=True)
class Marker:
    """Whose the files are, and the position and hash of the newest fact that its log had then; 0 and "" is none.

    `moved` says where the files are instead, `before` where they came from; empty if they were always here.
    """

    ledger: str
    position: int
    hash: str
    moved: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Belonging:
    """The files in a place and the ledger `id` that would use them.

    `known` says, by folder, which digests the ledger needs; it reads the whole log, and is asked only if there are
    files without a marker.
    """

    place: FilePlace
    id: str
    reader: LogReader
    known: Callable[[], Mapping[str, Collection[str]]]

    def at(self, place: FilePlace) -> Belonging:
        """The same ledger with another place."""
        return replace(self, place=place)

    def claim(self) -> None:
        """Take the files for this ledger. Raises ForeignFiles, FilesMoved, FactsLost, StoreUnavailable."""
        with self.place.turns():
            marker = self._checked()
            if marker is None and not self.place.create(MARKER, _encoded(self._now())):
                marker = self._checked()  # somebody else was faster
            if marker is not None:
                self._move_on(marker)

    def reserve(self, elsewhere: str) -> None:
        """Take a place that nobody may use yet: the files are `elsewhere`. Raises ForeignFiles, StoreUnavailable."""
        with self.place.turns():
            marker = read_marker(self.place)
            if marker is None:
                self._refuse_unknown()
                if self.place.create(MARKER, _encoded(replace(self._now(), moved=elsewhere))):
                    return
                marker = read_marker(self.place)
            if marker is not None and marker.ledger != self.id:
                raise others_files(self.place, marker.ledger, self.id)
            self.mark(moved=elsewhere)

    def trouble(self) -> StoreError | None:
        """Why this ledger may not use these files as both are now. Raises StoreUnavailable."""
        try:
            self._checked()
        except (ForeignFiles, FactsLost) as error:
            return error
        return None

    def move_on(self) -> None:
        """Note how far the log is by now. Raises StoreError, FilesMoved if the files are elsewhere now."""
        marker = read_marker(self.place)
        if marker is None:
            return
        if marker.moved and marker.ledger == self.id:
            raise moved(self.place, marker)
        with self.place.turns():
            self._move_on(read_marker(self.place))

    def adopt(self) -> None:
        """Take the files for this ledger, whatever speaks against it. Raises StoreUnavailable."""
        with self.place.turns():
            self.mark()

    def mark(self, *, moved: str = "", before: str = "") -> None:
        """Write the marker anew, as it is now. Raises StoreUnavailable."""
        marker = replace(self._now(), moved=moved, before=before)
        self.place.put(MARKER, iter((_encoded(marker),)))

    def _checked(self) -> Marker | None:
        """The marker, if there is one. Raises what speaks against using the files."""
        marker = read_marker(self.place)
        if marker is None:
            self._refuse_unknown()
            return None
        if marker.ledger != self.id:
            raise others_files(self.place, marker.ledger, self.id)
        if marker.moved:
            raise moved(self.place, marker)
        facts = lost(self.place, marker, self.reader)
        if facts is not None:
            raise facts
        return marker

    def _refuse_unknown(self) -> None:
        files = [found.name for found in self.place.files() if found.is_whole]
        known = self.known() if files else {}
        unknown = [name for name in files if digest_in(name) not in known.get(name.partition("/")[0], ())]
        if unknown:
            found = counted(len(unknown), "file")
            raise ForeignFiles(
                f"{self.place.where} has no marker, and {found} of {len(files):,} not known to this ledger,"
                f" such as {unknown[0]}",
                hint=Advice("files.adopt", otherwise=LEFTOVERS),
            )

    def _move_on(self, marker: Marker | None) -> None:
        now = self._now()
        if marker is not None and marker.ledger == self.id and marker.position < now.position:
            self.mark(moved=marker.moved, before=marker.before)

    def _now(self) -> Marker:
        end = self.reader.end()
        return Marker(self.id, end, hash_at(self.reader, end))


def refuse_occupied(place: FilePlace) -> None:
    """A ledger that is only just made has no files. Raises ForeignFiles if the place has some, or is marked."""
    if read_marker(place) is not None or any(found.is_whole for found in place.files()):
        raise ForeignFiles(
            f"{place.where} has files of a ledger, and a new one would be made beside them",
            hint="name that ledger's database, or another folder with IMAGESTUDIO_HOME; if the ledger is gone for"
            " good, move the folder away",
        )


def others_files(place: FilePlace, owner: str, ledger: str | None) -> ForeignFiles:
    """The error that the files are `owner`'s, which is not this ledger."""
    return ForeignFiles(
        f"the files in {place.where} belong to the ledger {owner}, and this is {ledger or 'one that has no id yet'}",
        hint=Advice("files.adopt", otherwise=OTHERS),
    )


def moved(place: FilePlace, marker: Marker) -> FilesMoved:
    """The error that the files are somewhere else by now, or still."""
    return FilesMoved(
        f"the files of this ledger are in {marker.moved}, and not in {place.where}",
        hint=f"set IMAGESTUDIO_ASSETS to {marker.moved}",
    )


def lost(place: FilePlace, marker: Marker, reader: LogReader) -> FactsLost | None:
    """The error that the log does not have what it had when the marker was last moved on."""
    if marker.position == 0 or hash_at(reader, marker.position) == marker.hash:
        return None
    end = reader.end()
    what = f"ends at {end}" if end < marker.position else "has another fact there"
    return FactsLost(
        f"facts were lost: the log was at position {marker.position} when it last used the files in {place.where},"
        f" and now {what}",
        hint=Advice("files.adopt", otherwise=INCOMPLETE),
    )


def hash_at(reader: LogReader, position: int) -> str:
    """The hash of the fact at a position; empty if there is none."""
    found = reader.read(position - 1, 1, LogFilter(upto=position))
    return found[0].link.hash.hex() if found else ""


def read_marker(place: FilePlace) -> Marker | None:
    """The marker that says whose the files are. Raises ForeignFiles if it cannot be understood, StoreUnavailable."""
    try:
        text = b"".join(place.read(MARKER))
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(text, type=Marker)
    except msgspec.DecodeError as error:
        raise ForeignFiles(
            f"{place.where}/{MARKER} is damaged, so it does not say whose the files beside it are",
            hint=Advice("files.adopt", otherwise=DAMAGED),
        ) from error


def _encoded(marker: Marker) -> bytes:
    return msgspec.json.encode(marker)
