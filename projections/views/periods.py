"""Billing periods: one account's operations and money in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, cast, func, select

from domain.booking import GoodwillGiven
from domain.ledger import BalanceReturned, CreditAdded, PeriodEnded, PeriodOpened, PeriodResumed
from domain.operation import Adjusted, Charged
from domain.periods import Period
from domain.value import value
from domain.wallet import ChargedBack, SubscriptionCharged, WalletFact, owed_of, own_part, sum_of
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
from projections.views.counting import ADJUSTED, CHARGED, PERIOD, BilledRow, counts, other_currency
from projections.views.operations import OPERATIONS


@value
class PeriodRow(BilledRow):
    """One account's period; `held` is what open operations may still cost, `drawn` what grants pay of that.

    `subscriptions` is the price of plans, and `covered` what grants paid of all charges.
    """

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
    subscriptions: Sum[Money]
    covered: Sum[Money]
    currency: Note[Currency | None]
    cost_currency: Note[CostCurrency | None]
    plan: Note[Text | None]
    held: Asked[Money]
    drawn: Asked[Money]

    @property
    def balance(self) -> Money:
        """The rest of a prepaid account's money in its current period."""
        into = self.carried + self.credits + self.returned
        return into - self.price - self.subscriptions + self.covered - self.held + self.drawn

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
    period = (log.period_start == table.c.period_start, log.period_end == table.c.period_end)
    here = (log.account == table.c.account, *period, log.held > 0)
    sums = {"held": func.sum(log.held), "drawn": func.sum(log.drawn)}
    return {
        name: select(cast(func.coalesce(one, 0), BigInteger)).where(*here).scalar_subquery()
        for name, one in sums.items()
    }


def _place(fact: Any, period: Period) -> RowKey:
    return fact.operation.account, period.start, period.end


def _key(
    fact: PeriodOpened | PeriodEnded | PeriodResumed | CreditAdded | BalanceReturned | GoodwillGiven | WalletFact,
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


def _charged(fact: Charged) -> Change:
    return _covered(_change(Charged, fact), sum_of(fact.drawn))


def _adjusted(fact: Adjusted) -> Change:
    return _covered(_change(Adjusted, fact), own_part(fact.back, -fact.price) + fact.price if fact.back else 0)


def _change(shape: type[Any], fact: Any) -> Change:
    change = _COUNTS[shape].change
    assert change is not None, "one change a fact"
    return change(fact)


def _covered(change: Change, amount: int) -> Change:
    """The change, with what grants pay of it."""
    key, sums, known = change
    return (key, {**sums, "covered": amount}, known) if amount else change


def _subscribed(fact: SubscriptionCharged) -> Change:
    return _key(fact), {"subscriptions": fact.price}, NOTHING


def _charged_back(fact: ChargedBack) -> Change:
    return _key(fact), {"credits": -owed_of(fact)}, NOTHING


def _given(measure: str) -> Callable[[CreditAdded | BalanceReturned], Change]:
    def given(fact: CreditAdded | BalanceReturned) -> Change:
        return _key(fact), {measure: fact.amount}, NOTHING

    return given


KEY = "account period"
_COUNTS = counts(_place, "operation.account", other_currency)

PERIODS = View(
    "period_totals",
    PeriodRow,
    PeriodFilter,
    totals=True,
    asked=_held,
    changes={
        **_COUNTS,
        Charged: reads(_charged, "operation.account", PERIOD, CHARGED, "currency drawn"),
        Adjusted: reads(_adjusted, "operation.account", ADJUSTED, "currency back"),
        SubscriptionCharged: reads(_subscribed, KEY, "price"),
        ChargedBack: reads(_charged_back, KEY, "amount taken"),
        PeriodOpened: reads(_opened, KEY, "balance currency plan"),
        PeriodEnded: reads(_ended, KEY, "balance"),
        PeriodResumed: reads(_resumed, KEY, "carried currency plan"),
        CreditAdded: reads(_given("credits"), KEY, "amount"),
        BalanceReturned: reads(_given("returned"), KEY, "amount"),
        GoodwillGiven: reads(_goodwill, KEY, "amount"),
    },
)
