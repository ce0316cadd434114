"""Providers' costs: what each model's operations cost us, by the quarter of an hour and the day of their request.

    Charged, Released, Adjusted ── quarter and day of the request, which each knows ──> two rows of provider costs

A provider's invoice is of a month of its billing zone, and an operation of the month in which it was asked for, however
late it ended or was corrected. So the month of any zone is a sum of days of UTC, and of quarters before and after them
(`projections.monthcosts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.operation import Adjusted, Charged, Released
from domain.periods import QUARTER
from domain.value import value
from projections.engine.columns import Count, Currency, Instant, Key, Money, Note, Sum, Text, ViewRow
from projections.engine.filters import ViewFilter, same
from projections.engine.view import Change, View, reads_each
from projections.views.counting import ESTIMATED, MoneyFact

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

DAY: Final = 96 * QUARTER
"""Microseconds of a day of UTC."""


@value
class ProviderCostRow(ViewRow):
    """One model's operations that were asked for in a quarter of an hour, or in a day of UTC (`span`, in microseconds),
    and have ended: `charged` of them, and their cost with that of those that were not, as far as it is known."""

    provider: Key[Text]
    span: Key[Count]
    begins: Key[Instant]
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
    """None asks for any; spans that begin from `since` on and before `until`, in epoch microseconds."""

    provider: str | None = None
    model: str | None = None
    span: int | None = None
    since: int | None = None
    until: int | None = None

    def conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        yield from same(table, provider=self.provider, model=self.model)
        if self.span is not None:
            yield table.c.span == self.span
        if self.since is not None:
            yield table.c.begins >= self.since
        if self.until is not None:
            yield table.c.begins < self.until


def _both(fact: MoneyFact, sums: Mapping[str, int]) -> tuple[Change, Change]:
    """The same for the quarter and for the day."""
    asked, operation = fact.asked or fact.at, fact.operation
    provider, model, known = operation.provider, operation.model, {"currency": fact.cost_currency or fact.currency}
    return (
        ((provider, QUARTER, asked - asked % QUARTER, model), sums, known),
        ((provider, DAY, asked - asked % DAY, model), sums, known),
    )


def _charged(fact: Charged) -> Iterable[Change]:
    sums = {"charged": 1, "cost": fact.cost or 0}
    if fact.cost is None:
        sums["cost_unknown"] = 1
    if fact.cost_source is ESTIMATED or fact.price_source is ESTIMATED:
        sums["estimated"] = 1
    return _both(fact, sums)


def _released(fact: Released) -> Iterable[Change]:
    sums = {"cost": fact.cost or 0, "cost_unknown": int(fact.cost is None)}
    sums["estimated"] = int(fact.cost_source is ESTIMATED)
    return _both(fact, sums)


def _adjusted(fact: Adjusted) -> Iterable[Change]:
    return _both(fact, {"cost": fact.cost, "cost_unknown": -int(fact.revealed)})


WHERE = "operation.provider operation.model asked at cost cost_currency currency"

PROVIDER_COSTS = View(
    "provider_costs",
    ProviderCostRow,
    ProviderCostFilter,
    totals=True,
    changes={
        Charged: reads_each(_charged, WHERE, "cost_source price_source"),
        Released: reads_each(_released, WHERE, "cost_source"),
        Adjusted: reads_each(_adjusted, WHERE, "revealed"),
    },
)
