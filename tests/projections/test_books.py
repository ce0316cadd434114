"""The books on a real database: balances that are the log's postings, and in pages the postings behind each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from sqlalchemy import text

from application.keeping.books import Booked, BookLog, BookQuery
from domain.account import AccountOpened, TimeZoneChanged
from domain.booking import GoodwillGiven
from domain.bookkeeping import Bookkeeper
from domain.chart import AVAILABLE, GOODWILL, HELD, PAYMENTS, RECEIVABLE, Heading, LedgerAccount, income_of, payable_of
from domain.errors import InvalidInput, LogCorrupted
from domain.ledger import CreditAdded, Fact, PeriodEnded, PeriodOpened
from domain.operation import Charged, Released, Rerouted, Validated
from domain.periods import Period
from domain.postings import MOVES, Posting, cost_change
from infrastructure.store.database import Database
from projections.bookcheck import verify_books
from projections.books import Books, named
from projections.engine.projector import Projector
from projections.queries import Views
from projections.trialbalance import TrialBalance
from projections.views.books import BOOKS, CUSTOMER
from projections.views.periods import PERIODS
from projections.views.spend import SPEND
from tests.domain.examples import (
    APRIL,
    CENT,
    CHARGED,
    CREDIT,
    DOLLAR,
    GIVEN_UP,
    MARCH,
    NOON,
    PREPAID,
    SENT,
    SETTLED,
    of_operation,
)
from tests.domain.wall_clocks import DAY
from tests.projections.histories import HAPPENINGS, STEPS, TERMS, History, Log, Step, folded

Balances = Counter[tuple[str, LedgerAccount]]


def lively(seed: int, steps: int = 400) -> list[Fact]:
    """Much that happens to three accounts, the same for a seed."""
    random = Random(seed)
    several = [(random.choice(HAPPENINGS.split()), random.randrange(60), random.randrange(6)) for _ in range(steps)]
    return History().live(several).facts


def posted(facts: Iterable[Fact]) -> list[tuple[Fact, Posting]]:
    keeper = Bookkeeper()
    return [(fact, posting) for fact in facts for posting in keeper.post(fact)]


def balances(postings: Iterable[Posting]) -> Balances:
    """Debits less credits, without what has come to nothing."""
    found: Balances = Counter()
    for one in postings:
        found[one.currency, one.source] += one.amount
        found[one.currency, one.destination] -= one.amount
    return Counter({key: balance for key, balance in found.items() if balance})


def balances_of(balance: TrialBalance) -> Balances:
    return Counter({(one.currency, one.ledger_account): one.balance for one in balance.lines if one.balance})


@pytest.fixture
def books(database: Database, log: Log) -> Books:
    return Books(database, log.source)


@given(STEPS)
def test_the_rows_are_all_postings_but_for_what_is_held(steps: list[Step]) -> None:
    facts = History().live(steps).facts
    rows = folded([BOOKS, SPEND], facts)
    found: Counter[str] = Counter()
    for key, row in rows[BOOKS.name].items():
        source, destination = map(str, key[4:])
        found[source] += row["amount"]
        found[destination] -= row["amount"]
    customer = {AVAILABLE, HELD, RECEIVABLE}
    expected: Counter[str] = Counter()
    for _, one in posted(facts):
        for end, sign in ((one.source, 1), (one.destination, -1)):
            expected[CUSTOMER if end in customer else end.name] += sign * one.amount

    assert {name: amount for name, amount in found.items() if amount} == {
        name: amount for name, amount in expected.items() if amount
    }
    assert sum(row["cost_unknown"] for row in rows[BOOKS.name].values()) == sum(map(cost_change, facts))
    spent = rows[SPEND.name].values()
    for heading, name in ((Heading.INCOME, "price"), (Heading.ADJUSTMENTS, "adjusted")):
        booked = -sum(amount for one, amount in found.items() if one.startswith(f"{heading}:"))
        assert booked == sum(row[name] - (row["adjusted"] if name == "price" else 0) for row in spent)
    assert found[next((one for one in found if one.startswith("expense")), "")] >= 0


def test_every_fact_that_moves_money_is_in_the_view() -> None:
    """Holds are asked of the open operations."""
    assert {*MOVES} - {Validated, Rerouted} == {*BOOKS.changes} - {PeriodOpened}


def test_goodwill_is_in_the_balance(books: Books, log: Log, projector: Projector) -> None:
    given = GoodwillGiven("acme", NOON, APRIL, MARCH, 7 * CENT, "USD", "sorry", "g-1")
    log.record([*PREPAID, given])
    projector.advance()
    found = {one.ledger_account: one.balance for one in books.balance().lines}
    assert found == {PAYMENTS: DOLLAR, GOODWILL: 7 * CENT, AVAILABLE: -107 * CENT}
    assert [one.fact for one in books.postings(BookQuery(ledger_account=GOODWILL)).entries] == [given]


def test_the_trial_balance_is_the_logs_and_what_periods_say(
    books: Books, log: Log, projector: Projector, views: Views
) -> None:
    facts = lively(7)
    end = log.record(facts)
    projector.advance()
    balance = books.balance()

    assert (balance.position, balance.balanced) == (end, True)
    assert balances_of(balance) == balances(posting for _, posting in posted(facts))
    coin = {one.ledger_account: one.balance for one in books.balance("coin").lines}
    held = sum(row.held - row.drawn for row in views.rows(PERIODS) if row.account == "coin")
    assert coin[HELD] == -held < 0
    newest = max((row for row in views.rows(PERIODS) if row.account == "coin"), key=lambda row: row.period_start)
    assert -coin[AVAILABLE] == newest.balance > 0
    assert RECEIVABLE not in coin
    assert sum(one.cost_unknown for one in balance.lines) == sum(map(cost_change, facts))


def test_a_period_has_what_moved_in_it_and_an_account_what_is_its_own(
    books: Books, log: Log, projector: Projector, views: Views
) -> None:
    log.record(lively(7))
    projector.advance()
    everything = balances_of(books.balance())
    by_account: Balances = Counter()
    by_period: Balances = Counter()
    for account in TERMS:
        by_account.update(balances_of(books.balance(account)))
        for start in {row.period_start for row in views.rows(PERIODS) if row.account == account}:
            by_period.update(balances_of(books.balance(account, start)))
    assert {key: one for key, one in by_account.items() if one} == everything
    assert {key: one for key, one in by_period.items() if one} == everything
    assert {one.currency for one in books.balance(currency="EUR").lines} == {"EUR"}
    assert books.balance("nobody") == TrialBalance(books.balance().position, ())


def test_every_balance_leads_to_its_postings_a_page_at_a_time(books: Books, log: Log, projector: Projector) -> None:
    facts = lively(11, steps=200)
    log.record(facts)
    projector.advance()
    for line in books.balance().lines:
        wanted = BookQuery(ledger_account=line.ledger_account)
        entries: list[Booked] = []
        after: int | None = 0
        while after is not None:
            page = books.postings(wanted, after, limit=10)
            entries += page.entries
            after = page.next
        shown = [one for entry in entries for one in wanted.touching(entry.postings)]
        assert balances(shown)[line.currency, line.ledger_account] == line.balance
        if line.ledger_account.heading is Heading.PAYABLE:
            assert sum(entry.cost_change for entry in entries) >= line.cost_unknown
        assert [entry.position for entry in entries] == sorted({entry.position for entry in entries})


def test_reading_may_begin_after_any_position(books: Books, log: Log) -> None:
    facts = lively(3, steps=90)
    end = log.record(facts)
    whole = list(books.read(BookQuery(), 0, end))
    assert [(one.fact, one.postings) for one in whole if one.postings] == grouped(posted(facts))
    for after in range(0, end, 8):
        assert list(books.read(BookQuery(), after, end)) == [one for one in whole if one.position > after]
    for account in TERMS:  # one pays beforehand; of the others no holds are read
        mine = [one for one in whole if one.account == account]
        assert [*books.read(BookQuery(account=account), 0, end)] == mine
        assert books.postings(BookQuery(account=account), 0, 7).entries == tuple(mine[:7])


def grouped(postings: Sequence[tuple[Fact, Posting]]) -> list[tuple[Fact, tuple[Posting, ...]]]:
    """Every fact with all of its postings."""
    found: list[tuple[Fact, tuple[Posting, ...]]] = []
    for fact, posting in postings:
        if found and found[-1][0] is fact:
            found[-1] = fact, (*found[-1][1], posting)
        else:
            found.append((fact, (posting,)))
    return found


def test_a_page_names_the_operation_its_assets_and_what_nobody_knows(
    books: Books, log: Log, projector: Projector
) -> None:
    log.record([*PREPAID, *SETTLED, *of_operation("op-2", *GIVEN_UP)])
    projector.advance()
    charged = books.postings(BookQuery(ledger_account=income_of("painter"))).entries
    assert [(one.operation, one.day, one.name) for one in charged] == [("op-1", "2026-04-10", "operation.charged")]
    assert books.postings(BookQuery(ledger_account=income_of("painter"))).assets["op-1"]
    billed = books.postings(BookQuery("acme", payable_of("atelier"), NOON)).entries
    assert [(one.operation, one.cost_change, type(one.fact)) for one in billed] == [
        ("op-1", 0, Charged),
        ("op-2", 1, Released),
    ]
    assert books.postings(BookQuery(ledger_account=payable_of("nobody"))).entries == ()
    line = next(one for one in books.balance().lines if one.ledger_account == payable_of("atelier"))
    assert (line.credit, line.debit, line.cost_unknown) == (CHARGED.cost, 0, 1)


def test_a_payment_is_booked_on_the_day_of_its_accounts_zone(books: Books, log: Log) -> None:
    opened = replace(next(one for one in PREPAID if isinstance(one, AccountOpened)), zone="Pacific/Kiritimati")
    moved = TimeZoneChanged("acme", NOON, "Pacific/Pago_Pago")
    late = replace(CREDIT, key="payment-2")
    end = log.record([opened, *PREPAID[1:], moved, late])
    days = [(one.day, type(one.fact)) for one in books.read(BookQuery(), 0, end)]
    assert days == [("2026-04-11", CreditAdded), ("2026-04-10", CreditAdded)]
    assert [one.day for one in books.read(BookQuery(), end - 1, end)] == ["2026-04-10"]
    only = BookQuery(days=("2026-04-11", "2026-04-30"))
    assert [one.day for one in books.read(only, 0, end)] == ["2026-04-11"]


def test_books_that_do_not_come_to_what_periods_do_are_told(log: Log, projector: Projector, database: Database) -> None:
    log.record([*lively(7), GoodwillGiven("acme", NOON, APRIL, MARCH, 7 * CENT, "USD", "sorry", "g-1")])
    projector.advance()
    assert [*verify_books(database)] == []
    with database.transaction() as connection:
        connection.execute(
            text("UPDATE posting_totals SET amount = amount + 1 WHERE account = 'coin' AND source = 'payments'")
        )
    found = [*verify_books(database)]
    assert {(one.account, one.what, one.books - one.periods) for one in found} == {("coin", "credits", 1)}
    assert [*verify_books(database, "acme")] == []
    assert "credits is" in str(found[0])
    with database.transaction() as connection:
        connection.execute(text("UPDATE view_checkpoints SET position = 1 WHERE view = 'posting_totals'"))
    assert [*verify_books(database)] == [], "views at two positions say nothing of each other"


def test_an_account_that_was_never_opened_is_told(log: Log) -> None:
    log.record(SETTLED)
    with pytest.raises(LogCorrupted, match="'acme' has facts and was never opened"):
        list(BookLog(log.reader, log.source.codec).read())


def test_a_ledger_account_is_asked_for_by_its_name() -> None:
    assert named("wallet:held") == HELD
    with pytest.raises(InvalidInput, match="none named 'cash'"):
        named("cash")


def test_a_wallet_of_which_all_is_held_has_nothing_available(books: Books, log: Log, projector: Projector) -> None:
    log.record([*PREPAID, *SENT])
    projector.advance()
    found = {one.ledger_account: one.balance for one in books.balance().lines}
    assert found == {PAYMENTS: DOLLAR, AVAILABLE: -60 * CENT, HELD: -40 * CENT}


def test_a_month_that_ends_elsewhere_than_a_wrong_clock_said_is_counted_once(
    books: Books, log: Log, projector: Projector, views: Views, database: Database
) -> None:
    """It begins at the same instant, and its account moved to another zone since."""
    longer = Period(APRIL.start, APRIL.end + DAY)
    ended = PeriodEnded("acme", NOON, APRIL, 0, "USD", "a wrong clock")
    real = replace(PREPAID[1], period=longer, balance=60 * CENT)
    for_real = [replace(fact, operation=replace(fact.operation, id="b", period=longer)) for fact in SENT]
    facts = [*PREPAID, *SETTLED, *of_operation("a", *SENT), ended, real, *for_real]
    log.record(facts)
    projector.advance()

    assert balances_of(books.balance()) == balances(posting for _, posting in posted(facts))
    assert [row.held for row in sorted(views.rows(PERIODS), key=lambda row: row.period_end)] == [40 * CENT] * 2
    assert list(verify_books(database)) == []
