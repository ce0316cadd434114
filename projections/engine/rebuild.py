"""Builds views anew beside the live ones, and swaps them in; queries see the old rows or the new, never half.

    prepare ── fresh tables, a token ── fill: ranges of the log, folded here or by workers, written in order
            ── catch up, holding the live checkpoint ── rename ── drop what is old

Starting takes over: a rebuild that was interrupted leaves nothing in the way, and one that is still running is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from time import monotonic, sleep
from uuid import uuid4

from sqlalchemy import Connection, MetaData, Table, delete, update
from sqlalchemy.exc import OperationalError

from domain.errors import RebuildLost, StoreUnavailable, ViewStopped
from domain.pseudonyms import ErasedUsers
from projections.engine import checkpoints, rows
from projections.engine.checkpoints import CheckpointMoved
from projections.engine.database import FactSource, ViewDatabase, patiently
from projections.engine.folding import Choked, Folded, Folder
from projections.engine.hiding import NOBODY
from projections.engine.renaming import erased_users
from projections.engine.rows import Unwritable
from projections.engine.tables import CHECKPOINTS, FRESH, RETIRED, indexes_of, table_of
from projections.engine.view import AnyView, in_order

PATIENT_SECONDS = 60 * 60
"""As long as an audit may take, which holds the live tables; a rebuild waits for it before it swaps its own in."""

ATTEMPT_SECONDS = 1
"""How long it stands in the way of readers at a time."""

LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for a lock that was not given in time."""


Fold = tuple[int, Folded]
"""The last position of a range, and what it folds to."""


class TablesBusy(Exception):
    """The live tables could not be had for the moment."""


@dataclass(frozen=True, slots=True)
class Strides:
    """How far a rebuild goes at a time.

    `range`: positions folded before anything is written; memory and the ledger writer's wait are bounded by it.
    `read`: rows read at a time. `near`: so close to the log's end the rest is folded under the live checkpoint's lock.
    `pause`: seconds in which readers are let by, between two attempts to swap the tables.
    """

    range: int = 20_000
    read: int = 5_000
    near: int = 2_000
    pause: float = 4.0


USUAL = Strides()


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes that read and fold ranges of the log; `open` is called once in each and must be picklable."""

    count: int
    open: Callable[[], FactSource]


def rebuild(
    database: ViewDatabase,
    source: FactSource,
    views: Sequence[AnyView],
    workers: Workers | None = None,
    progress: Callable[[int, int], None] = lambda _position, _end: None,
    strides: Strides = USUAL,
) -> int:
    """Replace these views by what the log says; returns the position they then stand at.

    Raises RebuildLost where another rebuild of one of them began meanwhile, ViewStopped for a fact that cannot be
    folded; the live views are then as they were.
    """
    run = _Rebuild(database, source, tuple(views), uuid4().hex, strides)
    try:
        run.prepare()
        run.fill(workers, progress)
        return run.swap()
    except CheckpointMoved as error:
        raise run.lost() from error
    except BrokenProcessPool as error:
        raise StoreUnavailable("a worker of the rebuild died", hint="start it again, with fewer") from error
    except (Choked, Unwritable) as error:
        raise ViewStopped(f"cannot rebuild {run.title}: {error}", hint="the live rows stand as they were") from error
    finally:
        run.abandon()


class _Rebuild:
    """One attempt; its token in the checkpoints of the fresh tables is what makes them its own."""

    def __init__(
        self, database: ViewDatabase, source: FactSource, views: tuple[AnyView, ...], token: str, strides: Strides
    ) -> None:
        self._database = database
        self._source = source
        self._views = views
        self._token = token
        self._strides = strides
        self._live = [view.name for view in views]
        self._fresh = [view.name + FRESH for view in views]
        self._position = 0
        self._erased = (0, NOBODY)

    @property
    def title(self) -> str:
        return ", ".join(self._live)

    def lost(self) -> RebuildLost:
        return RebuildLost(f"another rebuild of {self.title} took over", hint="let that one finish")

    def prepare(self) -> None:
        """Sweep away what an earlier attempt left, and claim the fresh tables."""
        with patiently(self._database) as connection:
            checkpoints.begin(connection, self._live)
            checkpoints.claim(connection, self._fresh, self._token)
            self._erased = (checkpoints.erasures(connection, self._live), erased_users(connection))
            _drop(connection, self._live, FRESH, RETIRED)
            for table in self._tables():
                table.create(connection)

    def fill(self, workers: Workers | None, progress: Callable[[int, int], None]) -> None:
        """Fold the log in ranges while its end comes nearer, then build the indexes that the load was spared."""
        end = left = self._source.reader.end()
        while left > self._strides.near:
            for upto, folded in self._folds(end, workers):
                self._write(upto, folded)
                progress(upto, end)
            workers = None  # what was appended meanwhile is not worth starting them again
            end = self._source.reader.end()
            if end - self._position >= left:
                break  # the log grows as fast as it is folded; holding the checkpoint does not slow the log itself
            left = end - self._position
        with patiently(self._database) as connection:
            checkpoints.move(connection, self._fresh, self._position, self._position, self._token)
            for view, table in zip(self._views, self._tables(), strict=True):
                for index in indexes_of(view, table, f"_{self._token[:12]}"):
                    index.create(connection)
            if not self._database.is_sqlite:
                connection.exec_driver_sql(f"ANALYZE {', '.join(self._fresh)}")

    def swap(self) -> int:
        """Swap the fresh tables in once nobody holds the live ones, as an audit does for as long as it takes.

        Each attempt is short: whoever reads meanwhile stands behind it in the queue. Raises StoreUnavailable at last.
        """
        until = monotonic() + PATIENT_SECONDS
        while True:
            try:
                return self._swap()
            except TablesBusy as error:
                if monotonic() > until:
                    raise StoreUnavailable(f"{self.title}: {error}", hint="let that end, and start again") from error
            sleep(self._strides.pause)

    def _swap(self) -> int:
        """Hold the live checkpoints, fold what is left, and rename, all at once."""
        with patiently(self._database) as connection:
            checkpoints.lock(connection, self._live)
            if checkpoints.erasures(connection, self._live) != self._erased[0]:
                raise RebuildLost(f"somebody was erased while {self.title} was rebuilt", hint="start it again")
            end = self._source.reader.end()
            checkpoints.move(connection, self._fresh, self._position, end, self._token)
            for _, folded in self._folds(end):
                rows.add(connection, self._views, folded, FRESH)
            self._rename(connection)
            live = update(CHECKPOINTS).where(CHECKPOINTS.c.view.in_(self._live))
            connection.execute(live.values(position=end, failed_at=None, error=None, token=None))
            connection.execute(delete(CHECKPOINTS).where(CHECKPOINTS.c.view.in_(self._fresh)))
        with patiently(self._database) as connection:
            _drop(connection, self._live, RETIRED)
        return end

    def abandon(self) -> None:
        """Leave nothing behind; what another attempt has claimed is not touched."""
        with patiently(self._database) as connection:
            mine = connection.execute(delete(CHECKPOINTS).where(CHECKPOINTS.c.token == self._token))
            if mine.rowcount:
                _drop(connection, self._live, FRESH)

    def _folds(self, end: int, workers: Workers | None = None) -> Iterator[Fold]:
        """Each range's last position and fold, in the order of the log."""
        step, read = self._strides.range, self._strides.read
        ranges = ((start, min(start + step, end)) for start in range(self._position, end, step))
        if workers is not None:
            return _folds_of_workers(self._views, self._erased[1], ranges, workers, read)
        folder = Folder(self._views, self._source.codec, self._erased[1])
        return _ahead((upto, fold_range(folder, self._source, start, upto, read)) for start, upto in ranges)

    def _tables(self) -> list[Table]:
        """Without indexes: those are built once the rows are in."""
        return [table_of(view, MetaData(), view.name + FRESH) for view in self._views]

    def _write(self, upto: int, folded: Folded) -> None:
        with patiently(self._database) as connection:
            checkpoints.move(connection, self._fresh, self._position, upto, self._token)
            rows.add(connection, self._views, folded, FRESH)
        self._position = upto

    def _rename(self, connection: Connection) -> None:
        """Tables are locked in the order in which queries of several read them."""
        if not self._database.is_sqlite:
            ordered = [view.name for view in in_order(self._views)]
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{ATTEMPT_SECONDS}s'")
            try:
                connection.exec_driver_sql(f"LOCK TABLE {', '.join(ordered)} IN ACCESS EXCLUSIVE MODE")
            except OperationalError as error:
                if getattr(error.orig, "pgcode", None) == LOCK_NOT_AVAILABLE:
                    raise TablesBusy("an audit or a long query holds the live tables") from error
                raise
        for name in self._live:
            connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {name}{RETIRED}")
            connection.exec_driver_sql(f"ALTER TABLE {name}{FRESH} RENAME TO {name}")


def _drop(connection: Connection, names: Sequence[str], *suffixes: str) -> None:
    for name in names:
        for suffix in suffixes:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}{suffix}")


# Folding ranges, here or in processes


def _ahead(folds: Iterator[Fold]) -> Iterator[Fold]:
    """Each is folded while the database is busy with the one before."""
    with ThreadPoolExecutor(1) as folding:
        coming = folding.submit(next, folds, None)
        while (fold := coming.result()) is not None:
            coming = folding.submit(next, folds, None)
            yield fold


def fold_range(folder: Folder, source: FactSource, after: int, upto: int, read: int) -> Folded:
    """The fold of the positions above `after` up to `upto`, read in batches. Raises Choked."""
    folded = folder.empty()
    while rows := source.reader.states(after, upto, read):
        after = folder.fold(rows, folded)
    return folded


def _folds_of_workers(
    views: tuple[AnyView, ...], erased: ErasedUsers, ranges: Iterator[tuple[int, int]], workers: Workers, read: int
) -> Iterator[Fold]:
    """Results are awaited in order, and few are under way, so that memory does not grow with the log."""
    context = get_context("spawn")
    with ProcessPoolExecutor(workers.count, context, _open, (workers.open, views, erased)) as pool:
        under_way: deque[Future[Fold]] = deque()
        for start, upto in ranges:
            under_way.append(pool.submit(_fold, start, upto, read))
            if len(under_way) > workers.count:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


_here: list[tuple[Folder, FactSource]] = []
"""A worker process's own log reader."""


def _open(open: Callable[[], FactSource], views: tuple[AnyView, ...], erased: ErasedUsers) -> None:
    source = open()
    _here.append((Folder(views, source.codec, erased), source))


def _fold(start: int, upto: int, read: int) -> Fold:
    folder, source = _here[0]
    return upto, fold_range(folder, source, start, upto, read)
