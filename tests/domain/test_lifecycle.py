"""Sent at most once a dispatch, ended exactly once: every decision about an operation, in every state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Context, Decimal, localcontext
from functools import reduce

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.advice import Advice
from domain.charging import CostSource, Reckoning, Told, reckon
from domain.errors import IllegalTransition, InvalidInput
from domain.lifecycle import check_adjustment, complete, dispatch, evolve, fail, postpone, record_job, release
from domain.money import LARGEST_AMOUNT, split
from domain.operation import (
    PHASES,
    POLICY,
    Asked,
    Charged,
    Delivered,
    Dispatched,
    Dropped,
    Held,
    OperationFact,
    ProviderCompleted,
    Refused,
    Released,
    Running,
    Sent,
    Settled,
    State,
)
from domain.pricing import Quote, capped_quote
from tests.domain.examples import (
    CENT,
    CHARGED,
    COMPLETED,
    DISPATCHED,
    FAILED,
    IMAGES,
    LATER,
    NOON,
    OPERATION,
    POSTPONED,
    QUOTE,
    RELEASED,
    SUBMITTED,
    UNKNOWN_PRICE,
    priced,
)

ASKED = Asked(OPERATION)
HELD = Held(OPERATION, QUOTE)
SENT = Sent(OPERATION, QUOTE, 1, "desk-1")
RUNNING = Running(OPERATION, QUOTE, 1, "job-1")
DELIVERED = Delivered(OPERATION, QUOTE, 4, None)
SETTLED = Settled(OPERATION, 40 * CENT, "USD")
DROPPED = Dropped(OPERATION, "blocked", QUOTE)
GIVEN_UP = Dropped(OPERATION, POLICY, QUOTE)
TWICE_LATE = replace(GIVEN_UP, late=True)
REFUSED = Refused(OPERATION, "limit")
CAPPED = capped_quote(replace(UNKNOWN_PRICE, outputs=4), 40 * CENT, "USD")

Decide = Callable[[State], list[OperationFact]]
DECISIONS: dict[str, Decide] = {
    "dispatch": lambda state: dispatch(state, 1, "desk-1", NOON),
    "dispatch again": lambda state: dispatch(state, 2, "desk-1", NOON),
    "submit": lambda state: record_job(state, "job-1", NOON),
    "submit another": lambda state: record_job(state, "job-2", NOON),
    "complete": lambda state: complete(state, IMAGES, 30 * CENT, LATER),
    "fail": lambda state: fail(state, "blocked", 0, LATER),
    "release": lambda state: release(state, "blocked", LATER),
}
STATES: tuple[State, ...] = (
    ASKED, HELD, SENT, RUNNING, DELIVERED, SETTLED, DROPPED, GIVEN_UP, TWICE_LATE, REFUSED,
)  # fmt: skip

# One row a decision, one column a state, in the order above. F: facts; -: nothing to record; X: refused.
ANSWERS = {
    "dispatch":       "X F - - X - - - - -",
    "dispatch again": "X X F - X - - - - -",
    "submit":         "X X F - X - - - - -",
    "submit another": "X X F X X - - - - -",
    "complete":       "X X F F X - - F - -",
    "fail":           "X F F F X - - - - -",
    "release":        "X F F F X - - - - -",
}  # fmt: skip
CASES = [
    pytest.param(name, state, answer, id=f"{name}-{type(state).__name__}-{number}")
    for name, row in ANSWERS.items()
    for number, (state, answer) in enumerate(zip(STATES, row.split(), strict=True))
]


def then(state: State, facts: Sequence[OperationFact]) -> State:
    return reduce(evolve, facts, state)


def charge(quote: Quote, kept: int, bill: int | None) -> Reckoning:
    return reckon(quote, kept, told=Told(bill))


def charged(facts: Sequence[OperationFact]) -> Charged:
    return next(fact for fact in facts if isinstance(fact, Charged))


# Every decision in every state


@pytest.mark.parametrize(("name", "state", "answer"), CASES)
def test_each_decision_has_one_answer_in_each_state(name: str, state: State, answer: str) -> None:
    if answer == "X":
        with pytest.raises(IllegalTransition, match=f"op-1: it is {PHASES[type(state)]}$") as refusal:
            DECISIONS[name](state)
        assert refusal.value.advice == Advice("operation.facts", operation="op-1")
    else:
        assert bool(DECISIONS[name](state)) is (answer == "F")


@pytest.mark.parametrize(("name", "state", "answer"), [case for case in CASES if case.values[2] == "F"])
def test_a_decision_repeated_records_nothing(name: str, state: State, answer: str) -> None:
    decided = then(state, DECISIONS[name](state))

    assert DECISIONS[name](decided) == []


@pytest.mark.parametrize("winner", ["complete", "fail", "release"])
@pytest.mark.parametrize("loser", ["complete", "fail", "release"])
@pytest.mark.parametrize("state", [SENT, RUNNING])
def test_of_two_outcomes_that_race_only_the_first_is_recorded(state: State, winner: str, loser: str) -> None:
    ended = then(state, DECISIONS[winner](state))

    assert DECISIONS[loser](ended) == []


# Sending


def test_what_is_held_may_be_sent_once() -> None:
    assert dispatch(HELD, 1, "desk-1", NOON) == [DISPATCHED]


def test_of_two_senders_of_one_attempt_the_second_finds_the_first_one_s_name() -> None:
    raced = then(HELD, dispatch(HELD, 1, "desk-1", NOON))

    assert dispatch(raced, 1, "desk-2", NOON) == []
    assert isinstance(raced, Sent)
    assert raced.sender == "desk-1"


def test_what_may_be_run_again_is_sent_under_the_next_number_alone() -> None:
    again = dispatch(SENT, 2, "desk-2", LATER)

    assert again == [Dispatched(OPERATION, LATER, 2, "desk-2")]
    assert [dispatch(SENT, attempt, "desk-2", LATER) for attempt in (0, 1, 3)] == [[], [], []]


def test_a_job_s_id_is_remembered() -> None:
    assert record_job(SENT, "job-1", NOON) == [SUBMITTED]


# Completing


def test_what_was_delivered_is_charged_at_its_quoted_price() -> None:
    assert complete(SENT, IMAGES, 30 * CENT, LATER) == [COMPLETED, CHARGED]
    assert complete(RUNNING, IMAGES, 30 * CENT, LATER) == [COMPLETED, CHARGED]


def test_a_cost_nobody_named_is_the_quoted_one() -> None:
    quoted = replace(CHARGED, cost_source=CostSource.QUOTED)

    assert complete(SENT, IMAGES, None, LATER) == [replace(COMPLETED, cost=None), quoted]


@pytest.mark.parametrize("bill", [0, 1, 29 * CENT, 31 * CENT, LARGEST_AMOUNT])
def test_whatever_the_provider_bills_the_price_is_the_quoted_one_and_the_cost_is_booked(bill: int) -> None:
    posting = charged(complete(SENT, IMAGES, bill, LATER))

    assert (posting.price, posting.cost) == (40 * CENT, bill)


@pytest.mark.parametrize("unreadable", [-1, LARGEST_AMOUNT + 1, 2.5, True, "30"])
def test_a_bill_that_cannot_be_read_is_no_bill(unreadable: int) -> None:
    assert complete(SENT, IMAGES, unreadable, LATER) == complete(SENT, IMAGES, None, LATER)
    assert complete(GIVEN_UP, IMAGES, unreadable, LATER) == complete(GIVEN_UP, IMAGES, None, LATER)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(1, 12), st.data())
@example(1_000_001, 999_998, 3, None)
def test_a_partial_delivery_is_charged_its_share_and_the_shares_add_up(
    price: int, cost: int, outputs: int, data: st.DataObject | None
) -> None:
    delivered = 2 if data is None else data.draw(st.integers(0, outputs))
    quote = priced(price, outputs, cost=cost)
    posting = charge(quote, delivered, None)

    assert posting.price == sum(split(price, [1] * outputs)[:delivered])
    assert posting.cost == sum(split(cost, [1] * outputs)[:delivered])
    assert (posting.outputs, posting.units) == (delivered, Decimal(delivered))


@given(st.integers(5, 99))
def test_more_outputs_than_were_quoted_are_a_gift(delivered: int) -> None:
    assert charge(QUOTE, delivered, 30 * CENT) == charge(QUOTE, 4, 30 * CENT)


@pytest.mark.parametrize("quote", [QUOTE, CAPPED])
@pytest.mark.parametrize("bill", [None, 30 * CENT])
def test_nothing_delivered_is_nothing_charged(quote: Quote, bill: int | None) -> None:
    posting = charge(quote, 0, bill)

    nothing = None if quote is CAPPED else 0

    assert (posting.price, posting.units, posting.cost) == (0, Decimal(0), bill or nothing)


def test_units_are_divided_exactly_whatever_a_library_did_to_decimals() -> None:
    quote = replace(QUOTE, unit="megapixel", units=Decimal("40.000001"), outputs=4)

    with localcontext(Context(prec=2)):
        shares = [charge(quote, delivered, None).units for delivered in (1, 2, 3, 4)]

    assert [str(units) for units in shares] == ["10.000001", "20.000001", "30.000001", "40.000001"]


# An unknown price


@given(st.none() | st.integers(-5, 100 * CENT), st.integers(1, 5))
def test_an_unknown_price_is_the_cost_within_the_cap_and_the_cap_where_that_is_unknown_too(
    bill: int | None, delivered: int
) -> None:
    posting = charged(complete(replace(SENT, quote=CAPPED), IMAGES[:delivered], bill, LATER))

    known = bill is not None and bill >= 0
    assert posting.price == (min(bill or 0, 40 * CENT) if known else min(delivered, 4) * 10 * CENT)
    assert posting.cost == (bill if known else None)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_an_unknown_price_is_never_zero(cap: int, outputs: int, delivered: int) -> None:
    quote = capped_quote(replace(UNKNOWN_PRICE, outputs=outputs), cap, "USD")

    assert 0 < charge(quote, delivered, None).price <= cap


# Failing and releasing


def test_a_definite_failure_voids_the_hold() -> None:
    assert fail(SENT, "blocked", 0, LATER) == [FAILED, RELEASED]


def test_what_a_failure_cost_us_is_booked_and_not_charged() -> None:
    assert fail(RUNNING, "blocked", 7, LATER) == [FAILED, replace(RELEASED, cost=7)]


def test_a_failure_that_is_billed_as_a_delivery_costs_us_what_was_quoted() -> None:
    quoted = replace(RELEASED, cost=QUOTE.cost, cost_source=CostSource.QUOTED)

    assert fail(RUNNING, "blocked", None, LATER) == [FAILED, quoted]


@pytest.mark.parametrize("unreadable", [-1, LARGEST_AMOUNT + 1, 2.5])
def test_a_failure_s_unreadable_bill_leaves_its_cost_unknown(unreadable: int) -> None:
    unknown = replace(RELEASED, cost=None, cost_source=CostSource.UNKNOWN)

    assert fail(SENT, "blocked", unreadable, LATER) == [FAILED, unknown]


@pytest.mark.parametrize("state", [HELD, SENT, RUNNING])
def test_a_release_frees_the_whole_hold_for_a_named_reason(state: State) -> None:
    cost = (0, "USD", CostSource.COUNTED) if state is HELD else (None, "USD", CostSource.UNKNOWN)

    assert release(state, POLICY, LATER) == [Released(OPERATION, LATER, POLICY, 4, 40 * CENT, *cost)]


# A late success


def test_a_success_after_a_policy_release_is_delivered_and_flagged() -> None:
    assert complete(GIVEN_UP, IMAGES, 30 * CENT, LATER) == [
        ProviderCompleted(OPERATION, LATER, IMAGES, 30 * CENT, late=True)
    ]


def test_a_success_after_a_definite_failure_is_nobody_s() -> None:
    assert complete(DROPPED, IMAGES, 30 * CENT, LATER) == []


# Adjusting


@given(st.integers(-50 * CENT, 10 * CENT), st.integers(0, 40 * CENT))
@example(-40 * CENT, 0)
@example(-40 * CENT - 1, 0)
def test_a_charge_is_only_lowered_and_never_below_nothing(price: int, given_back: int) -> None:
    state = replace(SETTLED, adjusted=-given_back)

    if -(40 * CENT - given_back) <= price < 0:
        check_adjustment(state, price, 0, "ticket-1")
    else:
        with pytest.raises(InvalidInput) as refusal:
            check_adjustment(state, price, 0, "ticket-1")
        assert refusal.value.field == "price"


def test_a_refund_that_is_too_large_names_what_is_left() -> None:
    with pytest.raises(InvalidInput, match=r"refund of 0\.30 USD exceeds the 0\.10 USD that is left"):
        check_adjustment(replace(SETTLED, adjusted=-30 * CENT), -30 * CENT, 0, "ticket-1")


@pytest.mark.parametrize("state", [SETTLED, DROPPED, ASKED])
def test_an_adjustment_needs_a_reference(state: State) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_adjustment(state, 0, 0, "")

    assert refusal.value.field == "reference"


@pytest.mark.parametrize("state", [ASKED, HELD, SENT, RUNNING, DELIVERED, REFUSED])
def test_only_what_is_settled_can_be_adjusted(state: State) -> None:
    with pytest.raises(IllegalTransition):
        check_adjustment(state, 0, 0, "ticket-1")


@pytest.mark.parametrize("price", [-1, 1])
def test_what_was_released_has_no_price_to_change(price: int) -> None:
    check_adjustment(DROPPED, 0, 5, "ticket-1")

    with pytest.raises(IllegalTransition):
        check_adjustment(DROPPED, price, 0, "ticket-1")


def test_what_was_definitely_refused_for_now_is_held_again_and_may_be_sent_by_anybody() -> None:
    postponed = postpone(SENT, 1, "rate_limited", LATER, NOON)
    assert postponed == [POSTPONED]
    again = evolve(replace(SENT, admitted=NOON), postponed[0])
    assert again == Held(OPERATION, QUOTE, 1, NOON)
    assert dispatch(again, 2, "desk-2", LATER) == [Dispatched(OPERATION, LATER, 2, "desk-2")]


@pytest.mark.parametrize("state", [HELD, RUNNING, replace(SENT, attempts=2), Settled(OPERATION, 1, "USD")])
def test_what_is_not_this_attempt_any_more_is_not_postponed(state: State) -> None:
    assert postpone(state, 1, "rate_limited", LATER, NOON) == []
