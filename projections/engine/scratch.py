"""Views in a scratch database: as the log up to a position makes them, to be asked like those that are kept.

facts up to there ── fold ──> tables of a private SQLite database, gone when it is closed ── the views' own queries

It lies in memory, and on the disk beyond what SQLite keeps there: the ledger's own database is only read, so that a
standby, or one that nobody may write to, is asked as well.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Executable, Select, create_engine, create_mock_engine, event, insert
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.visitors import iterate

from application.ledger.log import Codec
from domain.errors import ViewStopped
from domain.pseudonyms import ErasedUsers
from projections.engine import rows
from projections.engine.asking import select_from
from projections.engine.folding import Choked, Folder, LogRow
from projections.engine.hiding import NOBODY
from projections.engine.rows import Unwritable
from projections.engine.tables import CHECKPOINTS, live, schema_of
from projections.engine.view import AnyView

READ = 5_000
"""Facts folded and written at a time."""


class Scratch:
    """Some views' tables, empty at first, in a database of their own. Implements ViewDatabase; close it."""

    is_sqlite = True

    def __init__(self, views: Sequence[AnyView], codec: Codec, erased: ErasedUsers = NOBODY) -> None:
        self.views = tuple(views)
        self._codec, self.erased = codec, erased
        self._engine = create_engine("sqlite://", creator=_private, poolclass=StaticPool, isolation_level="AUTOCOMMIT")
        event.listen(self._engine, "connect", _set_up)
        with self.connect() as connection:
            for statement in _making(self.views):
                connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Drop all of it."""
        self._engine.dispose()

    def turn(self) -> AbstractContextManager[Any]:
        return nullcontext()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    def rows(self, query: Executable) -> Sequence[Any]:
        with self.connect() as connection:
            return connection.execute(query).all()

    def ask(self, shape: Hashable, query: Callable[[], Select[Any]], values: Mapping[str, Any]) -> Sequence[Any]:  # noqa: ARG002  # asked once
        with self.connect() as connection:
            return connection.execute(query(), dict(values)).all()

    def patiently(self, connection: Connection) -> AbstractContextManager[None]:  # noqa: ARG002  # nobody else is here
        return nullcontext()

    def fold(self, facts: Iterable[LogRow]) -> int:
        """Fold facts that come in the order of the log; how many. Raises ViewStopped for one that cannot be."""
        folder, taken, left = Folder(self.views, self._codec, self.erased), 0, iter(facts)
        while some := list(islice(left, READ)):
            folded = folder.empty()
            try:
                folder.fold(some, folded)
                with self._writing() as connection:
                    rows.add(connection, self.views, folded)
            except (Choked, Unwritable) as error:
                raise ViewStopped(f"the log cannot be replayed {error}", hint="the fact itself is damaged") from error
            taken += len(some)
        return taken

    def stand_at(self, position: int) -> None:
        """Say that the views are at a position, for those who ask them where they are."""
        with self._writing() as connection:
            marks = [{"view": view.name, "position": position} for view in self.views]
            connection.execute(insert(CHECKPOINTS), marks)

    def fill(self, view: AnyView, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
        """Put rows into a view's empty table."""
        if values:
            with self._writing() as connection:
                connection.execute(insert(live(view)), [dict(zip(columns, row, strict=True)) for row in values])

    def drop(self, view: AnyView, condition: str) -> None:
        """Delete the rows of a view for which a condition of SQL holds."""
        with self._writing() as connection:
            connection.exec_driver_sql(f"DELETE FROM {view.name} WHERE {condition}")

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection
            connection.exec_driver_sql("COMMIT")


def _private() -> sqlite3.Connection:
    """A database without a name is its connection's alone; what memory does not hold of it is in a temporary file."""
    return sqlite3.connect("", check_same_thread=False)


@lru_cache(maxsize=64)
def _making(views: tuple[AnyView, ...]) -> tuple[str, ...]:
    """The statements that make the tables, written once: that takes longer than to make them."""
    made: list[str] = []

    def note(statement: Any, *_: Any) -> None:
        made.append(str(statement.compile(dialect=engine.dialect)))

    engine: MockConnection = create_mock_engine("sqlite://", note)
    schema_of(views).create_all(engine, checkfirst=False)
    return tuple(made)


def _set_up(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")


def read_by(view: AnyView, views: Iterable[AnyView]) -> tuple[AnyView, ...]:
    """The view, and the others whose tables its query reads."""
    tables = {getattr(part, "name", None) for part in iterate(select_from(view))}
    return tuple(one for one in views if one is view or one.name in tables)
