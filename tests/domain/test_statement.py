"""A statement adds up: lines to the rounded total, opening balance to the closing one, in every currency."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.booking import GoodwillGiven
from domain.charging import CostSource
from domain.ledger import Fact
from domain.money import DECIMALS, MICROS
from domain.operation import Adjusted, Charged
from domain.statement import Statement, StatementFold, rounded
from tests.domain.examples import (
    APRIL,
    APRIL_BOOK,
    CENT,
    CHARGED,
    COMPLETED,
    CREDIT,
    GIVEN_UP,
    LATER,
    MARCH,
    OPERATION,
    PREPAID,
    RELEASED,
    RUNNING,
    SENT,
    SETTLED,
)

REFUND = Adjusted(OPERATION, LATER, APRIL, "2026-04-10", -10 * CENT, 0, "USD", "sorry", "ticket-1")
AMOUNTS = st.integers(0, 10**13)


def folded(*facts: Fact, opening: int | None = 0) -> Statement:
    fold = StatementFold(APRIL)
    for fact in facts:
        fold.add(fact)
    return fold.finish("acme", "UTC", len(facts), "00" * 32, opening)


def charged(id: str, price: int, currency: str = "USD", **who: Any) -> Charged:
    return replace(CHARGED, operation=replace(OPERATION, id=id, **who), price=price, currency=currency)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["JPY", "USD", "KWD", "CLF"]))
def test_an_amount_is_rounded_half_even_to_its_currencys_minor_unit(micros: int, currency: str) -> None:
    minor = Decimal(1).scaleb(-DECIMALS[currency])
    expected = (Decimal(micros) / MICROS).quantize(minor, ROUND_HALF_EVEN)
    assert Decimal(rounded(micros, currency)) / MICROS == expected


@given(st.lists(AMOUNTS, max_size=30), st.sampled_from(["JPY", "USD", "KWD"]), st.integers(0, 10**9))
def test_rounded_lines_and_the_rounding_come_to_the_rounded_total(
    prices: list[int], currency: str, goodwill: int
) -> None:
    charges = [charged(f"op-{n}", price, user=f"user-{n % 7}") for n, price in enumerate(prices)]
    given_back = GoodwillGiven("acme", LATER, APRIL, MARCH, goodwill, currency, "an outage", "ticket-2")
    one = folded(replace(APRIL_BOOK, currency=currency), *charges, given_back)
    lines = [*(line.amount for line in one.usage), *(line.amount for line in one.adjustments)]
    assert one.total == sum(prices) - goodwill
    assert sum(rounded(amount, currency) for amount in lines) + one.rounding == one.rounded_total
    assert abs(one.rounded_total - one.total) * 2 <= MICROS // 10 ** DECIMALS[currency]


def test_ten_million_charges_of_one_micro_unit_are_ten_units_exactly() -> None:
    """A line adds up in whole numbers, so a hundred thousand charges a hundred times over show it."""
    fold = StatementFold(APRIL)
    fold.add(APRIL_BOOK)
    tiny = replace(CHARGED, price=1, cost=1)
    for _ in range(100_000):
        fold.add(tiny)
    one = fold.finish("acme", "UTC", 1, "", None)
    assert (one.total, one.rounded_total, one.rounding) == (100_000, 100_000, 0)
    assert one.usage[0].units == 100_000 * 4 * MICROS


def test_lines_are_by_model_kind_user_and_project() -> None:
    one = folded(
        *PREPAID,
        *SETTLED,
        charged("op-2", 5 * CENT),
        charged("op-3", 7 * CENT, user="bob"),
        charged("op-4", 9 * CENT, project="shop"),
        charged("op-5", 11 * CENT, model="other"),
        charged("op-6", 13 * CENT, kind="edit"),
    )
    assert [(line.model, line.kind, line.user, line.project, line.operations, line.amount) for line in one.usage] == [
        ("other", "text-to-image", "ann", "site", 1, 11 * CENT),
        ("painter", "edit", "ann", "site", 1, 13 * CENT),
        ("painter", "text-to-image", "ann", "shop", 1, 9 * CENT),
        ("painter", "text-to-image", "ann", "site", 2, 45 * CENT),
        ("painter", "text-to-image", "bob", "site", 1, 7 * CENT),
    ]


def test_a_balance_is_what_was_paid_in_less_what_was_charged_whatever_is_held() -> None:
    open_one = [replace(fact, operation=replace(OPERATION, id="op-2")) for fact in RUNNING]
    one = folded(*PREPAID, *SETTLED, REFUND, *open_one, opening=7)
    assert (one.opening, one.paid_in, one.total, one.closing) == (7, CREDIT.amount, 30 * CENT, 7 + 70 * CENT)
    assert (one.open, one.held) == (1, 40 * CENT)


def test_a_refund_of_another_period_keeps_that_period() -> None:
    earlier = replace(REFUND, operation=replace(OPERATION, period=MARCH))
    (line,) = folded(*PREPAID, earlier).adjustments
    assert (line.charged, line.amount, line.reference) == (MARCH, -10 * CENT, "ticket-1")


def test_a_correction_of_cost_is_no_line_of_the_customers() -> None:
    one = folded(*PREPAID, *SETTLED, replace(REFUND, price=0, cost=5 * CENT))
    assert (one.adjustments, one.corrected, one.total) == ((), 5 * CENT, 40 * CENT)


def test_a_cost_that_is_not_known_makes_the_whole_partial_until_it_is_revealed() -> None:
    unknown = (*SENT, COMPLETED, replace(CHARGED, cost=None, cost_source=CostSource.UNKNOWN))
    one = folded(*PREPAID, *unknown)
    assert one.is_partial
    revealed = replace(REFUND, price=0, cost=28 * CENT, cost_source=CostSource.PROVIDER, revealed=True)
    other = folded(*PREPAID, *unknown, revealed)
    assert (other.is_partial, other.corrected) == (False, 28 * CENT)
    assert [(share.source, share.operations, share.amount) for share in other.costs] == [("provider", 1, 40 * CENT)]


def test_what_was_released_is_no_line_and_its_cost_is_counted() -> None:
    one = folded(*PREPAID, *SENT, replace(RELEASED, cost=2 * CENT))
    assert (one.usage, one.open, one.held) == ((), 0, 0)
    assert [(share.source, share.cost) for share in one.costs] == [("provider", 2 * CENT)]
    assert folded(*PREPAID, *GIVEN_UP).is_partial


@pytest.mark.parametrize(("measure", "used"), [("images", 4), ("edits", 0), ("spend", 40 * CENT)])
def test_a_plans_allowance_is_told_with_what_was_used_of_it(measure: str, used: int) -> None:
    one = folded(APRIL_BOOK, *SETTLED)
    assert {line.measure: line.used for line in one.allowances}[measure] == used
