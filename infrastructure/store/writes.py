"""Everything that one commit writes, a table after the other: its rows, and its SQL for either database.

SQLite runs a statement for many rows; PostgreSQL gets each table's columns as arrays, all tables in one script. Octets
are handed over as `bytearray`: with each `bytes` SQLite's driver looks in vain for somebody who adapts it, which takes
longer than writing it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from application.ledger.transaction import Beside
from infrastructure.store.order import DRAWN, NEWEST, PLACE, LogWay
from projections.engine.sql import numbers, octets, texts

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Write:
    """One table's part of a commit: its rows, the types of their columns, and its statements."""

    rows: Callable[[Rows, Beside], Rows]
    types: str
    sqlite: str
    postgres: str
    marked: str = ""
    """PostgreSQL's statement where the order of commits is by marks, if it is another one."""


ARRAYS: Mapping[str, tuple[str, Callable[[Iterable[Any]], object]]] = {
    "text": ("%s::text[]", texts),
    "json": ("%s::text[]", list),
    "bigint": ("%s::bigint[]", numbers),
    "bytea": ("%s::bytea[]", octets),
}
"""How PostgreSQL gets a column of each type: where the value goes, and what it is."""


def _insert(rows: Callable[[Rows, Beside], Rows], table: str, columns: str, types: str, conflict: str = "") -> Write:
    """An insert of given columns."""
    head = f"INSERT INTO {table} ({columns})"
    marks = ", ".join("?" for _ in types.split())
    return Write(
        rows,
        types,
        f"{head} VALUES ({marks}){conflict}",
        f"{head} SELECT * FROM unnest({_marks(types)}){conflict}",
    )


def _update(rows: Callable[[Rows, Beside], Rows], table: str, key: str, columns: str, types: str) -> Write:
    """An update by key, of one column or more; the rows hold the new values, then the key."""
    names, keys = columns.split(), key.split()
    marked = ", ".join(f"{name} = ?" for name in names)
    renewed = ", ".join(f"{name} = new.{name}" for name in names)
    source = f"unnest({_marks(types)}) AS new ({', '.join([*names, *keys])})"
    return Write(
        rows,
        types,
        f"UPDATE {table} SET {marked} WHERE {' AND '.join(f'{name} = ?' for name in keys)}",
        f"UPDATE {table} SET {renewed} FROM {source} WHERE {' AND '.join(f'{table}.{it} = new.{it}' for it in keys)}",
    )


def _marks(types: str) -> str:
    return ", ".join(ARRAYS[one][0] for one in types.split())


def _append(types: str, columns: str) -> Write:
    """The rows of the log, numbered on from its last under the lock of the commits' order.

    Its sequence is moved along, and not relied on: after a restore or logical replication it stands behind the log,
    and sessions may keep numbers of it; a fact would then fall below what readers have passed. A group that publishes a
    mark takes its numbers from the sequence, and each has to be above the mark.
    """
    new = f"unnest({_marks(types)}) WITH ORDINALITY AS new ({columns}, number)"
    numbered = ", ".join(f"new.{name}" for name in columns.split(", "))
    drawn = f"(SELECT {DRAWN} AS drawn, new.* FROM {new}) AS new"
    return Write(
        _log,
        types,
        f"INSERT INTO log ({columns}) VALUES ({', '.join('?' for _ in types.split())})",
        f"INSERT INTO log (position, {columns})"
        f" SELECT greatest(newest.position + new.number, nextval(newest.numbers)), {numbered} FROM {NEWEST}, {new}",
        f"INSERT INTO log (position, {columns}) SELECT {PLACE}, {numbered} FROM {drawn}",
    )


def _log(log: Rows, _beside: Beside) -> Rows:
    return log


def _accounts(_log: Rows, beside: Beside) -> Rows:
    return [
        (revision, stream, version, bytearray(hash), terms_version, bytearray(terms_hash), last, id)
        for id, revision, stream, version, hash, terms_version, terms_hash, last in beside.accounts
    ]


def _requested(_log: Rows, beside: Beside) -> Rows:
    return [*beside.requested]


def _moved(_log: Rows, beside: Beside) -> Rows:
    return [(one.phase, one.charged, one.adjusted, one.operation) for one in beside.moved]


def _leased(_log: Rows, beside: Beside) -> Rows:
    return [*beside.leased]


def _queued(_log: Rows, beside: Beside) -> Rows:
    return [*beside.queued]


def _unqueued(_log: Rows, beside: Beside) -> Rows:
    return [(operation,) for operation in beside.unqueued]


def _closed(_log: Rows, beside: Beside) -> Rows:
    return [(operation,) for operation in beside.closed]


def _keys(_log: Rows, beside: Beside) -> Rows:
    return [(one.account, one.key, one.reference, one.fingerprint) for one in beside.keys]


def _respent(_log: Rows, beside: Beside) -> Rows:
    return [(one.reference, one.fingerprint, one.account, one.key) for one in beside.respent]


def _jobs(_log: Rows, beside: Beside) -> Rows:
    return [(one.provider, one.job, one.operation) for one in beside.jobs]


def _contents(_log: Rows, beside: Beside) -> Rows:
    return [(one.batch, one.account, bytearray(one.secret), one.body) for one in beside.contents]


def _tags(_log: Rows, beside: Beside) -> Rows:
    given: Rows = [row for one in beside.contents if one.tags for row in one.tags]
    if beside.retagged:
        given += [row for rows in beside.retagged.values() for row in rows]
    return given


def _retagged(_log: Rows, beside: Beside) -> Rows:
    return [(operation,) for operation in beside.retagged]


def _words(_log: Rows, beside: Beside) -> Rows:
    return [(one.operation, one.said) for one in beside.words]


def _replaced(_log: Rows, beside: Beside) -> Rows:
    return [*beside.replaced]


def _snapshots(_log: Rows, beside: Beside) -> Rows:
    return [(one.stream, one.version, "ledger.period_state", one.state.decode()) for one in beside.snapshots]


KEPT = " ON CONFLICT (operation) DO NOTHING"
HEADS = "revision stream version hash terms_version terms_hash last"

WRITES = (
    _append("text bigint text text text json bytea", "stream, version, topic, operation, actor, state, hash"),
    _update(_accounts, "accounts", "id", HEADS, "bigint text bigint bytea bigint bytea bigint text"),
    _insert(
        _requested,
        "operations",
        "id, account, stream, phase, charged, adjusted",
        "text text text text bigint bigint",
    ),
    _update(_moved, "operations", "id", "phase charged adjusted", "text bigint bigint text"),
    _insert(_leased, "leases", "operation, account, owner, epoch, expires", "text text text bigint bigint", KEPT),
    Write(  # before the leases: what is claimed meanwhile has left the queue and got a lease
        _unqueued,
        "text",
        "DELETE FROM queue WHERE operation = ?",
        "DELETE FROM queue WHERE operation = ANY (%s::text[])",
    ),
    _insert(_queued, "queue", "operation, account, provider, place", "text text text bigint", KEPT),
    Write(
        _closed,
        "text",
        "DELETE FROM leases WHERE operation = ?",
        "DELETE FROM leases WHERE operation = ANY (%s::text[])",
    ),
    _insert(_keys, "keys", "account, key, reference, fingerprint", "text text text text"),
    _update(_respent, "keys", "account key", "reference fingerprint", "text text text text"),
    _insert(_jobs, "jobs", "provider, job, operation", "text text text"),
    _insert(_contents, "contents", "batch, account, secret, body", "text text bytea json"),
    Write(  # before those that are there afterwards
        _retagged,
        "text",
        "DELETE FROM operation_tags WHERE operation = ?",
        "DELETE FROM operation_tags WHERE operation = ANY (%s::text[])",
    ),
    _insert(_tags, "operation_tags", "operation, account, name, value", "text text text json"),
    _insert(_words, "words", "operation, said", "text json", KEPT),
    Write(
        _replaced,
        "text bigint",
        "DELETE FROM snapshots WHERE stream = ? AND version = ?",
        "DELETE FROM snapshots USING unnest(%s::text[], %s::bigint[]) AS old (stream, version)"
        " WHERE snapshots.stream = old.stream AND snapshots.version = old.version",
    ),
    _insert(
        _snapshots,
        "snapshots",
        "stream, version, topic, state",
        "text bigint text json",
        " ON CONFLICT (stream, version) DO UPDATE SET state = excluded.state",
    ),
)


LOG_LAST = (*WRITES[1:], WRITES[0])


def sqlite_writes(log: Rows, beside: Beside) -> Iterator[tuple[str, Rows]]:
    """Statements with the rows to run them for."""
    for write in WRITES:
        rows = write.rows(log, beside)
        if rows:
            yield write.sqlite, rows


def postgres_script(log: Rows, beside: Beside, way: LogWay) -> tuple[str, tuple[object, ...]]:
    """All statements as one, with the columns of their rows.

    The log is written last, behind what makes the order of positions the order of commits, so that nobody else waits
    for the rest.
    """
    statements: list[str] = []
    columns: list[object] = []
    for write in LOG_LAST:
        rows = write.rows(log, beside)
        if rows:
            statements += _appended(write, way) if write is WRITES[0] else (write.postgres,)
            typed = zip(write.types.split(), zip(*rows, strict=True), strict=True)
            columns += [ARRAYS[one][1](column) for one, column in typed]
    return ";\n".join(statements), tuple(columns)


def _appended(log: Write, way: LogWay) -> tuple[str, str]:
    return way.order, log.marked if way.marked else log.postgres
