"""Billing periods: one account's operations and money in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, cast, func, select

from domain.booking import GoodwillGiven
from domain.ledger import BalanceReturned, CreditAdded, PeriodEnded, PeriodOpened, PeriodResumed
from domain.periods import Period
from domain.value import value
from projections.engine.columns import (
    Account,
    Asked,
    Cost,
    CostCurrency,
    Count,
    Currency,
    Instant,
    Key,
    Money,
    Note,
    Sum,
    Text,
)
from projections.engine.filters import ViewFilter, containing, same
from projections.engine.tables import live
from projections.engine.view import NOTHING, Change, RowKey, View, reads
from projections.views.counting import BilledRow, counts, other_currency
from projections.views.operations import OPERATIONS


@value
class PeriodRow(BilledRow):
    """One account's period; `held` is what open operations may still cost."""

    account: Key[Account]
    period_start: Key[Instant]
    period_end: Key[Instant]
    operations: Sum[Count]
    asked: Sum[Count]
    rejected: Sum[Count]
    charged: Sum[Count]
    failed: Sum[Count]
    released: Sum[Count]
    outputs: Sum[Count]
    price: Sum[Money]
    adjusted: Sum[Money]
    cost: Sum[Cost]
    cost_unknown: Sum[Count]
    estimated: Sum[Count]
    carried: Sum[Money]
    credits: Sum[Money]
    returned: Sum[Money]
    currency: Note[Currency | None]
    cost_currency: Note[CostCurrency | None]
    plan: Note[Text | None]
    held: Asked[Money]

    @property
    def balance(self) -> Money:
        """The rest of a prepaid account's money in its current period."""
        return self.carried + self.credits + self.returned - self.price - self.held

    @property
    def span(self) -> tuple[int, int]:
        """From its first instant to the next period's."""
        return self.period_start, self.period_end


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFilter(ViewFilter):
    """None asks for any; `at` asks for the periods that contain an instant."""

    account: str | None = None
    at: int | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, account=self.account)
        yield from containing(table.c.period_start, table.c.period_end, self.at)


def _held(table: Table) -> Mapping[str, ColumnElement[Any]]:
    """The open holds of the period's operations."""
    log = live(OPERATIONS).c
    here = log.account == table.c.account, log.period_start == table.c.period_start, log.held > 0
    held = select(cast(func.coalesce(func.sum(log.held), 0), BigInteger)).where(*here)
    return {"held": held.scalar_subquery()}


def _place(fact: Any, period: Period) -> RowKey:
    return fact.operation.account, period.start, period.end


def _key(
    fact: PeriodOpened | PeriodEnded | PeriodResumed | CreditAdded | BalanceReturned | GoodwillGiven,
) -> RowKey:
    return fact.account, fact.period.start, fact.period.end


def _opened(fact: PeriodOpened) -> Change:
    return _key(fact), {"carried": fact.balance or 0}, {"currency": fact.currency, "plan": fact.plan}


def _ended(fact: PeriodEnded) -> Change:
    return _key(fact), {"carried": -(fact.balance or 0)}, NOTHING


def _resumed(fact: PeriodResumed) -> Change:
    return _key(fact), {"carried": fact.carried}, {"currency": fact.currency, "plan": fact.plan}


def _goodwill(fact: GoodwillGiven) -> Change:
    """It corrects what was charged, as a refund does, though no single charge."""
    return _key(fact), {"price": -fact.amount, "adjusted": -fact.amount}, NOTHING


def _given(measure: str) -> Callable[[CreditAdded | BalanceReturned], Change]:
    def given(fact: CreditAdded | BalanceReturned) -> Change:
        return _key(fact), {measure: fact.amount}, NOTHING

    return given


KEY = "account period"

PERIODS = View(
    "period_totals",
    PeriodRow,
    PeriodFilter,
    asked=_held,
    changes={
        **counts(_place, "operation.account", other_currency),
        PeriodOpened: reads(_opened, KEY, "balance currency plan"),
        PeriodEnded: reads(_ended, KEY, "balance"),
        PeriodResumed: reads(_resumed, KEY, "carried currency plan"),
        CreditAdded: reads(_given("credits"), KEY, "amount"),
        BalanceReturned: reads(_given("returned"), KEY, "amount"),
        GoodwillGiven: reads(_goodwill, KEY, "amount"),
    },
)
