"""Files belong to one ledger: a marker beside them says to which, and how far its log was when it was last seen.

    opening for writing ─ no marker ─┬─ no file, or none that the log does not know ── marked
                                     └─ files of somebody else, or leftovers ───────── refused
                          a marker ──┬─ another ledger's ───────────────────────────── refused
                                     ├─ ours, and the log goes on from there ───────── moved on
                                     └─ ours, and the log ends before, or differs ──── refused: facts were lost

The marker is moved on when a studio is opened and closed, and now and then in between: never for an operation. It
therefore may be behind the log, and is never ahead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from application.ledger.reader import LogFilter, LogReader
from domain.advice import Advice
from domain.errors import FactsLost, ForeignFiles, StoreError
from infrastructure.saving import Temporary, flush_folder, reported, taking_turns

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
    """Whose the files are, and the position and hash of the newest fact that its log had then; 0 and "" is none."""

    ledger: str
    position: int
    hash: str


@dataclass(frozen=True, slots=True)
class Belonging:
    """The files under `root` and the ledger `id` that would use them.

    `known` says, by folder, which digests the ledger needs; it reads the whole log, and is asked only if there are
    files without a marker.
    """

    root: Path
    id: str
    reader: LogReader
    known: Callable[[], Mapping[str, Collection[str]]]

    def claim(self) -> None:
        """Take the files for this ledger. Raises ForeignFiles, FactsLost, StoreUnavailable."""
        with locked(self.root):
            trouble = self.trouble()
            if trouble is not None:
                raise trouble
            self._move_on(read_marker(self.root))

    def trouble(self) -> StoreError | None:
        """Why this ledger may not use these files as both are now. Raises StoreUnavailable."""
        try:
            marker = read_marker(self.root)
        except ForeignFiles as error:
            return error
        if marker is None:
            return self._unknown_files()
        if marker.ledger != self.id:
            return others_files(self.root, marker.ledger, self.id)
        return lost(self.root, marker, self.reader)

    def move_on(self) -> None:
        """Note how far the log is by now. Raises StoreError."""
        if read_marker(self.root) is not None:
            with locked(self.root):
                self._move_on(read_marker(self.root))

    def adopt(self) -> None:
        """Take the files for this ledger, whatever speaks against it. Raises StoreUnavailable."""
        with locked(self.root):
            self._write(self._now())

    def _unknown_files(self) -> ForeignFiles | None:
        files = files_in(self.root)
        known = self.known() if files else {}
        unknown = [file for file in files if file.stem not in known.get(file.parent.parent.name, ())]
        if not unknown:
            return None
        return ForeignFiles(
            f"{self.root} has no marker, and {len(unknown)} of its {len(files)} files are not known to this ledger,"
            f" such as {unknown[0].relative_to(self.root)}",
            hint=Advice("files.adopt", otherwise=LEFTOVERS),
        )

    def _move_on(self, marker: Marker | None) -> None:
        now = self._now()
        if marker is None or (marker.ledger == self.id and marker.position < now.position):
            self._write(now)

    def _now(self) -> Marker:
        end = self.reader.end()
        return Marker(self.id, end, hash_at(self.reader, end))

    def _write(self, marker: Marker) -> None:
        """It is there whole or not at all, also after a power cut."""
        with closing(Temporary(self.root)) as temporary:
            temporary.write(msgspec.json.encode(marker))
            temporary.flush()
            temporary.move(self.root / MARKER)
        flush_folder(self.root)


def refuse_occupied(root: Path) -> None:
    """A ledger that is only just made has no files. Raises ForeignFiles if the folder has some, or is marked."""
    if files_in(root) or read_marker(root) is not None:
        raise ForeignFiles(
            f"{root} has files of a ledger, and a new one would be made beside them",
            hint="name that ledger's database, or another folder with IMAGESTUDIO_HOME; if the ledger is gone for"
            " good, move the folder away",
        )


def others_files(root: Path, owner: str, ledger: str | None) -> ForeignFiles:
    """The error that the files are `owner`'s, which is not this ledger."""
    return ForeignFiles(
        f"the files in {root} belong to the ledger {owner}, and this is {ledger or 'one that has no id yet'}",
        hint=Advice("files.adopt", otherwise=OTHERS),
    )


def lost(root: Path, marker: Marker, reader: LogReader) -> FactsLost | None:
    """The error that the log does not have what it had when the marker was last moved on."""
    if marker.position == 0 or hash_at(reader, marker.position) == marker.hash:
        return None
    end = reader.end()
    what = f"ends at {end}" if end < marker.position else "has another fact there"
    return FactsLost(
        f"facts were lost: the log was at position {marker.position} when it last used the files in {root},"
        f" and now {what}",
        hint=Advice("files.adopt", otherwise=INCOMPLETE),
    )


def hash_at(reader: LogReader, position: int) -> str:
    """The hash of the fact at a position; empty if there is none."""
    found = reader.read(position - 1, 1, LogFilter(upto=position))
    return found[0].link.hash.hex() if found else ""


def read_marker(root: Path) -> Marker | None:
    """The marker that says whose the folder is. Raises ForeignFiles if it cannot be understood, StoreUnavailable."""
    with reported():
        try:
            text = (root / MARKER).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
    try:
        return msgspec.json.decode(text, type=Marker)
    except msgspec.DecodeError as error:
        raise ForeignFiles(
            f"{root / MARKER} is damaged, so it does not say whose the files beside it are",
            hint=Advice("files.adopt", otherwise=DAMAGED),
        ) from error


def files_in(root: Path) -> list[Path]:
    """All files that were ever whole."""
    with reported():
        return sorted(file for file in root.glob("*/*/*") if file.is_file() and not file.name.startswith("."))


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Take turns with all who change the marker; the folder is made. Raises StoreUnavailable."""
    with reported():
        root.mkdir(parents=True, exist_ok=True)
        with taking_turns(root):
            yield
