"""The books: what moved from which ledger account to which, by account and billing period.

A row is a sum of postings and has both ends, so that no row can be out of balance. A fact alone does not tell whether
its account pays beforehand: `customer` stands for its wallet, or for what it owes. The row from `customer` to itself
says which, and what of the wallet is held, as the open operations have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, and_, case, cast, func, select

from domain.booking import GoodwillGiven
from domain.bookkeeping import AFTERWARDS
from domain.chart import RECEIVABLE, expense_of, payable_of
from domain.invoices import DifferenceBooked, InvoiceRecorded, InvoiceVoided
from domain.ledger import CreditAdded, PeriodOpened
from domain.operation import Adjusted, Charged, Released
from domain.postings import MOVES
from domain.value import value
from domain.wallet import ChargedBack, GrantEnded, GrantGiven, GrantRevoked, SubscriptionCharged
from projections.engine.columns import Account, Asked, Count, Currency, Instant, Key, Money, Note, Sum, Text, ViewRow
from projections.engine.filters import ViewFilter, containing, same
from projections.engine.tables import live
from projections.engine.view import NO_SUMS, NOTHING, Change, RowKey, View, reads, reads_each
from projections.views.operations import OPERATIONS

CUSTOMER = "customer"


@value
class BookRow(ViewRow):
    """All postings of one account's period from one ledger account to another.

    `cost_unknown` operations have a cost that is not among them. Of the customer's own row, `prepaid` is 1 if the
    account pays beforehand, 0 if not, and `held` are its open holds, less what grants pay of them.
    """

    account: Key[Account]
    period_start: Key[Instant]
    period_end: Key[Instant]
    currency: Key[Currency]
    source: Key[Text]
    destination: Key[Text]
    amount: Sum[Money]
    postings: Sum[Count]
    cost_unknown: Sum[Count]
    prepaid: Note[Count | None]
    held: Asked[Money]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFilter(ViewFilter):
    """None asks for any; `at` asks for the periods that contain an instant."""

    account: str | None = None
    currency: str | None = None
    at: int | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account, currency=self.currency)
        yield from containing(table.c.period_start, table.c.period_end, self.at)


def held_of(table: Table) -> ColumnElement[int]:
    """The open holds of a row's period, less what grants pay, if it is its customer's own and that pays beforehand."""
    log = live(OPERATIONS).c
    period = (log.period_start == table.c.period_start, log.period_end == table.c.period_end)
    here = and_(log.account == table.c.account, *period, log.held > 0)
    own = log.held - func.coalesce(log.drawn, 0)
    held = select(cast(func.coalesce(func.sum(own), 0), BigInteger)).where(here).scalar_subquery()
    return case((table.c.prepaid == 1, held), else_=0)


def _asked(table: Table) -> Mapping[str, ColumnElement[Any]]:
    return {"held": held_of(table)}


_end = {RECEIVABLE.name: CUSTOMER}.get
"""The end of a row that stands for another ledger account."""


def _posts(fact_type: type[Any], place: Callable[[Any], RowKey], unknown: Callable[[Any], int]) -> Callable[[Any], Any]:
    """The changes by a fact about money: one a posting, and one if what nobody knows of costs is another."""
    post = MOVES[fact_type]

    def changes(fact: Any) -> Iterator[Change]:
        here = place(fact)
        for posting in post(fact, AFTERWARDS):
            source, destination = posting.source.name, posting.destination.name
            key = (*here, posting.currency, _end(source, source), _end(destination, destination))
            yield key, {"amount": posting.amount, "postings": 1}, NOTHING
        if change := unknown(fact):
            provider, currency = fact.operation.provider, fact.cost_currency or fact.currency
            key = (*here, currency, expense_of(provider).name, payable_of(provider).name)
            yield key, {"cost_unknown": change}, NOTHING

    return changes


def _of_operation(fact: Charged | Released) -> RowKey:
    operation = fact.operation
    return operation.account, operation.period.start, operation.period.end


def _of_correction(fact: Adjusted) -> RowKey:
    return fact.operation.account, fact.period.start, fact.period.end


def _of_account(fact: Any) -> RowKey:
    return fact.account, fact.period.start, fact.period.end


def _of_month(
    fact_type: type[InvoiceRecorded | InvoiceVoided | DifferenceBooked],
) -> Callable[[Any], Iterator[Change]]:
    """An invoice's postings, and the row of its month that says that nobody pays beforehand in it."""
    posted = _posts(fact_type, _of_account, lambda _: 0)

    def changes(fact: Any) -> Iterator[Change]:
        yield (*_of_account(fact), fact.currency, CUSTOMER, CUSTOMER), NO_SUMS, {"prepaid": 0}
        yield from posted(fact)

    return changes


def _not_known(fact: Charged | Released) -> int:
    return int(fact.cost is None)


def _opened(fact: PeriodOpened) -> Change:
    key = (fact.account, fact.period.start, fact.period.end, fact.currency, CUSTOMER, CUSTOMER)
    return key, NO_SUMS, {"prepaid": int(fact.balance is not None)}


_charged = _posts(Charged, _of_operation, _not_known)
_released = _posts(Released, _of_operation, _not_known)
_adjusted = _posts(Adjusted, _of_correction, lambda fact: -int(fact.revealed))
_credited = _posts(CreditAdded, _of_account, lambda _: 0)
_given = _posts(GoodwillGiven, _of_account, lambda _: 0)

_subscribed = _posts(SubscriptionCharged, _of_account, lambda _: 0)
_granted = _posts(GrantGiven, _of_account, lambda _: 0)
_grant_ended = _posts(GrantEnded, _of_account, lambda _: 0)
_grant_revoked = _posts(GrantRevoked, _of_account, lambda _: 0)
_charged_back = _posts(ChargedBack, _of_account, lambda _: 0)

OF_ACCOUNT = "account period currency amount"
WHOSE = "operation.account operation.model operation.provider currency cost_currency price cost"

BOOKS = View(
    "posting_totals",
    BookRow,
    BookFilter,
    totals=True,
    asked=_asked,
    changes={
        PeriodOpened: reads(_opened, "account period currency balance"),
        CreditAdded: reads_each(_credited, OF_ACCOUNT),
        GoodwillGiven: reads_each(_given, OF_ACCOUNT),
        InvoiceRecorded: reads_each(_of_month(InvoiceRecorded), OF_ACCOUNT),
        InvoiceVoided: reads_each(_of_month(InvoiceVoided), OF_ACCOUNT),
        DifferenceBooked: reads_each(_of_month(DifferenceBooked), OF_ACCOUNT),
        SubscriptionCharged: reads_each(_subscribed, "account period currency price"),
        GrantGiven: reads_each(_granted, OF_ACCOUNT, "source unpaid"),
        GrantEnded: reads_each(_grant_ended, OF_ACCOUNT, "source over"),
        GrantRevoked: reads_each(_grant_revoked, OF_ACCOUNT, "source"),
        ChargedBack: reads_each(_charged_back, OF_ACCOUNT, "taken"),
        Charged: reads_each(_charged, WHOSE, "operation.period drawn"),
        Released: reads_each(
            _released, "operation.account operation.provider operation.period currency cost_currency cost"
        ),
        Adjusted: reads_each(_adjusted, WHOSE, "period revealed back"),
    },
)
