"""Simulation: charges once more under another plan, tariff, price book or routing.

    Sold … in the order of the log ── routing, price book ──> Quote ── plan, tariff, volume so far ──> sold again
        └── limits of the plan ── refused ──┐                                     └── as it was delivered ──> Simulated
                                            └──────────────────────────────────────────────────────────────────┘

Nothing is recorded. The same facts, files and question have the same answer: volume and use of limits count each
operation as it was charged, one after another. An hour and a day count what was admitted in them, by the account's
clock; what was before the span counts as it was. With another model it is assumed to deliver as many outputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from domain.money import at_factors
from domain.operation import ProviderCompleted
from domain.plans import AT_ONE, SPEND, Plan, plan_in
from domain.pricing import Quote
from domain.repricing import Sold, as_listed, settled_by
from domain.tariffs import Buyer, Errand, Selling, counted_by, sold
from domain.value import value
from domain.windows import NARROW, Window, span_at

NO_RATE: Final = "there is no rate of exchange"
Listed = Callable[[Sold], Quote | str]
"""The quote of a price book for the work of an operation, before it is sold; or why nobody can say."""
Zones = Callable[[str, int], str]
"""The time zone of an account at an instant."""


def _in_utc(_account: str, _at: int) -> str:
    return "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """A question: what is otherwise than it was. Of `plan` and `tariff`, None is as it was; "" the price book's price.

    `listed` is by another price book or routing, `selling` has the tariffs and the exchange.
    """

    selling: Selling
    plan: Plan | None = None
    tariff: str | None = None
    listed: Listed = as_listed

    @property
    def sells(self) -> bool:
        """Whether other terms of sale hold than those of each quote."""
        return self.plan is not None or self.tariff is not None


@value
class Simulated:
    """An operation as it would have been: price and cost, None if nobody can say `why`, or if it is `refused`."""

    sold: Sold
    model: str
    price: int | None = None
    cost: int | None = None
    refused: bool = False
    why: str = ""


@value
class Fees:
    """A plan's price for one account's period, and what of its use the allowance covers and the overage adds."""

    account: str
    currency: str
    start: int
    price: int
    covered: int
    added: int


@dataclass(slots=True)
class Simulation:
    """Plays one operation after another, and keeps what they used of each period."""

    otherwise: Otherwise
    zones: Zones = _in_utc
    volume: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)
    used: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)
    played: set[tuple[str, int]] = field(default_factory=set)
    narrow: dict[tuple[str, Window, int], Counter[str]] = field(default_factory=dict)
    """The use of an account's hours and days, by their beginnings, and of its whole life."""
    currencies: dict[str, str] = field(default_factory=dict)

    def remember(self, sales: Iterable[Sold]) -> None:
        """Count what was charged before the span, as it was."""
        for one in sales:
            self._add(one, one.quote, one.charged.outputs, one.charged.price)

    def play(self, sales: Iterable[Sold]) -> Iterator[Simulated]:
        """Each operation as it would have been, in their order."""
        for one in sales:
            yield self._played(one)

    def fees(self) -> list[Fees]:
        """The plan's own price of each period in which something was played; none without another plan."""
        plan = self.otherwise.plan
        if plan is None:
            return []
        return [self._fee(plan, *place, self.used[place][SPEND]) for place in sorted(self.played)]

    def _played(self, one: Sold) -> Simulated:
        listed = self.otherwise.listed(one)
        if isinstance(listed, str):
            return Simulated(one, one.operation.model, why=listed)
        quote = self._sold(one, listed)
        if quote.currency != one.charged.currency:
            return Simulated(one, quote.model, why=NO_RATE)
        if self._is_refused(one, quote):
            return Simulated(one, quote.model, refused=True)
        as_it_came = one if quote.model == one.operation.model else _elsewhere(one)
        found = settled_by(as_it_came, quote)
        self._count(one, quote, found.outputs, found.price)
        return Simulated(one, quote.model, found.price, found.cost)

    def _sold(self, one: Sold, listed: Quote) -> Quote:
        sale, place = one.quote.sale, _place(one)
        if not self.otherwise.sells:
            if sale is None:
                return listed
            price = sale.price_of(listed.price, listed.cost, listed.outputs)
            return replace(listed, price=price, currency=one.quote.currency, sale=replace(sale, listed=listed.price))
        plan, tariff = self.otherwise.plan, self.otherwise.tariff
        buyer = Buyer("" if plan is None else plan.id, one.charged.currency, tariff or "")
        selling = self.otherwise.selling if tariff != "" else replace(self.otherwise.selling, plans={})
        operation = one.operation
        errand = Errand(operation.kind, operation.family, one.at, self.volume.get(place, Counter()))
        (quote,) = sold(selling, buyer, errand, (listed,))
        return quote

    def _is_refused(self, one: Sold, quote: Quote) -> bool:
        plan = self._plan(one.charged.currency, one.at)
        if plan is None:
            return False
        used, family = self.used.setdefault(_place(one), Counter()), one.operation.family
        asked = ((family, quote.outputs), (SPEND, quote.price))
        counted = [(plan.limits, used), *((plan.windows[name], self._within(one, name)) for name in plan.windows)]
        for limits, so_far in counted:
            for measure, amount in asked:
                limit = limits.of(measure)
                if limit is not None and so_far[measure] + amount > limit:
                    return True
        return plan.overage is None and used[SPEND] + quote.price > plan.allowance

    def _within(self, one: Sold, name: str) -> Counter[str]:
        """The use of the hour or the day in which an operation was admitted, or of the account's life."""
        account, period, window, start = one.operation.account, one.operation.period, Window(name), 0
        if window in NARROW:
            start = max(span_at(window, self.zones(account, one.at), one.at).start, period.start)
        return self.narrow.setdefault((account, window, start), Counter())

    def _plan(self, currency: str, at: int) -> Plan | None:
        """The plan in the account's currency; as it is written if there is no rate."""
        plan = self.otherwise.plan
        if plan is None or plan.currency == currency:
            return plan
        rate = self.otherwise.selling.exchange.at(plan.currency, currency, at)
        return plan if rate is None else plan_in(plan, rate.rate, currency)

    def _count(self, one: Sold, quote: Quote, outputs: int, price: int) -> None:
        self.played.add(_place(one))
        self.currencies[one.operation.account] = one.charged.currency
        self._add(one, quote, outputs, price)

    def _add(self, one: Sold, quote: Quote, outputs: int, price: int) -> None:
        place, family, plan = _place(one), one.operation.family, self.otherwise.plan
        windows = () if plan is None else plan.windows
        for used in (self.used.setdefault(place, Counter()), *(self._within(one, name) for name in windows)):
            used[family] += outputs
            used[SPEND] += price
        if quote.sale is not None and quote.sale.tariff:
            self.volume.setdefault(place, Counter()).update(dict.fromkeys(counted_by(family, quote.model), outputs))

    def _fee(self, plan: Plan, account: str, start: int, used: int) -> Fees:
        currency = self.currencies.get(account, plan.currency)
        own = self._plan(currency, start) or plan
        covered = min(used, own.allowance)
        beyond = used - covered if own.allowance else 0
        factor = AT_ONE if own.overage is None else own.overage
        return Fees(
            account, currency, start, own.price, covered, at_factors(((beyond, factor),), AT_ONE, 1, 1) - beyond
        )


def _place(one: Sold) -> tuple[str, int]:
    return one.operation.account, one.operation.period.start


def _elsewhere(one: Sold) -> Sold:
    """As another model would have delivered it: nobody knows what that would have counted or billed."""
    told = one.completed
    completed = ProviderCompleted(
        told.operation, told.at, told.assets, None, told.late, lost=told.lost, losses=told.losses
    )
    return replace(one, completed=completed)
