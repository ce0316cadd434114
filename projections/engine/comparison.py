"""Every view compared with a replay of the log from its first fact, row for row, at one moment of the views.

    one moment of the views ── facts up to where they are ── fold ── rows ─┬─ few: held against the stored rows
     heard from whoever reads the log, or read here                        └─ many, or not alike: in scratch tables

So whoever reads the whole log anyway, as the audit of its chains does, has it read once. Tables are asked which rows
differ. No writer or reader waits, and memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection

from application.ledger.log import Positioned
from domain.errors import StoreUnavailable, ViewStopped
from projections.engine import checkpoints
from projections.engine.database import FactSource, ViewDatabase
from projections.engine.folding import Choked, Folder, LogRow
from projections.engine.holding import is_alike
from projections.engine.replay import (
    MOST,
    READ,
    Replay,
    ReplayedView,
    TableReplay,
    account_in,
    moment_of_views,
    unreplayed,
)
from projections.engine.rows import Unwritable
from projections.engine.view import AnyView

HELD: Final = 40_000
"""Rows of all views that are held in memory, some tens of megabytes, before they are written."""


def compare(
    database: ViewDatabase,
    source: FactSource,
    views: Sequence[AnyView],
    account: str | None = None,
    *,
    read: int = READ,
    most: int = MOST,
    held: int = HELD,
) -> Replay:
    """Compare the views with the log, each where it stands; of one account, those that have rows of its own.

    `read` facts are folded at a time, `held` rows wait in memory, and of each view the first `most` differences are
    shown.

    Raises ViewStopped for a fact that cannot be folded, StoreUnavailable.
    """
    with comparing(database, source, views, account, read=read, most=most, held=held) as running:
        return running.verdict()


@contextmanager
def comparing(
    database: ViewDatabase,
    source: FactSource,
    views: Sequence[AnyView],
    account: str | None = None,
    *,
    read: int = READ,
    most: int = MOST,
    held: int = HELD,
) -> Iterator[RunningComparison]:
    """As `compare`, while somebody reads the log; the views are those of this moment until it ends."""
    chosen = [view for view in views if account is None or account_in(view)]
    with database.connect() as connection, database.patiently(connection), moment_of_views(connection, chosen):
        tables = TableReplay(connection, source, chosen, account, read, most)
        with tables.scratch():
            yield RunningComparison(connection, tables, read, held)


class RunningComparison:
    """Folds what is heard of the log, and reads the rest of it."""

    def __init__(self, connection: Connection, tables: TableReplay, read: int, held: int) -> None:
        self._connection, self._tables, self._read, self._most = connection, tables, read, held
        self._reader = tables.source.reader
        marks = checkpoints.marks(connection, [view.name for view in tables.views])
        ends = {view.name: marks[view.name].position if view.name in marks else 0 for view in tables.views}
        self._upto, self._last, self._facts = max(ends.values(), default=0), 0, 0
        self._is_together = tables.account is None and len({*ends.values()}) == 1 and not self._reader.departed()
        self._folder = Folder(tables.views, tables.source.codec, tables.erased)
        self._folded, self._waiting = self._folder.empty(), list[LogRow]()
        self._written, self._stopped = set[str](), list[ViewStopped]()

    def hear(self, page: Sequence[Positioned]) -> None:
        """The next entries of the log, all of them from the first on; what is amiss is told of in the end."""
        if not self._is_together or self._stopped:
            return
        try:
            self._take([(at, link.topic, link.originator_version, link.state) for at, link in page if at <= self._upto])
        except ViewStopped as error:
            self._stopped.append(error)

    def verdict(self) -> Replay:
        """Every view against the replay, once all is read. Raises ViewStopped, StoreUnavailable."""
        for error in self._stopped:
            raise error
        if not self._is_together:
            return self._tables.replayed()
        while page := self._reader.states(self._last, self._upto, self._read):
            self._take(page)
        self._fold()
        if self._reader.departed():
            raise StoreUnavailable("an account left for another ledger while views were compared", hint="try again")
        return Replay(self._facts, tuple([self._compared(view) for view in self._tables.views]))

    def _compared(self, view: AnyView) -> ReplayedView:
        """A view by its rows in memory; if some are in its table already, or they differ, by that."""
        if view.name not in self._written:
            same, count = is_alike(self._connection, view, self._folded[view.name])
            if same:
                return ReplayedView(view.name, self._upto, count, 0, ())
        self._write(view)
        return self._tables.compare(view, self._upto)

    def _take(self, rows: Sequence[LogRow]) -> None:
        """Fold as many as are to be folded at a time, once they are there. Raises ViewStopped."""
        if rows:
            self._waiting += rows
            self._last = rows[-1][0]
        if len(self._waiting) >= self._read:
            self._fold()

    def _fold(self) -> None:
        try:
            self._folder.fold(self._waiting, self._folded)
        except Choked as error:
            raise unreplayed(error) from error
        self._facts += len(self._waiting)
        self._waiting.clear()
        self._connection.exec_driver_sql("SELECT 1")  # lest a server ends a transaction in which nothing is asked
        while sum(map(len, self._folded.values())) > self._most:
            self._write(max(self._tables.views, key=lambda view: len(self._folded[view.name])))

    def _write(self, view: AnyView) -> None:
        """Put the rows of a view into its scratch table, and hold none of them any more. Raises ViewStopped."""
        self._written.add(view.name)
        try:
            self._tables.add([view], self._folded)
        except Unwritable as error:
            raise unreplayed(error) from error
        self._folded[view.name] = {}
