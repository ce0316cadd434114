"""After the hold: sent once, settled once, in its own period, whatever comes late, twice, partly or at odds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.admission import accept
from domain.charging import CostSource
from domain.counting import left_of
from domain.errors import IllegalTransition, UnknownOperation
from domain.ledger import BalanceReturned, Fact, Ledger, PeriodOpened, period_stream, stream_of
from domain.operation import (
    LATE,
    POLICY,
    Adjusted,
    Charged,
    Dispatched,
    ProviderCompleted,
    Released,
    Settled,
    Submitted,
    Validated,
)
from domain.plans import Limits
from domain.settlement import complete, dispatch, fail, record_job, release
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    CHARGED,
    COMPLETED,
    DISPATCHED,
    DOLLAR,
    DROPPED,
    FAILED,
    GIVEN_UP,
    HELD,
    IMAGES,
    IN_MAY,
    LATER,
    MAY,
    NOON,
    OPERATION,
    PREPAID,
    RELEASED,
    RUNNING,
    SENT,
    SETTLED,
    SUBMITTED,
    UNKNOWN_PRICE,
    after,
    ask,
    in_may,
    limited,
    priced,
    recorded,
)

PREPAID_MAY = in_may(balance=60 * CENT, limits=Limits())
ENDED = (*PREPAID, *SENT, PREPAID_MAY)
"""Sent in April, held from a prepaid balance, and May has begun."""
BOOKED_LATE = Adjusted(
    OPERATION, LATER, APRIL, "2026-04-10", 0, 30 * CENT, "USD", LATE, LATE, CostSource.PROVIDER, revealed=True
)

Settle = Callable[[Ledger, int], list[Fact]]
SETTLEMENTS: dict[str, Settle] = {
    "complete": lambda ledger, now: complete(ledger, "op-1", IMAGES, 30 * CENT, now),
    "complete in part": lambda ledger, now: complete(ledger, "op-1", IMAGES[:1], None, now),
    "fail": lambda ledger, now: fail(ledger, "op-1", "blocked", 0, now),
    "release": lambda ledger, now: release(ledger, "op-1", POLICY, now),
}
USED = {"complete": 40 * CENT, "complete in part": 10 * CENT, "fail": 0, "release": 0}
# A success after a release by policy is news, and told apart below.
TWO_ENDS = [(one, other) for one in SETTLEMENTS for other in SETTLEMENTS if one != "release" or other[:4] != "comp"]


def balance(ledger: Ledger) -> int | None:
    assert ledger.current is not None
    return ledger.current.balance


def returned(facts: list[Fact]) -> int:
    return sum(fact.amount for fact in facts if isinstance(fact, BalanceReturned))


# In its own period: done, refused, repeated, raced


def test_what_is_held_is_dispatched_submitted_completed_and_charged() -> None:
    ledger = recorded(BILLED, HELD)

    assert after(ledger, dispatch(ledger, "op-1", 1, "desk-1", NOON)) == recorded(BILLED, HELD, DISPATCHED)
    assert after(ledger, record_job(ledger, "op-1", "job-1", NOON)) == recorded(BILLED, RUNNING)
    assert complete(ledger, "op-1", IMAGES, 30 * CENT, LATER) == [COMPLETED, CHARGED]


def test_a_failure_and_a_release_free_the_hold() -> None:
    assert fail(recorded(BILLED, RUNNING), "op-1", "blocked", 0, LATER) == [FAILED, RELEASED]
    assert release(recorded(BILLED, SENT), "op-1", "blocked", LATER) == [
        replace(RELEASED, cost=None, cost_source=CostSource.UNKNOWN)
    ]


@pytest.mark.parametrize("name", SETTLEMENTS)
def test_a_settlement_repeated_records_nothing(name: str) -> None:
    ledger = recorded(BILLED, SENT)
    after(ledger, SETTLEMENTS[name](ledger, LATER))

    assert SETTLEMENTS[name](ledger, LATER) == []


@pytest.mark.parametrize(("winner", "loser"), TWO_ENDS)
def test_of_two_settlements_that_race_only_the_first_moves_money(winner: str, loser: str) -> None:
    ledger = recorded(PREPAID, SENT)
    after(ledger, SETTLEMENTS[winner](ledger, LATER))

    assert SETTLEMENTS[loser](ledger, LATER) == []
    assert balance(ledger) == DOLLAR - USED[winner]


def test_of_two_senders_only_the_first_is_recorded() -> None:
    ledger = recorded(BILLED, HELD)
    after(ledger, dispatch(ledger, "op-1", 1, "desk-1", NOON))

    assert dispatch(ledger, "op-1", 1, "desk-2", NOON) == []


@pytest.mark.parametrize("ended", [SETTLED, DROPPED, GIVEN_UP])
def test_what_has_ended_is_neither_sent_nor_submitted(ended: tuple[Fact, ...]) -> None:
    ledger = recorded(BILLED, ended)

    assert dispatch(ledger, "op-1", 2, "desk-2", LATER) == []
    assert record_job(ledger, "op-1", "job-1", LATER) == []


def test_nothing_is_delivered_that_was_not_sent() -> None:
    with pytest.raises(IllegalTransition):
        complete(recorded(BILLED, HELD), "op-1", IMAGES, None, LATER)


@pytest.mark.parametrize(
    "decide",
    [
        lambda ledger: dispatch(ledger, "op-9", 1, "desk-1", NOON),
        lambda ledger: record_job(ledger, "op-9", "job-1", NOON),
        lambda ledger: complete(ledger, "op-9", IMAGES, None, NOON),
        lambda ledger: fail(ledger, "op-9", "blocked", 0, NOON),
        lambda ledger: release(ledger, "op-9", POLICY, NOON),
    ],
)
def test_what_nobody_requested_is_unknown(decide: Callable[[Ledger], list[Fact]]) -> None:
    with pytest.raises(UnknownOperation, match="op-9"):
        decide(recorded(BILLED, SENT))


# Money


@given(
    price=st.integers(0, DOLLAR), outputs=st.integers(1, 9), delivered=st.integers(0, 12), bill=st.integers(0, 10**9)
)
@example(price=1, outputs=3, delivered=1, bill=10**9)
def test_a_charge_never_exceeds_its_hold_though_the_provider_bills_more(
    price: int, outputs: int, delivered: int, bill: int
) -> None:
    ledger = recorded(PREPAID)
    after(ledger, accept(ledger, ask(quote=priced(price, outputs)), NOON))
    facts = complete(ledger, "op-1", IMAGES[:1] * delivered, bill, LATER)

    posting = next(fact for fact in facts if isinstance(fact, Charged))
    assert 0 <= posting.price <= price
    assert (posting.cost, balance(after(ledger, facts))) == (bill, DOLLAR - posting.price)


def test_what_was_not_delivered_is_free_again() -> None:
    ledger = recorded(BILLED, SENT)
    after(ledger, complete(ledger, "op-1", IMAGES[:3], None, LATER))

    left = left_of(ledger, "ann", "site", LATER)
    assert (left["images"], left["spend"]) == (7, 70 * CENT)


@pytest.mark.parametrize(("bill", "price"), [(None, 25 * CENT), (7, 7), (0, 0), (25 * CENT + 1, 25 * CENT)])
def test_an_unknown_price_is_charged_at_cost_within_the_cap(bill: int | None, price: int) -> None:
    ledger = recorded(BILLED, limited("unpriced", 25 * CENT))
    after(ledger, accept(ledger, ask(quote=UNKNOWN_PRICE), NOON))
    after(ledger, complete(ledger, "op-1", IMAGES[:1], bill, LATER))

    assert left_of(ledger, "ann", "site", LATER)["spend"] == DOLLAR - price


def test_a_price_that_was_quoted_stands_whatever_was_decided_meanwhile() -> None:
    ledger = recorded(BILLED, SENT, limited("spend", 0), limited("images", 0))

    assert complete(ledger, "op-1", IMAGES, 30 * CENT, LATER) == [COMPLETED, CHARGED]


# After the period has ended


@pytest.mark.parametrize("name", SETTLEMENTS)
def test_an_operation_settles_in_the_stream_of_the_period_in_which_it_was_requested(name: str) -> None:
    ledger = recorded(BILLED, SENT, in_may())
    facts = SETTLEMENTS[name](ledger, IN_MAY)

    assert {stream_of(fact) for fact in facts} == {period_stream("acme", APRIL)}
    assert not returned(facts)


@pytest.mark.parametrize("name", SETTLEMENTS)
def test_what_it_did_not_use_of_a_prepaid_balance_is_spendable_in_the_current_period_once(name: str) -> None:
    ledger = recorded(ENDED)
    facts = SETTLEMENTS[name](ledger, IN_MAY)
    after(ledger, facts)

    assert returned(facts) == 40 * CENT - USED[name]
    assert {stream_of(fact) for fact in facts if isinstance(fact, BalanceReturned)} <= {period_stream("acme", MAY)}
    assert balance(ledger) == DOLLAR - USED[name]


def test_a_return_names_its_operation_and_the_period_in_which_it_may_be_spent() -> None:
    facts = release(recorded(ENDED), "op-1", POLICY, IN_MAY)

    assert facts[1:] == [BalanceReturned("acme", IN_MAY, MAY, "op-1", 40 * CENT, "USD")]


def test_a_full_charge_returns_nothing() -> None:
    assert [type(fact) for fact in SETTLEMENTS["complete"](recorded(ENDED), IN_MAY)] == [ProviderCompleted, Charged]


@pytest.mark.parametrize(("winner", "loser"), TWO_ENDS)
def test_a_balance_is_returned_by_one_of_those_who_race(winner: str, loser: str) -> None:
    ledger = recorded(ENDED)
    after(ledger, SETTLEMENTS[winner](ledger, IN_MAY))
    after(ledger, SETTLEMENTS[loser](ledger, IN_MAY))

    assert balance(ledger) == DOLLAR - USED[winner]


def test_it_uses_nothing_of_the_current_period_s_limits() -> None:
    ledger = recorded(BILLED, SENT, in_may())
    after(ledger, complete(ledger, "op-1", IMAGES, None, IN_MAY))

    assert left_of(ledger, "ann", "site", IN_MAY) == left_of(recorded(BILLED, in_may()), "ann", "site", IN_MAY)


def test_it_is_still_sent_and_given_its_job_in_its_own_stream() -> None:
    ledger = recorded(BILLED, HELD, in_may())
    sent = dispatch(ledger, "op-1", 1, "desk-1", IN_MAY)
    running = record_job(after(ledger, sent), "op-1", "job-1", IN_MAY)

    assert sent == [replace(DISPATCHED, at=IN_MAY)]
    assert running == [replace(SUBMITTED, at=IN_MAY)]
    assert {stream_of(fact) for fact in sent + running} == {period_stream("acme", APRIL)}


def test_while_nobody_has_opened_the_next_period_it_settles_in_its_own_book() -> None:
    ledger = recorded(PREPAID, SENT)
    facts = fail(ledger, "op-1", "blocked", 0, IN_MAY)

    assert facts == [replace(FAILED, at=IN_MAY), replace(RELEASED, at=IN_MAY, asked=NOON)]
    assert balance(after(ledger, facts)) == DOLLAR


# A late success


def test_a_success_after_a_policy_release_is_delivered_its_cost_booked_and_nothing_charged() -> None:
    ledger = recorded(PREPAID, GIVEN_UP)
    facts = complete(ledger, "op-1", IMAGES, 30 * CENT, LATER)

    assert facts == [ProviderCompleted(OPERATION, LATER, IMAGES, 30 * CENT, late=True), BOOKED_LATE]
    assert balance(after(ledger, facts)) == DOLLAR


@pytest.mark.parametrize(("delivered", "cost"), [(4, 30 * CENT), (1, 30 * CENT // 4), (9, 30 * CENT)])
def test_a_late_success_that_names_no_cost_costs_what_was_quoted(delivered: int, cost: int) -> None:
    facts = complete(recorded(BILLED, GIVEN_UP), "op-1", (IMAGES * 3)[:delivered], None, LATER)

    assert facts[1:] == [replace(BOOKED_LATE, cost=cost, cost_source=CostSource.QUOTED)]


def test_a_late_success_counts_once() -> None:
    ledger = recorded(PREPAID, GIVEN_UP)
    after(ledger, complete(ledger, "op-1", IMAGES, 30 * CENT, LATER))

    assert complete(ledger, "op-1", IMAGES, 30 * CENT, LATER) == []
    assert fail(ledger, "op-1", "blocked", 0, LATER) == []


def test_a_success_after_a_definite_failure_is_not_delivered() -> None:
    assert complete(recorded(BILLED, DROPPED), "op-1", IMAGES, 30 * CENT, LATER) == []


def test_a_late_success_is_booked_in_the_period_in_which_it_came() -> None:
    ledger = recorded(PREPAID, GIVEN_UP)
    facts = complete(ledger, "op-1", IMAGES, 30 * CENT, IN_MAY)

    assert [type(fact) for fact in facts] == [ProviderCompleted, PeriodOpened, Adjusted]
    assert [stream_of(fact) for fact in facts] == [period_stream("acme", period) for period in (APRIL, MAY, MAY)]
    assert balance(after(ledger, facts)) == DOLLAR


# The whole of it


@given(st.permutations([*SETTLEMENTS, "complete", "release"]), st.booleans())
def test_however_answers_are_ordered_and_repeated_an_operation_has_one_terminal_money_fact(
    order: list[str], ended: bool
) -> None:
    ledger = recorded(ENDED if ended else (*PREPAID, *SENT))
    facts: list[Fact] = []
    for name in order:
        new = SETTLEMENTS[name](ledger, IN_MAY)
        after(ledger, new)
        facts += new

    assert sum(isinstance(fact, Charged | Released) for fact in facts) == 1
    assert balance(ledger) == DOLLAR - USED[order[0]]
    assert not any(isinstance(fact, Validated | Dispatched | Submitted) for fact in facts)


def test_a_charged_operation_is_remembered_with_its_charge() -> None:
    assert recorded(BILLED, SETTLED).look_up("op-1") == Settled(
        OPERATION, 40 * CENT, "USD", admitted=NOON, cost=30 * CENT, cost_source=CostSource.PROVIDER
    )
