"""One database, SQLite or PostgreSQL: its engine, its manners, and its errors in our words.

Every wait has an end: for a connection of the pool, for another's lock, for a statement, for a server that is silent.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, Select, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from application.ledger.transaction import Conflict
from domain.errors import InvalidInput, StoreError, StoreRefused, StoreUnavailable
from infrastructure.store.archive import Archive
from infrastructure.store.erasedusers import SqlErasedUsers
from infrastructure.store.errors import UNSENDABLE, in_our_words, is_gone, is_of_text, none_to_spare
from infrastructure.store.options import StatementLimits, connect_arguments, without_schemas
from infrastructure.store.order import CommitOrder
from infrastructure.store.session import Session, Values
from infrastructure.store.shortening import Beginnings
from infrastructure.store.urls import SQLITE, parse_url, sqlite_reading
from infrastructure.store.written import WrittenQuery, write_query

if TYPE_CHECKING:
    from infrastructure.store.postgres import GuardedConnection, Watch

LOCK_SECONDS = 10
STATEMENT_SECONDS = 30
PATIENT_SECONDS = 60 * 60
"""Work that takes long by its nature: upgrades, rebuilds, audits."""

AGAIN_SECONDS = 0.01
POOL = 10
SHAPES = 1_000
"""Queries that are kept as they are written; programs ask some dozens."""


class Database:
    """The engine and what both databases do differently.

    `turn` is held by whoever writes: SQLite has one writer, and in one process taking turns beats waiting for its lock.
    """

    def __init__(
        self,
        url: str,
        *,
        lock_seconds: float = LOCK_SECONDS,
        statement_seconds: float = STATEMENT_SECONDS,
        quiet_seconds: float | None = None,
        reading: bool = False,
        archive: Path | None = None,
    ) -> None:
        """How long one statement waits for others' locks, and on PostgreSQL, how long it may take, and after how long a
        pause its connection is asked whether it still works.

        Who is only `reading` changes nothing. `archive` is the folder of facts that were taken out of the log.
        """
        self.url = parse_url(url)
        self.reading = reading
        self.dialect = self.url.get_backend_name()
        self.erased = SqlErasedUsers(self)
        """Users of whom whatever is shown has pseudonyms."""
        self.limits: Mapping[str, float | None] = {}
        """Seconds, by PostgreSQL's name of each limit that its transactions have."""
        self._watch: Watch | None = None
        self.address: Callable[[], str]
        """The URL to which the next connection goes, on PostgreSQL."""
        if self.is_sqlite:
            self.engine = _sqlite_reader(self.url, lock_seconds) if reading else _sqlite_writer(self.url, lock_seconds)
        else:
            limits = StatementLimits.of(self.url, lock_seconds, statement_seconds)
            self.limits = limits.in_force
            self.address = lambda: url
            self.engine, self._watch = _postgres_engine(self, limits, lock_seconds, quiet_seconds)
        self.beginnings = Beginnings()
        self.order = CommitOrder()
        self.archive = Archive(self, archive)
        self._turn = threading.Lock()
        self._written: dict[Hashable, WrittenQuery] = {}
        self._idle: deque[Session] = deque()

    @property
    def is_sqlite(self) -> bool:
        return self.dialect == SQLITE

    def is_standby(self) -> bool:
        """Whether it only follows another database, and may be behind it. Raises StoreUnavailable."""
        if self.is_sqlite:
            return False
        with self.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar())

    def turn(self) -> AbstractContextManager[Any]:
        """Held while writing; on PostgreSQL writers need no turns."""
        return self._turn if self.is_sqlite else nullcontext()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection in autocommit, for reading. Raises StoreUnavailable."""
        with _readable(), _sayable(), translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def patiently(self, connection: Connection) -> Iterator[None]:
        """Let the transactions of this connection take long."""
        if self.is_sqlite:
            yield
            return
        guarded = _guarded(connection)
        limits = guarded.limits
        guarded.limit(limits.patient(PATIENT_SECONDS))
        try:
            yield
        finally:
            guarded.limit(limits)

    def rows(self, query: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """All rows of one query. Raises StoreUnavailable."""

        def ask() -> Sequence[Any]:
            with translated(), self.engine.connect() as connection:
                return connection.execute(query, parameters).all()

        return _again(ask)

    def ask(self, shape: Hashable, query: Callable[[], Select[Any]], values: Mapping[str, Any]) -> Sequence[Any]:
        """All rows of a query that is written once for all of a shape, with the values of its parameters.

        Raises StoreUnavailable.
        """
        known = self._written.get(shape)
        if known is None:
            if len(self._written) >= SHAPES:
                self._written.clear()
            known = self._written[shape] = write_query(query(), self.engine.dialect)
        return self.read(known.sql, known.values(values))

    def read(self, query: str, values: Values | None = None) -> Sequence[Any]:
        """All rows of one query, as the driver's tuples. Raises StoreUnavailable."""

        def ask() -> Sequence[Any]:
            with closing(Session(self.engine)) as session:
                return session.rows(query, values)

        return _again(ask)

    @contextmanager
    def session(self, begin: str, *, reading: bool = False) -> Iterator[Session]:
        """A transaction that the caller ends, rolled back on any error; each statement raises as `transaction`.

        On PostgreSQL `begin` may be empty for a caller that begins with its first statement, in one round trip. The
        session is kept for the next one, as giving it back to the pool costs as much as a statement. One that is
        `reading` waits for no writer.
        """
        with _sayable() if reading else self.turn():
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
        while self._idle:
            with suppress(IndexError):
                session = self._idle.pop()
                if session.is_fresh():
                    session.listen()
                    return session
                session.close()  # the pool looks whether it still works
        return Session(self.engine)

    def _close_idle(self) -> None:
        with suppress(IndexError):  # another thread may take the last one
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction, committed at the end; rolled back on any error. Raises Conflict, StoreUnavailable."""
        with self.turn(), translated(), self.engine.connect() as connection, rolled_back(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
            yield connection
            connection.exec_driver_sql("COMMIT")

    def follow(self, address: Callable[[], str] | None) -> None:
        """Have each new connection go where `address` says by then; on PostgreSQL alone, and in the same schema."""
        if address is not None:
            self.address = address

    def close(self) -> None:
        self._close_idle()
        self.engine.dispose()
        if self._watch is not None:
            self._watch.close()


Answer = TypeVar("Answer")


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except Conflict as error:
        raise StoreUnavailable(f"the database was lost while reading: {error}", hint="try again") from error


@contextmanager
def _sayable() -> Iterator[None]:
    """A question about what is no text, and so is the name of nothing, is the caller's mistake. Raises InvalidInput."""
    try:
        yield
    except (StoreRefused, *UNSENDABLE) as error:
        raised = error.__cause__ if isinstance(error, StoreRefused) else error
        if not is_of_text(raised):
            raise
        told = "what is looked for has characters that are not text"
        raise InvalidInput("name", told, hint="remove them") from error


def _again(ask: Callable[[], Answer]) -> Answer:
    """A question may be asked twice: a connection that was cut meanwhile, or a lost race, is nobody's concern."""
    try:
        with _sayable():
            return ask()
    except Conflict:
        with _readable():
            return ask()


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


def _postgres_engine(
    database: Database, limits: StatementLimits, lock_seconds: float, quiet_seconds: float | None
) -> tuple[Engine, Watch]:
    """The engine, and who watches over its statements. Raises StoreError."""
    url = database.url
    try:
        from infrastructure.store import postgres
    except ImportError as error:
        raise StoreError(f"no driver for {url.drivername!r} is installed") from error
    watch = postgres.Watch(min(1.0, limits.patience / 4))
    quiet = postgres.QUIET_SECONDS if quiet_seconds is None else quiet_seconds
    guarded = partial(postgres.GuardedConnection, watch=watch, limits=limits, quiet_seconds=quiet)

    def connect() -> Any:
        """Raises the driver's errors."""
        where = parse_url(database.address())
        _, named = engine.dialect.create_connect_args(without_schemas(where))
        return engine.dialect.connect(**named, **connect_arguments(where), connection_factory=guarded)

    engine = create_engine(
        without_schemas(url),
        isolation_level="AUTOCOMMIT",
        pool_size=POOL,
        pool_timeout=lock_seconds,
        executemany_mode="values_plus_batch",
        use_native_hstore=False,
        creator=connect,
    )
    event.listen(engine, "checkout", _refuse_stale)
    event.listen(engine, "handle_error", _notice_what_is_gone)
    return engine, watch


def _guarded(connection: Connection) -> GuardedConnection:
    guarded: Any = connection.connection.dbapi_connection
    return guarded  # type: ignore[no-any-return]


def _refuse_stale(connection: GuardedConnection, _record: Any, _proxy: Any) -> None:
    """A connection that ended while nobody looked is replaced, and all that waited with it."""
    if connection.is_stale():
        raise InvalidatePoolError


def _notice_what_is_gone(context: ExceptionContext) -> None:
    """Whatever says that the session or its server is not what is needed discards it, and all that wait with it."""
    if context.connection is not None and is_gone(context.original_exception):
        context.is_disconnect = True


def _sqlite_writer(url: URL, lock_seconds: float) -> Engine:
    settings = {"timeout": lock_seconds, "check_same_thread": False}
    engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_timeout=lock_seconds, connect_args=settings)
    event.listen(engine, "connect", partial(_set_up_sqlite, lock_seconds=lock_seconds))
    return engine


def _sqlite_reader(url: URL, lock_seconds: float) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(sqlite_reading(url), timeout=lock_seconds, check_same_thread=False, uri=True)

    return create_engine(url, isolation_level="AUTOCOMMIT", pool_timeout=lock_seconds, creator=connect)


def _set_up_sqlite(connection: Any, _record: Any, *, lock_seconds: float) -> None:
    """Durable commits, readers beside the writer, triggers that also see REPLACE, and zeros for what is deleted."""
    cursor = connection.cursor()
    _write_ahead(cursor, monotonic() + lock_seconds)
    for pragma in (
        "synchronous = FULL",
        "recursive_triggers = ON",
        "secure_delete = ON",
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
    except PoolExhausted as error:
        raise none_to_spare() from error
