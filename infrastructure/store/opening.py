"""One look when a database is opened for writing: whether it keeps what the ledger rests on.

look ── a demand not met ─┬─ refused: facts could be lost, garbled, out of order, or wait for ever
                          └─ warned: they are safe, but not all will work, or the server's disk is not waited for
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from application.ledger.transaction import Conflict
from domain.errors import StoreError, StoreUnavailable
from infrastructure.clock import SECOND, now
from infrastructure.store.database import Database
from infrastructure.store.options import NAMES, options_of, seconds_written
from projections.engine.sql import texts

log = logging.getLogger("imagestudio")

Look = Mapping[str, Any]
"""The settings that the database says of itself, by name."""

ENDS = """coalesce((SELECT max(position) FROM log), 0) AS log_end,
    coalesce((SELECT max(position) FROM view_checkpoints), 0) AS views_end"""

SETTINGS = (
    *("server_encoding", "client_encoding", "transaction_isolation", "transaction_read_only"),
    *("session_replication_role", "array_nulls", "synchronous_commit", "fsync", "full_page_writes"),
    *NAMES.values(),
)
POSTGRESQL = f"""BEGIN; SELECT pg_is_in_recovery() AS standby,
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock,
    ARRAY(SELECT name || '=' || setting FROM pg_settings WHERE name = ANY(%s::text[])) AS named, {ENDS},
    {", ".join(f"current_setting('{name}') AS {name}" for name in SETTINGS)}"""
COLUMNS = ("standby", "clock", "named", "log_end", "views_end", *SETTINGS)
SQLITE = text(
    f"""SELECT (SELECT journal_mode FROM pragma_journal_mode) AS journal_mode,
    (SELECT synchronous FROM pragma_synchronous) AS synchronous,
    (SELECT recursive_triggers FROM pragma_recursive_triggers) AS recursive_triggers, {ENDS}"""
)


@dataclass(frozen=True, slots=True)
class Demand:
    """A condition that must hold; `says` is filled from the look."""

    met: Callable[[Look], bool]
    says: str
    hint: str
    warned: bool = False


BEHIND = 5 * 60 * SECOND
"""Microseconds; within so much, clocks are near each other."""

ON_POSTGRESQL = (
    Demand(
        lambda look: look["server_encoding"] == "UTF8",
        "the database keeps texts as {server_encoding}, the ledger needs UTF8",
        "make one with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
    ),
    Demand(
        lambda look: look["client_encoding"] == "UTF8",
        "the connection carries texts as {client_encoding}, the ledger needs UTF8",
        "take client_encoding out of the database URL, and out of what stands before the database",
    ),
    Demand(
        lambda look: look["transaction_isolation"] == "read committed",
        "transactions are {transaction_isolation}, although read committed was asked for",
        "what stands before the database must pass on SET TRANSACTION",
    ),
    Demand(
        lambda look: look["session_replication_role"] == "origin",
        "session_replication_role is {session_replication_role}: the log's triggers do not protect it",
        "set it to origin for this role and database",
    ),
    Demand(
        lambda look: look["array_nulls"] == "on",
        "array_nulls is off: what is empty would be stored as the text NULL",
        "set it to on for this role and database",
    ),
    Demand(
        lambda look: look["synchronous_commit"] != "off",
        "synchronous_commit is off: what callers were told is recorded could be lost with the server",
        "set it to on for this role and database, or in the URL: options=-csynchronous_commit=on",
    ),
    Demand(
        lambda look: not look["standby"] and look["transaction_read_only"] == "off",
        "this server may only be read; nothing will be recorded",
        "connect to the primary, with a user that may write",
        warned=True,
    ),
    Demand(
        lambda look: look["fsync"] == "on" and look["full_page_writes"] == "on",
        "fsync is {fsync} and full_page_writes {full_page_writes}: a crash of the server's machine destroys the ledger",
        "set both to on, unless this is a server for tests",
        warned=True,
    ),
    Demand(
        lambda look: look["clock"] - look["ours"] <= BEHIND,
        "this machine's clock is {behind} seconds behind the database's: a new period would begin so much late",
        "set the one that is wrong; a clock that is ahead records nothing",
        warned=True,
    ),
)

ON_SQLITE = (
    Demand(
        lambda look: look["journal_mode"] == "wal",
        "the file's journal is {journal_mode}, the ledger needs wal",
        "keep the file on a local disk; shared folders cannot do it",
    ),
    Demand(
        lambda look: look["synchronous"] == 2 and look["recursive_triggers"] == 1,
        "the file is opened with other settings than asked for",
        "use Python's own SQLite",
    ),
)


def check_opening(database: Database, clock: Callable[[], int] = now) -> None:
    """Raise StoreError unless facts are safe in this database; warn of what is merely unwise. Raises StoreUnavailable.

    A view that has read further than the log reaches counts facts that were lost; it is stopped until it is rebuilt.
    """
    look, demands = _look(database, clock())
    for demand in demands:
        if demand.met(look):
            continue
        says = demand.says.format(**look)
        if not demand.warned:
            raise StoreError(says, hint=demand.hint)
        log.warning("%s (%s)", says, demand.hint)
    if look["views_end"] > look["log_end"]:
        _stop_views(database, look["log_end"])


def _look(database: Database, ours: int) -> tuple[Look, tuple[Demand, ...]]:
    if database.is_sqlite:
        return dict(database.rows(SQLITE)[0]._mapping), ON_SQLITE
    wanted = {name: value for name, value in options_of(database.url).items() if name not in NAMES.values()}
    look = dict(zip(COLUMNS, _in_a_transaction(database, texts(wanted)), strict=True))
    look |= {"ours": ours, "behind": (look["clock"] - ours) // SECOND}
    found = dict(named.split("=", 1) for named in look["named"])
    dropped = [name for name, value in wanted.items() if name in found and not _same(found[name], value)]
    limits = [name for name, seconds in database.limits.items() if seconds_written(look[name]) != seconds]
    return look, (*ON_POSTGRESQL, *map(_dropped, dropped), *map(_not_in_force, limits))


def _in_a_transaction(database: Database, named: str) -> Sequence[Any]:
    """The settings of the server inside a transaction, as it is there that all must hold."""
    try:
        with database.session("") as session:
            (row,) = session.rows(POSTGRESQL, (named,))
            session.run("COMMIT")
    except Conflict as error:
        raise StoreUnavailable(
            f"the database was lost in the middle of a transaction: {error}",
            hint="try again; a pooler must pool by transaction or by session, not by statement",
        ) from error
    return row  # type: ignore[no-any-return]


def _dropped(name: str) -> Demand:
    return Demand(
        lambda _: False,
        f"{name} of the database URL is not in force: what stands before the database drops it",
        f"let the pooler pass it, or set it for the role: ALTER ROLE … SET {name} = …",
    )


def _not_in_force(name: str) -> Demand:
    return Demand(
        lambda _: False,
        f"{name} is {{{name}}}, although another was asked for: a statement could wait for ever",
        "what stands before the database must pass on SET LOCAL; a pooler must not pool by statement",
    )


def _same(found: str, wanted: str) -> bool:
    """Whether two spellings mean the same: a number with its unit, an on or off, or words with or without blanks."""
    as_words = [value.replace(" ", "").replace('"', "").lower() for value in (found, wanted)]
    switches = {"true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off"}
    return as_words[0] == as_words[1] or switches.get(as_words[1]) == as_words[0] or as_words[1][:1].isdigit()


def _stop_views(database: Database, end: int) -> None:
    error = f"the log ends at {end}: facts that this view counts were lost"
    log.error("%s; it stands still until it is rebuilt", error)
    with database.transaction() as connection:
        ahead = text("UPDATE view_checkpoints SET failed_at = position, error = :error WHERE position > :end")
        connection.execute(ahead, {"error": error, "end": end})
