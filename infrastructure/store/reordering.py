"""The choice of how a ledger's commits are ordered, and the moments between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, select, text

from domain.errors import StoreError
from infrastructure.store.database import Database, rolled_back
from infrastructure.store.identity import established_id
from infrastructure.store.order import COMMIT_ORDER, MARK, MOVED, NUMBERS, Way
from infrastructure.store.schema import LEDGER
from infrastructure.store.tables import small_write

ONE_BY_ONE = text(f"SELECT seqcache = 1 AND seqincrement = 1 FROM pg_sequence WHERE seqrelid = {NUMBERS}")
CHOOSE = text("UPDATE ledger SET commit_order = :way")


def order_of(database: Database) -> Way:
    """How the ledger's commits are ordered, which on SQLite is no choice. Raises StoreUnavailable."""
    marked = not database.is_sqlite and any(row[0] == MARK for row in database.rows(select(LEDGER.c.commit_order)))
    return MARK if marked else "lock"


def choose_order(database: Database, way: Way) -> None:
    """Order commits so from now on; whoever writes or reads knows it by their next statement.

    Raises StoreError where there is no choice, StoreUnavailable.
    """
    if database.is_sqlite:
        told = "a SQLite ledger is written by one process at a time, and there is no order of commits to choose"
        raise StoreError(told, hint="it is a choice of PostgreSQL")
    established_id(database)
    with small_write(database) as connection:
        connection.exec_driver_sql(COMMIT_ORDER)
        if way == MARK:
            _refuse_reserved(connection)
            connection.exec_driver_sql(MOVED)
        connection.execute(CHOOSE, {"way": way if way == MARK else None})


def _refuse_reserved(connection: Connection) -> None:
    if not connection.execute(ONE_BY_ONE).scalar():
        raise StoreError(
            "the sequence of the log's positions gives sessions several numbers at a time, or not one by one",
            hint="ALTER SEQUENCE log_position_seq CACHE 1 INCREMENT 1",
        )


@contextmanager
def between_commits(database: Database) -> Iterator[None]:
    """While nothing is in the midst of being committed; for a moment. Raises StoreUnavailable."""
    if database.is_sqlite:
        yield
        return
    with database.connect() as connection, rolled_back(connection):
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(COMMIT_ORDER)
        yield
        connection.exec_driver_sql("ROLLBACK")
