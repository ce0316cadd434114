"""Costs: what each model brought in and cost us in one calendar month of UTC, over all accounts.

Accounts' periods begin on many days; what providers bill is of a calendar month, so costs are too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from domain.operation import Adjusted, Charged, Released
from domain.periods import CALENDAR_MONTH, Period, period_at
from domain.value import value
from projections.engine.columns import Cost, CostCurrency, Count, Currency, Instant, Key, Money, Note, Sum, Text, Units
from projections.engine.filters import ViewFilter, containing, same
from projections.engine.view import Change, RowKey, View, reads
from projections.views.counting import CHARGED, BilledRow, MoneyFact, counts, doubted, other_currency

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

MILLION = 1_000_000
DAY = 24 * 60 * 60 * MILLION


@value
class CostRow(BilledRow):
    """One model's month; its units were last counted in `unit`."""

    model: Key[Text]
    provider: Key[Text]
    currency: Key[Currency]
    month_start: Key[Instant]
    month_end: Key[Instant]
    charged: Sum[Count]
    released: Sum[Count]
    outputs: Sum[Count]
    units: Sum[Units]
    price: Sum[Money]
    adjusted: Sum[Money]
    cost: Sum[Cost]
    cost_unknown: Sum[Count]
    estimated: Sum[Count]
    unit: Note[Text | None]
    cost_currency: Note[CostCurrency | None]

    @property
    def span(self) -> tuple[int, int]:
        """Its calendar month."""
        return self.month_start, self.month_end


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFilter(ViewFilter):
    """None asks for any; `at` asks for the month that contains an instant."""

    model: str | None = None
    provider: str | None = None
    at: int | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, model=self.model, provider=self.provider)
        yield from containing(table.c.month_start, table.c.month_end, self.at)


def _place(fact: MoneyFact, _period: Period) -> RowKey:
    operation = fact.operation
    return operation.model, operation.provider, fact.currency, *_month(fact.at // DAY)


@lru_cache(maxsize=1024)
def _month(day: int) -> tuple[int, int]:
    """The first instants of the calendar month with this day, and of the next, in UTC."""
    month = period_at(CALENDAR_MONTH, "UTC", day * DAY)
    return month.start, month.end


def _charged(fact: Charged) -> Change:
    sums = {
        "charged": 1,
        "outputs": fact.outputs,
        "price": fact.price,
        "cost": fact.cost or 0,
        "units": _millionths(fact.units),
    }
    return (
        _place(fact, fact.operation.period),
        doubted(fact, sums, fact.price_source),
        {"unit": fact.unit, **other_currency(fact)},
    )


@lru_cache(maxsize=1024)
def _millionths(units: Decimal) -> int:
    """Units are whole millionths already; the ratio is exact in any decimal context."""
    numerator, denominator = units.as_integer_ratio()
    return numerator * MILLION // denominator


PLACE = "operation.model operation.provider currency at"

_money = counts(_place, PLACE, other_currency)

COSTS = View(
    "model_costs",
    CostRow,
    CostFilter,
    totals=True,
    changes={
        Charged: reads(_charged, PLACE, "operation.period units unit", CHARGED),
        Released: _money[Released],
        Adjusted: _money[Adjusted],
    },
)
