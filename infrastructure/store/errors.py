"""What a driver raises, in our words: worth deciding again, not now or never, and what to do about it."""

from __future__ import annotations

import sqlite3

from application.store import Conflict
from domain.errors import StoreRefused, StoreUnavailable

RETRIED_STATES = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock time-out."""

LASTING_STATES = ("22", "54", "23502", "23514")
"""How the codes begin: data exceptions, limits of the program, a value that is missing or that a check refuses."""

CONSTRAINT_DATATYPE = 3091
"""SQLite's code for a value of another type than its strict column, which Python has no name for."""

LASTING_CODES = {
    *(sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, CONSTRAINT_DATATYPE),
    *(sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_CHECK),
}
"""The same on SQLite."""

UNSENDABLE = (ValueError, OverflowError)
"""What a driver raises of a value that it cannot even write down."""

HINTS = {
    "locked": "another process is writing; try again, or use PostgreSQL for many processes",
    "readonly": "make the file and its directory writable, or choose another with --db",
    "read-only": "connect to the primary, with a user that may write",
    "full": "free some space on the database's disk",
    "no space": "free some space on the database's disk",
    "no such table": "create the schema with: imagestudio db upgrade",
    "does not exist": "create the database, and its schema with: imagestudio db upgrade",
    "unable to open": "does the directory exist, and may you write there? Choose another file with --db",
    "not a database": "the file is no SQLite database; choose another with --db",
    "malformed": "restore the file from a backup",
}


def in_our_words(
    error: BaseException | None, *, integrity: bool, lost: bool
) -> Conflict | StoreUnavailable | StoreRefused:
    """A driver's error; `lost` is the connection, and with it the transaction, whose end is then unknown."""
    message = _first_line(error)
    if not lost and _is_lasting(error):
        hint = "nothing was recorded; what was begun stays open with its hold, for: imagestudio recover"
        return StoreRefused(f"the database will never take this: {message}", hint=hint)
    if integrity or lost or getattr(error, "pgcode", None) in RETRIED_STATES:
        return Conflict(message)
    hint = next((hint for sign, hint in HINTS.items() if sign in message.lower()), "is the database running?")
    return StoreUnavailable(f"the database does not do its work: {message}", hint=hint)


def _is_lasting(error: BaseException | None) -> bool:
    """Whether the same values would be refused for ever."""
    if isinstance(error, UNSENDABLE):
        return True
    state = getattr(error, "pgcode", None) or ""
    return state.startswith(LASTING_STATES) or getattr(error, "sqlite_errorcode", None) in LASTING_CODES


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
