"""F13: whatever the clock, the calendar and the account's zone do: periods tile time, each charge is in exactly one."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from domain.errors import OperationPending, OperationRefused
from domain.ledger import BalanceReturned, PeriodOpened
from domain.money import Money
from domain.operation import Charged, Released, Requested
from infrastructure.clock import SECOND
from infrastructure.service import Studio
from projections.views.periods import PERIODS, PeriodFilter
from tests.application.studios import (
    BLIND,
    LONG_AFTER,
    PRICE,
    SYNC,
    Pause,
    count,
    facts_of,
    is_sound,
    studio_on,
    submissions,
)
from tests.application.support import Clock
from tests.domain.wall_clocks import DAY, utc

HOUR = 3_600 * SECOND

CLOCKS = {
    "month ends": ["2026-01-30T23:59", "2026-01-31T12:00", "2026-02-28T23:59", "2026-03-01T00:00", "2026-03-31T23:59"],
    "a leap day": ["2028-02-28T23:59", "2028-02-29T00:00", "2028-02-29T23:59", "2028-03-01T00:00"],
    "spring forward": ["2026-03-29T00:59", "2026-03-29T01:00", "2026-03-31T21:59", "2026-03-31T22:00"],
    "fall back": ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-31T22:59", "2026-10-31T23:00"],
    "an hour back": ["2026-05-01T00:10", "2026-04-30T23:10", "2026-05-01T00:20"],
    "a month away": ["2026-01-15T00:00", "2026-04-15T00:00", "2026-04-16T00:00"],
    "a year's end": ["2026-12-31T22:59", "2026-12-31T23:00", "2026-12-31T23:59", "2027-01-01T00:00"],
}
TERMS = {
    "calendar, UTC": ("UTC", "calendar"),
    "calendar, Berlin": ("Europe/Berlin", "calendar"),
    "anniversary, Tokyo": ("Asia/Tokyo", "anniversary"),
}


@pytest.mark.parametrize("story", CLOCKS)
async def test_periods_tile_time_and_each_charge_is_in_exactly_one(sqlite_url: str, tmp_path: Path, story: str) -> None:
    instants = [utc(text) for text in CLOCKS[story]]
    clock = Clock(instants[0] - 2 * DAY)
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        for account, (zone, cycle) in TERMS.items():
            await studio.accounts.open(account.replace(" ", ""), plan="pro", zone=zone, cycle=cycle)
        for instant in instants:
            clock.now = instant
            await asyncio.gather(*(generate(studio, account.replace(" ", "")) for account in TERMS))
        for account in TERMS:
            check(studio, account.replace(" ", ""), instants)
        assert await is_sound(studio)


async def generate(studio: Studio, account: str, **inputs: Any) -> None:
    await studio.operations.generate("a lake", account=account, model=SYNC, **inputs)


def check(studio: Studio, account: str, instants: list[int]) -> None:
    """Periods in order, none overlapping; facts in order, each in the period that it names; money in one alone."""
    everything = facts_of(studio)
    periods = [fact.period for fact in everything if isinstance(fact, PeriodOpened) and fact.account == account]
    assert periods == sorted(periods)
    assert all(one.end <= other.start for one, other in pairwise(periods))
    facts = facts_of(studio, account)
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    requested = [fact for fact in facts if isinstance(fact, Requested)]
    assert len(requested) == len(instants)
    for fact, instant in zip(requested, instants, strict=True):
        assert fact.operation.period in periods
        assert fact.operation.period.contains(fact.at)
        assert fact.at >= instant
    per_period = [
        sum(fact.price for fact in facts if isinstance(fact, Charged) and fact.operation.period == one)
        for one in periods
    ]
    assert sum(per_period) == len(instants) * PRICE


async def test_a_clock_that_goes_back_over_midnight_stays_in_the_new_period(sqlite_url: str, tmp_path: Path) -> None:
    clock = Clock(utc("2026-04-30T23:00"))
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")
        await generate(studio, "acme")
        clock.now += 2 * HOUR
        await generate(studio, "acme")
        clock.now -= HOUR + SECOND
        await generate(studio, "acme")
        opened = [fact.period.start for fact in facts_of(studio) if isinstance(fact, PeriodOpened)]
        assert opened == [utc("2026-04-01"), utc("2026-05-01")]


async def test_limits_begin_anew_with_the_period_and_not_before(database_url: str, tmp_path: Path) -> None:
    clock = Clock(utc("2026-04-30T23:59"))
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "images", 1)
        await generate(studio, "acme")
        with pytest.raises(OperationRefused):
            await generate(studio, "acme")
        clock.now = utc("2026-05-01") - 1
        with pytest.raises(OperationRefused):
            await generate(studio, "acme")
        clock.now += 1
        await generate(studio, "acme")
        with pytest.raises(OperationRefused):
            await generate(studio, "acme")


async def test_a_change_of_zone_in_the_middle_neither_loses_nor_repeats_time(sqlite_url: str, tmp_path: Path) -> None:
    clock = Clock(utc("2026-04-10T12:00"))
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro", zone="America/Los_Angeles")
        for zone in ("Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Marquesas", "Europe/Berlin"):
            await generate(studio, "acme")
            await studio.accounts.change_time_zone("acme", zone)
            await generate(studio, "acme")
            clock.now += 31 * DAY
        periods = [fact.period for fact in facts_of(studio) if isinstance(fact, PeriodOpened)]
        assert all(one.end == other.start for one, other in pairwise(periods))
        assert len(periods) == 4
        requested = [fact for fact in facts_of(studio, "acme") if isinstance(fact, Requested)]
        assert all(fact.operation.period.contains(fact.at) for fact in requested)
        assert await is_sound(studio)


# What ends after its period: F6


PAID = 10 * PRICE


async def prepaid(studio: Studio) -> None:
    await studio.accounts.open("acme", plan="pro", prepaid=True)
    await studio.accounts.add_credit("acme", Money(PAID, "USD"), "payment-1")


async def balance(studio: Studio) -> int | None:
    return (await studio.accounts.show("acme")).balance


async def test_a_late_settlement_is_in_its_own_period_and_returns_what_it_did_not_use_once(
    database_url: str, tmp_path: Path
) -> None:
    clock, pause = Clock(utc("2026-04-30T23:00")), Pause()
    async with studio_on(database_url, tmp_path, clock=clock, providers=pause.providers(tmp_path)) as studio:
        await prepaid(studio)
        wanted = Request("text-to-image", "acme", {"prompt": "x", "outcome": "partial", "delay_ms": 1}, model=SYNC, n=4)
        late = asyncio.create_task(studio.operations.run(wanted))
        await pause.until_reached()
        clock.now += 2 * HOUR
        await generate(studio, "acme")
        assert await balance(studio) == PAID - 5 * PRICE
        pause.go_on.set()
        result = await late
        assert result.price.micros == 3 * PRICE
        assert await balance(studio) == PAID - 4 * PRICE
        facts = facts_of(studio)
        [returned] = [fact for fact in facts if isinstance(fact, BalanceReturned)]
        assert (returned.amount, returned.period.start) == (PRICE, utc("2026-05-01"))
        studio.views.catch_up()
        totals = {one.period_start: one.price for one in studio.views.rows(PERIODS, PeriodFilter(account="acme"))}
        assert totals == {utc("2026-04-01"): 3 * PRICE, utc("2026-05-01"): PRICE}
        assert await is_sound(studio)


async def test_a_release_after_the_periods_end_is_spendable_in_the_current_period_exactly_once(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(utc("2026-04-30T23:00"))
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await prepaid(studio)
        with pytest.raises(OperationPending):
            await studio.operations.generate("a lake", account="acme", model=BLIND, outcome="timeout")
        clock.now += LONG_AFTER + 2 * HOUR
        await generate(studio, "acme")
        assert await balance(studio) == PAID - 2 * PRICE
        for _ in range(3):
            await studio.upkeep.recover()
            clock.now += LONG_AFTER
        facts = facts_of(studio)
        assert (count(facts, Released), count(facts, BalanceReturned)) == (1, 1)
        assert await balance(studio) == PAID - PRICE
        assert len(submissions(tmp_path, "blind")) == 1
        assert await is_sound(studio)


async def test_a_refund_of_an_ended_period_is_booked_and_spendable_in_the_current_one(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(utc("2026-04-30T23:00"))
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await prepaid(studio)
        result = await studio.operations.generate("a lake", account="acme", model=SYNC)
        clock.now += 2 * HOUR
        await studio.upkeep.refund(result.operation, reason="blurred", reference="ticket-1", account="acme")
        assert await balance(studio) == PAID
        studio.views.catch_up()
        periods = {
            one.period_start: (one.price, one.adjusted)
            for one in studio.views.rows(PERIODS, PeriodFilter(account="acme"))
        }
        assert periods == {utc("2026-04-01"): (PRICE, 0), utc("2026-05-01"): (-PRICE, -PRICE)}
        assert await is_sound(studio)


# An operator's way out


async def test_an_account_that_was_moved_ahead_comes_back_with_its_limits_its_money_and_its_views(
    database_url: str, tmp_path: Path
) -> None:
    here, ahead = Clock(utc("2026-11-10T12:00")), Clock(utc("2027-01-20T12:00"))
    async with studio_on(database_url, tmp_path, clock=here) as studio:
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.add_credit("acme", Money(9 * PRICE, "USD"), "payment-1")
        await studio.accounts.change_limit("acme", "images", 3)
        await studio.operations.generate("a lake", account="acme", model=SYNC)
        with pytest.raises(OperationPending):
            await studio.operations.generate("x", account="acme", model=BLIND, outcome="timeout")
        november = (await studio.accounts.show("acme")).period
        async with studio_on(database_url, tmp_path, clock=ahead) as wrong:
            await wrong.operations.generate("a fox", account="acme", model=SYNC)
            await wrong.accounts.change_limit("acme", "videos", 1)
            here.now += DAY
            view = await studio.accounts.end_period("acme", "the clock of host 7 was wrong")
            assert (view.period, view.balance) == (november, 6 * PRICE)
            assert (view.used["images"], view.held["images"], view.open) == (1, 1, 1)
            assert await studio.accounts.end_period("acme", "again") == view
        here.now += DAY
        await studio.operations.generate("a hill", account="acme", model=SYNC)
        with pytest.raises(OperationRefused):
            await studio.operations.generate("a hill", account="acme", model=SYNC)
        assert facts_of(studio)[-1].at == here.now
        assert await is_sound(studio)
        check_totals(studio)
    async with studio_on(database_url, tmp_path, clock=here, snapshot_every=1) as studio:  # read again from its streams
        with pytest.raises(OperationRefused):
            await studio.operations.generate("a hill", account="acme", model=SYNC)
        here.now += LONG_AFTER
        await studio.upkeep.recover()
        here.now = utc("2026-12-02")
        await studio.operations.generate("a hill", account="acme", model=SYNC)
        assert (await studio.accounts.show("acme")).balance == 5 * PRICE
        here.now = utc("2027-01-21")
        await studio.operations.generate("a hill", account="acme", model=SYNC)
        assert (await studio.accounts.show("acme")).balance == 4 * PRICE
        assert await is_sound(studio)
        assert list(studio.audit.mend()) == []


def check_totals(studio: Studio) -> None:
    """Each period explains its balance: carried, paid in and returned, less what was charged and is held."""
    by_start = {one.period_start: one for one in studio.views.rows(PERIODS, PeriodFilter(account="acme"))}
    november, january = by_start[utc("2026-11-01")], by_start[utc("2027-01-01")]
    assert (november.price, january.price) == (2 * PRICE, PRICE)
    assert january.carried + january.credits + january.returned - january.price == 0
    assert november.carried + november.credits + november.returned - november.price - PRICE == 5 * PRICE


async def test_what_the_mistaken_month_left_open_is_settled_there_and_returned_here(
    database_url: str, tmp_path: Path
) -> None:
    here, ahead = Clock(utc("2026-11-10T12:00")), Clock(utc("2027-01-20T12:00"))
    async with studio_on(database_url, tmp_path, clock=ahead) as studio:
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.add_credit("acme", Money(9 * PRICE, "USD"), "payment-1")
        with pytest.raises(OperationPending):
            await studio.operations.generate("x", account="acme", model=BLIND, outcome="timeout")
    async with studio_on(database_url, tmp_path, clock=here) as studio:
        view = await studio.accounts.end_period("acme", "a wrong clock")
        assert (view.period.start, view.balance) == (utc("2026-11-01"), 8 * PRICE)
        here.now = ahead.now + LONG_AFTER
        await studio.upkeep.recover()
        assert (await studio.accounts.show("acme")).balance == 9 * PRICE
        assert await is_sound(studio)
