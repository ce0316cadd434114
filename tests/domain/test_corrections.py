"""Refunds and credit: corrections are facts, each counts once, and never gives back more than was charged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.admission import accept
from domain.advice import Advice
from domain.charging import CostSource
from domain.counting import left_of
from domain.errors import IllegalTransition, InvalidInput, KeyReused, UnknownOperation
from domain.ledger import CreditAdded, Fact, Ledger, PeriodOpened, period_stream, stream_of
from domain.operation import Adjusted, Settled
from domain.plans import Limits
from domain.settlement import add_credit, adjust
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    CREDIT,
    DOLLAR,
    DROPPED,
    IN_MAY,
    LATER,
    MAY,
    NOON,
    OPERATION,
    PREPAID,
    REQUESTED,
    RUNNING,
    SETTLED,
    after,
    ask,
    in_may,
    known_key,
    priced,
    recorded,
)

PAID_SO: Any = {"worth": 40 * CENT, "was": CostSource.PROVIDER}
REFUND = Adjusted(OPERATION, LATER, APRIL, "2026-04-10", -10 * CENT, 0, "USD", "sorry", "ticket-1", **PAID_SO)
PAID = (*PREPAID, *SETTLED)


def refund(ledger: Ledger, amount: int, reference: str = "ticket-1", now: int = LATER) -> list[Fact]:
    return adjust(ledger, "op-1", -amount, 0, "sorry", reference, now)


def balance(ledger: Ledger) -> int | None:
    assert ledger.current is not None
    return ledger.current.balance


# Refunds


def test_a_refund_is_a_fact_of_its_own() -> None:
    assert refund(recorded(PAID), 10 * CENT) == [REFUND]


def test_a_refund_is_spendable_at_once() -> None:
    ledger = recorded(PAID)

    assert balance(ledger) == 60 * CENT
    assert balance(after(ledger, refund(ledger, 10 * CENT))) == 70 * CENT


def test_a_refund_frees_the_spend_limit_and_no_output_of_its_period() -> None:
    left = left_of(recorded(BILLED, SETTLED, REFUND), "ann", "site", LATER)

    assert (left["spend"], left["images"]) == (70 * CENT, 6)


def test_a_refund_of_an_ended_period_is_booked_in_the_current_one_and_frees_nothing_of_its_limits() -> None:
    ledger = recorded(BILLED, SETTLED, in_may())
    ledger.evidence.found["op-1"] = Settled(OPERATION, 40 * CENT, "USD")
    facts = refund(ledger, 10 * CENT, now=IN_MAY)

    assert facts == [replace(REFUND, at=IN_MAY, period=MAY, day="2026-05-02", was=None)]
    assert [stream_of(fact) for fact in facts] == [period_stream("acme", MAY)]
    assert left_of(after(ledger, facts), "ann", "site", IN_MAY)["spend"] == DOLLAR


def test_a_refund_of_an_ended_period_is_spendable_in_the_current_one() -> None:
    ledger = recorded(PAID, in_may(balance=60 * CENT, limits=Limits()))

    assert balance(after(ledger, refund(ledger, 40 * CENT, now=IN_MAY))) == DOLLAR


def test_a_refund_opens_the_period_in_which_it_is_the_first_fact() -> None:
    ledger = recorded(PAID)
    facts = refund(ledger, 10 * CENT, now=IN_MAY)

    assert [type(fact) for fact in facts] == [PeriodOpened, Adjusted]
    assert balance(after(ledger, facts)) == 70 * CENT


def test_the_same_reference_counts_once() -> None:
    ledger = recorded(PAID)
    after(ledger, refund(ledger, 30 * CENT))

    assert refund(ledger, 30 * CENT) == []
    assert refund(ledger, 10 * CENT, "ticket-2") != []


@pytest.mark.parametrize(("price", "cost"), [(-10 * CENT, 0), (-30 * CENT, 1), (0, -30 * CENT), (0, 0)])
def test_a_reference_that_was_used_for_other_amounts_is_refused(price: int, cost: int) -> None:
    ledger = recorded(PAID)
    after(ledger, refund(ledger, 30 * CENT))

    with pytest.raises(KeyReused, match=r"ticket-1.*another correction.*-0\.30 USD"):
        adjust(ledger, "op-1", price, cost, "sorry", "ticket-1", LATER)


@pytest.mark.parametrize("story", [SETTLED, DROPPED])
def test_a_correction_of_nothing_is_refused_and_recorded_nowhere(story: tuple[Fact, ...]) -> None:
    with pytest.raises(InvalidInput, match="nothing of operation op-1 would change"):
        refund(recorded(PREPAID, story), 0)


def test_of_two_who_refund_everything_at_once_the_second_is_told_what_is_left() -> None:
    ledger = recorded(PAID)
    after(ledger, refund(ledger, 40 * CENT, "ticket-1"))

    with pytest.raises(InvalidInput, match=r"the 0\.00 USD that is left"):
        refund(ledger, 40 * CENT, "ticket-2")


@given(st.lists(st.tuples(st.integers(0, 50 * CENT), st.integers(1, 5)), max_size=12))
@example([(40 * CENT, 1), (1, 2)])
@example([(39 * CENT, 1), (2 * CENT, 2), (CENT, 3), (1, 4)])
def test_however_often_and_in_what_parts_what_is_refunded_never_exceeds_what_was_charged(
    refunds: list[tuple[int, int]],
) -> None:
    ledger = recorded(PAID)
    given_back = 0
    seen: dict[int, int] = {}
    for amount, ticket in refunds:
        fits = seen[ticket] == amount if ticket in seen else 0 < amount <= 40 * CENT - given_back
        try:
            after(ledger, refund(ledger, amount, f"ticket-{ticket}"))
        except (InvalidInput, KeyReused):
            assert not fits
        else:
            assert fits
            given_back += 0 if ticket in seen else amount
            seen[ticket] = amount

    assert given_back <= 40 * CENT
    assert balance(ledger) == 60 * CENT + given_back


def test_a_correction_never_raises_a_charge() -> None:
    with pytest.raises(InvalidInput, match="raise a charge"):
        refund(recorded(PAID), -1)


def test_a_correction_needs_a_reference() -> None:
    with pytest.raises(InvalidInput) as refusal:
        refund(recorded(PAID), 1, "")

    assert refusal.value.field == "reference"


def test_our_cost_is_corrected_without_touching_the_price() -> None:
    ledger = recorded(PAID)
    facts = adjust(ledger, "op-1", 0, -5 * CENT, "invoice", "invoice-7", LATER)

    assert facts == [replace(REFUND, price=0, cost=-5 * CENT, reason="invoice", reference="invoice-7")]
    assert balance(after(ledger, facts)) == 60 * CENT


def test_what_was_released_may_have_cost_us_and_can_give_nothing_back() -> None:
    ledger = recorded(PREPAID, DROPPED)
    after(ledger, adjust(ledger, "op-1", 0, 5, "invoice", "invoice-7", LATER))

    assert adjust(ledger, "op-1", 0, 5, "invoice", "invoice-7", LATER) == []
    with pytest.raises(IllegalTransition):
        refund(ledger, 1)


@pytest.mark.parametrize("story", [(REQUESTED,), RUNNING])
def test_what_is_still_open_cannot_be_corrected(story: tuple[Fact, ...]) -> None:
    with pytest.raises(IllegalTransition):
        refund(recorded(BILLED, story), 1)


def test_what_was_refused_was_never_charged() -> None:
    ledger = recorded(BILLED)
    after(ledger, accept(ledger, ask(quote=priced(2 * DOLLAR)), NOON))

    with pytest.raises(IllegalTransition):
        refund(ledger, 0)


def test_what_nobody_requested_cannot_be_corrected() -> None:
    with pytest.raises(UnknownOperation):
        refund(recorded(BILLED), 1)


# Credit


def test_a_payment_is_added_to_the_balance() -> None:
    ledger = recorded(PREPAID)
    facts = add_credit(ledger, 5 * CENT, "payment-2", LATER)

    assert facts == [CreditAdded("acme", LATER, APRIL, 5 * CENT, "USD", "payment-2")]
    assert balance(after(ledger, facts)) == DOLLAR + 5 * CENT


def test_a_first_payment_opens_the_account_s_first_book() -> None:
    facts = add_credit(recorded(PREPAID[0]), DOLLAR, "payment-1", NOON)

    assert facts == [*PREPAID[1:2], CREDIT]


def test_a_payment_goes_to_the_period_in_which_it_came() -> None:
    ledger = recorded(PREPAID)
    facts = add_credit(ledger, 5 * CENT, "payment-2", IN_MAY)

    assert [type(fact) for fact in facts] == [PeriodOpened, CreditAdded]
    assert {stream_of(fact) for fact in facts} == {period_stream("acme", MAY)}
    assert balance(after(ledger, facts)) == DOLLAR + 5 * CENT


def test_a_payment_repeated_counts_once() -> None:
    ledger = known_key(recorded(PREPAID), "payment-1", "payment-1", str(DOLLAR))

    assert add_credit(ledger, DOLLAR, "payment-1", LATER) == []


def test_another_amount_under_the_same_key_is_refused() -> None:
    ledger = known_key(recorded(PREPAID), "payment-1", "payment-1", str(DOLLAR))

    with pytest.raises(KeyReused, match="payment-1"):
        add_credit(ledger, DOLLAR + 1, "payment-1", LATER)


def test_of_two_who_report_one_payment_the_second_finds_it_recorded() -> None:
    ledger = recorded(PREPAID[:2])
    after(ledger, add_credit(ledger, DOLLAR, "payment-1", NOON))
    known_key(ledger, "payment-1", "payment-1", str(DOLLAR))

    assert add_credit(ledger, DOLLAR, "payment-1", NOON) == []
    assert balance(ledger) == DOLLAR


@pytest.mark.parametrize("amount", [0, -1])
def test_what_is_no_payment_is_refused(amount: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        add_credit(recorded(PREPAID), amount, "payment-2", LATER)

    assert refusal.value.field == "amount"


def test_an_account_that_pays_afterwards_has_no_balance_to_pay_into() -> None:
    with pytest.raises(InvalidInput, match="not prepaid") as refusal:
        add_credit(recorded(BILLED), DOLLAR, "payment-2", LATER)

    assert refusal.value.advice == Advice("account.prepay")
