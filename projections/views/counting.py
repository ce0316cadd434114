"""Counts that several views share: operations by how they ended, and money with what is not known of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from domain.charging import CostSource
from domain.operation import Adjusted, Charged, ProviderFailed, Rejected, Released, Requested
from domain.periods import Period
from projections.engine.columns import Money, ViewRow
from projections.engine.view import NOTHING, Change, Reads, RowKey, Value, reads

MoneyFact = Charged | Released | Adjusted
Place = Callable[[Any, Period], RowKey]
"""The key of a fact that counts in a period."""
Told = Callable[[MoneyFact], Mapping[str, Value]]
"""The columns that a view keeps of a fact about money."""

PERIOD = "operation.period"
CHARGED = "outputs price cost price_source cost_source cost_currency"
RELEASED = "cost cost_source cost_currency"
ADJUSTED = "period price cost revealed cost_currency"
"""The fields that are read of each fact about money."""

ESTIMATED = CostSource.ESTIMATED
REJECTED, FAILED = ({count: 1} for count in ("rejected", "failed"))


class BilledRow(ViewRow):
    """A row with money; of `cost_unknown` operations the cost is not among the sums."""

    __slots__ = ()

    price: int
    adjusted: int
    cost: int
    cost_unknown: int
    currency: str | None
    cost_currency: str | None

    @property
    def gross(self) -> Money:
        """The charge, before any correction."""
        return self.price - self.adjusted

    def unknown(self) -> Collection[str]:
        return ("cost",) if self.cost_unknown and not self.cost else ()


def counts(place: Place, names: str, told: Told = lambda _: NOTHING) -> dict[type[Any], Reads]:
    """The changes of a view that counts operations; `names` are what `place` and `told` read of every fact."""

    def requested(fact: Requested) -> Change:
        return place(fact, fact.operation.period), {"operations": 1, "asked": fact.outputs}, NOTHING

    def rejected(fact: Rejected) -> Change:
        return place(fact, fact.operation.period), REJECTED, NOTHING

    def failed(fact: ProviderFailed) -> Change:
        return place(fact, fact.operation.period), FAILED, NOTHING

    def charged(fact: Charged) -> Change:
        sums = {"charged": 1, "outputs": fact.outputs, "price": fact.price, "cost": fact.cost or 0}
        return place(fact, fact.operation.period), doubted(fact, sums, fact.price_source), told(fact)

    def released(fact: Released) -> Change:
        sums = {"released": 1, "cost": fact.cost or 0}
        return place(fact, fact.operation.period), doubted(fact, sums), told(fact)

    def adjusted(fact: Adjusted) -> Change:
        return place(fact, fact.period), correction(fact), told(fact)

    return {
        Requested: reads(requested, names, PERIOD, "outputs"),
        Rejected: reads(rejected, names, PERIOD),
        ProviderFailed: reads(failed, names, PERIOD),
        Charged: reads(charged, names, PERIOD, CHARGED, "currency"),
        Released: reads(released, names, PERIOD, RELEASED, "currency"),
        Adjusted: reads(adjusted, names, ADJUSTED, "currency"),
    }


def other_currency(fact: MoneyFact) -> Mapping[str, Value]:
    """The currency of the cost, where it is not the price's."""
    return {"cost_currency": fact.cost_currency} if fact.cost_currency else NOTHING


def held_for(fact: Charged) -> Money:
    """The amount that was held for what is charged: the most that it was said to come to."""
    return fact.price if fact.held is None else fact.held


def correction(fact: Adjusted) -> dict[str, int]:
    """The change that a correction adds."""
    sums = {"price": fact.price, "adjusted": fact.price, "cost": fact.cost}
    return {**sums, "cost_unknown": -1} if fact.revealed else sums


def doubted(
    fact: Charged | Released, sums: dict[str, int], price_source: CostSource | None = None
) -> Mapping[str, int]:
    """An amount that is not known, or not exactly, is counted; most amounts are known."""
    if fact.cost is None:
        sums["cost_unknown"] = 1
    if fact.cost_source is ESTIMATED or price_source is ESTIMATED:
        sums["estimated"] = 1
    return sums
