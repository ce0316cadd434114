"""Providers' costs: what each model's operations cost us, by the quarter of an hour in which they were asked for.

    Charged, Released, Adjusted ── the quarter of the request, which each knows ──> provider costs

A provider's invoice is of a month of its billing zone, and an operation of the month in which it was asked for, however
late it ended or was corrected. So the month of any zone is a sum of these rows (`projections.monthcosts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.operation import Adjusted, Charged, Released
from domain.periods import QUARTER
from domain.value import value
from projections.engine.columns import Count, Currency, Instant, Key, Money, Note, Sum, Text, ViewRow
from projections.engine.filters import ViewFilter, same
from projections.engine.view import Change, RowKey, View, reads
from projections.views.counting import ESTIMATED, MoneyFact

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table


@value
class ProviderCostRow(ViewRow):
    """One model's operations that were asked for in a quarter of an hour, and have ended: `charged` of them, and their
    cost with that of those that were not, as far as it is known."""

    provider: Key[Text]
    quarter: Key[Instant]
    model: Key[Text]
    charged: Sum[Count]
    cost: Sum[Money]
    cost_unknown: Sum[Count]
    estimated: Sum[Count]
    currency: Note[Currency | None]

    def unknown(self) -> tuple[str, ...]:
        return ("cost",) if self.cost_unknown and not self.cost else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCostFilter(ViewFilter):
    """None asks for any; quarters from `since` on and before `until`, in epoch microseconds."""

    provider: str | None = None
    model: str | None = None
    since: int | None = None
    until: int | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, provider=self.provider, model=self.model)
        if self.since is not None:
            yield table.c.quarter >= self.since
        if self.until is not None:
            yield table.c.quarter < self.until


def _key(fact: MoneyFact) -> RowKey:
    asked, operation = fact.asked or fact.at, fact.operation
    return operation.provider, asked - asked % QUARTER, operation.model


def _charged(fact: Charged) -> Change:
    sums = {"charged": 1, "cost": fact.cost or 0}
    if fact.cost is None:
        sums["cost_unknown"] = 1
    if fact.cost_source is ESTIMATED or fact.price_source is ESTIMATED:
        sums["estimated"] = 1
    return _key(fact), sums, {"currency": fact.cost_currency or fact.currency}


def _released(fact: Released) -> Change:
    sums = {"cost": fact.cost or 0, "cost_unknown": int(fact.cost is None)}
    sums["estimated"] = int(fact.cost_source is ESTIMATED)
    return _key(fact), sums, {"currency": fact.cost_currency or fact.currency}


def _adjusted(fact: Adjusted) -> Change:
    sums = {"cost": fact.cost, "cost_unknown": -int(fact.revealed)}
    return _key(fact), sums, {"currency": fact.cost_currency or fact.currency}


WHERE = "operation.provider operation.model asked at cost cost_currency currency"

PROVIDER_COSTS = View(
    "provider_costs",
    ProviderCostRow,
    ProviderCostFilter,
    totals=True,
    changes={
        Charged: reads(_charged, WHERE, "cost_source price_source"),
        Released: reads(_released, WHERE, "cost_source"),
        Adjusted: reads(_adjusted, WHERE, "revealed"),
    },
)
