"""The file outside the database in which signed seals are kept, a line each: it only grows.

A ledger whose log ends before its newest kept seal lost facts, as a restored backup did: it is not opened for writing.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.errors import FactsLost, ForeignFiles, InvalidInput, StoreUnavailable
from infrastructure.settings import Settings
from infrastructure.store.database import Database
from infrastructure.store.identity import ledger_id
from infrastructure.store.reader import SqlReader

if TYPE_CHECKING:
    from application.keeping.seals import SignedSeal

KEYS_FILE: Final = "seal-keys"
"""The file beside the ledger with the keys that sign, unless a setting has them."""
TAIL: Final = 4096
"""Bytes in which the last line stands."""
OTHERS: Final = "restore what came after the backup; to go on without it, keep the file elsewhere and begin another one"


@dataclass(frozen=True, slots=True)
class SealFile:
    """Signed seals in a file, the newest last."""

    path: Path

    def append(self, signed: SignedSeal) -> None:
        """Put one more at the end, durably. Raises StoreUnavailable."""
        from infrastructure.showing.seals import signed_document

        line = json.dumps(signed_document(signed), separators=(",", ":")) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="ascii") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreUnavailable(f"a seal cannot be kept in {self.path}: {error}") from error

    def all(self) -> list[SignedSeal]:
        """All of them; none if there is no file. Raises InvalidInput, StoreUnavailable."""
        from infrastructure.showing.seals import read_lines

        return read_lines(self._text(0), str(self.path))

    def newest(self) -> SignedSeal | None:
        """The last one. Raises InvalidInput, StoreUnavailable."""
        from infrastructure.showing.seals import read_lines

        lines = self._text(-TAIL).splitlines()
        return read_lines(lines[-1], str(self.path))[0] if lines else None

    def _text(self, start: int) -> str:
        try:
            with self.path.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() + start) if start else 0)
                return file.read().decode("ascii")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeError) as error:
            raise StoreUnavailable(f"the seals in {self.path} cannot be read: {error}") from error


def kept_seals(settings: Settings) -> list[SignedSeal]:
    """Those of the settings' file, the newest last; none if none is named. Raises InvalidInput, StoreUnavailable."""
    return [] if settings.seal_file is None else SealFile(settings.seal_file).all()


def check_sealed(settings: Settings, database: Database) -> None:
    """Hold the log's end against the newest seal that is kept. Raises FactsLost, ForeignFiles, StoreUnavailable."""
    if settings.seal_file is None:
        return
    try:
        newest = SealFile(settings.seal_file).newest()
    except InvalidInput as error:
        raise StoreUnavailable(f"the last line of {settings.seal_file} is no seal: {error.message}") from error
    if newest is None:
        return
    ledger = ledger_id(database)
    if newest.ledger != ledger:
        told = f"{settings.seal_file} has seals of ledger {newest.ledger}, and this is {ledger or 'a new one'}"
        raise ForeignFiles(told, hint="name the right database, or another file with IMAGESTUDIO_SEAL_FILE")
    end = SqlReader(database).end()
    if end < newest.seal.position:
        told = f"facts were lost: the log was sealed up to position {newest.seal.position}, and now ends at {end}"
        raise FactsLost(told, hint=OTHERS)
