"""A projector loses nothing and counts nothing twice: alone, raced, interrupted, killed, and with a poisoned log."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidInput, LogCorrupted, StoreUnavailable
from domain.operation import Charged, Requested
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from projections.engine.comparison import compare
from projections.engine.database import FactSource
from projections.engine.projector import Projector, ProjectorThread
from projections.engine.rebuild import rebuild
from projections.engine.view import Change, reads
from projections.queries import Views
from projections.views import ALL
from projections.views.books import BOOKS
from projections.views.costs import COSTS
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.periods import PERIODS
from projections.views.quarters import QUARTERS
from projections.views.spend import SPEND
from projections.views.usage import USAGE
from tests import patience
from tests.domain.examples import APRIL_BOOK, OPENED, REQUESTED, SETTLED, of_operation
from tests.faults.processes import ended
from tests.projections.histories import CODEC, STEPS, History, Log, Step, busy, rows_of, trial_balance
from tests.projections.injury import Injury, before, injure, started

FACTS = busy(60)
PATIENCE = patience.SECONDS
"""Seconds after which a test that waits gives up; nothing is asserted about how long it took."""

POISON = ("ledger:acme:0", "operation.dispatched", b'{"operation": 5}', "op-1")
UNREADABLE = ("ledger:acme:0", "operation.charged", b"no JSON at all", "op-1")
FROM_TOMORROW = ("ledger:acme:0", "operation.teleported", b"{}", "op-1")


def stopped(views: Views) -> dict[str, int | None]:
    return {status.view: status.failed_at for status in views.status() if status.error is not None}


def test_the_views_of_an_empty_log_are_empty(projector: Projector, database: Database) -> None:
    assert projector.advance() == 0
    assert not any(rows_of(database).values())


def test_every_fact_is_folded_once(projector: Projector, log: Log, database: Database) -> None:
    log.record(FACTS)
    assert projector.advance() == len(FACTS)
    once = rows_of(database)
    assert projector.advance() == 0
    assert rows_of(database) == once
    assert compare(database, log.source, ALL).equal


def test_who_has_read_to_the_end_does_not_look_again(log: Log, database: Database) -> None:
    """Under load there is always something newer; a few facts a transaction would cost several times as much."""
    log.record(FACTS)
    with before(database, "SELECT position, topic", 2, injure):
        assert Projector(database, log.source, ALL).advance() == len(FACTS)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS, batch=st.integers(1, 40))
def test_live_views_equal_rebuilt_ones_row_for_row(log: Log, database: Database, steps: list[Step], batch: int) -> None:
    """Every example adds to the same log, under accounts of its own."""
    position = log.reader.end()
    log.record(History(f"at-{position}-").live(steps).facts)
    Projector(database, log.source, ALL, batch=batch).advance()
    live = rows_of(database)
    rebuild(database, log.source, ALL)
    assert rows_of(database) == live


def test_the_prices_of_every_view_add_up_to_the_log(projector: Projector, log: Log, views: Views) -> None:
    log.record(FACTS)
    projector.advance()
    answers: list[list[Any]] = [views.rows(USAGE), views.rows(PERIODS), views.rows(COSTS), views.rows(OPERATIONS)]
    assert {sum(row.price for row in rows) for rows in answers} == {trial_balance(FACTS)}


# Interrupted


@pytest.mark.parametrize("statement", ["UPDATE view_checkpoints", "INSERT INTO operation_log", "COMMIT"])
def test_a_failure_between_fold_and_commit_changes_nothing(
    projector: Projector, log: Log, database: Database, statement: str
) -> None:
    log.record(FACTS)
    with before(database, statement, 2, injure), pytest.raises(Injury):
        projector.advance()
    assert compare(database, log.source, ALL).equal
    projector.advance()
    assert (projector.lag(), compare(database, log.source, ALL).equal) == (0, True)


@pytest.mark.parametrize("statement", ["UPDATE view_checkpoints", "INSERT INTO model_costs", "COMMIT"])
def test_a_projector_that_was_killed_is_continued_by_the_next(
    projector: Projector, log: Log, database_url: str, database: Database, statement: str
) -> None:
    log.record(FACTS)
    assert ended(started(database_url, "project", statement, 3)) < 0
    assert 0 < projector.advance() < len(FACTS)
    assert compare(database, log.source, ALL).equal


# Raced


def test_projectors_that_race_fold_each_fact_once(log: Log, database_url: str, database: Database) -> None:
    log.record(FACTS)
    counts: list[int] = []
    start = threading.Barrier(4)

    def race() -> None:
        with closing(Database(database_url)) as own:
            projector = Projector(own, log.source, ALL, batch=7)
            start.wait()
            while projector.lag():
                counts.append(projector.advance())

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == len(FACTS)
    assert compare(database, log.source, ALL).equal


def test_projectors_of_several_processes_fold_each_fact_once(
    projector: Projector, log: Log, database_url: str, database: Database
) -> None:
    log.record(FACTS)
    processes = [started(database_url, "project") for _ in range(2)]
    assert [ended(process) for process in processes] == [0, 0]
    projector.advance()
    assert compare(database, log.source, ALL).equal


# Poisoned


def test_a_fact_that_one_view_cannot_read_stops_that_view_alone(
    projector: Projector, log: Log, views: Views, caplog: pytest.LogCaptureFixture
) -> None:
    log.record(FACTS)
    poisoned = log.append([POISON])
    log.record(busy(3, "later-"))
    with caplog.at_level(logging.ERROR):
        projector.advance()
    assert stopped(views) == {OPERATIONS.name: poisoned}
    assert f"operation_log stands still at position {poisoned}" in caplog.text
    assert {status.view: status.lag for status in views.status()}[USAGE.name] == 0
    assert len(views.rows(OPERATIONS, OperationFilter(account="bloom"))) == 60
    assert views.rows(OPERATIONS, OperationFilter(account="later-bloom")) == []


def test_a_stopped_view_shows_all_that_came_before_its_poison(
    projector: Projector, log: Log, views: Views, database: Database
) -> None:
    log.record(FACTS)
    poisoned = log.append([UNREADABLE])
    projector.advance()
    reading = {view.name for view in ALL if Charged in view.changes}
    assert stopped(views) == dict.fromkeys(reading, poisoned)
    assert {status.position for status in views.status() if status.view in reading} == {poisoned - 1}
    assert compare(database, log.source, ALL).equal


def test_a_function_that_fails_stops_its_view_alone(log: Log, views: Views, database: Database) -> None:
    def chokes(fact: Charged) -> Change:
        raise ZeroDivisionError(fact.price)

    log.record(FACTS)
    broken = replace(COSTS, changes={Charged: reads(chokes, "price")})
    Projector(database, log.source, (USAGE, PERIODS, broken, OPERATIONS)).advance()
    assert set(stopped(views)) == {COSTS.name}
    assert "ZeroDivisionError" in str([status.error for status in views.status()])


def test_a_view_goes_on_once_it_is_told_to_try_again(log: Log, views: Views, database: Database) -> None:
    def chokes(_fact: Charged) -> Change:
        raise KeyError

    log.record(FACTS)
    Projector(database, log.source, (replace(COSTS, changes={Charged: reads(chokes, "price")}),)).advance()
    mended = Projector(database, log.source, ALL)
    mended.advance()
    assert mended.lag() > 0
    views.retry(COSTS.name)
    mended.advance()
    assert (mended.lag(), stopped(views), compare(database, log.source, ALL).equal) == (0, {}, True)


def test_only_a_view_that_exists_can_be_tried_again(views: Views) -> None:
    with pytest.raises(InvalidInput, match="there is no view 'weather'"):
        views.retry("weather")


def test_a_fact_of_a_newer_program_stops_all_views_rather_than_being_skipped(
    projector: Projector, log: Log, views: Views
) -> None:
    unknown = log.append([FROM_TOMORROW])
    projector.advance()
    assert set(stopped(views).values()) == {unknown}
    assert all(LogCorrupted.__name__ in str(status.error) for status in views.status())


def test_a_sum_that_leaves_64_bits_stops_its_view_rather_than_turning_into_a_float(
    projector: Projector, log: Log, views: Views
) -> None:
    huge = [replace(fact, price=2**62) for fact in SETTLED if isinstance(fact, Charged)]
    log.record([OPENED, APRIL_BOOK, *SETTLED])
    projector.advance()
    for number in (2, 3):
        log.record(of_operation(f"op-{number}", *huge))
        projector.advance()
    assert set(stopped(views)) == {USAGE.name, PERIODS.name, COSTS.name, SPEND.name, BOOKS.name, QUARTERS.name}
    assert [type(row.price) for row in views.rows(USAGE)] == [int]


def test_a_character_that_a_database_cannot_store_stops_views_and_not_the_log(
    projector: Projector, log: Log, views: Views
) -> None:
    topic, state = CODEC.encode(REQUESTED)
    log.append([("ledger:acme:0", topic, state.replace(b'"text-to-image"', b'"\\u0000"'), "op-1")])
    projector.advance()
    on_postgres = {USAGE.name, OPERATIONS.name}
    assert set(stopped(views)) == (set() if log.database.is_sqlite else on_postgres)


def test_retired_facts_reach_the_views_in_todays_shape(log: Log, views: Views, database: Database) -> None:
    """A log written when an operation was asked for "pictures" instead of outputs."""
    topic, state = CODEC.encode(REQUESTED)
    old = state.replace(b'"outputs"', b'"pictures"')
    log.append([("ledger:acme:0", "operation.asked", old, "op-1")])

    def renamed(document: dict[str, Any]) -> dict[str, Any]:
        return {
            **{name: value for name, value in document.items() if name != "pictures"},
            "outputs": document["pictures"],
        }

    codec = FactMapper(upcasters={"operation.asked": (topic, renamed)})
    Projector(database, FactSource(log.reader, codec), ALL).advance()
    assert [row.asked for row in views.rows(OPERATIONS)] == [REQUESTED.outputs]


# Waiting


def test_who_waits_for_a_position_reads_what_was_written_there(projector: Projector, log: Log, views: Views) -> None:
    position = log.record(FACTS)
    assert projector.wait_for(position, timeout=PATIENCE)
    assert len(views.rows(OPERATIONS)) == sum(isinstance(fact, Requested) for fact in FACTS)


def test_waiting_for_what_was_never_written_ends(projector: Projector, log: Log) -> None:
    position = log.record(FACTS)
    assert not projector.wait_for(position + 1, timeout=0)


def test_nobody_waits_for_a_view_that_stands_still(projector: Projector, log: Log) -> None:
    position = log.append([POISON])
    assert not projector.wait_for(position, timeout=PATIENCE)
    assert projector.wait_for(position, PATIENCE, views=[USAGE.name])


def test_lag_is_how_far_the_last_view_is_behind(projector: Projector, log: Log) -> None:
    end = log.record(FACTS)
    assert projector.lag() == end
    projector.advance()
    assert projector.lag() == 0


def test_a_projector_in_the_background_follows_the_log_and_ends_when_it_is_closed(
    projector: Projector, log: Log, database: Database
) -> None:
    with closing(ProjectorThread(projector)) as thread:
        for number in range(5):
            position = log.record(busy(4, f"{number}-"))
            thread.appended(None, ())
        assert projector.wait_for(position, timeout=PATIENCE)
    assert "projector" not in {thread.name for thread in threading.enumerate()}
    assert compare(database, log.source, ALL).equal


def test_a_projector_in_the_background_outlives_a_failing_database(
    projector: Projector, log: Log, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def break_off() -> None:
        failed.set()
        raise StoreUnavailable("the disk was away for a moment")

    failed = threading.Event()
    with before(database, "UPDATE view_checkpoints", 1, break_off), closing(ProjectorThread(projector)) as thread:
        position = log.record(FACTS)
        thread.appended(None, ())
        assert failed.wait(PATIENCE)
        assert projector.wait_for(position, timeout=PATIENCE)
    assert compare(database, log.source, ALL).equal
