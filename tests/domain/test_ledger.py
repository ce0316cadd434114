"""One stream a period: books open in turn, and carry what is theirs to carry."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import PlanChanged, TimeZoneChanged
from domain.admission import accept
from domain.advice import Advice
from domain.counting import left_of
from domain.errors import UnknownAccount, UnknownOperation
from domain.ledger import (
    BalanceReturned,
    Fact,
    Ledger,
    PeriodOpened,
    account_stream,
    evolve,
    find,
    known_account,
    period_stream,
    stream_of,
)
from domain.operation import Adjusted, Dropped, Held, OperationFact, Requested
from domain.periods import Cycle, Period
from domain.plans import Limits
from domain.zones import zones_version
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    CREDIT,
    DOLLAR,
    GIVEN_UP,
    HELD,
    HOUR,
    IN_MAY,
    JUNE,
    LATER,
    LIMITS,
    MAY,
    NOON,
    OPENED,
    OPERATION,
    PREPAID,
    QUOTE,
    REQUESTED,
    RUNNING,
    SENT,
    SETTLED,
    ask,
    in_may,
    limited,
    of_operation,
    recorded,
)
from tests.domain.wall_clocks import utc

REFUND = Adjusted(OPERATION, IN_MAY, MAY, "2026-05-02", -CENT, 0, "USD", "sorry", "ticket-1")
RETURN = BalanceReturned("acme", IN_MAY, MAY, "op-1", CENT, "USD")


def first_fact(ledger: Ledger, now: int) -> Fact:
    return accept(ledger, ask("op-9"), now)[0]


def opened_at(ledger: Ledger, now: int) -> PeriodOpened:
    fact = first_fact(ledger, now)
    assert isinstance(fact, PeriodOpened)
    return fact


# Streams


@pytest.mark.parametrize("fact", [OPENED, limited("images", 3), PlanChanged("acme", NOON, "free", LIMITS)])
def test_terms_are_kept_in_the_account_s_own_stream(fact: Fact) -> None:
    assert stream_of(fact) == account_stream("acme") == "account:acme"


@pytest.mark.parametrize("fact", [BILLED[1], CREDIT, *RUNNING, *SETTLED, *GIVEN_UP])
def test_everything_of_an_operation_is_kept_in_the_stream_of_its_period(fact: Fact) -> None:
    assert stream_of(fact) == period_stream("acme", APRIL) == f"ledger:acme:{APRIL.start}"


@pytest.mark.parametrize("fact", [in_may(), REFUND, RETURN])
def test_what_is_booked_later_is_kept_in_the_stream_of_the_period_in_which_it_was_booked(fact: Fact) -> None:
    assert stream_of(fact) == period_stream("acme", MAY)


# Periods follow one another


def test_within_a_period_no_other_is_opened() -> None:
    ledger = recorded(BILLED)

    assert isinstance(first_fact(ledger, APRIL.end - 1), Requested)
    assert opened_at(ledger, APRIL.end).period == MAY


def test_a_new_book_says_which_plan_and_limits_it_opens_with() -> None:
    roomy = Limits(images=99)
    ledger = recorded(BILLED, PlanChanged("acme", LATER, "big", roomy))

    assert opened_at(ledger, IN_MAY) == PeriodOpened("acme", IN_MAY, MAY, "big", roomy, None, "USD", zones_version())


def test_allowances_and_limits_die_with_their_period() -> None:
    ledger = recorded(BILLED, SENT, of_operation("op-2", *SETTLED), in_may())

    assert left_of(ledger, "ann", "site", IN_MAY)["images"] == 10
    assert left_of(ledger, "ann", "site", IN_MAY)["spend"] == DOLLAR


def test_what_is_left_is_asked_of_the_new_period_before_anybody_opened_it() -> None:
    assert left_of(recorded(BILLED, SENT), "ann", "site", IN_MAY)["images"] == 10


def test_a_prepaid_balance_is_carried_as_what_is_neither_posted_nor_held() -> None:
    ledger = recorded(PREPAID, SENT, of_operation("op-2", *SETTLED))

    assert opened_at(ledger, IN_MAY).balance == 20 * CENT


def test_months_without_a_request_have_no_book() -> None:
    assert opened_at(recorded(BILLED), utc("2026-06-15T12:00")).period == JUNE


def test_an_anniversary_period_begins_on_its_day() -> None:
    ledger = recorded(replace(OPENED, cycle=Cycle(31)))

    assert opened_at(ledger, NOON).period == Period(utc("2026-03-31"), utc("2026-04-30"))


def test_after_a_change_of_zone_the_open_period_ends_when_it_said_and_the_next_follows_without_a_gap() -> None:
    ledger = recorded(BILLED, TimeZoneChanged("acme", LATER, "Asia/Tokyo"))

    assert isinstance(first_fact(ledger, APRIL.end - 1), Requested)
    assert opened_at(ledger, APRIL.end).period == Period(APRIL.end, utc("2026-05-31T15:00"))


def test_what_was_open_when_its_period_ended_can_still_be_found() -> None:
    ledger = recorded(BILLED, SENT, of_operation("op-2", *HELD), in_may())

    assert type(ledger.look_up("op-1")).__name__ == "Sent"
    assert isinstance(ledger.look_up("op-2"), Held)


def test_a_clock_that_goes_back_over_a_month_s_end_stays_in_the_period_that_was_opened() -> None:
    ledger = recorded(BILLED, in_may())
    now = max(MAY.start - HOUR, ledger.last)

    facts = accept(ledger, ask("op-9"), now)
    assert not isinstance(facts[0], PeriodOpened)
    assert {fact.operation.period for fact in facts if isinstance(fact, OperationFact)} == {MAY}


@given(st.lists(st.integers(-3 * HOUR, 3 * HOUR), max_size=20))
def test_the_last_instant_never_goes_back(jumps: list[int]) -> None:
    ledger = recorded(BILLED)
    for jump in jumps:
        before = ledger.last
        evolve(ledger, replace(REQUESTED, at=NOON + jump))
        assert ledger.last == max(before, NOON + jump)


# What is told again is the same


def test_a_refund_of_an_operation_of_an_earlier_period_needs_no_history() -> None:
    assert recorded(PREPAID[0], in_may(balance=0), REFUND).current == recorded(PREPAID[0], in_may(balance=CENT)).current


def test_a_refund_counts_against_the_spend_of_its_own_period_also_where_its_operation_is_forgotten() -> None:
    ledger = recorded(BILLED, SETTLED)
    ledger.forget()
    evolve(ledger, replace(REFUND, period=APRIL))

    assert left_of(ledger, "ann", "site", LATER)["spend"] == 61 * CENT


def test_forgetting_keeps_what_is_open() -> None:
    ledger = recorded(BILLED, SENT, of_operation("op-2", *SETTLED))
    ledger.forget()

    assert ledger.look_up("op-1") is not None
    assert ledger.look_up("op-2") is None


def test_a_return_is_given_to_a_balance_and_nothing_else() -> None:
    assert recorded(BILLED[0], in_may(), RETURN).current == recorded(BILLED[0], in_may()).current


def test_an_unknown_operation_and_an_unknown_account_are_told_with_what_to_do() -> None:
    with pytest.raises(UnknownOperation, match="op-9") as no_operation:
        find(recorded(BILLED), "op-9")
    with pytest.raises(UnknownAccount, match="acme") as no_account:
        known_account(Ledger(), "acme")

    assert no_operation.value.advice == Advice("operation.list")
    assert no_account.value.advice == Advice("account.open", account="acme")


def test_a_dropped_operation_remembers_its_quote_for_a_late_bill() -> None:
    dropped = Dropped(OPERATION, "policy", QUOTE, cost_known=False, admitted=NOON)
    assert recorded(BILLED, GIVEN_UP).look_up("op-1") == dropped
