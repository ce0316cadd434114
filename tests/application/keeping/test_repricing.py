"""Repricing: the difference by another price book is shown, and given back once, whoever begins again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from application.keeping.repricing import RepricedLine, Repricings
from application.keeping.simulating import WhatIf
from domain.errors import InvalidInput, UnknownAccount
from domain.money import Money
from domain.operation import Adjusted, Charged
from infrastructure.catalogue import load_catalogue
from infrastructure.service import Studio
from tests.application.asking.test_sold import bought, settings
from tests.application.studios import facts_of, is_sound, studio_on

EVER = (0, 4_000_000_000_000_000)
CHEAPER = """
currency = "USD"

[[price]]
model = "nickel"
rate = "0.04"

[[price]]
model = "penny"
rate = "0.02"
"""


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path, **settings(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="bare")
        await studio.accounts.open("euro", plan="shop", currency="EUR")
        for account in ("acme", "acme", "euro"):
            await bought(studio, account)
        await bought(studio, "acme", "penny")
        yield studio
        assert await is_sound(studio)


async def by(studio: Studio, folder: Path, text: str = CHEAPER, **changes: Any) -> Repricings:
    file = folder / "other.toml"
    file.write_text(text)
    catalogue, book = load_catalogue((folder / "models.toml", file))
    return await studio.repricing.run(catalogue, book, *EVER, **changes)


def told(line: RepricedLine) -> tuple[Any, ...]:
    return (line.account, line.model, line.operations, line.charged, line.lowered, line.raised, line.cost, line.unsaid)


DIFFERENCES = [
    ("acme", "nickel", 2, 100_000, -20_000, 0, -20_000, 0),
    ("acme", "penny", 1, 10_000, 0, 10_000, 10_000, 0),
    ("euro", "nickel", 1, 90_000, -18_000, 0, -10_000, 0),
]


def adjusted(studio: Studio) -> list[tuple[str, int, int]]:
    return sorted((one.operation.account, one.price, one.cost) for one in facts_of(studio) if isinstance(one, Adjusted))


BOOKED = sorted([*[("acme", -10_000, -10_000)] * 2, ("acme", 0, 10_000), ("euro", -18_000, -10_000)])


async def test_a_dry_run_shows_the_difference_and_books_nothing(studio: Studio, tmp_path: Path) -> None:
    found = await by(studio, tmp_path)

    assert [told(line) for line in found.lines] == DIFFERENCES
    assert (adjusted(studio), found.booked) == ([], 0)


async def test_what_was_too_much_is_given_back_once_whoever_begins_again(studio: Studio, tmp_path: Path) -> None:
    both = await asyncio.gather(
        *(by(studio, tmp_path, dry=False, reason="a wrong price", account=account) for account in (None, "acme"))
    )
    again = await by(studio, tmp_path, dry=False, reason="a wrong price")

    assert adjusted(studio) == BOOKED
    assert (sum(one.booked for one in both), again.booked) == (4, 0)
    assert {told(line)[4:7] for line in again.lines} == {(0, 0, 0), (0, 10_000, 0)}


async def test_no_more_is_given_back_than_goodwill_left_and_the_rest_is_booked(studio: Studio, tmp_path: Path) -> None:
    """It is two times 0.01 that would be given back, of charges of which goodwill left 0.015."""
    await studio.statements.goodwill("acme", Money.parse("0.095", "USD"), reason="an outage", reference="g-1")
    first, again = [await by(studio, tmp_path, dry=False, reason="a wrong price") for _ in range(2)]

    assert adjusted(studio) == sorted(
        [("acme", -10_000, -10_000), ("acme", -5_000, -10_000), ("acme", 0, 10_000), ("euro", -18_000, -10_000)]
    )
    assert [(one.booked, one.short) for one in (first, again)] == [(4, 1), (0, 0)]


async def test_a_rise_is_booked_only_if_it_is_said_and_once(studio: Studio, tmp_path: Path) -> None:
    await by(studio, tmp_path, dry=False, reason="a wrong price")
    told_by_both = await asyncio.gather(
        *(by(studio, tmp_path, dry=False, reason="a wrong price", rises=True) for _ in range(2))
    )
    again = await by(studio, tmp_path, dry=False, reason="a wrong price", rises=True)

    assert adjusted(studio) == sorted([*BOOKED, ("acme", 10_000, 0)])
    assert (sum(one.booked for one in told_by_both), again.booked) == (1, 0)
    [line] = [one for one in (await studio.statements.preview("acme")).statement.adjustments if one.amount > 0]
    assert (line.what, line.amount, line.reason) == ("raise", 10_000, "a wrong price")


async def test_a_rise_with_its_cost_is_one_correction_and_given_back_like_any_charge(
    studio: Studio, tmp_path: Path
) -> None:
    await by(studio, tmp_path, dry=False, reason="a wrong price", rises=True, account="acme")
    await by(studio, tmp_path, dry=False, reason="a wrong price", account="acme")
    assert adjusted(studio) == sorted([*[("acme", -10_000, -10_000)] * 2, ("acme", 10_000, 10_000)])
    raised = next(one for one in facts_of(studio, "acme") if isinstance(one, Adjusted) and one.price > 0)
    await studio.upkeep.refund(raised.operation.id, account="acme", reason="blurred", reference="r1")
    assert ("acme", -20_000, 0) in adjusted(studio)


async def test_a_rise_beyond_a_balance_is_not_booked(studio: Studio, tmp_path: Path) -> None:
    await studio.accounts.open("paid", plan="bare", prepaid=True)
    await studio.accounts.add_credit("paid", Money.parse("0.01", "USD"), "p1")
    await bought(studio, "paid", "penny")
    short = await by(studio, tmp_path, dry=False, reason="a wrong price", rises=True, account="paid")
    await studio.accounts.add_credit("paid", Money.parse("0.01", "USD"), "p2")
    covered = await by(studio, tmp_path, dry=False, reason="a wrong price", rises=True, account="paid")

    assert [(one.booked, one.short) for one in (short, covered)] == [(0, 1), (1, 0)]


async def test_another_book_later_gives_back_the_rest_alone(studio: Studio, tmp_path: Path) -> None:
    await by(studio, tmp_path, dry=False, reason="a wrong price", account="acme")
    await by(studio, tmp_path, CHEAPER.replace("0.04", "0.01"), dry=False, reason="wronger", account="acme")

    nickels = [one for one in adjusted(studio) if one[1]]
    assert nickels == sorted([*[("acme", -10_000, -10_000)] * 2, *[("acme", -30_000, -30_000)] * 2])


async def test_no_more_is_given_back_than_is_left(studio: Studio, tmp_path: Path) -> None:
    operation = next(one.operation.id for one in facts_of(studio, "euro") if isinstance(one, Charged))
    amount = Money.parse("0.08", "EUR")
    await studio.upkeep.refund(operation, account="euro", amount=amount, reason="blurred", reference="r1")

    shown = await by(studio, tmp_path, account="euro")
    await by(studio, tmp_path, dry=False, reason="a wrong price", account="euro")

    assert adjusted(studio) == [("euro", -80_000, 0), ("euro", -10_000, -10_000)]
    assert [(line.lowered, line.cost) for line in shown.lines] == [(-10_000, -10_000)], "as it is booked"


async def test_a_book_that_was_booked_before_shows_nothing_that_it_would_not_book(
    studio: Studio, tmp_path: Path
) -> None:
    dearer = CHEAPER.replace("0.04", "0.06")
    await by(studio, tmp_path, dry=False, reason="too dear", account="acme")
    await by(studio, tmp_path, dearer, dry=False, reason="too cheap", account="acme", rises=True)
    before = adjusted(studio)

    again = await by(studio, tmp_path, dry=False, reason="too dear", account="acme")

    assert [(line.model, line.lowered, line.raised, line.again) for line in again.lines] == [
        ("nickel", 0, 0, 2),
        ("penny", 0, 0, 0),
    ]
    assert (again.booked, adjusted(studio)) == (0, before)


async def test_an_account_that_is_none_has_no_sums(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(UnknownAccount):
        await by(studio, tmp_path, account="nobody")
    with pytest.raises(UnknownAccount):
        await studio.simulations.run(WhatIf(), *EVER, account="nobody")
    with pytest.raises(UnknownAccount):
        await studio.past.refusals("nobody")


async def test_what_cannot_be_said_is_counted_and_says_why(studio: Studio, tmp_path: Path) -> None:
    later = 'currency = "USD"\n[[change]]\nmodel = "nickel"\nprices = [{ rate = "0.04", from = 2100-01-01 }]'

    found = await by(studio, tmp_path, later, account="euro")

    (line,) = found.lines
    assert (line.operations, line.unsaid, line.lowered) == (0, 1, 0)
    assert line.why == ("no price is in force yet",)


async def test_a_span_and_a_reason_are_asked_for(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        await by(studio, tmp_path, dry=False)
    catalogue, book = load_catalogue((tmp_path / "models.toml",))
    assert (await studio.repricing.run(catalogue, book, 0, 1)).lines == ()
