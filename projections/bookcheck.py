"""The books held against the periods: both are folded of the same facts, each in its own way, to the same sums.

posting_totals ── by account and period ──┬── price, cost, payments, plans, what grants paid, costs that nobody knows
period_totals ────────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, Table, and_, case, cast, func, or_, select

from domain.chart import Heading
from projections.engine.database import ViewDatabase
from projections.engine.tables import CHECKPOINTS, live
from projections.views.books import BOOKS, CUSTOMER
from projections.views.periods import PERIODS

COMPARED: Final = ("price", "credits", "subscriptions", "covered", "cost", "cost_unknown")
"""The columns of periods that the books know, too."""
PERIOD: Final = ("account", "period_start", "period_end")
"""By its end, too: a month that a wrong clock began may end elsewhere once it really comes, in another zone."""
GRANTS: Final = (Heading.ALLOWANCE, Heading.PROMOTIONAL, Heading.PAID)
REGAINED: Final = (*GRANTS, Heading.PROMOTIONS, Heading.BREAKAGE)
"""A refund goes there of what a grant paid, to the last two if that is over."""


@dataclass(frozen=True, slots=True)
class WrongBalance:
    """A period of which the books say something else."""

    account: str
    period_start: int
    what: str
    books: int
    periods: int

    def __str__(self) -> str:
        told = f"{self.what} is {self.books} by the books and {self.periods} by its totals"
        return f"account {self.account}, period {self.period_start}: {told}"


def verify_books(database: ViewDatabase, account: str | None = None) -> Iterator[WrongBalance]:
    """Compare every period, or those of one account. Yields nothing if all is well; raises StoreUnavailable.

    One statement, and so of one moment; nothing is compared while one of the views has read further than the other.
    """
    for id, start, *amounts in database.rows(_query(account)):
        for what, periods, books in zip(COMPARED, amounts[: len(COMPARED)], amounts[len(COMPARED) :], strict=True):
            if int(periods) != int(books):
                yield WrongBalance(id, start, what, int(books), int(periods))


def _query(account: str | None) -> Select[Any]:
    periods, books = live(PERIODS), _by_period(account)
    here = and_(*(books.c[name] == periods.c[name] for name in PERIOD))
    pairs = [(periods.c[name], func.coalesce(books.c[name], 0)) for name in COMPARED]
    places = select(func.count(CHECKPOINTS.c.position.distinct())).where(
        CHECKPOINTS.c.view.in_((BOOKS.name, PERIODS.name))
    )
    query = (
        select(periods.c.account, periods.c.period_start, *(one for one, _ in pairs), *(other for _, other in pairs))
        .select_from(periods.outerjoin(books, here))
        .where(or_(*(one != other for one, other in pairs)), places.scalar_subquery() == 1)
    )
    return query if account is None else query.where(periods.c.account == account)


def _by_period(account: str | None) -> Subquery:
    """The same amounts of each period by the books, under the names of its columns."""
    table = live(BOOKS)
    earned = _debits(table, Heading.INCOME) + _debits(table, Heading.ADJUSTMENTS) + _debits(table, Heading.GOODWILL)
    sums = {
        "price": -earned,
        "credits": _between(table, (Heading.PAYMENTS,), (CUSTOMER,)),
        "subscriptions": _between(table, (CUSTOMER,), (Heading.SUBSCRIPTIONS,)),
        "covered": _between(table, GRANTS, (Heading.INCOME,)) - _between(table, (Heading.ADJUSTMENTS,), REGAINED),
        "cost": _debits(table, Heading.EXPENSE),
        "cost_unknown": table.c.cost_unknown,
    }
    columns = [cast(func.sum(value), BigInteger).label(name) for name, value in sums.items()]
    period = [table.c[name] for name in PERIOD]
    query = select(*period, *columns).group_by(*period)
    return (query if account is None else query.where(table.c.account == account)).subquery()


def _between(table: Table, ends: Sequence[str], others: Sequence[str]) -> ColumnElement[Any]:
    """The amount that a row moved from some ledger accounts to others, less what it moved back."""
    here = and_(_any_of(table.c.source, ends), _any_of(table.c.destination, others))
    back = and_(_any_of(table.c.source, others), _any_of(table.c.destination, ends))
    return case((here, table.c.amount), (back, -table.c.amount), else_=0)


def _any_of(end: ColumnElement[str], names: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(_named(end, one) for one in names))


def _named(end: ColumnElement[str], name: str) -> ColumnElement[bool]:
    return or_(end == name, end.startswith(f"{name}:", autoescape=True))


def _debits(table: Table, heading: Heading) -> ColumnElement[Any]:
    """Of a row, the debits of a heading's ledger accounts, less their credits."""

    amount, (source, destination) = table.c.amount, (table.c.source, table.c.destination)
    return case((_named(source, heading), amount), else_=0) - case((_named(destination, heading), amount), else_=0)
