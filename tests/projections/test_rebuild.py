"""A rebuilt view is the live one, row for row; whoever reads meanwhile sees one or the other, and never half."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial

import pytest
from sqlalchemy import inspect, text

from domain.errors import RebuildLost, StoreUnavailable, ViewStopped
from infrastructure.store.database import Database
from projections.engine import checkpoints
from projections.engine import rebuild as rebuilding
from projections.engine.checkpoints import CheckpointMoved
from projections.engine.comparison import compare
from projections.engine.database import writing
from projections.engine.projector import Projector, ProjectorThread
from projections.engine.rebuild import Workers
from projections.queries import Views, statuses
from projections.views import ALL
from projections.views.costs import COSTS
from projections.views.operations import OPERATIONS
from projections.views.usage import USAGE
from tests import patience
from tests.faults import processes
from tests.projections.histories import Log, busy, rows_of
from tests.projections.injury import SMALL, Injury, before, each, injure, open_source, started

FACTS = busy(120)
PATIENCE = patience.SECONDS
POISON = ("ledger:acme:0", "operation.dispatched", b'{"operation": 5}', "op-1")

rebuild = partial(rebuilding.rebuild, strides=SMALL)
"""In several ranges, with something left for the swap."""


def spoil(database: Database) -> None:
    """Make all views wrong, as a bug in a view would."""
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM period_totals"))
        connection.execute(text("UPDATE usage_summary SET price = price + 1"))
        connection.execute(text("UPDATE operation_log SET state = 'lost'"))


NAMES = {view.name for view in ALL}


def tables_of(database: Database) -> set[str]:
    with database.connect() as connection:
        return {name for name in inspect(connection).get_table_names() if name.partition("__")[0] in NAMES}


def indexes_of(database: Database) -> list[tuple[str | None, ...]]:
    with database.connect() as connection:
        return sorted(tuple(index["column_names"]) for index in inspect(connection).get_indexes(OPERATIONS.name))


def test_a_rebuild_puts_right_whatever_was_wrong(projector: Projector, log: Log, database: Database) -> None:
    end = log.record(FACTS)
    projector.advance()
    live = rows_of(database)
    spoil(database)
    assert rebuild(database, log.source, ALL) == end
    assert rows_of(database) == live


def test_a_rebuild_needs_no_live_rows_to_begin_with(log: Log, database: Database) -> None:
    log.record(FACTS)
    rebuild(database, log.source, ALL)
    assert compare(database, log.source, ALL).equal


def test_a_rebuild_by_workers_is_the_same(
    projector: Projector, log: Log, database_url: str, database: Database
) -> None:
    log.record(FACTS)
    projector.advance()
    live = rows_of(database)
    spoil(database)
    rebuild(database, log.source, ALL, workers=Workers(2, partial(open_source, database_url)))
    assert rows_of(database) == live


def test_one_view_can_be_rebuilt_by_itself(projector: Projector, log: Log, database: Database) -> None:
    log.record(FACTS)
    projector.advance()
    live = rows_of(database)
    spoil(database)
    rebuild(database, log.source, [USAGE])
    found = rows_of(database)
    assert found[USAGE.name] == live[USAGE.name]
    assert found[OPERATIONS.name] != live[OPERATIONS.name]


def test_rebuilding_again_and_again_leaves_the_same_tables_and_indexes(log: Log, database: Database) -> None:
    tables, indexes = tables_of(database), indexes_of(database)
    log.record(FACTS)
    for _ in range(3):
        rebuild(database, log.source, ALL)
    assert (tables_of(database), indexes_of(database)) == (tables, indexes)


def test_a_rebuild_says_how_far_it_is(log: Log, database: Database, views: Views) -> None:
    end = log.record(FACTS)
    told: list[tuple[int, int]] = []
    seen: list[int | None] = []

    def progress(position: int, of: int) -> None:
        told.append((position, of))
        seen.append(views.status()[0].rebuilding)

    rebuild(database, log.source, ALL, progress=progress)
    assert told == sorted(told)
    assert {of for _, of in told} == {end}
    assert seen == [position for position, _ in told]
    assert views.status()[0].rebuilding is None


# Under load


def test_readers_never_see_half_while_a_view_is_rebuilt_and_the_log_grows(
    projector: Projector, log: Log, views: Views, database: Database
) -> None:
    log.record(FACTS)
    projector.advance()
    counts: list[int] = []
    seen: list[int] = []
    running = threading.Event()
    running.set()

    def read() -> None:
        while running.is_set():
            seen.append(sum(row.operations for row in views.rows(USAGE)))
            counts.append(len(views.rows(OPERATIONS)))

    def write(position: int, _end: int) -> None:
        log.record(busy(5, f"{position}-"))

    with ended(read, running), closing(ProjectorThread(projector)):
        for _ in range(3):
            rebuild(database, log.source, ALL, progress=write)
    assert seen[0] >= 120
    assert (seen, counts) == (sorted(seen), sorted(counts))
    projector.advance()
    assert compare(database, log.source, ALL).equal


@contextmanager
def ended(work: Callable[[], None], running: threading.Event) -> Iterator[None]:
    """Work in a thread, which is told to end."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        running.clear()
        thread.join()


def test_what_is_written_during_a_rebuild_is_in_the_views_that_are_swapped_in(log: Log, database: Database) -> None:
    log.record(FACTS)
    written: list[int] = []

    def progress(position: int, _end: int) -> None:
        written.append(log.record(busy(30, f"{position}-")))

    assert rebuild(database, log.source, ALL, progress=progress) == written[-1]
    assert compare(database, log.source, ALL).equal


def test_a_rebuild_waits_for_who_holds_the_views_as_an_audit_does(postgres_url: str) -> None:
    """Longer than any statement waits for a lock; readers get by between its attempts."""
    tried = threading.Semaphore(0)
    with (
        closing(Database(postgres_url, lock_seconds=1)) as database,
        closing(Database(postgres_url)) as others,
        ThreadPoolExecutor(1) as pool,
        each(database, "LOCK TABLE", tried.release),
    ):
        log = Log(database)
        end = log.record(FACTS)
        with others.transaction() as auditor:
            auditor.execute(text(f"LOCK TABLE {', '.join(NAMES)} IN ACCESS SHARE MODE"))
            job = pool.submit(rebuild, database, log.source, ALL)
            for _ in range(3):
                assert tried.acquire(timeout=PATIENCE)
        assert job.result(PATIENCE) == end
        assert compare(database, log.source, ALL).equal


def test_views_never_go_back_behind_what_was_already_shown(projector: Projector, log: Log, database: Database) -> None:
    log.record(FACTS)

    def progress(position: int, _end: int) -> None:
        log.record(busy(3, f"{position}-"))
        projector.advance()
        shown.append(log.reader.end())

    shown: list[int] = []
    assert rebuild(database, log.source, ALL, progress=progress) >= shown[-1]
    assert projector.lag() == 0
    assert compare(database, log.source, ALL).equal


# Interrupted, poisoned, twice


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO usage_summary__next", "CREATE INDEX operation_log_newest_", "ALTER TABLE operation_log ", "COMMIT"],
)
def test_a_failed_rebuild_changes_nothing_and_leaves_nothing(
    projector: Projector, log: Log, database: Database, statement: str
) -> None:
    log.record(FACTS)
    projector.advance()
    live, tables = rows_of(database), tables_of(database)
    number = 2 if statement == "COMMIT" else 1
    with before(database, statement, number, injure), pytest.raises(Injury):
        rebuild(database, log.source, ALL)
    assert (rows_of(database), tables_of(database)) == (live, tables)


@pytest.mark.parametrize(
    ("statement", "number"),
    [("INSERT INTO operation_log__next", 1), ("CREATE INDEX", 1), ("ALTER TABLE", 3), ("DROP TABLE IF EXISTS", 9)],
)
def test_a_killed_rebuild_leaves_nothing_in_the_way_of_the_next(
    projector: Projector, log: Log, database_url: str, database: Database, statement: str, number: int
) -> None:
    tables = tables_of(database)
    log.record(FACTS)
    projector.advance()
    live = rows_of(database)
    assert processes.ended(started(database_url, "rebuild", statement, number)) < 0
    assert rows_of(database) == live
    log.record(busy(5, "later-"))
    projector.advance()
    assert projector.lag() == 0
    rebuild(database, log.source, ALL)
    assert tables_of(database) == tables
    assert compare(database, log.source, ALL).equal


def test_of_two_rebuilds_one_wins_and_the_other_is_told(log: Log, database: Database) -> None:
    log.record(FACTS)
    others: list[int] = []

    def meanwhile(_position: int, _end: int) -> None:
        if not others:
            others.append(rebuild(database, log.source, ALL))

    with pytest.raises(RebuildLost, match="another rebuild of usage_summary"):
        rebuild(database, log.source, ALL, progress=meanwhile)
    assert len(others) == 1
    assert tables_of(database) == NAMES
    assert compare(database, log.source, ALL).equal


def test_rebuilds_that_begin_at_once_end_with_a_winner(log: Log, database_url: str, database: Database) -> None:
    log.record(FACTS)
    ends: list[str] = []
    start = threading.Barrier(3)

    def race() -> None:
        with closing(Database(database_url)) as own:
            start.wait()
            try:
                rebuild(own, log.source, ALL)
                ends.append("won")
            except RebuildLost:
                ends.append("told")

    threads = [threading.Thread(target=race) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 3
    assert "won" in ends
    assert tables_of(database) == NAMES
    assert compare(database, log.source, ALL).equal


def test_a_poisoned_fact_ends_a_rebuild_and_spares_the_live_rows(
    projector: Projector, log: Log, database: Database
) -> None:
    log.record(FACTS)
    projector.advance()
    live = rows_of(database)
    poisoned = log.append([POISON])
    with pytest.raises(ViewStopped, match=f"at position {poisoned}: operation.dispatched"):
        rebuild(database, log.source, ALL)
    assert (rows_of(database), tables_of(database)) == (live, NAMES)
    rebuild(database, log.source, [USAGE, COSTS])
    assert {status.lag for status in statuses(database, log.reader) if status.view == USAGE.name} == {0}


def test_a_poisoned_fact_ends_a_rebuild_by_workers_too(log: Log, database_url: str, database: Database) -> None:
    log.record(FACTS)
    log.append([POISON])
    log.record(busy(30, "later-"))
    with pytest.raises(ViewStopped, match=r"operation\.dispatched"):
        rebuild(database, log.source, ALL, workers=Workers(2, partial(open_source, database_url)))


def test_a_worker_that_cannot_start_ends_the_rebuild_with_a_clear_error(log: Log, database: Database) -> None:
    log.record(FACTS)
    with pytest.raises(StoreUnavailable, match="a worker of the rebuild died"):
        rebuild(database, log.source, ALL, workers=Workers(1, partial(open_source, "nonsense")))


def test_what_a_worker_cannot_read_is_told_as_it_was_raised(
    log: Log, database: Database, empty_sqlite_url: str
) -> None:
    log.record(FACTS)
    with pytest.raises(StoreUnavailable, match="tables are not here") as told:
        rebuild(database, log.source, ALL, workers=Workers(1, partial(open_source, empty_sqlite_url)))
    assert told.value.hint


def test_a_rebuild_clears_what_stopped_a_view(log: Log, database: Database, views: Views) -> None:
    log.record(FACTS)
    Projector(database, log.source, ALL).advance()
    with database.transaction() as connection:
        connection.execute(text("UPDATE view_checkpoints SET failed_at = 7, error = 'a bug, mended since'"))
    rebuild(database, log.source, ALL)
    assert [status.error for status in views.status()] == [None] * len(ALL)


def test_fresh_tables_belong_to_whoever_claimed_them_last(database: Database) -> None:
    names = [view.name for view in ALL]
    with writing(database) as connection:
        checkpoints.claim(connection, names, "first")
        checkpoints.claim(connection, names, "second")
        checkpoints.move(connection, names, 0, 5, "second")
    for token in ("first", None):
        with pytest.raises(CheckpointMoved), writing(database) as connection:
            checkpoints.move(connection, names, 5, 9, token)
