"""Charges compared with what they would have been under another plan, tariff, price book or routing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.keeping.pastsales import PastSales
from domain.catalogue import Catalogue
from domain.errors import ImageStudioError
from domain.kinds import Class
from domain.plans import Plan
from domain.pricing import PriceBook, Quote
from domain.repricing import Sold, as_listed, listed_again
from domain.simulating import Fees, Listed, Otherwise, Simulated, Simulation
from domain.tariffs import Selling
from domain.windows import Window

LONGEST_PERIOD: Final = 32 * 24 * 60 * 60 * 1_000_000
LIFE: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SimulatedLine:
    """One account's operations of one model: what they were charged and cost, and what they would have been.

    Of those that would be `refused` or are `unsaid`, for the reasons `why`, nothing is in what would be; `would` and
    `would_cost` are of the others alone. `model` did it, `other` would have. Of `cost_unknown` operations one of the
    two costs is not known, and in no sum.
    """

    account: str
    model: str
    other: str
    currency: str
    cost_currency: str
    operations: int
    was: int
    was_cost: int
    would: int
    would_cost: int
    refused: int
    unsaid: int
    cost_unknown: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimulatedSales:
    """A whole span, and the fees of the plan in each period, if another plan was asked about."""

    lines: tuple[SimulatedLine, ...]
    fees: tuple[Fees, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The terms that are otherwise; None: as it was. `routing` is a strategy, for the models of `catalogue`."""

    catalogue: Catalogue | None = None
    book: PriceBook | None = None
    selling: Selling | None = None
    plan: Plan | None = None
    tariff: str | None = None
    routing: str | None = None


@dataclass(frozen=True, slots=True)
class Simulations:
    """Asks such questions; records nothing. `currency` is the price book's."""

    sales: PastSales
    currency: str

    async def run(self, asked: WhatIf, since: int, until: int, *, account: str | None = None) -> SimulatedSales:
        """The charges in [since, until) as they would have been. Raises as `PastSales.between`."""
        return await asyncio.to_thread(self._run, asked, since, until, account)

    def _run(self, asked: WhatIf, since: int, until: int, account: str | None) -> SimulatedSales:
        selling = asked.selling or Selling(self.currency)
        otherwise = Otherwise(selling=selling, plan=asked.plan, tariff=asked.tariff, listed=_listed(asked))
        simulation = Simulation(otherwise, self.sales.zones())
        if otherwise.sells:
            simulation.remember(self.sales.between(max(since - _reach(asked.plan), 0), since, account))
        found = [*simulation.play(self.sales.between(since, until, account))]
        return SimulatedSales(tuple(_lines(found)), tuple(simulation.fees()))


def _reach(plan: Plan | None) -> int:
    """How far before a span may lie what counts in it: a billing period, or as far as a limit for life counts."""
    return LIFE if plan is not None and Window.LIFE in plan.windows else LONGEST_PERIOD


def _listed(asked: WhatIf) -> Listed:
    catalogue, book = asked.catalogue, asked.book
    if catalogue is None or book is None:
        return as_listed

    def listed(sold: Sold) -> Quote | str:
        if asked.routing is not None:
            return _routed(sold, asked.routing, catalogue, book)
        model = sold.operation.model
        return listed_again(sold, catalogue.get(model), book) if model in catalogue else "there is no such model"

    return listed


def _routed(sold: Sold, routing: str, catalogue: Catalogue, book: PriceBook) -> Quote | str:
    """The quote of the model that a strategy would have chosen, of the class that did it or a real one."""
    if sold.inputs is None:
        return "what it was asked with is erased"
    allowed = {Class.REAL, Class(sold.quote.model_class or Class.REAL)}
    asked = (sold.operation.kind, routing, sold.at, sold.inputs, sold.files)
    try:
        model = catalogue.offers(*asked, allowed=allowed, n=sold.outputs)[0].model
    except ImageStudioError as error:
        return error.message
    return listed_again(replace(sold, quote=replace(sold.quote, listed=None)), model, book)


def _lacks_cost(one: Simulated) -> bool:
    return one.price is not None and one.cost is None


def _lines(found: Sequence[Simulated]) -> Iterable[SimulatedLine]:
    groups: dict[tuple[str, str, str], list[Simulated]] = {}
    for one in found:
        operation = one.sold.operation
        groups.setdefault((operation.account, operation.model, one.model), []).append(one)
    for (account, model, other), several in sorted(groups.items()):
        charged = several[0].sold.charged
        yield SimulatedLine(
            account,
            model,
            other,
            charged.currency,
            charged.cost_currency or charged.currency,
            operations=len(several),
            was=sum(one.sold.charged.price for one in several),
            was_cost=sum(one.sold.charged.cost or 0 for one in several),
            would=sum(one.price or 0 for one in several),
            would_cost=sum(one.cost or 0 for one in several),
            refused=sum(one.refused for one in several),
            unsaid=sum(bool(one.why) for one in several),
            cost_unknown=sum(one.sold.charged.cost is None or _lacks_cost(one) for one in several),
            why=tuple(sorted({one.why for one in several if one.why})),
        )
