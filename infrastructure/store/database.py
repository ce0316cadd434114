"""One database, SQLite or PostgreSQL: its engine, its manners, and its errors in our words."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from application.store import Conflict
from domain.errors import StoreError, StoreUnavailable
from infrastructure.store.errors import in_our_words
from infrastructure.store.session import Session

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
LOCK_SECONDS = 10
AGAIN_SECONDS = 0.01
IDLE_SECONDS = 60
"""A process that was stopped inside a transaction loses its session, and with it its locks, after this long."""


class Database:
    """The engine and what both databases do differently.

    `turn` is held by whoever writes: SQLite has one writer, and in one process taking turns beats waiting for its lock.
    """

    def __init__(self, url: str, *, lock_seconds: float = LOCK_SECONDS) -> None:
        """`lock_seconds` is how long one statement waits for others' locks."""
        self.url = parse_url(url)
        self.dialect = self.url.get_backend_name()
        self.engine = _engine(self.url, lock_seconds)
        self._turn = threading.Lock()
        self._idle: deque[Session] = deque()

    @property
    def is_sqlite(self) -> bool:
        return self.dialect == SQLITE

    def turn(self) -> AbstractContextManager[Any]:
        """Held while writing; on PostgreSQL writers need no turns."""
        return self._turn if self.is_sqlite else nullcontext()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection in autocommit, for reading. Raises StoreUnavailable."""
        with _readable(), translated(), self.engine.connect() as connection:
            yield connection

    def read(self, query: str) -> Sequence[Any]:
        """All rows of one query, as the driver's tuples. Raises StoreUnavailable."""
        with _readable(), closing(Session(self.engine)) as session:
            return session.rows(query)

    @contextmanager
    def session(self, begin: str) -> Iterator[Session]:
        """A write transaction that the caller ends, rolled back on any error; each statement raises as `transaction`.

        On PostgreSQL `begin` may be empty for a caller that begins with its first statement, in one round trip. The
        session is kept for the next one, as giving it back to the pool costs as much as a statement.
        """
        with self.turn():
            session = self._session()
            ended = False
            try:
                if begin:
                    session.run(begin)
                yield session
                ended = True
            finally:
                if ended:
                    self._idle.append(session)
                else:
                    session.roll_back()
                    session.close()
                    self._close_idle()  # what failed may be gone for all of them

    def _session(self) -> Session:
        try:
            return self._idle.pop()
        except IndexError:
            return Session(self.engine)

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction, committed at the end; rolled back on any error. Raises Conflict, StoreUnavailable."""
        with self.turn(), translated(), self.engine.connect() as connection, rolled_back(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
            yield connection
            connection.exec_driver_sql("COMMIT")

    def close(self) -> None:
        self._close_idle()
        self.engine.dispose()


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except Conflict as error:
        raise StoreUnavailable(f"the database was lost while reading: {error}", hint="try again") from error


@contextmanager
def rolled_back(connection: Connection) -> Iterator[None]:
    """End the transaction if the work inside does not come to its end, for whatever reason."""
    ended = False
    try:
        yield
        ended = True
    finally:
        if not ended:
            roll_back(connection)


def roll_back(connection: Connection) -> None:
    """End a transaction that failed; a connection that is gone has ended it itself."""
    try:
        if not connection.invalidated:
            connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:
        connection.invalidate()


def parse_url(url: str) -> URL:
    """The database's address, always with the driver this program is made for. Raises StoreError."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("the database URL cannot be read", hint="sqlite:///FILE or postgresql://HOST/NAME") from error
    backend = parsed.get_backend_name()
    if backend == POSTGRESQL:
        return parsed.set(drivername="postgresql+psycopg2")
    if backend == SQLITE and parsed.database not in (None, "", ":memory:"):
        return parsed.set(drivername="sqlite+pysqlite")
    raise StoreError(
        f"a database of type {parsed.drivername!r} cannot hold the ledger",
        hint="sqlite:///FILE (a file, not memory) or postgresql://HOST/NAME",
    )


def _engine(url: URL, lock_seconds: float) -> Engine:
    try:
        if url.get_backend_name() == SQLITE:
            settings = {"timeout": lock_seconds, "check_same_thread": False}
            engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args=settings)
            event.listen(engine, "connect", partial(_set_up_sqlite, lock_seconds=lock_seconds))
            return engine
        return create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=10,
            executemany_mode="values_plus_batch",
            connect_args={
                "connect_timeout": LOCK_SECONDS,
                "application_name": "imagestudio",
                "options": f"-c lock_timeout={max(1, int(lock_seconds * 1000))}"
                f" -c idle_in_transaction_session_timeout={IDLE_SECONDS}s",
            },
        )
    except NoSuchModuleError as error:
        raise StoreError(f"no driver for {url.drivername!r} is installed") from error


def _set_up_sqlite(connection: Any, _record: Any, *, lock_seconds: float) -> None:
    """Durable commits, readers beside the writer, and triggers that also see REPLACE."""
    cursor = connection.cursor()
    _write_ahead(cursor, monotonic() + lock_seconds)
    for pragma in (
        "synchronous = FULL",
        "recursive_triggers = ON",
        "cache_size = -16384",
        "wal_autocheckpoint = 4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor, deadline: float) -> None:
    """Two that make a new file's log at the same moment stand in each other's way; SQLite then does not wait."""
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                raise
            sleep(AGAIN_SECONDS)
        else:
            return


@contextmanager
def translated() -> Iterator[None]:
    """SQLAlchemy's errors as Conflict (worth deciding again), StoreUnavailable (not now) or StoreRefused (never)."""
    try:
        yield
    except DBAPIError as error:
        integrity = isinstance(error, IntegrityError)
        raise in_our_words(error.orig, integrity=integrity, lost=error.connection_invalidated) from error
