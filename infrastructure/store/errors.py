"""A driver's errors, in our words: worth deciding again, not now or never, and what to do about it.

A server's errors are told apart by SQLSTATE; those of connecting have none, only their words.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Final

from application.ledger.transaction import Conflict, ServerChanged, TablesGone, TooSlow
from domain.advice import Advice, Hint
from domain.errors import StoreRefused, StoreUnavailable

RETRIED_STATES = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock time-out."""

LASTING_STATES = ("22", "54", "23502", "23514")
"""How the codes begin: data exceptions, limits of the program, a value that is missing or that a check refuses."""

GONE_STATES = ("08", "25", "26", "34", "40003", "53300", "57P", "58", "F0", "XX")
"""How the codes of what is wrong with a session or its server begin, and not with what was asked of it.

Lost connections; a server that may only be read, or a transaction in another state than ours; statements and cursors
that the session does not know; an unknown end; no room for sessions; shut down, crashed or starting; failures of its
system, its configuration and itself.
"""

CHANGED_STATE = "25006"
"""The server may only be read: it was the primary, and another is by now."""

SLOW_STATE = "57014"
"""A statement was stopped, by its time limit or by an operator."""

NO_TABLES = re.compile(r"42(?!501)|3F")
"""How the codes of a statement begin that fits no tables that are there; a missing permission may be granted yet."""

NO_SQLITE_TABLES = re.compile(
    r"no such (table|column)|has no column|values for \d+ columns|on conflict clause does not"
)
"""The same on SQLite, which has no codes for it, in lower case."""

FATAL = {"FATAL", "PANIC"}
"""The severities after which a session has ended, whatever the code."""

CONSTRAINT_DATATYPE = 3091
"""SQLite's code for a value of another type than its strict column, which Python has no name for."""

LASTING_CODES = {
    *(sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, CONSTRAINT_DATATYPE),
    *(sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_CHECK),
}
"""The same on SQLite."""

UNSENDABLE = (ValueError, OverflowError)
"""The errors that a driver raises of a value that it cannot even write down."""


def is_of_text(error: BaseException | None) -> bool:
    """Whether a value has what no driver writes down: half of a surrogate pair, or PostgreSQL's no character, NUL."""
    return isinstance(error, UnicodeEncodeError) or (isinstance(error, ValueError) and "NUL" in str(error))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a database does not do its work: how the codes begin, or else what the message looks like, in lower case."""

    states: tuple[str, ...]
    words: str
    says: str
    hint: Hint


REASONS = (
    # Connecting
    Reason(
        ("53300",),
        r"too many (clients|connections)|connection slots are reserved|no more connections|query_wait_timeout",
        "the server has no connection to spare",
        "end some, allow more, or put a pooler before it (docs/databases.md)",
    ),
    Reason(
        (),
        r"no encryption|ssl (is )?required|requires ssl",
        "the server takes encrypted connections only",
        "add sslmode=require to the database URL",
    ),
    Reason(
        (),
        r"does not support ssl",
        "the server does not encrypt its connections",
        "switch encryption on at the server, or change sslmode in the database URL",
    ),
    Reason(
        (),
        r"certificate|ssl error",
        "the encrypted connection cannot be trusted",
        "check sslmode, sslrootcert and the server's name in the database URL",
    ),
    Reason(
        (),
        r"no pg_hba.conf entry|pg_hba.conf rejects",
        "the server does not let this user in from here",
        "ask its administrator for an entry in pg_hba.conf",
    ),
    Reason(
        ("28",),
        r"authentication failed|no password supplied|no such user|permitted to log in|login failed|role .* not exist",
        "the database does not let this user in",
        "check the user and the password in the database URL",
    ),
    Reason(
        ("3D",),
        r"database \".*\" does not exist|no such database",
        "the server has no such database",
        Advice("database.create"),
    ),
    Reason(
        ("42501",),
        r"permission denied",
        "the database's user may not do this",
        "grant it what is missing, or connect as the owner of the tables",
    ),
    Reason(
        (),
        r"could not translate host name|name or service not known|no address associated",
        "no server has this name",
        "check the host in the database URL",
    ),
    Reason(
        (),
        r"unsupported startup parameter",
        "the pooler before the database does not know a setting of the URL",
        "take it out of the URL's options and set it for the role: ALTER ROLE … SET …",
    ),
    Reason(
        (),
        r"statement pooling mode",
        "the pooler before the database ends every transaction with its first statement",
        "let it pool by transaction or by session",
    ),
    Reason(
        ("57P03",),
        r"starting up|shutting down|recovery mode|not (yet )?accepting connections",
        "the server is starting or stopping",
        "try again shortly",
    ),
    Reason(
        (),
        r"session is (not )?read-only|hot standby mode",
        "none of the servers in the database URL may be written",
        "name the primary, or wait until there is one",
    ),
    Reason((), r"no answer within", "the database stood still", "try again"),
    Reason(
        (),
        r"connection refused|no such file or directory",
        "nobody answers at the database's address",
        "is the database running, and is its address right?",
    ),
    Reason(
        (),
        r"timeout expired|timed out|no route to host|unreachable",
        "the server does not answer",
        "check its address, and what stands between it and here",
    ),
    Reason(
        (),
        r"invalid (dsn|connection option|port|integer value|sslmode|\w+ value)",
        "the database URL has a setting that cannot be read",
        "correct it; settings stand behind the question mark",
    ),
    # Working
    Reason(
        ("25006",),
        r"read-only",
        "this server may only be read",
        "connect to the primary, with a user that may write",
    ),
    Reason(
        ("53100",), r"no space|disk is full", "the database's disk is full", "free some space on the database's disk"
    ),
    Reason(("53200",), r"out of memory", "the database is out of memory", "give it more memory, or fewer sessions"),
    Reason(
        ("57014",),
        r"statement timeout",
        "the server stopped a statement that took too long",
        "try again; raise IMAGESTUDIO_STATEMENT_SECONDS if the server is only slow",
    ),
    Reason(
        ("3F",),
        r"no schema has been selected",
        "the database has no such schema",
        "create it, or correct search_path in the URL's options",
    ),
    Reason(
        ("42P01", "42703"),
        r"no such (table|column)|has no column|values for \d+ columns",
        "the ledger's tables are not here, or not this program's",
        Advice("database.tables"),
    ),
    Reason(
        ("XX001", "XX002"),
        r"malformed",
        "the database is damaged, or its file is beside a -wal of another moment",
        "restore the file from a backup, without the old -wal and -shm beside it",
    ),
    # SQLite
    Reason(
        (),
        r"locked",
        "the database is locked",
        "another process is writing; try again, or use PostgreSQL for many processes",
    ),
    Reason(
        (),
        r"readonly",
        "the database may only be read",
        Advice("database.write"),
    ),
    Reason(
        (),
        r"unable to open",
        "the database cannot be opened",
        Advice("database.folder"),
    ),
    Reason(
        (),
        r"not a database",
        "this is not a database",
        Advice("database.file"),
    ),
)
"""The first that fits, by code before words."""

UNKNOWN = Reason((), "", "the database does not do its work", "look into the database's own log")


DRIVERS: Final = ("psycopg2", __name__.rpartition(".")[0])
"""Whose errors without a code are about connections: the driver's, and this package's beside it."""


def is_gone(error: BaseException | None) -> bool:
    """Whether this session, or the server it leads to, is not what is needed any more: another may be."""
    if getattr(error, "sqlite_errorcode", None) is not None or error is None:
        return False
    state = getattr(error, "pgcode", None)
    if state is None:
        return _is_of_client(error)
    severity = getattr(getattr(error, "diag", None), "severity_nonlocalized", None)
    return severity in FATAL or state.startswith(GONE_STATES)


def _is_of_client(error: BaseException) -> bool:
    """The driver's own errors about connections, which carry no code; those about values do not count."""
    names = {kind.__name__ for kind in type(error).__mro__}
    of_values = {"ProgrammingError", "DataError", "NotSupportedError", "IntegrityError"}
    return type(error).__module__.startswith(DRIVERS) and not names & of_values


def in_our_words(
    error: BaseException | None, *, integrity: bool, lost: bool
) -> Conflict | StoreUnavailable | StoreRefused:
    """A driver's error; `lost` is the connection, and with it the transaction, whose end is then unknown."""
    message = _first_line(error)
    state = getattr(error, "pgcode", None) or ""
    if not lost and _is_lasting(error):
        hint = Advice("operation.kept")
        return StoreRefused("the database will never take this", hint=hint, inner=message)
    reason = _reason(state, message.lower())
    if getattr(error, "overdue", False):
        return StoreUnavailable(reason.says, hint=reason.hint, inner=message)
    if state == CHANGED_STATE:
        return ServerChanged(reason.says, hint=reason.hint, inner=message)
    if state == SLOW_STATE:
        return TooSlow(reason.says, hint=reason.hint, inner=message)
    if not lost and _fits_no_tables(state, message):
        return TablesGone(reason.says, hint=reason.hint, inner=message)
    if integrity or lost or state in RETRIED_STATES:
        return Conflict(message)
    return StoreUnavailable(reason.says, hint=reason.hint, inner=message)


def none_to_spare() -> StoreUnavailable:
    """All connections that this process may have are at work."""
    return StoreUnavailable(
        "all of this process's connections to the database are at work",
        hint="try again shortly; where it stays so, the database is slower than what is asked of it",
    )


def _reason(state: str, message: str) -> Reason:
    by_state = (reason for reason in REASONS if state and state.startswith(reason.states))
    by_words = (reason for reason in REASONS if re.search(reason.words, message))
    return next(by_state, None) or next(by_words, UNKNOWN)


def _fits_no_tables(state: str, message: str) -> bool:
    return bool(NO_TABLES.match(state) if state else NO_SQLITE_TABLES.search(message.lower()))


def _is_lasting(error: BaseException | None) -> bool:
    """Whether the same values would be refused for ever."""
    if isinstance(error, UNSENDABLE):
        return True
    state = getattr(error, "pgcode", None) or ""
    return state.startswith(LASTING_STATES) or getattr(error, "sqlite_errorcode", None) in LASTING_CODES


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
