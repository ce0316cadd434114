"""Goodwill and corrections of cost: each once a reference, and all corrections together never more than was charged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.booking import GoodwillGiven
from domain.charging import CostSource
from domain.errors import IllegalTransition, InvalidInput, KeyReused
from domain.goodwill import give_goodwill, left_to_give
from domain.ledger import Fact, Ledger
from domain.operation import Adjusted
from domain.settlement import adjust, correct_cost
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    CHARGED,
    COMPLETED,
    DROPPED,
    IN_MAY,
    LATER,
    MAY,
    OPERATION,
    PREPAID,
    RUNNING,
    SENT,
    SETTLED,
    after,
    in_may,
    recorded,
)

GIVEN = GoodwillGiven("acme", LATER, APRIL, APRIL, 10 * CENT, "USD", "an outage", "t-1")
PAID_SO: Any = {"worth": 40 * CENT, "was": CostSource.PROVIDER}
THE_BILL = ("the bill", "t-2", CostSource.PROVIDER)
COST = Adjusted(OPERATION, LATER, APRIL, "2026-04-10", 0, 5 * CENT, "USD", *THE_BILL, **PAID_SO)


def charged(*facts: Fact, given: tuple[GoodwillGiven, ...] = ()) -> Ledger:
    """The ledger with the evidence that April was charged 40 cents, and of this goodwill."""
    ledger = recorded(PREPAID, SETTLED, *facts)
    ledger.evidence.charged, ledger.evidence.goodwill = 40 * CENT, given
    return ledger


def give(ledger: Ledger, amount: int = 10 * CENT, reference: str = "t-1", now: int = LATER) -> list[Fact]:
    return give_goodwill(ledger, "acme", APRIL, amount, "an outage", reference, now)


def test_goodwill_is_a_fact_for_a_period_and_spendable_at_once() -> None:
    ledger = charged()
    assert give(ledger) == [GIVEN]
    assert ledger.current is not None
    before = ledger.current.balance
    assert before is not None
    assert after(ledger, [GIVEN]).current == replace(ledger.current, balance=before + 10 * CENT)


def test_goodwill_for_an_earlier_period_is_booked_in_the_open_one() -> None:
    may = in_may(balance=60 * CENT)
    assert give(charged(may), now=IN_MAY) == [replace(GIVEN, at=IN_MAY, period=MAY)]


def test_an_account_that_pays_afterwards_gets_it_off_its_bill() -> None:
    ledger = recorded(BILLED, SETTLED)
    ledger.evidence.charged = 40 * CENT
    assert give(ledger) == [GIVEN]
    assert after(ledger, [GIVEN]).current == ledger.current


def test_the_same_reference_counts_once_and_only_for_the_same() -> None:
    assert give(charged(given=(GIVEN,))) == []
    with pytest.raises(KeyReused, match=r"'t-1' was used for another goodwill: 0.10 USD for period \d{4}-\d\d-\d\d$"):
        give(charged(given=(GIVEN,)), 11 * CENT)
    with pytest.raises(KeyReused):
        give_goodwill(charged(given=(GIVEN,)), "acme", MAY, 10 * CENT, "an outage", "t-1", LATER)


@pytest.mark.parametrize(
    ("amount", "reason", "reference", "told"),
    [
        (0, "an outage", "t-1", "0.00 USD gives nothing back"),
        (-1, "an outage", "t-1", "-0.000001 USD gives nothing back"),
        (40 * CENT + 1, "an outage", "t-1", "0.400001 USD exceeds the 0.40 USD that is left of the charges"),
        (CENT, "", "t-1", "reason"),
        (CENT, "an outage", "", "reference"),
    ],
)
def test_goodwill_needs_an_amount_a_reason_and_a_reference(amount: int, reason: str, reference: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        give_goodwill(charged(), "acme", APRIL, amount, reason, reference, LATER)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20)), max_size=12))
def test_refunds_and_goodwill_together_never_exceed_the_charges(asked: list[tuple[bool, int]]) -> None:
    ledger, back = charged(), 0
    for number, (is_refund, cents) in enumerate(asked):
        try:
            if is_refund:
                facts = adjust(ledger, "op-1", -cents * CENT, 0, "sorry", f"r-{number}", LATER)
            else:
                facts = give(ledger, cents * CENT, f"g-{number}")
        except InvalidInput:
            assert back + cents > 40
            continue
        back += cents
        after(ledger, facts)
        evidence = ledger.evidence
        evidence.goodwill += tuple(fact for fact in facts if isinstance(fact, GoodwillGiven))
        evidence.charged = (
            40 * CENT
            + sum(fact.price for fact in facts if isinstance(fact, Adjusted))
            - (40 * CENT - (evidence.charged or 0))
        )
        assert left_to_give(ledger, APRIL) == (40 - back) * CENT
    assert back <= 40


# Cost


def cost(ledger: Ledger, actual: int, reference: str = "t-2") -> list[Fact]:
    return correct_cost(ledger, "op-1", actual, "the bill", reference, LATER)


def test_what_the_provider_really_took_becomes_the_cost_and_the_price_stays() -> None:
    ledger = recorded(PREPAID, SETTLED)
    assert cost(ledger, 35 * CENT) == [COST]
    again = after(ledger, [COST])
    assert cost(again, 35 * CENT) == []
    other = after(again, cost(again, 20 * CENT, "t-3"))
    assert cost(other, 35 * CENT) == []
    with pytest.raises(KeyReused):
        cost(other, 36 * CENT)
    with pytest.raises(InvalidInput, match="nothing of operation op-1 would change"):
        cost(other, 20 * CENT, "t-4")


def test_a_cost_that_nobody_knew_is_known_even_if_it_is_nothing() -> None:
    unknown = replace(CHARGED, cost=None)
    (fact,) = cost(recorded(PREPAID, SENT, COMPLETED, (unknown,)), 0)
    assert fact == replace(COST, cost=0, revealed=True)


def test_a_cost_is_never_less_than_nothing_and_nothing_open_has_one() -> None:
    with pytest.raises(InvalidInput, match="cost: is less than nothing"):
        cost(recorded(PREPAID, SETTLED), -1)
    with pytest.raises(InvalidInput, match=r"a change by -0.31 USD exceeds the cost of 0.30 USD"):
        adjust(recorded(PREPAID, SETTLED), "op-1", 0, -31 * CENT, "the bill", "t-2", LATER)
    with pytest.raises(IllegalTransition):
        cost(recorded(PREPAID, RUNNING), CENT)
    assert cost(recorded(PREPAID, DROPPED), CENT)
