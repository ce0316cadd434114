"""What each fact moves between which ledger accounts, and that whatever happens the books say what the ledger says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant

from domain.account import AccountOpened
from domain.booking import GoodwillGiven
from domain.bookkeeping import Bookkeeper
from domain.charging import CostSource
from domain.chart import (
    AVAILABLE,
    GOODWILL,
    HELD,
    PAYMENTS,
    RECEIVABLE,
    SIDES,
    Heading,
    LedgerAccount,
    adjustments_of,
    expense_of,
    income_of,
    payable_of,
)
from domain.errors import InvalidMoney
from domain.ledger import Fact
from domain.operation import Adjusted, Rerouted
from domain.postings import MOVES, MOVES_NOTHING, Before, Posting, booked_in, cost_change, postings_of
from infrastructure.store.facts import NAMES
from tests.domain.examples import (
    APRIL,
    CENT,
    CHARGED,
    CREDIT,
    DOLLAR,
    LATER,
    MAY,
    OPENED,
    OPERATION,
    PREPAID,
    QUOTE,
    RELEASED,
    SETTLED,
    VALIDATED,
    priced,
)
from tests.domain.happenings import Studio
from tests.domain.naive import NaiveLedger, lives

INCOME, ADJUSTMENTS = income_of("painter"), adjustments_of("painter")
EXPENSE, PAYABLE = expense_of("atelier"), payable_of("atelier")
BEFOREHAND, AFTERWARDS = Before(prepaid=True, held=40 * CENT), Before(prepaid=False)
REROUTED = Rerouted(replace(OPERATION, model="spare"), LATER, priced(25 * CENT), "blocked")
GIVEN = GoodwillGiven("acme", LATER, MAY, APRIL, CENT, "USD", "an outage", "t-2")
REFUND = Adjusted(
    OPERATION, LATER, MAY, "2026-05-02", price=-15 * CENT, cost=-CENT, currency="USD", reason="sorry", reference="t-1"
)


def moved(fact: Fact, before: Before) -> list[tuple[LedgerAccount, LedgerAccount, int]]:
    return [(one.source, one.destination, one.amount) for one in postings_of(fact, before)]


def test_every_fact_moves_money_or_is_said_to_move_none() -> None:
    assert {*MOVES} | MOVES_NOTHING == {*NAMES.values()}
    assert not {*MOVES} & MOVES_NOTHING
    with pytest.raises(TypeError, match="named neither"):
        postings_of(object(), AFTERWARDS)  # type: ignore[arg-type]


def test_what_each_fact_moves() -> None:
    billed = (EXPENSE, PAYABLE, 30 * CENT)
    cheaper = replace(CHARGED, price=30 * CENT)
    failed = replace(RELEASED, cost=7 * CENT)
    raised = replace(REFUND, price=5 * CENT, cost=2 * CENT)

    assert moved(CREDIT, BEFOREHAND) == [(PAYMENTS, AVAILABLE, DOLLAR)]
    assert moved(GIVEN, BEFOREHAND) == [(GOODWILL, AVAILABLE, CENT)]
    assert moved(GIVEN, AFTERWARDS) == [(GOODWILL, RECEIVABLE, CENT)]
    assert moved(VALIDATED, BEFOREHAND) == [(AVAILABLE, HELD, 40 * CENT)]
    assert moved(VALIDATED, AFTERWARDS) == []
    assert moved(REROUTED, BEFOREHAND) == [(HELD, AVAILABLE, 40 * CENT), (AVAILABLE, HELD, 25 * CENT)]
    assert moved(REROUTED, AFTERWARDS) == []
    assert moved(CHARGED, BEFOREHAND) == [(HELD, INCOME, 40 * CENT), billed]
    assert moved(cheaper, BEFOREHAND) == [(HELD, INCOME, 30 * CENT), (HELD, AVAILABLE, 10 * CENT), billed]
    assert moved(CHARGED, AFTERWARDS) == [(RECEIVABLE, INCOME, 40 * CENT), billed]
    assert moved(failed, BEFOREHAND) == [(HELD, AVAILABLE, 40 * CENT), (EXPENSE, PAYABLE, 7 * CENT)]
    assert moved(failed, AFTERWARDS) == [(EXPENSE, PAYABLE, 7 * CENT)]
    assert moved(REFUND, BEFOREHAND) == [(ADJUSTMENTS, AVAILABLE, 15 * CENT), (PAYABLE, EXPENSE, CENT)]
    assert moved(REFUND, AFTERWARDS) == [(ADJUSTMENTS, RECEIVABLE, 15 * CENT), (PAYABLE, EXPENSE, CENT)]
    assert moved(raised, AFTERWARDS) == [(RECEIVABLE, ADJUSTMENTS, 5 * CENT), (EXPENSE, PAYABLE, 2 * CENT)]


def test_a_cost_that_nobody_knows_is_counted_and_not_posted_as_zero() -> None:
    unknown = replace(CHARGED, cost=None, cost_source=CostSource.UNKNOWN)
    learned = replace(REFUND, price=0, cost=3 * CENT, cost_source=CostSource.PROVIDER, revealed=True)

    assert moved(unknown, AFTERWARDS) == [(RECEIVABLE, INCOME, 40 * CENT)]
    assert [cost_change(fact) for fact in (CHARGED, unknown, replace(RELEASED, cost=None), learned, CREDIT)] == [
        *(0, 1, 1, -1, 0)
    ]
    assert moved(learned, AFTERWARDS) == [(EXPENSE, PAYABLE, 3 * CENT)]


def test_a_posting_that_moves_nothing_cannot_be_made() -> None:
    for source, destination, amount in (
        (PAYMENTS, AVAILABLE, 0),
        (PAYMENTS, AVAILABLE, -1),
        (PAYMENTS, AVAILABLE, True),
        (AVAILABLE, AVAILABLE, 1),
    ):
        with pytest.raises(InvalidMoney):
            Posting(source, destination, amount, "USD")


def test_a_reversal_swaps_the_ends() -> None:
    for posting in postings_of(CHARGED, BEFOREHAND):
        undone = posting.reversed()
        assert (undone.source, undone.destination) == (posting.destination, posting.source)
        assert (undone.amount, undone.currency, undone.reversed()) == (posting.amount, posting.currency, posting)


def test_a_ledger_account_is_its_name() -> None:
    for one in (PAYMENTS, AVAILABLE, HELD, RECEIVABLE, INCOME, ADJUSTMENTS, EXPENSE, PAYABLE):
        assert LedgerAccount.parse(str(one)) == one
    assert LedgerAccount.parse("income:a:b") == income_of("a:b")
    assert [LedgerAccount.parse(name) for name in ("", "income", "income:", "wallet", "payments:x", "cash")] == [
        None
    ] * 6
    assert {*SIDES} == {*Heading}


def test_a_fact_is_booked_in_the_period_of_its_stream() -> None:
    assert [booked_in(fact) for fact in (OPENED, CREDIT, CHARGED, REFUND)] == [None, APRIL, APRIL, MAY]


def test_a_bookkeeper_knows_what_it_was_shown() -> None:
    shown = Bookkeeper()
    for fact in (*PREPAID, *SETTLED):
        shown.post(fact)
    told = Bookkeeper()
    assert not told.knows("acme")
    told.tell("acme", prepaid=True)
    assert told.lacks(CHARGED)
    assert not told.lacks(VALIDATED)
    told.hold(OPERATION.id, QUOTE.price)
    assert not told.lacks(CHARGED)
    assert told.post(CHARGED) == postings_of(CHARGED, BEFOREHAND)
    assert shown.lacks(CHARGED), "a hold that is over is forgotten"


def balances(postings: list[Posting]) -> Counter[LedgerAccount]:
    """What arrived in each, less what left it."""
    found: Counter[LedgerAccount] = Counter()
    for one in postings:
        found[one.source] -= one.amount
        found[one.destination] += one.amount
    return found


class Books(Studio):
    """Whatever callers, clocks and crashes do, each account's books are looked at again after every step."""

    @invariant()
    def say_what_the_ledger_says(self) -> None:
        for name in sorted(self.touched):
            self.balance_of(self.desks[name])
        self.touched.clear()

    def balance_of(self, desk: NaiveLedger) -> None:
        keeper, every = Bookkeeper(), list(lives(desk.log).values())
        found = balances([posting for fact in desk.log for posting in keeper.post(fact)])
        by_title = {heading: sum(found[one] for one in found if one.heading == heading) for heading in Heading}
        charged, refunded = sum(life.charged for life in every), sum(life.refunded for life in every)

        assert sum(found.values()) == 0
        assert (by_title[Heading.INCOME], by_title[Heading.ADJUSTMENTS]) == (charged, -refunded)
        assert by_title[Heading.EXPENSE] == -by_title[Heading.PAYABLE]
        assert sum(map(cost_change, desk.log)) == sum(life.cost_is_unknown for life in every)
        current = desk.ledger.current
        if current is None or current.balance is None:
            assert by_title[Heading.RECEIVABLE] == refunded - charged
            assert found[HELD] == found[AVAILABLE] == 0
        else:
            assert found[AVAILABLE] == current.balance
            assert found[HELD] == sum(life.held for life in every)
            assert found[RECEIVABLE] == 0


def test_the_machine_has_accounts_of_both_kinds() -> None:
    machine = Books()
    machine.open_accounts()
    opened = [fact.prepaid for desk in machine.desks.values() for fact in desk.log if isinstance(fact, AccountOpened)]
    assert {*opened} == {True, False}


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=15, stateful_step_count=60)
