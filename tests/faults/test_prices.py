"""F14: the quote stands, whatever the price book says later; F20: amounts of any size are exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from domain.errors import OperationPending
from domain.money import Money
from domain.operation import Adjusted, Charged, Validated
from infrastructure.clock import SECOND, now
from projections.views.periods import PERIODS, PeriodFilter
from tests.amounts import micros
from tests.application.studios import charged, count, facts_of, is_sound, later, studio_on, timeline
from tests.application.support import Clock, accepting, asking, completing, desk, in_one_group, opening
from tests.domain.wall_clocks import DAY, utc
from tests.faults.overlays import painter

DEAR, CHEAP = '{ rate = "0.50" }', '{ rate = "0.10" }'


def ask(account: str = "acme", n: int = 1, key: str | None = None, **inputs: Any) -> Request:
    return Request("text-to-image", account, {"prompt": "a lake", **inputs}, model="painter", n=n, key=key)


async def test_the_quote_stands_although_the_price_book_changed_mid_flight(database_url: str, tmp_path: Path) -> None:
    """Requested at ten cents; settled by a process whose catalogue says fifty."""
    before, after = painter(tmp_path, CHEAP, name="before.toml"), painter(tmp_path, DEAR, name="after.toml")
    async with studio_on(database_url, tmp_path, catalogues=(before,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as pending:
            await studio.operations.run(ask(outcome="timeout", key="key-1"))
    async with studio_on(database_url, tmp_path, catalogues=(after,), clock=later()) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]
        facts = timeline(studio, pending.value.operation)
        [quoted] = [fact.quote for fact in facts if isinstance(fact, Validated)]
        [posting] = [fact for fact in facts if isinstance(fact, Charged)]
        assert (posting.price, posting.price_book, quoted.price) == (100_000, quoted.price_book, 100_000)
        assert (await studio.operations.run(ask(outcome="timeout", key="key-1"))).price == Money(100_000, "USD")
        new = await studio.operations.run(ask())
        assert new.price == Money(500_000, "USD")
        [other] = [fact for fact in timeline(studio, new.operation) if isinstance(fact, Charged)]
        assert other.price_book != posting.price_book, "price books of different prices have one name"
        assert await is_sound(studio)


async def test_a_later_effective_dated_price_holds_for_what_is_requested_from_then_on(
    sqlite_url: str, tmp_path: Path
) -> None:
    dated = '{ rate = "0.10" }, { rate = "0.50", from = 2026-05-01 }'
    overlay = painter(tmp_path, dated)
    clock = Clock(utc("2026-05-01") - SECOND)
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,), clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending):
            await studio.operations.run(ask(outcome="timeout"))
        clock.now = utc("2026-05-01")
        assert (await studio.operations.run(ask())).price.micros == 500_000
        clock.now += DAY
        await studio.upkeep.recover()
        assert sorted(fact.price for fact in facts_of(studio) if isinstance(fact, Charged)) == [100_000, 500_000]


async def test_repricing_only_adds_adjustments(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, catalogues=(painter(tmp_path, DEAR),)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await studio.operations.run(ask())
        before = facts_of(studio)
        await studio.upkeep.adjust(
            result.operation,
            price=Money(-400_000, "USD"),
            reason="repriced",
            reference="book-2",
            account="acme",
        )
        after = facts_of(studio)
        assert after[: len(before)] == before
        assert [type(fact) for fact in after[len(before) :]] == [Adjusted]
        assert (await studio.operations.wait(result.operation, account="acme")).price.micros == 100_000


async def test_a_bill_that_differs_is_our_cost_and_the_price_stays(sqlite_url: str, tmp_path: Path) -> None:
    """F9: more, less and nothing."""
    async with studio_on(sqlite_url, tmp_path, catalogues=(painter(tmp_path, CHEAP),)) as studio:
        await studio.accounts.open("acme", plan="pro")
        for bill, cost in (("0.70", 700_000), ("0.000001", 1), ("0", 0)):
            result = await studio.operations.run(ask(cost=bill))
            assert (result.price.micros, micros(result.cost)) == (100_000, cost)


async def test_a_thousand_charges_of_one_micro_unit_are_a_thousand_micro_units(
    database_url: str, tmp_path: Path
) -> None:
    with desk(database_url, clock=now) as office:
        office.do(opening())
        ids = [f"op-{number}" for number in range(1_000)]
        await in_one_group(office.writer, [accepting(asking(id, price=1)) for id in ids])
        await in_one_group(office.writer, [completing(id) for id in ids])
    async with studio_on(database_url, tmp_path) as studio:
        assert count(facts_of(studio), Charged) == 1_000
        assert charged(facts_of(studio)) == (await studio.accounts.show("acme")).used["spend"] == 1_000
        studio.views.catch_up()
        [period] = studio.views.rows(PERIODS, PeriodFilter(account="acme"))
        assert period.price == 1_000
        assert await is_sound(studio)


@pytest.mark.parametrize(("rate", "shares"), [("0.000001", [1, 1, 1]), ("0.333333", [333_333] * 3)])
async def test_what_is_split_over_a_batch_adds_up(
    sqlite_url: str, tmp_path: Path, rate: str, shares: list[int]
) -> None:
    """Each output's price, when one of four is missing from a call, is its exact share."""
    overlay = painter(tmp_path, f'{{ rate = "{rate}" }}', per_call=4)
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await studio.operations.run(ask(n=4, outcome="partial"))
        assert result.price.micros == sum(shares)


async def test_the_largest_spend_is_exact(sqlite_url: str, tmp_path: Path) -> None:
    """Beyond what a float can count, and what thirty-two bits can hold."""
    overlay = painter(tmp_path, '{ rate = "999999999999" }')
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        await studio.accounts.change_limit("acme", "spend", None)
        for _ in range(3):
            assert (await studio.operations.run(ask())).price.micros == 999_999_999_999_000_000
        studio.views.catch_up()
        assert studio.views.rows(PERIODS, PeriodFilter(account="acme"))[0].price == 2_999_999_999_997_000_000
        assert await is_sound(studio)
