"""A whole copy of a SQLite ledger, taken while others go on writing, with what stands in the log beside it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL

from domain.errors import InvalidInput, StoreUnavailable
from infrastructure.files.alone import alone
from infrastructure.files.saving import flush_folder
from infrastructure.store.urls import SQLITE, sqlite_reading


def back_up(url: URL, file: Path) -> int:
    """Copy the database into a new file, which appears whole or not at all; its bytes.

    Raises InvalidInput if it is no SQLite database or the file is there already, StoreUnavailable.
    """
    if url.get_backend_name() != SQLITE:
        raise InvalidInput("db", "is no SQLite database", hint="copy a PostgreSQL database with pg_dump")
    temporary = file.with_name(f".{file.name}.part")
    hint = "is there space, and may you write there? Is the database whole?"
    try:
        with alone(file, "FILE"):
            if file.exists():
                raise InvalidInput("FILE", f"{file} is there already", hint="name a new file; nothing is overwritten")
            return _copied(url, file, temporary)
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"the database could not be copied to {file}: {error}", hint=hint) from error


def _copied(url: URL, file: Path, temporary: Path) -> int:
    try:
        with (
            closing(sqlite3.connect(sqlite_reading(url), uri=True)) as source,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.rename(file)
        flush_folder(file.absolute().parent)
    finally:
        temporary.unlink(missing_ok=True)
    return file.stat().st_size
