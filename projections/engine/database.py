"""The views' needs of the world: a database to be written in transactions, and the log that they are folded from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Executable, Select
from sqlalchemy.exc import SQLAlchemyError

from application.ledger.log import Codec
from application.ledger.reader import LogReader


class ViewDatabase(Protocol):
    """The views' needs of a database: connections in autocommit, their errors in our words, turns at writing."""

    @property
    def is_sqlite(self) -> bool: ...

    def turn(self) -> AbstractContextManager[Any]: ...

    def connect(self) -> AbstractContextManager[Connection]: ...

    def rows(self, query: Executable) -> Sequence[Any]:
        """All rows of one query, asked again once where its connection was lost."""

    def ask(self, shape: Hashable, query: Callable[[], Select[Any]], values: Mapping[str, Any]) -> Sequence[Any]:
        """As `rows`, of a query that is made once for all of a shape, with the values of its parameters."""

    def patiently(self, connection: Connection) -> AbstractContextManager[None]:
        """Let this connection's transactions take long."""


@dataclass(frozen=True, slots=True)
class FactSource:
    """The source of facts: the log's rows, and its one door for those under retired names."""

    reader: LogReader
    codec: Codec


ONE_SCHEMA = """SELECT set_config('search_path',
    coalesce(quote_ident(current_schema()), current_setting('search_path')), true)"""
"""On PostgreSQL: while tables are made and dropped, those of another ledger further on in the path are not there."""


@contextmanager
def patiently(database: ViewDatabase) -> Iterator[Connection]:
    """A write transaction that may take long: of a rebuild, which copies, indexes and drops whole tables."""
    with database.turn(), database.connect() as connection:  # noqa: SIM117
        with database.patiently(connection), _transaction(database, connection):
            if not database.is_sqlite:
                connection.exec_driver_sql(ONE_SCHEMA)
            yield connection


@contextmanager
def writing(database: ViewDatabase) -> Iterator[Connection]:
    """A write transaction, committed unless an error passes through."""
    with database.turn(), database.connect() as connection, _transaction(database, connection):
        yield connection


@contextmanager
def _transaction(database: ViewDatabase, connection: Connection) -> Iterator[None]:
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
            end_without(connection)
        if database.is_sqlite and not connection.invalidated:
            connection.exec_driver_sql("PRAGMA synchronous = FULL")


def end_without(connection: Connection) -> None:
    """End a transaction without its changes."""
    try:
        connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:  # a connection that is gone has ended its transaction itself
        connection.invalidate()
