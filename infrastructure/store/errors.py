"""What a driver raises, in our words: worth deciding again, or not, and what to do about it."""

from __future__ import annotations

from application.store import Conflict
from domain.errors import StoreUnavailable

RETRIED_STATES = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock time-out."""

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


def in_our_words(error: BaseException | None, *, integrity: bool, lost: bool) -> Conflict | StoreUnavailable:
    """A driver's error; `lost` is the connection, and with it the transaction, whose end is then unknown."""
    message = _first_line(error)
    if integrity or lost or getattr(error, "pgcode", None) in RETRIED_STATES:
        return Conflict(message)
    hint = next((hint for sign, hint in HINTS.items() if sign in message.lower()), "is the database running?")
    return StoreUnavailable(f"the database does not do its work: {message}", hint=hint)


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
