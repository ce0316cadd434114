"""Keeps views up with the log: one batch at a time, safely from any number of threads and processes.

checkpoints ── the views furthest behind ── a batch of the log ── fold ── one transaction ── again
                                                                   └ chokes: stop that view alone, loudly
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from application.ledger.log import Link
from domain.errors import ImageStudioError
from projections.engine import checkpoints, rows
from projections.engine.checkpoints import CheckpointMoved, Mark
from projections.engine.database import FactSource, ViewDatabase, writing
from projections.engine.folding import Choked, Folded, Folder, LogRow
from projections.engine.hiding import NOBODY
from projections.engine.recent import Recent
from projections.engine.renaming import erased_users
from projections.engine.rows import Unwritable
from projections.engine.turns import Turns
from projections.engine.view import AnyView

BATCH = 2_000
"""Facts folded in one transaction: few enough that the ledger's writer hardly waits for it on SQLite."""

FOREVER = 2**63 - 1
PAUSE = 0.005
POLL = 0.05
REST = 0.1
"""Seconds: between looks of somebody who waits, of an idle projector, and between folds of a busy one."""

NET = 1.0
"""Seconds between looks of an idle projector that is told of every commit."""

NOTHING_TO_DO = (0, False)
UNKNOWN = -1
"""As many erasures as nobody counted: whom they erased is read first."""

log = logging.getLogger("imagestudio")


class Projector:
    """Advances views. If another projector was faster, what was folded here is dropped: nothing counts twice."""

    def __init__(
        self, database: ViewDatabase, source: FactSource, views: Sequence[AnyView], batch: int = BATCH
    ) -> None:
        self._database = database
        self._source = source
        self._views = tuple(views)
        self._batch = batch
        self._busy = threading.Lock()
        self._asking = threading.Lock()
        self._turns = Turns(database)
        self._erased = (UNKNOWN, NOBODY)

    def advance(self, enough: Callable[[], bool] = lambda: False, recent: Recent | None = None) -> int:
        """Fold to the end of the log, or until `enough`; the number of facts folded here. Raises StoreUnavailable.

        The end is where it was when it was read, or where what is `recent` ends: under load there is always something
        newer, and folding it a little at a time costs several times as much.
        """
        taken, goes_on = 0, True
        while goes_on and not enough():
            step, goes_on = self._step(recent)
            taken += step
        return taken

    def take_turn(self, enough: Callable[[], bool], recent: Recent | None = None) -> int:
        """As `advance`, unless another process is at it, which is told of the same commits."""
        with self._turn() as mine:
            return self.advance(enough, recent) if mine else 0

    def catch_up(self) -> int:
        """Bring the views to where the log ends now, but for those that stand still; the number of facts folded here.

        Facts that another process is folding are waited for. Raises StoreUnavailable.
        """
        end, taken = self._source.reader.written(), 0
        while any(mark.position < end for mark in self._marks().values() if mark.moves):
            taken += self._help()
        return taken

    def wait_for(self, position: int, timeout: float, views: Sequence[str] = ()) -> bool:
        """Read your own writes: help until these views (else all) have folded `position`.

        False after `timeout` seconds, and at once where one of them stands still: it will not get there.
        """
        deadline = monotonic() + timeout
        wanted = tuple(views) or tuple(view.name for view in self._views)
        while True:
            found = [self._marks()[name] for name in wanted]
            if all(mark.position >= position for mark in found):
                return True
            if any(mark.error is not None for mark in found) or monotonic() >= deadline:
                return False
            self._help()

    def lag(self) -> int:
        """How many positions the view furthest behind is from the log's end, stopped ones included."""
        position = min(mark.position for mark in self._marks().values())
        return max(self._source.reader.written() - position, 0)

    def _marks(self) -> dict[str, Mark]:
        names = [view.name for view in self._views]
        rows = self._database.ask("checkpoints", lambda: checkpoints.ALL, {})  # as each page and each fold does
        found = checkpoints.marks_by_rows(rows, names)
        if len(found) == len(names):
            return found
        with writing(self._database) as connection:
            checkpoints.begin(connection, names)
            return checkpoints.marks(connection, names)

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        with self._asking, self._turns.taken() as mine:
            yield mine

    def _help(self) -> int:
        """One step, or a pause if there is nothing to do here; the number of facts."""
        with self._turn() as mine:
            step = self._step() if mine else NOTHING_TO_DO
        if step == NOTHING_TO_DO:
            threading.Event().wait(PAUSE)
        return step[0]

    def _step(self, recent: Recent | None = None) -> tuple[int, bool]:
        """Bring the views furthest behind one batch on; the number of facts, and whether more are known of."""
        with self._busy:
            marks = self._marks()
            standing = {name: mark.position for name, mark in marks.items() if mark.moves}
            if not standing:
                return NOTHING_TO_DO
            old = min(standing.values())
            views = [view for view in self._views if standing.get(view.name) == old]
            self._know_erased(max(marks[view.name].erased for view in views))
            next_stop = min((position for position in standing.values() if position > old), default=FOREVER)
            rows: Sequence[LogRow] | None = recent.after(old, next_stop, self._batch) if recent is not None else None
            if rows is None:
                rows = self._source.reader.states(old, next_stop, self._batch)
            try:
                if not rows and next_stop < FOREVER:
                    self._commit(views, old, next_stop, self._folder(views).empty())
                taken = self._take(views, old, rows)
            except CheckpointMoved:
                return NOTHING_TO_DO
            return taken, next_stop < FOREVER or len(rows) == self._batch or taken < len(rows)

    def _take(self, views: Sequence[AnyView], old: int, rows: Sequence[LogRow]) -> int:
        """Fold and commit; what chokes is found by taking views apart and halving the rows, and stops its view."""
        if not rows:
            return 0
        folder = self._folder(views)
        folded = folder.empty()
        try:
            self._commit(views, old, folder.fold(rows, folded), folded)
        except (Choked, Unwritable) as error:
            if len(views) > 1:
                return max(self._take([view], old, rows) for view in views)
            if len(rows) > 1:
                half = len(rows) // 2
                taken = self._take(views, old, rows[:half])
                return taken if taken < half else half + self._take(views, rows[half - 1][0], rows[half:])
            self._stop(views[0], old, rows[0][0], str(error))
            return 0
        return len(rows)

    def _folder(self, views: Sequence[AnyView]) -> Folder:
        return Folder(views, self._source.codec, self._erased[1])

    def _know_erased(self, count: int) -> None:
        """Know whom so many erasures erased, or later ones, too: what is folded then is dropped."""
        if count != self._erased[0]:
            with self._database.connect() as connection:
                self._erased = (count, erased_users(connection))

    def _commit(self, views: Sequence[AnyView], old: int, new: int, folded: Folded) -> None:
        with writing(self._database) as connection:
            checkpoints.move(connection, [view.name for view in views], old, new, erased=self._erased[0])
            rows.add(connection, views, folded)

    def _stop(self, view: AnyView, old: int, position: int, error: str) -> None:
        log.error("view %s stands still at position %d: %s", view.name, position, error)
        with writing(self._database) as connection:
            checkpoints.stop(connection, view.name, old, position, error)


class ProjectorThread:
    """A projector in the background; it is told after a commit, and looks every `poll` seconds by itself."""

    def __init__(self, projector: Projector, poll: float = POLL) -> None:
        self._projector = projector
        self._poll = poll
        self._recent = Recent()
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self._thread.start()

    def appended(self, position: int | None, links: Sequence[Link]) -> None:
        """There is something to fold, up to a position where it is known; cheap, and from any thread."""
        self._recent.add(position, links)
        self._woken.set()

    def close(self) -> None:
        """Finish the batch at hand and end."""
        self._closing.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        """Outlives a database that is locked or gone; what is behind is caught up when it is back."""
        failing = ""
        while not self._closing.is_set():
            self._woken.wait(self._poll)
            self._woken.clear()
            try:
                self._projector.take_turn(self._closing.is_set, self._recent)
                failing = ""
            except (ImageStudioError, SQLAlchemyError) as error:
                if failing != (failing := str(error)):
                    log.warning("views cannot be advanced for now: %s", error)
            self._closing.wait(REST)
