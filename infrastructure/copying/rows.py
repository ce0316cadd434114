"""Rows of the ledger's tables as lines of JSON, read in one moment of the database, a page at a time.

Either database reads what the other wrote: octets are in base64, and no column is of a kind that they differ in.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, LargeBinary, Table, insert, select, tuple_

from domain.errors import InvalidInput
from infrastructure.store.archive import Archive, SegmentQuery
from infrastructure.store.database import Database, rolled_back, translated
from infrastructure.store.reordering import between_commits
from infrastructure.store.schema import LOG
from infrastructure.store.shortening import Beginnings
from infrastructure.store.transactions import beginnings_by
from infrastructure.texts import json_of_file

PAGE: Final = 2_000
MOST: Final = 500
"""Rows that one statement writes."""

Row = Sequence[Any]

ABOUT: Final = itemgetter(3, 4, 6)
"""By what the state of a row of the log is completed: its topic, operation and state."""


@contextmanager
def one_moment(database: Database) -> Iterator[Connection]:
    """A connection whose reads all see the database as it is now. Raises StoreUnavailable.

    Nothing is in the midst of being written then: below the log's last position nothing is still to come.
    """
    begin = "BEGIN" if database.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    with database.connect() as connection, database.patiently(connection), rolled_back(connection):
        with between_commits(database):
            connection.exec_driver_sql(begin)
            connection.exec_driver_sql("SELECT 1 FROM log LIMIT 1")
        yield connection
        connection.exec_driver_sql("COMMIT")


def stored_rows(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> Iterator[Row]:
    """All rows, or those for which conditions hold, by the table's key."""
    for page in _pages(connection, table, conditions):
        yield from page


def _pages(connection: Connection, table: Table, conditions: Sequence[ColumnElement[bool]]) -> Iterator[Sequence[Row]]:
    key = list(table.primary_key.columns)
    place = [list(table.c).index(column) for column in key]
    last: tuple[Any, ...] | None = None
    while True:
        query = select(table).where(*conditions).order_by(*key).limit(PAGE)
        if last is not None:
            query = query.where(tuple_(*key) > last if len(key) > 1 else key[0] > last[0])
        with translated():
            page = connection.execute(query).all()
        yield page
        if len(page) < PAGE:
            return
        last = tuple(page[-1][index] for index in place)


def whole_rows(connection: Connection, archive: Archive, streams: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """The log's rows, or those of some streams, by position; by column, with whole states, archived or not."""
    names = [column.name for column in LOG.c]
    conditions = [LOG.c.stream.in_(streams)] if streams else []
    archived = iter(archive.scan(SegmentQuery(streams=tuple(streams))))
    both = merge(_whole(connection, archive, conditions), archived, key=itemgetter(0))
    for _, (row, *_) in groupby(both, itemgetter(0)):
        yield dict(zip(names, row, strict=True))


def _whole(connection: Connection, archive: Archive, conditions: Sequence[ColumnElement[bool]]) -> Iterator[Row]:
    beginnings, fetch = Beginnings(), beginnings_by(connection.execute, archive)
    for page in _pages(connection, LOG, conditions):
        for row, state in zip(page, beginnings.whole(page, ABOUT, fetch), strict=True):
            yield (*row[:6], state, row[7])


def line_of(row: Row) -> bytes:
    """A row as a line of JSON."""
    values = [b64encode(bytes(one)).decode() if isinstance(one, bytes | memoryview) else one for one in row]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def row_of_line(table: Table, line: bytes) -> dict[str, Any]:
    """The row of such a line, by column. Raises InvalidInput for what is none."""
    columns = list(table.c)
    try:
        values = json_of_file(line)
        if len(values) != len(columns):
            raise ValueError(f"has {len(values)} values")
        found = zip(columns, values, strict=True)
        return {
            column.name: b64decode(value, validate=True)
            if isinstance(column.type, LargeBinary) and value is not None
            else value
            for column, value in found
        }
    except (ValueError, TypeError) as error:
        raise InvalidInput("copy", f"a row of {table.name} cannot be read: {error}") from error


def put_facts(connection: Connection, rows: Iterable[dict[str, Any]]) -> int:
    """Insert rows of the log, as short as they are stored; how many."""
    stored = Beginnings().stored
    return put_rows(
        connection,
        LOG,
        ({**row, "state": stored(row["topic"], row["operation"], row["state"].encode())} for row in rows),
    )


def put_rows(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> int:
    """Insert rows, some at a time; how many."""
    count = 0
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == MOST:
            connection.execute(insert(table), some)
            count, some = count + MOST, []
    if some:
        connection.execute(insert(table), some)
    return count + len(some)
