"""A connection of the pool through the driver's own cursor, for what is done with every group of operations.

A statement through SQLAlchemy's layers costs more of Python's time than deciding an operation. Whoever listens to the
engine's cursors hears these statements too; its pool, its settings and its errors are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from application.ledger.transaction import Conflict
from domain.errors import StoreRefused, StoreUnavailable
from infrastructure.store.errors import UNSENDABLE, in_our_words, is_gone, none_to_spare

Values = Sequence[Any] | Mapping[str, Any]


class Session:
    """One connection in autocommit, for one thread; every method raises Conflict, StoreUnavailable or StoreRefused."""

    def __init__(self, engine: Engine) -> None:
        self.lost = False
        """Whether its connection is gone, and with it the end of its last statement."""
        self._engine = engine
        self._errors = engine.dialect.loaded_dbapi.Error
        self._heard, self._hears = engine.dispatch, False
        self.listen()
        try:
            self._connection = engine.raw_connection()
            self._cursor = self._connection.cursor()
        except self._errors as error:
            raise self._translated(error, None) from error
        except DBAPIError as error:  # what the engine asks over its first connection goes through all its layers
            raise self._translated(error.orig, None) from error
        except PoolExhausted as error:
            raise none_to_spare() from error

    def listen(self) -> None:
        """See whether anybody listens to the engine's cursors; asked at every transaction, not at every statement."""
        self._hears = bool(self._heard.before_cursor_execute or self._heard.after_cursor_execute)

    def run(self, sql: str, values: Values | None = None) -> None:
        """Execute one statement, or a script, with the values of its marks."""
        self._execute(self._cursor.execute, sql, () if values is None else (values,))

    def many(self, sql: str, rows: Sequence[Values]) -> None:
        """Execute one statement for each row."""
        self._execute(self._cursor.executemany, sql, (rows,))

    def rows(self, sql: str, values: Values | None = None) -> Sequence[Any]:
        """Execute one query; all its rows."""
        self.run(sql, values)
        try:
            return self._cursor.fetchall()
        except self._errors as error:
            raise self._translated(error, self._connection.dbapi_connection) from error

    def is_fresh(self) -> bool:
        """Whether its connection was used so lately that nothing between here and the database forgot it."""
        is_quiet = getattr(self._connection.dbapi_connection, "is_quiet", None)
        return is_quiet is None or not is_quiet()

    def roll_back(self) -> None:
        """End a transaction that failed; a connection that is gone has ended it itself."""
        try:
            if self._connection.is_valid:
                self._cursor.execute("ROLLBACK")
        except self._errors as error:
            self._connection.invalidate(error)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _execute(self, execute: Any, sql: str, values: tuple[Any, ...]) -> None:
        told = (self, self._cursor, sql, values, None, False)
        if self._hears:
            self._heard.before_cursor_execute(*told)
        try:
            execute(sql, *values)
        except (self._errors, *UNSENDABLE) as error:
            raise self._translated(error, self._connection.dbapi_connection) from error
        if self._hears:
            self._heard.after_cursor_execute(*told)

    def _translated(self, error: Any, connection: Any) -> Conflict | StoreUnavailable | StoreRefused:
        """The error in our words; where the connection is lost, those that wait in the pool are lost as well."""
        dialect = self._engine.dialect
        lost = dialect.is_disconnect(error, connection, None)
        if connection is not None and (lost or is_gone(error)):
            lost = self.lost = True
            self._connection.invalidate(error)
            self._engine.dispose()
        return in_our_words(error, integrity=isinstance(error, dialect.loaded_dbapi.IntegrityError), lost=lost)
