"""What-if: the same charges under another plan, tariff, price book or routing, and the same answer each time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from application.keeping.simulating import SimulatedLine, WhatIf
from infrastructure.catalogue import load_catalogue
from infrastructure.drafting import Draft, drafts_of
from infrastructure.service import Studio
from infrastructure.settings import Settings
from tests.application.asking.test_sold import bought
from tests.application.asking.test_sold import settings as of_test_sold
from tests.application.keeping.test_repricing import CHEAPER, EVER
from tests.application.studios import is_sound, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc

MORE = """
[[plan]]
id = "tight"
price = "5.00"
allowance = "0.04"
overage = "2"
tariff = "retail"
limits = { spend = "0.25" }
"""


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    settings = of_test_sold(tmp_path)
    async with studio_on(database_url, tmp_path, **settings) as studio:
        await studio.accounts.open("acme", plan="bare")
        await studio.accounts.open("euro", plan="shop", currency="EUR")
        for account in ("acme", "acme", "euro"):
            await bought(studio, account)
        for _ in range(3):
            await bought(studio, "acme", "penny")
        yield studio
        assert await is_sound(studio)


def asked(folder: Path, **changes: Any) -> WhatIf:
    settings = Settings(home=folder, catalogues=(folder / "models.toml",), plans=(folder / "plans.toml",))
    return drafts_of(settings).what_if(Draft(**changes))


async def lines(studio: Studio, folder: Path, **changes: Any) -> list[tuple[Any, ...]]:
    question, before = asked(folder, **changes), studio.log.reader.end()
    found, again = [await studio.simulations.run(question, *EVER) for _ in range(2)]
    assert (again, studio.log.reader.end()) == (found, before)
    return [told(line) for line in found.lines]


def told(one: SimulatedLine) -> tuple[Any, ...]:
    return (one.account, one.model, one.other, one.operations, one.was, one.would, one.would_cost, one.refused)


async def test_nothing_otherwise_is_what_was(studio: Studio, tmp_path: Path) -> None:
    assert await lines(studio, tmp_path) == [
        ("acme", "nickel", "nickel", 2, 100_000, 100_000, 100_000, 0),
        ("acme", "penny", "penny", 3, 30_000, 30_000, 30_000, 0),
        ("euro", "nickel", "nickel", 1, 90_000, 90_000, 50_000, 0),
    ]


async def test_another_tariff_counts_the_volume_as_it_would_have(studio: Studio, tmp_path: Path) -> None:
    assert await lines(studio, tmp_path, tariff="retail") == [
        ("acme", "nickel", "nickel", 2, 100_000, 200_000, 100_000, 0),
        ("acme", "penny", "penny", 3, 30_000, 75_000, 30_000, 0),
        ("euro", "nickel", "nickel", 1, 90_000, 90_000, 50_000, 0),
    ]
    assert [one[5] for one in await lines(studio, tmp_path, tariff="none")] == [100_000, 30_000, 45_000]


async def test_another_price_book_keeps_the_terms_of_each_quote(studio: Studio, tmp_path: Path) -> None:
    assert await lines(studio, tmp_path, book=CHEAPER) == [
        ("acme", "nickel", "nickel", 2, 100_000, 80_000, 80_000, 0),
        ("acme", "penny", "penny", 3, 30_000, 60_000, 60_000, 0),
        ("euro", "nickel", "nickel", 1, 90_000, 72_000, 40_000, 0),
    ]


async def test_another_routing_asks_the_model_that_it_would_have_chosen(studio: Studio, tmp_path: Path) -> None:
    found = await lines(studio, tmp_path, routing="cheapest")

    assert [one[1:3] for one in found] == [("nickel", "penny"), ("penny", "penny"), ("nickel", "penny")]
    assert [one[5] for one in found] == [20_000, 30_000, 18_000]


async def test_another_plan_has_its_limits_its_tariff_and_its_fees(studio: Studio, tmp_path: Path) -> None:
    question = asked(tmp_path, plan="tight", plans=MORE)
    found = await studio.simulations.run(question, *EVER)

    assert [told(one) for one in found.lines] == [
        ("acme", "nickel", "nickel", 2, 100_000, 200_000, 100_000, 0),
        ("acme", "penny", "penny", 3, 30_000, 30_000, 10_000, 2),
        ("euro", "nickel", "nickel", 1, 90_000, 90_000, 50_000, 0),
    ]
    fees = [(one.account, one.currency, one.price, one.covered, one.added) for one in found.fees]
    assert fees == [
        ("acme", "USD", 5_000_000, 40_000, 190_000),
        ("euro", "EUR", 4_500_000, 36_000, 54_000),
    ]


async def test_what_nobody_can_say_is_counted_apart(studio: Studio, tmp_path: Path) -> None:
    batch = (await bought(studio, "euro")).operation
    await studio.upkeep.erase(batch, account="euro", reason="asked")
    catalogue, book = load_catalogue((tmp_path / "models.toml",))

    found = await studio.simulations.run(WhatIf(catalogue=catalogue, book=book, routing="cheapest"), *EVER)

    unsaid = [(one.account, one.unsaid, one.why) for one in found.lines if one.unsaid]
    assert unsaid == [("euro", 1, ("what it was asked with is erased",))]


WINDOWED = """
[[plan]]
id = "hourly"
price = "0"
windows = { hour = { images = 2 }, day = { images = 3 }, life = { images = 5 } }
"""


async def test_hours_days_and_a_life_are_held_as_their_account_has_them(database_url: str, tmp_path: Path) -> None:
    clock, noon = Clock(utc("2026-04-10T21:30")), utc("2026-04-10T12:00")
    async with studio_on(database_url, tmp_path, clock=clock, **of_test_sold(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="bare", zone="Europe/Berlin")
        for minutes in (0, 10, 20, 40, 50, 80, 90, 100, 110):  # midnight in Berlin is after half an hour
            clock.now = utc("2026-04-10T21:30") + minutes * 60_000_000
            await bought(studio, "acme", "penny")
        question = asked(tmp_path, plan="hourly", plans=WINDOWED)
        found = await studio.simulations.run(question, noon, utc("2026-04-12T00:00"))
        later = await studio.simulations.run(question, utc("2026-04-10T21:45"), utc("2026-04-12T00:00"))

        assert [(one.operations, one.refused) for one in found.lines] == [(9, 4)]
        assert [(one.operations, one.refused) for one in later.lines] == [(7, 4)]
