"""The writer's transactions: lock, read, then everything written with the commit.

On PostgreSQL the lock is one round trip and the write another: a round trip costs as much as an fsync. A last
advisory lock, after which nothing else is locked, makes the order of positions the order of commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select, tuple_

from application.log import Head, Link
from application.store import AccountRow, Beside, SnapshotRow, Unit
from domain.ledger import Known
from infrastructure.store.database import Database, roll_back
from infrastructure.store.schema import ACCOUNTS, KEYS, LOG, SNAPSHOTS

COMMIT_ORDER = 0x1A6E57D10
"""The advisory lock's number."""

CHUNK = 500
GENESIS_HEX = bytes(32).hex()
ENTRY = (LOG.c.stream, LOG.c.version, LOG.c.topic, LOG.c.state, LOG.c.operation, LOG.c.hash)


def to_link(row: Any) -> Link:
    """A row of the log as the link it stores."""
    return Link(row[0], row[1], row[2], row[3].encode(), row[4], bytes(row[5]))


@dataclass(slots=True)
class SqlUnit:
    """What both databases share: the reads, under the lock."""

    connection: Connection
    links: list[Link] = field(default_factory=list)
    committed: bool = False

    def keys(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Known]:
        columns = (KEYS.c.account, KEYS.c.key, KEYS.c.reference, KEYS.c.fingerprint)
        rows = self._chunks(wanted, lambda some: select(*columns).where(tuple_(KEYS.c.account, KEYS.c.key).in_(some)))
        return {(row[0], row[1]): Known(row[2], row[3]) for row in rows}

    def operations(self, wanted: Sequence[str]) -> list[Link]:
        rows = self._chunks(
            wanted, lambda some: select(*ENTRY).where(LOG.c.operation.in_(some)).order_by(LOG.c.position)
        )
        return [to_link(row) for row in rows]

    def entries_after(self, heads: Sequence[tuple[str, int]]) -> list[Link]:
        def above(some: Sequence[tuple[str, int]]) -> Select[Any]:
            parts = [and_(LOG.c.stream == stream, LOG.c.version > version) for stream, version in some]
            return select(*ENTRY).where(or_(*parts)).order_by(LOG.c.stream, LOG.c.version)

        return [to_link(row) for row in self._chunks(heads, above, size=50)]

    def head(self, stream: str, upto: int | None = None) -> Head:
        query = select(LOG.c.version, LOG.c.hash).where(LOG.c.stream == stream)
        if upto is not None:
            query = query.where(LOG.c.version <= upto)
        row = self.connection.execute(query.order_by(LOG.c.version.desc()).limit(1)).first()
        return Head() if row is None else Head(row[0], bytes(row[1]))

    def snapshot(self, stream: str, upto: int) -> SnapshotRow | None:
        query = select(SNAPSHOTS.c.version, SNAPSHOTS.c.state).where(
            SNAPSHOTS.c.stream == stream, SNAPSHOTS.c.version <= upto
        )
        row = self.connection.execute(query.order_by(SNAPSHOTS.c.version.desc()).limit(1)).first()
        return None if row is None else SnapshotRow(stream, row[0], row[1].encode())

    def append(self, links: Sequence[Link]) -> None:
        self.links += links

    def _chunks(
        self, wanted: Sequence[Any], query: Callable[[Sequence[Any]], Select[Any]], size: int = CHUNK
    ) -> Iterator[Any]:
        for start in range(0, len(wanted), size):
            yield from self.connection.execute(query(wanted[start : start + size]))


def to_account_row(row: Any) -> AccountRow:
    """A row of the accounts, in the order of its columns."""
    return AccountRow(row[0], row[1], row[2], Head(row[3], bytes(row[4])), Head(row[5], bytes(row[6])))


class SqliteUnit(SqlUnit):
    """BEGIN IMMEDIATE is the lock of all accounts at once."""

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:  # noqa: ARG002
        rows = self._chunks(accounts, lambda some: select(ACCOUNTS).where(ACCOUNTS.c.id.in_(some)))
        return {row[0]: to_account_row(row) for row in rows}

    def commit(self, beside: Beside) -> None:
        run = self.connection.exec_driver_sql
        for sql, rows in _sqlite_writes(self.links, beside):
            if rows:
                run(sql, rows)
        run("COMMIT")
        self.committed = True


def _sqlite_writes(links: Sequence[Link], beside: Beside) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    yield (
        "INSERT INTO log (stream, version, topic, operation, state, hash) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (one.originator_id, one.originator_version, one.topic, one.operation, one.state.decode(), one.hash)
            for one in links
        ],
    )
    yield (
        (
            "INSERT INTO accounts (id, revision, stream, version, hash, terms_version, terms_hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision,"
            " stream = excluded.stream, version = excluded.version, hash = excluded.hash,"
            " terms_version = excluded.terms_version, terms_hash = excluded.terms_hash"
        ),
        [
            (a.id, a.revision, a.stream, a.book.version, a.book.hash, a.terms.version, a.terms.hash)
            for a in beside.accounts
        ],
    )
    yield (
        "INSERT INTO operations (id, account, stream, phase, charged, adjusted) VALUES (?, ?, ?, ?, ?, ?)",
        [(o.operation, o.account, o.stream, o.phase, o.charged, o.adjusted) for o in beside.requested],
    )
    yield (
        "UPDATE operations SET phase = ?, charged = ?, adjusted = ? WHERE id = ?",
        [(o.phase, o.charged, o.adjusted, o.operation) for o in beside.moved],
    )
    yield (
        "INSERT INTO leases (operation, account, owner, epoch, expires) VALUES (?, ?, ?, 1, ?)",
        [(one.operation, one.account, one.owner, one.expires) for one in beside.leased],
    )
    yield "DELETE FROM leases WHERE operation = ?", [(operation,) for operation in beside.closed]
    yield (
        "INSERT INTO keys (account, key, reference, fingerprint) VALUES (?, ?, ?, ?)",
        [(k.account, k.key, k.reference, k.fingerprint) for k in beside.keys],
    )
    yield (
        "INSERT INTO contents (batch, account, secret, body) VALUES (?, ?, ?, ?)",
        [(c.batch, c.account, c.secret, c.body) for c in beside.contents],
    )
    yield (
        (
            "INSERT INTO snapshots (stream, version, topic, state) VALUES (?, ?, 'ledger.book', ?)"
            " ON CONFLICT (stream, version) DO UPDATE SET state = excluded.state"
        ),
        [(s.stream, s.version, s.state.decode()) for s in beside.snapshots],
    )


class PostgresUnit(SqlUnit):
    """Row locks by ascending id; then one script with everything written and the commit."""

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:
        if opening:
            self.connection.exec_driver_sql(
                "INSERT INTO accounts (id, revision, stream, version, hash, terms_version, terms_hash)"
                " SELECT id, 0, '', 0, decode(%s, 'hex'), 0, decode(%s, 'hex') FROM unnest(%s::text[]) AS new (id)"
                " ORDER BY id ON CONFLICT (id) DO NOTHING",
                (GENESIS_HEX, GENESIS_HEX, list(opening)),
            )
        rows = self.connection.exec_driver_sql(
            "SELECT id, revision, stream, version, hash, terms_version, terms_hash FROM accounts"
            " WHERE id = ANY (%s) ORDER BY id FOR UPDATE",
            (list(accounts),),
        )
        return {row[0]: to_account_row(row) for row in rows}

    def commit(self, beside: Beside) -> None:
        statements = [f"SELECT pg_advisory_xact_lock({COMMIT_ORDER})"]
        parameters: list[Any] = []
        for sql, rows in _postgres_writes(self.links, beside):
            if rows:
                statements.append(sql)
                parameters += [list(column) for column in zip(*rows, strict=True)]
        statements.append("COMMIT")
        self.connection.exec_driver_sql(";\n".join(statements), tuple(parameters))
        self.committed = True


def _postgres_writes(links: Sequence[Link], beside: Beside) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    yield (
        (
            "INSERT INTO log (stream, version, topic, operation, state, hash)"
            " SELECT stream, version, topic, operation, state, decode(hash, 'hex') FROM unnest(%s::text[],"
            " %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])"
            " AS new (stream, version, topic, operation, state, hash)"
        ),
        [
            (one.originator_id, one.originator_version, one.topic, one.operation, one.state.decode(), one.hash.hex())
            for one in links
        ],
    )
    yield (
        (
            "UPDATE accounts SET revision = new.revision, stream = new.stream, version = new.version,"
            " hash = decode(new.hash, 'hex'), terms_version = new.terms_version,"
            " terms_hash = decode(new.terms_hash, 'hex') FROM unnest(%s::text[], %s::bigint[], %s::text[],"
            " %s::bigint[], %s::text[], %s::bigint[], %s::text[])"
            " AS new (id, revision, stream, version, hash, terms_version, terms_hash) WHERE accounts.id = new.id"
        ),
        [
            (a.id, a.revision, a.stream, a.book.version, a.book.hash.hex(), a.terms.version, a.terms.hash.hex())
            for a in beside.accounts
        ],
    )
    yield (
        (
            "INSERT INTO operations (id, account, stream, phase, charged, adjusted) SELECT * FROM unnest(%s::text[],"
            " %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])"
        ),
        [(o.operation, o.account, o.stream, o.phase, o.charged, o.adjusted) for o in beside.requested],
    )
    yield (
        (
            "UPDATE operations SET phase = new.phase, charged = new.charged, adjusted = new.adjusted"
            " FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS new (id, phase, charged, adjusted)"
            " WHERE operations.id = new.id"
        ),
        [(o.operation, o.phase, o.charged, o.adjusted) for o in beside.moved],
    )
    yield (
        (
            "INSERT INTO leases (operation, account, owner, epoch, expires) SELECT operation, account, owner, 1,"
            " expires FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])"
            " AS new (operation, account, owner, expires)"
        ),
        [(one.operation, one.account, one.owner, one.expires) for one in beside.leased],
    )
    yield "DELETE FROM leases WHERE operation = ANY (%s)", [(operation,) for operation in beside.closed]
    yield (
        (
            "INSERT INTO keys (account, key, reference, fingerprint) SELECT * FROM unnest(%s::text[], %s::text[],"
            " %s::text[], %s::text[])"
        ),
        [(k.account, k.key, k.reference, k.fingerprint) for k in beside.keys],
    )
    yield (
        (
            "INSERT INTO contents (batch, account, secret, body) SELECT batch, account, decode(secret, 'hex'), body"
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS new (batch, account, secret, body)"
        ),
        [(c.batch, c.account, c.secret.hex(), c.body) for c in beside.contents],
    )
    yield (
        (
            "INSERT INTO snapshots (stream, version, topic, state) SELECT stream, version, 'ledger.book', state"
            " FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS new (stream, version, state)"
            " ON CONFLICT (stream, version) DO UPDATE SET state = excluded.state"
        ),
        [(s.stream, s.version, s.state.decode()) for s in beside.snapshots],
    )


class SqlStore:
    """The writer's store: begins units on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def begin(self) -> Iterator[Unit]:
        """A unit that is rolled back unless it was committed; an empty one ends without a trace."""
        with self._database.begun() as connection:
            unit = SqliteUnit(connection) if self._database.is_sqlite else PostgresUnit(connection)
            yield unit
            if not unit.committed:
                roll_back(connection)
