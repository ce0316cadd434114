"""A period is closed once and in its order, statements have numbers without gaps, and late usage is billed later."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.account import Account
from domain.billing import (
    PeriodClosed,
    StatementIssued,
    StatementVoided,
    UnknownStatement,
    counted_in,
    statement_number,
)
from domain.booking import UsageBooked
from domain.charging import CostSource
from domain.closing import Closing, close_period, issue_statement, void_statement
from domain.errors import IllegalTransition, InvalidInput, UnknownAccount
from domain.ledger import BalanceReturned, Fact, Ledger, evolve, period_stream, stream_of
from domain.operation import Charged
from domain.periods import Period
from domain.returning import end_period
from domain.settlement import complete, fail, release
from domain.statement import Statement, StatementFold
from domain.streams import NEVER
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    DOLLAR,
    IMAGES,
    IN_MAY,
    MARCH,
    MAY,
    NOON,
    OPENED,
    OPERATION,
    PREPAID,
    RUNNING,
    SETTLED,
    in_may,
    recorded,
)
from tests.domain.wall_clocks import utc

IN_JUNE = utc("2026-06-02T09:00")
PAID = (*PREPAID, *SETTLED)
HEAD = "a7" * 32
CLOSED = PeriodClosed("acme", IN_MAY, APRIL, "UTC", len(PAID) - 1, HEAD, 0, 60 * CENT, 0, 0, "USD", "month end")
ISSUED = StatementIssued("acme", IN_MAY, APRIL, 1, 1, "d1" * 32, 40 * CENT, "USD")
VOIDED = StatementVoided("acme", IN_MAY, APRIL, 1, "a wrong name")


def statement(*facts: Fact, period: Period = APRIL, opening: int | None = 0) -> Statement:
    """As those facts say that are of the period's stream."""
    fold, stream = StatementFold(period), period_stream("acme", period)
    own = [fact for fact in facts if stream_of(fact) == stream]
    for fact in own:
        fold.add(fact)
    return fold.finish("acme", "UTC", len(own), HEAD, opening)


def closing(
    ledger: Ledger, read: Statement, *, after: int = NEVER, now: int = IN_MAY, carry: bool = False
) -> list[Fact]:
    ledger.evidence.end = (read.version, read.head)
    return close_period(ledger, Closing(read, after, carry, "month end"), now)


def account(ledger: Ledger) -> Account:
    assert ledger.account is not None
    return ledger.account


# Closing


def test_a_period_that_is_over_is_closed_at_the_end_of_its_stream_and_the_next_is_opened() -> None:
    facts = closing(recorded(PAID), statement(*PAID))
    assert facts == [replace(in_may(balance=60 * CENT, limits=PREPAID[1].limits)), CLOSED]


def test_the_next_period_is_opened_once() -> None:
    opened = in_may(balance=60 * CENT)
    assert closing(recorded(PAID, opened), statement(*PAID)) == [CLOSED]


def test_a_closed_period_is_not_closed_again() -> None:
    assert closing(recorded(PAID, CLOSED), statement(*PAID), after=APRIL.end) == []


@pytest.mark.parametrize("end", [(len(PAID), HEAD), (len(PAID) - 1, "b7" * 32), None])
def test_a_period_that_was_written_to_since_it_was_read_is_not_closed(end: tuple[int, str] | None) -> None:
    ledger = recorded(PAID)
    ledger.evidence.end = end
    assert close_period(ledger, Closing(statement(*PAID), NEVER), IN_MAY) == []


def test_a_period_that_was_read_before_another_was_closed_is_read_again() -> None:
    march = replace(CLOSED, period=MARCH, closing=7)
    assert closing(recorded(PREPAID, march), statement(*PREPAID)) == []


def test_a_period_that_is_not_over_cannot_be_closed() -> None:
    with pytest.raises(IllegalTransition, match="period 2026-04-01 is not over") as raised:
        closing(recorded(PAID), statement(*PAID), now=APRIL.end - 1)
    assert str(raised.value.advice) == "close it from 2026-05-01 on"


@pytest.mark.parametrize(("count", "told"), [(1, "one of its operations is open"), (2, "2 of its operations are open")])
def test_a_period_with_open_operations_is_closed_only_if_they_are_carried(count: int, told: str) -> None:
    facts = [replace(fact, operation=replace(OPERATION, id=f"op-{n}")) for n in range(count) for fact in RUNNING]
    read, ledger = statement(*PREPAID, *facts), recorded(PREPAID, facts)
    with pytest.raises(IllegalTransition, match=told):
        closing(ledger, read)
    *_, closed = closing(ledger, read, carry=True)
    assert isinstance(closed, PeriodClosed)
    assert (closed.open, closed.held, closed.closing) == (count, count * 40 * CENT, DOLLAR)


def test_an_unknown_account_has_nothing_to_close() -> None:
    with pytest.raises(UnknownAccount):
        closing(Ledger(), statement(*PAID))


def test_a_billed_account_has_no_balance_to_state() -> None:
    (*_, closed) = closing(recorded(BILLED), statement(*BILLED, opening=None))
    assert isinstance(closed, PeriodClosed)
    assert (closed.opening, closed.closing) == (None, None)


def test_an_account_does_not_go_back_into_a_period_that_was_closed() -> None:
    ahead = replace(in_may(), period=Period(utc("2036-04-01"), utc("2036-05-01")))
    ledger = recorded(BILLED, ahead, replace(CLOSED, opening=None, closing=None))
    with pytest.raises(IllegalTransition, match="was closed while the clock of account 'acme' was ahead"):
        end_period(ledger, "acme", "a wrong clock", NOON)


# Late usage


LATE = (*PREPAID, *RUNNING)


def late() -> Ledger:
    """April is closed, and its one operation still runs."""
    carried = replace(CLOSED, open=1, held=40 * CENT, closing=DOLLAR)
    return recorded(LATE, in_may(balance=60 * CENT), carried)


def test_a_closed_periods_operation_is_billed_in_the_open_period_in_the_same_append() -> None:
    facts = complete(late(), "op-1", IMAGES[:2], 15 * CENT, IN_MAY)
    (charged,) = [fact for fact in facts if isinstance(fact, Charged)]
    known = (charged.cost, "USD", CostSource.PROVIDER)
    booked = UsageBooked("acme", IN_MAY, MAY, OPERATION, 2, "image", Decimal(2), 20 * CENT, *known)
    assert facts[-2:] == [BalanceReturned("acme", IN_MAY, MAY, "op-1", 20 * CENT, "USD"), booked]
    assert [stream_of(fact) for fact in facts[-2:]] == [stream_of(in_may())] * 2


@pytest.mark.parametrize("how", ["failed", "released"])
def test_a_closed_periods_operation_that_is_not_charged_books_its_cost(how: str) -> None:
    ledger = late()
    facts = (
        fail(ledger, "op-1", "blocked", 3 * CENT, IN_MAY)
        if how == "failed"
        else release(ledger, "op-1", "gone", IN_MAY)
    )
    booked = facts[-1]
    assert isinstance(booked, UsageBooked)
    assert (booked.outputs, booked.price, booked.cost) == (0, 0, 3 * CENT if how == "failed" else None)


def test_an_ended_period_that_is_not_closed_takes_its_own_charges() -> None:
    ledger = recorded(LATE, in_may(balance=60 * CENT))
    assert not [fact for fact in complete(ledger, "op-1", IMAGES, 30 * CENT, IN_MAY) if isinstance(fact, UsageBooked)]


def test_late_usage_moves_no_money_and_no_limit() -> None:
    ledger = late()
    complete_facts = complete(ledger, "op-1", IMAGES, 30 * CENT, IN_MAY)
    for fact in complete_facts[:-1]:
        evolve(ledger, fact)
    assert ledger.current is not None
    before = (ledger.current.balance, dict(ledger.current.usage))
    evolve(ledger, complete_facts[-1])
    assert (ledger.current.balance, ledger.current.usage) == before


def test_balances_go_on_from_one_statement_to_the_next_also_with_late_usage() -> None:
    april = statement(*LATE)
    ledger = late()
    facts = complete(ledger, "op-1", IMAGES, 30 * CENT, IN_MAY)
    may = statement(in_may(balance=60 * CENT), *facts, period=MAY, opening=april.closing)
    assert (april.total, april.closing) == (0, DOLLAR)
    (line,) = may.usage
    assert (line.charged, line.amount, may.total, may.closing) == (APRIL, 40 * CENT, 40 * CENT, 60 * CENT)


# Statements


def test_a_statement_has_the_accounts_next_number_and_says_what_it_comes_to() -> None:
    facts = issue_statement(recorded(PAID, CLOSED), statement(*PAID), "d1" * 32, IN_MAY, form=1)
    assert facts == [ISSUED]


def test_a_period_has_one_statement_that_holds() -> None:
    ledger = recorded(PAID, CLOSED, ISSUED)
    assert issue_statement(ledger, statement(*PAID), "d1" * 32, IN_MAY, form=1) == []


def test_after_a_void_the_next_statement_has_a_new_number_and_refers_to_the_voided_one() -> None:
    ledger = recorded(PAID, CLOSED, ISSUED, VOIDED)
    again = issue_statement(ledger, statement(*PAID), "d1" * 32, IN_MAY, form=1)
    assert again == [replace(ISSUED, number=2, replaces=1)]
    assert account(recorded(PAID, CLOSED, ISSUED, VOIDED, again)).billing.valid(APRIL) == 2


def test_a_period_that_is_not_closed_has_no_statement() -> None:
    with pytest.raises(IllegalTransition, match="period 2026-04-01 is not closed"):
        issue_statement(recorded(PAID), statement(*PAID), "d1" * 32, IN_MAY, form=1)


def test_a_statement_is_voided_once_with_a_reason() -> None:
    ledger = recorded(PAID, CLOSED, ISSUED)
    assert void_statement(ledger, "acme", 1, "a wrong name", IN_MAY) == [VOIDED]
    assert void_statement(recorded(PAID, CLOSED, ISSUED, VOIDED), "acme", 1, "again", IN_MAY) == []
    with pytest.raises(InvalidInput, match="reason"):
        void_statement(ledger, "acme", 1, "", IN_MAY)
    with pytest.raises(UnknownStatement, match="account 'acme' has no statement acme-0002"):
        void_statement(ledger, "acme", 2, "a wrong name", IN_MAY)


def test_a_number_is_the_accounts_own() -> None:
    assert statement_number(OPENED.account, 12) == "acme-0012"
    assert counted_in(OPENED.account, "acme-0012") == 12
    assert counted_in(OPENED.account, "acme-12345") == 12345


@pytest.mark.parametrize(
    "text", ["acme-1", "acme-00001", "acme-٠٠٠١", "acme-", "other-0001", "acme-" + "9" * 5_000, ""]
)
def test_a_number_is_read_as_it_is_written_alone(text: str) -> None:
    assert counted_in("acme", text) is None


def test_a_period_stays_one_for_an_account_whose_id_is_a_year_or_a_month() -> None:
    assert counted_in("2026", "2026-04") is None
    assert counted_in("2026-04", "2026-04-01") is None
