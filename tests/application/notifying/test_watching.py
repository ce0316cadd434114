"""Thresholds are told once: held against a walk through the raw log, after replays and corrections."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from domain.alerting import AlertTerms
from domain.alerts import AlertRaised, AlertSet
from domain.errors import InvalidInput, OperationFailed, OperationRefused
from domain.ledger import Fact
from domain.money import Money
from domain.operation import Adjusted, Charged
from infrastructure.clock import now
from infrastructure.service import Studio
from tests.application.studios import PRICE, SYNC, database_of, facts_of, is_sound, studio_on

DAY = 24 * 3600 * 1_000_000
HALF = Money(PRICE // 2, "USD")


class Watched:
    """A studio whose clock is set by hand."""

    def __init__(self, studio: Studio, time: list[int]) -> None:
        self.studio, self.time, self.references = studio, time, 0
        self.done: list[tuple[str, str]] = []
        self.watch = studio.alerts.watch

    async def check(self) -> list[AlertRaised]:
        return await self.watch.advance()

    def forget(self) -> None:
        """The mark is lost, so that the whole log is watched again, by another."""
        with database_of(self.studio).transaction() as connection:
            connection.execute(text("UPDATE alert_mark SET position = 0"))
        self.watch = replace(self.watch)

    async def draw(self, account: str, user: str, outcome: str = "") -> None:
        options: dict[str, Any] = {"outcome": outcome} if outcome else {}
        with suppress(OperationFailed, OperationRefused):
            made = await self.studio.operations.generate("x", account=account, user=user, model=SYNC, **options)
            self.done.append((account, made.operation))

    async def give_back(self, which: int) -> None:
        if self.done:
            account, id = self.done[which % len(self.done)]
            self.references += 1
            with suppress(InvalidInput):
                told: dict[str, Any] = {"reason": "sorry", "reference": f"r{self.references}", "account": account}
                await self.studio.upkeep.refund(id, amount=HALF, **told)

    def raised(self) -> list[AlertRaised]:
        return [fact for fact in facts_of(self.studio) if isinstance(fact, AlertRaised)]


@pytest.fixture
async def watched(database_url: str, tmp_path: Path) -> AsyncIterator[Watched]:
    time = [now()]
    async with studio_on(database_url, tmp_path, clock=lambda: time[0]) as studio:
        for account in ("acme", "beta"):
            await studio.accounts.open(account, plan="pro", zone="Asia/Kathmandu")
        yield Watched(studio, time)


async def test_a_threshold_is_told_once_although_use_falls_and_rises_again(watched: Watched) -> None:
    await watched.studio.alerts.set("acme", AlertTerms(amounts=(PRICE, 2 * PRICE), locks=True))
    for _ in range(2):
        await watched.draw("acme", "ann")
        await watched.check()
        await watched.give_back(0)
        await watched.check()
    await watched.draw("acme", "ann")
    assert [one.threshold for one in await watched.check()] == [str(2 * PRICE)]
    assert [one.threshold for one in watched.raised()] == [str(PRICE), str(2 * PRICE)]
    assert (await watched.studio.accounts.show("acme")).standing == "suspended"
    await watched.studio.accounts.resume("acme", reason="looked at")
    await watched.draw("acme", "ann")
    assert await watched.check() == []
    assert (await watched.studio.accounts.show("acme")).standing == "open"
    assert await is_sound(watched.studio)


async def test_a_threshold_that_was_reached_for_a_moment_is_told(watched: Watched) -> None:
    await watched.studio.alerts.set("acme", AlertTerms(amounts=(2 * PRICE,)))
    await watched.draw("acme", "ann")
    await watched.draw("acme", "ann")
    await watched.give_back(0)
    [raised] = await watched.check()
    assert (raised.value, raised.threshold) == (2 * PRICE, str(2 * PRICE))


async def test_what_was_reached_before_an_alert_was_set_is_told_when_it_is_set(watched: Watched) -> None:
    await watched.draw("acme", "ann")
    await watched.check()
    await watched.studio.alerts.set("acme", AlertTerms(scope="user:ann", amounts=(PRICE, 2 * PRICE)))
    await watched.studio.alerts.set("acme", AlertTerms(scope="user:bob", amounts=(PRICE,)))
    [raised] = await watched.check()
    assert (raised.scope, raised.threshold) == ("user:ann", str(PRICE))


async def test_a_limit_that_is_lowered_below_a_share_is_told(watched: Watched) -> None:
    await watched.studio.alerts.set("acme", AlertTerms(measure="images", shares=(50,)))
    await watched.draw("acme", "ann")
    assert await watched.check() == []
    await watched.studio.accounts.change_limit("acme", "images", 2)
    [raised] = await watched.check()
    assert (raised.threshold, raised.value, raised.limit) == ("50%", 1, 2)


async def test_each_day_and_each_period_is_told_anew(watched: Watched) -> None:
    await watched.studio.alerts.set("acme", AlertTerms(amounts=(PRICE,), window="day"))
    await watched.studio.alerts.set("acme", AlertTerms(amounts=(PRICE,)))
    for _ in range(3):
        await watched.draw("acme", "ann")
        watched.time[0] += 20 * DAY
    raised = await watched.check()
    spans = {(one.window, one.start) for one in raised}
    assert len(raised) == len(spans)
    assert Counter(one.window for one in raised)["day"] == 3
    assert Counter(one.window for one in raised)["period"] in (2, 3)


async def test_a_rate_of_failures_is_told_once_enough_has_ended(watched: Watched) -> None:
    await watched.studio.alerts.set("acme", AlertTerms(measure="failure_rate", shares=(10,), window="period"))
    for number in range(22):
        await watched.draw("acme", "ann", outcome="fail" if number % 5 == 0 else "")
    [raised] = await watched.check()
    assert (raised.threshold, raised.limit) == ("10%", None)
    assert raised.value >= 10


async def test_a_mark_that_is_lost_has_nothing_told_twice(watched: Watched) -> None:
    await watched.studio.alerts.set("acme", AlertTerms(amounts=(PRICE, 3 * PRICE)))
    for _ in range(4):
        await watched.draw("acme", "ann")
    await watched.check()
    before = watched.raised()
    watched.forget()
    assert await watched.check() == []
    assert watched.raised() == before
    assert [one.threshold for one in await watched.studio.alerts.history("acme")] == [str(3 * PRICE), str(PRICE)]


ACTS = "draw draw draw fail refund leap check forget".split()


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_told_is_what_a_walk_through_the_raw_log_reaches(watched: Watched, seed: int) -> None:
    chance = Random(seed)
    for account in ("acme", "beta"):
        await watched.studio.alerts.set(account, AlertTerms(amounts=(PRICE, 3 * PRICE, 4 * PRICE)))
    for _ in range(40):
        account, act = chance.choice(["acme", "beta"]), chance.choice(ACTS)
        if act in ("draw", "fail"):
            await watched.draw(account, "ann", outcome="fail" if act == "fail" else "")
        elif act == "refund":
            await watched.give_back(chance.randrange(100))
        elif act == "leap":
            watched.time[0] += chance.randrange(8) * DAY
        elif act == "forget":
            watched.forget()
        else:
            await watched.check()
    await watched.check()
    told = [(one.account, one.start, one.threshold) for one in watched.raised()]
    assert len(told) == len(set(told))
    assert set(told) == reached(facts_of(watched.studio), "acme") | reached(facts_of(watched.studio), "beta")
    assert await is_sound(watched.studio)


def reached(facts: Sequence[Fact], account: str) -> set[tuple[str, int, str]]:
    """By a walk of its own: alerts by amount of spend a period, of the account alone."""
    amounts: tuple[int, ...] | None = None
    spent: Counter[int] = Counter()
    found: set[tuple[str, int, str]] = set()
    for fact in facts:
        if isinstance(fact, AlertSet) and fact.account == account:
            amounts = fact.amounts
        elif isinstance(fact, Charged | Adjusted) and fact.operation.account == account:
            period = fact.period.start if isinstance(fact, Adjusted) else fact.operation.period.start
            spent[period] += fact.price
            found |= {(account, period, str(one)) for one in amounts or () if spent[period] >= one}
    return found
