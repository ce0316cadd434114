"""The cost of a whole batch, before anything of it is spent.

A later step is estimated on a blank picture in place of what the step before it will make; if that cannot be, its price
is not known, and neither is the sum. A step that was done before, under the batch's name, asks nothing again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from application.asking.operations import Operations
from application.ports import Progress
from application.studios.carrying import Service, held_by
from application.studios.desk import Advised
from application.studios.finishing import AdvisedSet
from application.studios.recipes import Item, Order
from domain.errors import ImageStudioError, InvalidRequest
from domain.money import Money
from domain.value import value


@value
class ItemForecast:
    """One item: the most that its steps would hold, None if that is not known; `error` is why it cannot be done."""

    number: int
    held: Money | None
    error: ImageStudioError | None = None


@dataclass(frozen=True, slots=True)
class Shortage:
    """A measure of which the whole batch asks more than a limit leaves: outputs, or micro-units."""

    measure: str
    asked: int
    left: int


@value
class Forecast:
    """The sum over all items: `held` is what is known of it, and of `unknown` items it is not.

    `short` are the limits that would stop the batch on its way; `over` is whether the budget would.
    """

    items: tuple[ItemForecast, ...]
    held: Money
    asks: Mapping[str, int]
    short: tuple[Shortage, ...]
    over: bool

    @property
    def unknown(self) -> int:
        return sum(one.held is None and one.error is None for one in self.items)

    @property
    def wrong(self) -> int:
        """Items that cannot be done as they stand."""
        return sum(one.error is not None for one in self.items)


@dataclass(slots=True)
class Forecaster:
    """Adds up the estimates of all steps."""

    services: Mapping[str, Service]
    operations: Operations
    order: Order
    currency: str
    blank: Callable[[], bytes]
    asks: Counter[str] = field(default_factory=Counter)
    left: dict[str, int | None] = field(default_factory=dict)

    async def all(self, progress: Progress) -> Forecast:
        """Every item, one after the other."""
        items, budget, found = self.order.items, self.order.budget, []
        for number, item in enumerate(items, start=1):
            found.append(await self._item(number, item))
            progress(number / len(items), f"{number} of {len(items)} items estimated")
        held = Money(sum(one.held.micros for one in found if one.held is not None), self.currency)
        over = budget is not None and held > budget
        return Forecast(tuple(found), held, dict(self.asks), tuple(self._short()), over)

    async def _item(self, number: int, item: Item) -> ItemForecast:
        total, files = 0, 1
        for place, step in enumerate(self.order.recipe.steps):
            if await self.operations.answered(self.order.key(number, place), account=self.order.account):
                continue
            subject: Any = self.blank() if place else item.subject
            try:
                found = await self.services[step.service].estimate(subject, **self.order.options(place, item))
            except InvalidRequest as error:
                return ItemForecast(number, None, None if place else error)
            held = held_by(found)
            if held is None:
                return ItemForecast(number, None)
            total += held * files
            files *= self._count(found, files)
        return ItemForecast(number, Money(total, self.currency))

    def _count(self, found: Advised | AdvisedSet, files: int) -> int:
        """Add what one step asks of the limits, for each file; how many files it makes of each."""
        for one in found.estimates:
            self.left |= one.left
            self.currency = one.currency
            for measure, amount in one.asks.items():
                self.asks[measure] += amount * files
        made = sum(amount for one in found.made for measure, amount in one.asks.items() if measure != "spend")
        return max(made, 1)

    def _short(self) -> list[Shortage]:
        measures = {**dict.fromkeys(self.asks), "balance": None}
        asked = {**self.asks, "balance": self.asks["spend"]}
        limits = {measure: self.left.get(measure) for measure in measures}
        return [
            Shortage(measure, asked[measure], limit)
            for measure, limit in limits.items()
            if limit is not None and asked[measure] > limit
        ]
