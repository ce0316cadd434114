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

from application.log import GENESIS, Head, Link
from application.store import AccountRow, Beside, SnapshotRow, Unit
from domain.ledger import Known
from infrastructure.store.database import Database, roll_back
from infrastructure.store.schema import JOBS, KEYS, LOG, SNAPSHOTS
from infrastructure.store.writes import postgres_script, sqlite_writes

COMMIT_ORDER = 0x1A6E57D10
"""The advisory lock's number."""

CHUNK = 500
NEW_ACCOUNT = "INSERT INTO accounts (id, revision, stream, version, hash, terms_version, terms_hash, last)"
ACCOUNT = "SELECT id, revision, stream, version, hash, terms_version, terms_hash, last FROM accounts"
KEEP = " ON CONFLICT (id) DO NOTHING"
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

    def jobs(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        rows = self._chunks(wanted, lambda some: select(JOBS).where(tuple_(JOBS.c.provider, JOBS.c.job).in_(some)))
        return {(row[0], row[1]): row[2] for row in rows}

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
    return AccountRow(row[0], row[1], row[2], Head(row[3], bytes(row[4])), Head(row[5], bytes(row[6])), row[7])


def _new(accounts: Sequence[str]) -> list[tuple[str, bytes, bytes]]:
    return [(account, GENESIS, GENESIS) for account in accounts]


class SqliteUnit(SqlUnit):
    """BEGIN IMMEDIATE is the lock of all accounts at once."""

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:
        if opening:
            self.connection.exec_driver_sql(f"{NEW_ACCOUNT} VALUES (?, 0, '', 0, ?, 0, ?, 0){KEEP}", _new(opening))
        locked: dict[str, AccountRow] = {}
        for start in range(0, len(accounts), CHUNK):
            some = tuple(accounts[start : start + CHUNK])
            marks = ", ".join("?" * len(some))
            rows = self.connection.exec_driver_sql(f"{ACCOUNT} WHERE id IN ({marks})", some)
            locked.update((row[0], to_account_row(row)) for row in rows)
        return locked

    def commit(self, beside: Beside) -> None:
        run = self.connection.exec_driver_sql
        for sql, rows in sqlite_writes(self.links, beside):
            run(sql, rows)
        run("COMMIT")
        self.committed = True


class PostgresUnit(SqlUnit):
    """Row locks by ascending id; then one script with everything written and the commit."""

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:
        begin = "BEGIN; "
        if opening:
            self.connection.exec_driver_sql("BEGIN")
            self.connection.exec_driver_sql(f"{NEW_ACCOUNT} VALUES (%s, 0, '', 0, %s, 0, %s, 0){KEEP}", _new(opening))
            begin = ""
        rows = self.connection.exec_driver_sql(
            f"{begin}{ACCOUNT} WHERE id = ANY (%s) ORDER BY id FOR UPDATE", (list(accounts),)
        )
        return {row[0]: to_account_row(row) for row in rows}

    def commit(self, beside: Beside) -> None:
        script, columns = postgres_script(self.links, beside)
        order = f"SELECT pg_advisory_xact_lock({COMMIT_ORDER})"
        self.connection.exec_driver_sql(f"{order};\n{script};\nCOMMIT", columns)
        self.committed = True


class SqlStore:
    """The writer's store: begins units on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def begin(self) -> Iterator[Unit]:
        """A unit that is rolled back unless it was committed; an empty one ends without a trace."""
        database = self._database
        with database.begun("BEGIN" if database.is_sqlite else "") as connection:
            unit = SqliteUnit(connection) if database.is_sqlite else PostgresUnit(connection)
            yield unit
            if not unit.committed:
                roll_back(connection)
