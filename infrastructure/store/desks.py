"""The tables beside the log as an audit reads them, a moment at a time, and as they are mended, under a lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, insert, select, text, tuple_, update

from application.keeping.tables import TABLES, Desk, Place, Row, Value, columns_of
from application.ledger.log import GENESIS, Link
from infrastructure.store.archive import SegmentQuery
from infrastructure.store.database import Database, rolled_back, translated
from infrastructure.store.schema import ERASED_USERS, LOG, METADATA
from infrastructure.store.transactions import (
    ENTRY,
    KEEP,
    NEW_ACCOUNT,
    archived_links,
    beginnings_by,
    begun_in,
    is_whole,
    merged_links,
    to_links,
)
from projections.engine.checkpoints import others_erased

CHUNK = 200
"""Places that one query asks for."""

USUAL: dict[str, dict[str, Value]] = {"keys": {"fingerprint": ""}, "leases": {"owner": "rebuild", "epoch": 1}}
"""The columns of a row that the log does not tell: a blank fingerprint fits any request."""


class SqlDesk:
    """The tables on one connection, inside its transaction."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection, self._database = connection, database

    def entries_of(self, operations: Sequence[str]) -> list[Link]:
        links: list[Link] = []
        for start in range(0, len(operations), CHUNK):
            some = operations[start : start + CHUNK]
            query = select(*ENTRY).where(LOG.c.operation.in_(some)).order_by(LOG.c.position)
            found = _links(self._connection, query, self._database)
            archived = self._database.archive.of_operations(some, begun_in(found))
            links += [*archived_links(archived), *found]
        return links

    def rows(self, table: str, columns: Sequence[str], wanted: Sequence[Place]) -> list[Row]:
        rows: list[Row] = []
        shape = METADATA.tables[table]
        named = [shape.c[column] for column in columns]
        for start in range(0, len(wanted), CHUNK):
            some = wanted[start : start + CHUNK]
            within = tuple_(*named).in_(some) if len(named) > 1 else named[0].in_([place[0] for place in some])
            query = select(*(shape.c[name] for name in columns_of(table))).where(within)
            rows += (dict(row) for row in self._connection.execute(query).mappings())
        return rows

    def places(self, table: str, after: Place, limit: int, account: str | None = None) -> list[Place]:
        shape = METADATA.tables[table]
        key = [shape.c[name] for name in TABLES[table].key]
        query = select(*key).order_by(*key).limit(limit)
        if after:
            query = query.where(tuple_(*key) > after if len(key) > 1 else key[0] > after[0])
        if account is not None and "account" in shape.c:
            query = query.where(shape.c.account == account)
        return [tuple(row) for row in self._connection.execute(query)]

    def put(self, table: str, key: Row, row: Row) -> None:
        self._tell(table)
        shape = METADATA.tables[table]
        told = {name: value for name, value in row.items() if value is not None and name not in key}
        if not self._connection.execute(update(shape).where(*_here(shape, key)).values(**told)).rowcount:
            self._connection.execute(insert(shape).values(**{**USUAL.get(table, {}), **key, **told}))

    def drop(self, table: str, key: Row) -> None:
        self._tell(table)
        shape = METADATA.tables[table]
        self._connection.execute(delete(shape).where(*_here(shape, key)))

    def _tell(self, table: str) -> None:
        """Whoever folds views remembers the erased, until a checkpoint says that there are others."""
        if table == ERASED_USERS.name:
            others_erased(self._connection)


class SqlDesks:
    """Implements Desks on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def moment(self) -> Iterator[Desk]:
        begin = "BEGIN" if self._database.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with self._database.connect() as connection, rolled_back(connection):
            connection.exec_driver_sql(begin)
            yield SqlDesk(connection, self._database)
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def locked(self, account: str, *, new: bool = False) -> Iterator[Desk]:
        with self._database.transaction() as connection:
            if new:
                row = {"id": account, "hash": GENESIS}
                connection.execute(text(f"{NEW_ACCOUNT} VALUES (:id, 0, '', 0, :hash, 0, :hash, 0){KEEP}"), row)
            held = select(METADATA.tables["accounts"].c.id).where(METADATA.tables["accounts"].c.id == account)
            connection.execute(held.with_for_update()).all()
            yield SqlDesk(connection, self._database)

    def stream(self, stream: str, after: int, limit: int) -> list[Link]:
        query = select(*ENTRY).where(LOG.c.stream == stream, LOG.c.version > after).order_by(LOG.c.version)
        with self._database.connect() as connection, translated():
            links = _links(connection, query.limit(limit), self._database)
        if is_whole(links, {stream: after}):
            return links
        archived = self._database.archive.rows(SegmentQuery(streams=(stream,), above=after), limit)
        return merged_links(links, archived_links(archived))[:limit]


def _links(connection: Connection, query: Select[Any], database: Database) -> list[Link]:
    begun = beginnings_by(connection.execute, database.archive)
    return to_links(connection.execute(query).all(), database.beginnings, begun)


def _here(shape: Table, key: Row) -> list[Any]:
    return [shape.c[name] == value for name, value in key.items()]
