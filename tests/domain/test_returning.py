"""An account that a wrong clock moved into a month that has not begun comes back, with its limits and its money."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.admission import accept
from domain.errors import InvalidInput, UnknownAccount
from domain.ledger import CreditAdded, Fact, Ledger, PeriodEnded, PeriodOpened, PeriodResumed, evolve, stream_of
from domain.operation import Requested
from domain.periods import Period
from domain.returning import end_period
from domain.settlement import add_credit
from domain.totals import PeriodState
from domain.usage import Usage
from domain.zones import zones_version
from tests.domain.examples import APRIL, APRIL_BOOK, BILLED, DOLLAR, LIMITS, MARCH, NOON, OPENED, ask, recorded
from tests.domain.wall_clocks import utc

AHEAD = Period(utc("2036-04-01"), utc("2036-05-01"))
THEN = utc("2036-04-10T12:00")
MISTAKE = PeriodOpened("acme", THEN, AHEAD, "pro", LIMITS, None, "USD", zones_version())
WRONG = "a wrong clock"


def earlier(ledger: Ledger, current: PeriodState | None) -> Ledger:
    ledger.evidence.earlier = current
    return ledger


def used(period: Period = APRIL) -> PeriodState:
    return PeriodState(period, None, {"account": Usage({"images": 3})})


def test_an_account_returns_to_the_period_that_holds_the_instant() -> None:
    ledger = earlier(recorded(BILLED, MISTAKE), used())
    facts = end_period(ledger, "acme", WRONG, NOON + 1)
    assert facts == [
        PeriodEnded("acme", NOON + 1, AHEAD, None, "USD", WRONG),
        PeriodResumed("acme", NOON + 1, APRIL, "pro", None, 0, "USD"),
    ]
    for fact in facts:
        evolve(ledger, fact)
    assert ledger.last == NOON + 1
    assert ledger.current == used()
    assert end_period(ledger, "acme", WRONG, NOON + 2) == []


def test_an_account_that_had_no_period_for_the_instant_gets_one_from_where_its_last_ended() -> None:
    ledger = earlier(recorded((OPENED,), MISTAKE), used(MARCH))
    facts = end_period(ledger, "acme", WRONG, NOON)
    assert facts[1:] == [replace(APRIL_BOOK, at=NOON)]
    for fact in facts:
        evolve(ledger, fact)
    assert (ledger.last, ledger.current) == (NOON, PeriodState(APRIL, None))


def test_an_account_that_was_first_used_ahead_begins_its_first_period() -> None:
    facts = end_period(recorded((OPENED,), MISTAKE), "acme", WRONG, NOON)
    assert [type(fact) for fact in facts] == [PeriodEnded, PeriodOpened]
    assert facts[1] == replace(APRIL_BOOK, at=NOON)


def test_a_balance_comes_along_and_what_was_charged_ahead_is_gone_from_it() -> None:
    opened = replace(OPENED, prepaid=True)
    ledger = recorded((opened,), replace(APRIL_BOOK, balance=5 * DOLLAR), replace(MISTAKE, balance=5 * DOLLAR))
    ledger.current = PeriodState(AHEAD, 2 * DOLLAR)
    _, resumed = end_period(earlier(ledger, PeriodState(APRIL, 5 * DOLLAR)), "acme", WRONG, NOON)
    assert resumed == PeriodResumed("acme", NOON, APRIL, "pro", 2 * DOLLAR, -3 * DOLLAR, "USD")


def test_its_streams_fold_to_the_same_books() -> None:
    """Each alone, as they are read again: the mistaken one ends, the right one goes on with what it had used."""
    opened = replace(OPENED, prepaid=True)
    ledger = recorded((opened,), replace(APRIL_BOOK, balance=5 * DOLLAR))
    right: list[Fact] = [replace(APRIL_BOOK, balance=5 * DOLLAR), *asked(ledger, "a", NOON)]
    before = ledger.current
    ahead: list[Fact] = [replace(MISTAKE, balance=ledger.current.balance if ledger.current else None)]
    evolve(ledger, ahead[0])
    ahead += asked(ledger, "b", THEN)
    facts = end_period(earlier(ledger, before), "acme", WRONG, NOON + 5)
    for fact in facts:
        (ahead if stream_of(fact) == stream_of(ahead[0]) else right).append(fact)
        evolve(ledger, fact)
    right += credit(ledger, NOON + 6)
    alone = Ledger(ledger.account)
    for fact in right:
        evolve(alone, fact)
    assert alone.current == ledger.current
    assert alone.last == ledger.last == NOON + 6
    assert ledger.current is not None
    assert list(ledger.current.open) == ["a"]


def asked(ledger: Ledger, id: str, now: int) -> list[Fact]:
    facts = accept(ledger, ask(id), now)
    assert any(isinstance(fact, Requested) for fact in facts)
    for fact in facts:
        evolve(ledger, fact)
    return facts


def credit(ledger: Ledger, now: int) -> list[Fact]:
    facts = add_credit(ledger, DOLLAR, "payment-2", now)
    assert [type(fact) for fact in facts] == [CreditAdded]
    for fact in facts:
        evolve(ledger, fact)
    return facts


@pytest.mark.parametrize("now", [NOON, APRIL.start, APRIL.end, AHEAD.start])
def test_a_period_that_has_begun_is_not_ended(now: int) -> None:
    assert end_period(recorded(BILLED), "acme", WRONG, now) == []


def test_nobody_is_brought_back_from_nowhere() -> None:
    assert end_period(recorded((OPENED,)), "acme", WRONG, NOON) == []
    with pytest.raises(UnknownAccount):
        end_period(Ledger(), "acme", WRONG, NOON)


@pytest.mark.parametrize("reason", ["", "x" * 501, "a\nb"])
def test_a_reason_is_recorded_and_has_to_be_one(reason: str) -> None:
    with pytest.raises(InvalidInput):
        end_period(recorded(BILLED, MISTAKE), "acme", reason, NOON)
