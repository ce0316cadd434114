"""F15: a clock that is ahead records nothing, and says what to do; one that is right again goes on."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from application.ledger.timekeeping import AGAIN, DAY, LONGEST_REST, Timekeeper
from domain.errors import ClockAhead, OperationPending
from infrastructure import clock
from infrastructure.assembly import USUAL
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from tests.application.studios import BLIND, PRICE, SYNC, Pause, charged, database_of, facts_of, is_sound, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc

TEN_YEARS = 3_653 * DAY
MINUTE = 60 * SECOND
NOON = utc("2026-11-29T12:00")
TOLERANCE = 5 * MINUTE


class Knows:
    """A database whose clock and newest fact are these."""

    def __init__(self, theirs: int | None = None, newest: int | None = None) -> None:
        self.theirs, self.last, self.asked = theirs, newest, 0

    def clock(self) -> int | None:
        self.asked += 1
        return self.theirs

    def newest(self) -> int | None:
        return self.last


class Machine:
    """A wall clock that is set, and a steady one that is not."""

    def __init__(self, wall: int = NOON) -> None:
        self.wall, self.passed = wall, 7 * DAY

    def steady(self) -> int:
        return self.passed

    def go(self, span: int) -> int:
        self.wall += span
        self.passed += span
        return self.wall


def keeper(knows: Knows, machine: Machine, today: str | None = None) -> Timekeeper:
    return Timekeeper(knows, TOLERANCE, machine.steady, today)


@pytest.mark.parametrize("ahead", [TOLERANCE + 1, 3_600 * SECOND, TEN_YEARS])
def test_a_clock_ahead_of_the_databases_is_refused_with_both_instants(ahead: int) -> None:
    with pytest.raises(ClockAhead, match=r"2026-11-29T12:00:00Z; nothing was recorded") as refused:
        keeper(Knows(NOON), Machine()).believe(NOON + ahead)
    assert refused.value.hint


@pytest.mark.parametrize("ahead", [TOLERANCE, 0, -3_600 * SECOND, -TEN_YEARS])
def test_a_clock_that_is_near_or_behind_is_believed(ahead: int) -> None:
    keeper(Knows(NOON), Machine()).believe(NOON + ahead)


def test_the_databases_clock_is_asked_first_again_after_a_while_and_after_a_jump_and_otherwise_never() -> None:
    knows, machine = Knows(NOON), Machine()
    kept = keeper(knows, machine)
    for _ in range(1_000):
        kept.believe(machine.go(SECOND // 10))
    assert knows.asked == 1
    knows.theirs = NOON + AGAIN
    kept.believe(machine.go(AGAIN))
    assert knows.asked == 2
    machine.wall += TEN_YEARS
    for _ in range(3):
        with pytest.raises(ClockAhead):
            kept.believe(machine.go(SECOND))
    machine.wall -= TEN_YEARS
    kept.believe(machine.go(SECOND))
    assert knows.asked == 5


def test_a_clock_that_stands_right_after_a_jump_is_believed_where_the_database_agrees() -> None:
    knows, machine = Knows(NOON), Machine(NOON - DAY)
    kept = keeper(knows, machine)
    kept.believe(machine.wall)
    machine.wall += DAY
    kept.believe(machine.wall)
    kept.believe(machine.go(SECOND))


def test_without_another_clock_a_jump_is_refused_until_the_clock_is_back() -> None:
    machine = Machine()
    kept = keeper(Knows(newest=NOON - DAY), machine)
    kept.believe(machine.wall)
    machine.wall += 40 * DAY
    with pytest.raises(ClockAhead, match=r"jumped to 2027-01-08T12:00:00Z and should say 2026-11-29T12:00:00Z"):
        kept.believe(machine.wall)
    machine.wall -= 40 * DAY
    kept.believe(machine.go(3 * DAY))


def test_without_another_clock_a_ledger_may_rest_for_months_and_after_a_year_its_operator_says_the_day() -> None:
    knows = Knows(newest=NOON - LONGEST_REST)
    keeper(knows, Machine()).believe(NOON)
    knows.last = NOON - LONGEST_REST - 1
    with pytest.raises(ClockAhead, match="the newest fact is of 2025-11-28") as refused:
        keeper(knows, Machine()).believe(NOON)
    assert "IMAGESTUDIO_TODAY=2026-11-29" in refused.value.hint
    with pytest.raises(ClockAhead):
        keeper(knows, Machine(), today="2026-11-28").believe(NOON)
    keeper(knows, Machine(), today="2026-11-29").believe(NOON)


def test_a_new_ledger_has_nothing_to_be_held_against() -> None:
    keeper(Knows(), Machine()).believe(NOON)


# In a studio


class Wall:
    """The machine's clock on the wall, which may be set ahead by so many microseconds."""

    def __init__(self, ahead: int = 0) -> None:
        self.ahead = ahead

    def __call__(self) -> int:
        return now() + self.ahead


def studio_by(wall: Wall, url: str, home: Path, **changes: Any) -> AbstractAsyncContextManager[Studio]:
    """A studio on a machine whose clock is this, beside a steady one that nobody sets."""
    return studio_on(url, home, clock=wall, steady=clock.steady, **changes)


async def refused(studio: Studio) -> None:
    before = len(facts_of(studio))
    with pytest.raises(ClockAhead) as told:
        await studio.operations.generate("a lake", account="acme", model=SYNC)
    assert told.value.code == "clock_ahead"
    assert len(facts_of(studio)) == before


async def test_ten_years_ahead_for_one_operation_moves_no_account(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        period = (await studio.accounts.show("acme")).period
    async with studio_on(database_url, tmp_path, clock=lambda: now() + TEN_YEARS) as studio:
        await refused(studio)
    async with studio_on(database_url, tmp_path) as studio:
        await studio.operations.generate("a lake", account="acme", model=SYNC)
        assert (await studio.accounts.show("acme")).period == period
        assert await is_sound(studio)


async def test_a_process_whose_clock_jumps_is_caught_before_it_records_and_goes_on_when_it_is_back(
    database_url: str, tmp_path: Path
) -> None:
    wall = Wall()
    async with studio_by(wall, database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.generate("a lake", account="acme", model=SYNC)
        wall.ahead = 31 * DAY
        await refused(studio)
        assert (await studio.accounts.show("acme")).plan == "pro"  # looking records nothing
        wall.ahead = 0
        await studio.operations.generate("a lake", account="acme", model=SYNC)
        assert charged(facts_of(studio)) == 2 * PRICE


async def test_on_postgresql_an_hour_ahead_is_refused_from_the_first_fact_on(postgres_url: str, tmp_path: Path) -> None:
    wall = Wall(3_600 * SECOND)
    async with studio_on(postgres_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
    async with studio_by(wall, postgres_url, tmp_path) as studio:
        await refused(studio)
    async with studio_by(wall, postgres_url, tmp_path, clock_seconds=4_000) as studio:
        await studio.operations.generate("a lake", account="acme", model=SYNC)


async def test_what_was_begun_is_settled_when_the_clock_is_back(database_url: str, tmp_path: Path) -> None:
    wall, pause = Wall(), Pause()
    async with studio_by(wall, database_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        running = asyncio.create_task(studio.operations.generate("a lake", account="acme", model=SYNC, delay_ms=1))
        await pause.until_reached()
        wall.ahead = 31 * DAY
        pause.go_on.set()
        await refused(studio)
        assert not running.done()
        wall.ahead = 0
        await running
        assert charged(facts_of(studio)) == PRICE


async def test_no_lease_is_taken_or_renewed_by_a_clock_that_is_ahead(database_url: str, tmp_path: Path) -> None:
    wall = Wall()
    async with studio_by(wall, database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending):
            await studio.operations.generate("a lake", account="acme", model=BLIND, outcome="timeout")
        studio.operations.performer.ownership.held.clear()
        wall.ahead = 31 * DAY
        with pytest.raises(ClockAhead):
            await studio.upkeep.recover()
        assert not [*studio.audit.differences()]


async def test_a_year_of_rest_is_confirmed_by_the_day(sqlite_url: str, tmp_path: Path) -> None:
    then = Clock(utc("2025-03-10T12:00"))
    async with studio_on(sqlite_url, tmp_path, clock=then) as studio:
        await studio.accounts.open("acme", plan="pro")
    later = Clock(utc("2026-11-29T12:00"))
    async with studio_on(sqlite_url, tmp_path, clock=later) as studio:
        await refused(studio)
    async with studio_on(sqlite_url, tmp_path, clock=later, today="2026-11-29") as studio:
        await studio.operations.generate("a lake", account="acme", model=SYNC)
    async with studio_on(sqlite_url, tmp_path, clock=later) as studio:
        await studio.operations.generate("a lake", account="acme", model=SYNC)


def test_the_steady_clock_is_never_set() -> None:
    before = clock.steady()
    assert clock.steady() >= before
    assert USUAL.clock is now


async def test_the_databases_own_clock_is_read(postgres_url: str, tmp_path: Path) -> None:
    async with studio_on(postgres_url, tmp_path) as studio:
        with database_of(studio).connect() as connection:
            stamp = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
        assert abs(int(stamp * SECOND) - now()) < DAY
