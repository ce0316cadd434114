"""The views' side of the database: checkpoints moved by compare-and-set, and folds added in key order.

BEGIN ─ checkpoint: from here to there, or lost ─ rows of each view, by key ─ COMMIT
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Executable, Update, bindparam, select, text, update
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from application.log import Codec
from application.reader import LogReader
from projections.arrays import numbers, texts
from projections.tables import CHECKPOINTS, is_whole
from projections.tally import Folded, Tally

CHUNK = 10_000
"""Rows written by one statement."""

SIZES = (64, 8, 1)
"""Rows that SQLite is given at a time: the most that fit, then the rest. Each statement lets other threads in."""


class Database(Protocol):
    """What views need of a database: connections in autocommit, their errors in our words, turns at writing."""

    @property
    def is_sqlite(self) -> bool: ...

    def turn(self) -> AbstractContextManager[Any]: ...

    def connect(self) -> AbstractContextManager[Connection]: ...

    def rows(self, query: Executable) -> Sequence[Any]:
        """All rows of one query, asked again once where its connection was lost."""

    def patiently(self, connection: Connection) -> AbstractContextManager[None]:
        """Let this connection's transactions take long."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts come from: the log's rows, and its one door for those under retired names."""

    reader: LogReader
    codec: Codec


class Lost(Exception):
    """Somebody else moved the checkpoint; what was folded for it is void."""


class Unwritable(Exception):
    """A view's table refuses what was folded."""


ONE_SCHEMA = """SELECT set_config('search_path',
    coalesce(quote_ident(current_schema()), current_setting('search_path')), true)"""
"""On PostgreSQL: while tables are made and dropped, those of another ledger further on in the path are not there."""


@contextmanager
def patiently(database: Database) -> Iterator[Connection]:
    """A write transaction that may take long: of a rebuild, which copies, indexes and drops whole tables."""
    with database.turn(), database.connect() as connection:  # noqa: SIM117
        with database.patiently(connection), _transaction(database, connection):
            if not database.is_sqlite:
                connection.exec_driver_sql(ONE_SCHEMA)
            yield connection


@contextmanager
def writing(database: Database) -> Iterator[Connection]:
    """A write transaction, committed unless an error passes through."""
    with database.turn(), database.connect() as connection, _transaction(database, connection):
        yield connection


@contextmanager
def _transaction(database: Database, connection: Connection) -> Iterator[None]:
    """Views can be rebuilt, so on SQLite their commits need not wait for the disk; the log's next commit syncs
    whatever lies before it.
    """
    if database.is_sqlite:
        connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if database.is_sqlite else "BEGIN")
    committed = False
    try:
        yield
        connection.exec_driver_sql("COMMIT")
        committed = True
    finally:
        if not committed:
            _roll_back(connection)
        if database.is_sqlite and not connection.invalidated:
            connection.exec_driver_sql("PRAGMA synchronous = FULL")


def _roll_back(connection: Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:  # a connection that is gone has ended its transaction itself
        connection.invalidate()


# Checkpoints


HERE = CHECKPOINTS.c.view.in_(bindparam("views", expanding=True))
MARKS = select(CHECKPOINTS.c.view, CHECKPOINTS.c.position, CHECKPOINTS.c.failed_at, CHECKPOINTS.c.error).where(HERE)


def _move(mine: ColumnElement[bool]) -> Update:
    standing = HERE & (CHECKPOINTS.c.position == bindparam("old")) & CHECKPOINTS.c.error.is_(None)
    held = select(CHECKPOINTS.c.view).where(standing, mine).order_by(CHECKPOINTS.c.view).with_for_update()
    return update(CHECKPOINTS).where(CHECKPOINTS.c.view.in_(held)).values(position=bindparam("new"))


MOVES = (_move(CHECKPOINTS.c.token.is_(None)), _move(CHECKPOINTS.c.token == bindparam("mine")))
"""The move of views that nobody rebuilds, and of those that one does; building it anew costs more than the move."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a view is, and the fact it chokes on."""

    view: str
    position: int
    failed_at: int | None
    error: str | None


def marks(connection: Connection, names: Iterable[str]) -> dict[str, Mark]:
    """How far each view is; those never begun are missing."""
    rows = connection.execute(MARKS, {"views": list(names)})
    return {row[0]: Mark(*row) for row in rows}


def begin(connection: Connection, names: Iterable[str]) -> None:
    """Give each view a checkpoint at the log's beginning, unless it has one."""
    insert = text("INSERT INTO view_checkpoints (view, position) VALUES (:view, 0) ON CONFLICT (view) DO NOTHING")
    connection.execute(insert, [{"view": name} for name in sorted(names)])


def claim(connection: Connection, names: Iterable[str], token: str) -> None:
    """Begin these checkpoints anew as `token`'s, whoever had them; a transaction that holds one is waited for."""
    insert = text(
        "INSERT INTO view_checkpoints (view, position, token) VALUES (:view, 0, :token)"
        " ON CONFLICT (view) DO UPDATE SET position = 0, token = excluded.token"
    )
    for name in sorted(names):
        connection.execute(insert, {"view": name, "token": token})


def lock(connection: Connection, names: Iterable[str]) -> None:
    """Hold the checkpoints until the transaction ends, taken by name, so that nobody waits in a circle."""
    rows = select(CHECKPOINTS.c.view).where(CHECKPOINTS.c.view.in_(list(names)))
    connection.execute(rows.order_by(CHECKPOINTS.c.view).with_for_update()).all()


def move(connection: Connection, names: Sequence[str], old: int, new: int, token: str | None = None) -> None:
    """Take the checkpoints from `old` to `new`. Raises Lost where one is elsewhere, stopped, or another's by now."""
    mine = {} if token is None else {"mine": token}
    moved = connection.execute(MOVES[token is not None], {"views": names, "old": old, "new": new, **mine})
    if moved.rowcount != len(names):
        raise Lost


def stop(connection: Connection, view: str, position: int, failed_at: int, error: str) -> None:
    """Note why a view stands still, unless it has moved on meanwhile."""
    here = (CHECKPOINTS.c.view == view) & (CHECKPOINTS.c.position == position)
    connection.execute(update(CHECKPOINTS).where(here).values(failed_at=failed_at, error=error))


def resume(connection: Connection, view: str) -> None:
    """Forget why a view stands still."""
    here = CHECKPOINTS.c.view == view
    connection.execute(update(CHECKPOINTS).where(here).values(failed_at=None, error=None))


# Rows


def add(connection: Connection, views: Sequence[Tally], folded: Folded, suffix: str = "") -> None:
    """Add a fold to the views' tables, by ascending key. Raises Unwritable."""
    for view in views:
        rows = [view.row(key, row) for key, row in sorted(folded[view.name].items())]
        for start in range(0, len(rows), CHUNK):
            try:
                _upsert(connection, view, view.name + suffix, rows[start : start + CHUNK])
            except (DataError, IntegrityError, OverflowError, ValueError) as error:
                raise Unwritable(f"{type(error).__name__}: {error}") from error


def _upsert(connection: Connection, view: Tally, table: str, rows: list[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "sqlite":
        start = 0
        for size in SIZES:
            while len(rows) - start >= size:
                values = tuple(value for row in rows[start : start + size] for value in row)
                connection.exec_driver_sql(_sqlite_upsert(view, table, size), values)
                start += size
        return
    columns = zip(view.columns, zip(*rows, strict=True), strict=True)
    arrays = tuple(numbers(values) if is_whole(view, name) else texts(values) for name, values in columns)
    connection.exec_driver_sql(_postgres_upsert(view, table), arrays)


@cache
def _sqlite_upsert(view: Tally, table: str, size: int) -> str:
    values = ", ".join([f"({', '.join('?' for _ in view.columns)})"] * size)
    return f"INSERT INTO {table} ({_names(view.columns)}) VALUES {values} {_on_conflict(view, table)}"


@cache
def _postgres_upsert(view: Tally, table: str) -> str:
    """One array literal a column."""
    arrays = ", ".join(f"%s::{'bigint' if is_whole(view, name) else 'text'}[]" for name in view.columns)
    names = _names(view.columns)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {_on_conflict(view, table)}"


def _on_conflict(view: Tally, table: str) -> str:
    sums = [f'"{name}" = {table}."{name}" + excluded."{name}"' for name in view.measures]
    notes = [f'"{name}" = coalesce(excluded."{name}", {table}."{name}")' for name in view.notes]
    return f"ON CONFLICT ({_names(view.key)}) DO UPDATE SET {', '.join(sums + notes)}"


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
