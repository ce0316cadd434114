"""Tariffs: dated rules by which the price to the customer follows from what the work costs.

    plan, provider, kind, model ── the most specific rule ── volume of the period ──> the tier ──┐
                                └─ the most specific discount in force, or the account's own ────┴──> Sale ──> Quote

A rule that names more holds before one that names less, and a model counts twice, because it says its provider, too.
Two rules between which that does not decide are refused when the tariff is loaded, unless a third decides wherever both
hold.

The volume is the outputs held or charged in the period under any tariff, of the operation's family or model. An
operation is in the tier of its first output, whole: one that begins below an edge and ends beyond it is not split.
Outputs of the operations before it in a batch count before it. A refund moves no tier, a release does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations, pairwise
from typing import Final, TypeVar

from domain.counts import counted
from domain.errors import InvalidInput
from domain.exchange import NO_EXCHANGE, ExchangeRate, ExchangeRates
from domain.inputs import plain
from domain.periods import EARLIEST, LATEST
from domain.pricing import Quote
from domain.selling import COST, LIST, NOTHING, ONE, Sale
from domain.value import value

NAMED: Final = ("plan", "provider", "kind", "model")
"""The names that a rule or a discount may be for."""

FAMILY: Final = "family"
MODEL: Final = "model"
BY: Final = (FAMILY, MODEL)
"""The ways to count the volume of a rule with tiers."""

Case = Mapping[str, str]
When = Mapping[str, frozenset[str]]


@value
class Tier:
    """Holds for operations before which at least `after` outputs were counted; `added` is in micro-units an output."""

    after: int
    factor: Decimal
    added: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A markup on the cost, or on the price book's price, for what is one of each `when`; several tiers count `by`."""

    tiers: tuple[Tier, ...]
    when: When = field(default_factory=dict)
    of: str = LIST
    by: str = FAMILY
    start: int = EARLIEST
    end: int = LATEST

    @property
    def name(self) -> str:
        """In words, such as "kind text-to-image, plan pro"."""
        return _named(self.when)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """So many percent off, for what is one of each `when`, from `start` until `end`."""

    percent: Decimal
    when: When = field(default_factory=dict)
    start: int = EARLIEST
    end: int = LATEST

    @property
    def name(self) -> str:
        return _named(self.when)


@value
class OwnDiscount:
    """The discount that an account agreed, in the place of its tariff's."""

    percent: Decimal
    start: int = EARLIEST
    end: int = LATEST


@dataclass(frozen=True, slots=True)
class Tariff:
    """The rules and discounts of one name from an instant on; `version` is a digest of what they say."""

    id: str
    effective_from: int
    rules: tuple[Rule, ...]
    discounts: tuple[Discount, ...]
    version: str


NO_OFF: Final = OwnDiscount(NOTHING)
_LIST_PRICE: Final = Rule(tiers=(Tier(0, ONE),))
_Dated = TypeVar("_Dated", Rule, Discount)


@dataclass(frozen=True, slots=True)
class Selling:
    """All that prices to customers are made by: tariffs by id, each by date, which plans they are of, and the currency
    and exchange of the price book."""

    currency: str
    tariffs: Mapping[str, Sequence[Tariff]] = field(default_factory=dict)
    plans: Mapping[str, str] = field(default_factory=dict)
    exchange: ExchangeRates = NO_EXCHANGE

    def tariff(self, id: str, at: int) -> Tariff | None:
        """The tariff in force at an instant; None if there is none of that name yet."""
        found = [one for one in self.tariffs.get(id, ()) if one.effective_from <= at]
        return found[-1] if found else None


@value
class Buyer:
    """The terms of whoever pays, as far as prices depend on them."""

    plan: str
    currency: str
    tariff: str = ""
    discount: OwnDiscount | None = None


@value
class Errand:
    """The kind of work, the instant whose terms hold, and the volume of the period by "family:…" and "model:…"."""

    kind: str
    family: str
    at: int
    volume: Mapping[str, int] = field(default_factory=dict)


def tariff_of(id: str, effective_from: int, rules: Sequence[Rule], discounts: Sequence[Discount] = ()) -> Tariff:
    """A tariff of these rules, checked. Raises InvalidInput for what does not decide."""
    for rule in rules:
        _check_tiers(rule)
    several: Sequence[tuple[str, Sequence[Rule | Discount]]] = (("rules", rules), ("discounts", discounts))
    for what, entries in several:
        if undecided := _undecided(entries):
            told = f"two {what} hold for the same work, and neither names more: "
            raise InvalidInput(
                "when",
                told + "; ".join(one.name for one in undecided),
                hint="name more in one, or add one for what both name",
            )
    content = json.dumps([id, effective_from, _content(rules), _off(discounts)], separators=(",", ":"))
    version = hashlib.sha256(content.encode()).hexdigest()[:12]
    return Tariff(id, effective_from, tuple(rules), tuple(discounts), version)


def sold(selling: Selling, buyer: Buyer, errand: Errand, quotes: Sequence[Quote]) -> tuple[Quote, ...]:
    """The quotes of a batch at what they are sold for; those of the price book where nothing else is agreed.

    Their currency is the buyer's if a rate of exchange leads there, and the price book's otherwise.
    """
    tariff = selling.tariff(buyer.tariff or selling.plans.get(buyer.plan, ""), errand.at)
    own = buyer.discount
    off = own if own is not None and own.start <= errand.at < own.end else None
    is_foreign = any(quote.currency != buyer.currency for quote in quotes)
    if tariff is None and off is None and not is_foreign:
        return tuple(quotes)
    volume, found = dict(errand.volume), []
    for quote in quotes:
        rate = None
        if quote.currency != buyer.currency:
            rate = selling.exchange.at(quote.currency, buyer.currency, errand.at)
            if rate is None:
                found.append(quote)
                continue
        found.append(_sold(quote, _sale(quote, buyer, errand, tariff, off, rate, volume), buyer.currency))
        for name in () if tariff is None else counted_by(errand.family, quote.model):
            volume[name] = volume.get(name, 0) + quote.outputs
    return tuple(found)


def tells_models_apart(selling: Selling, buyer: Buyer, at: int) -> bool:
    """Whether a buyer may find the models of a kind in another order of prices than the price book's.

    A factor, a discount or a rate of exchange that holds for all of them changes no order.
    """
    tariff = selling.tariff(buyer.tariff or selling.plans.get(buyer.plan, ""), at)
    if tariff is None:
        return False
    named = [rule.when.keys() for rule in tariff.rules] + [off.when.keys() for off in tariff.discounts]
    by_itself = [rule for rule in tariff.rules if rule.of == COST or (rule.by == MODEL and len(rule.tiers) > 1)]
    return bool(by_itself) or any(when & {"provider", MODEL} for when in named)


def counted_by(family: str, model: str) -> tuple[str, str]:
    """The names under which outputs are counted for tiers."""
    return f"{FAMILY}:{family}", f"{MODEL}:{model}"


def _sale(
    quote: Quote,
    buyer: Buyer,
    errand: Errand,
    tariff: Tariff | None,
    off: OwnDiscount | None,
    rate: ExchangeRate | None,
    volume: Mapping[str, int],
) -> Sale:
    case = {"plan": buyer.plan, "provider": quote.provider, "kind": errand.kind, "model": quote.model}
    rule = None if tariff is None else _holding(tariff.rules, case, errand.at)
    if off is None:
        its = None if tariff is None else _holding(tariff.discounts, case, errand.at)
        off = NO_OFF if its is None else OwnDiscount(its.percent)
    held = rule or _LIST_PRICE
    before = volume.get(counted_by(errand.family, quote.model)[BY.index(held.by)], 0)
    tier = max((one for one in held.tiers if one.after <= before), key=lambda one: one.after)
    return Sale(
        listed=None if quote.rate is None else quote.price,
        currency=quote.currency,
        tariff="" if tariff is None else tariff.id,
        version="" if tariff is None else tariff.version,
        rule="" if rule is None else rule.name,
        of=held.of,
        factor=tier.factor,
        added=tier.added,
        percent=off.percent,
        before=before if len(held.tiers) > 1 else None,
        rate=None if rate is None else rate.rate,
        rate_source="" if rate is None else rate.source,
        rate_from=0 if rate is None else rate.effective_from,
    )


def _sold(quote: Quote, sale: Sale, currency: str) -> Quote:
    """A quote of no known price keeps its cap, which is the account's own."""
    if quote.rate is None:
        return replace(quote, sale=sale, currency=currency)
    price = sale.price_of(quote.price, quote.cost, quote.outputs)
    return replace(quote, price=price, sale=sale, currency=currency)


def _holding(entries: Sequence[_Dated], case: Case, at: int) -> _Dated | None:
    """The one that names the most of those that hold."""
    holding = [
        one
        for one in entries
        if one.start <= at < one.end and all(case[name] in values for name, values in one.when.items())
    ]
    return max(holding, key=_weight, default=None)


def _weight(one: Rule | Discount) -> int:
    return sum(2 if name == MODEL else 1 for name in one.when)


def _undecided(entries: Sequence[Rule | Discount]) -> tuple[Rule | Discount, Rule | Discount] | None:
    """Two that may hold for the same work at the same time, equally specific, without a third that decides."""
    for one, other in combinations(entries, 2):
        start, end = max(one.start, other.start), min(one.end, other.end)
        if _weight(one) != _weight(other) or start >= end:
            continue
        both = {name: _values(name, one, other) for name in {*one.when, *other.when}}
        if not all(both.values()):
            continue
        if not any(_covers(third, both, start, end) and _weight(third) > _weight(one) for third in entries):
            return one, other
    return None


def _values(name: str, one: Rule | Discount, other: Rule | Discount) -> frozenset[str]:
    if name in one.when and name in other.when:
        return one.when[name] & other.when[name]
    return one.when.get(name) or other.when[name]


def _covers(third: Rule | Discount, both: When, start: int, end: int) -> bool:
    inside = all(name in both and both[name] <= values for name, values in third.when.items())
    return inside and third.start <= start and third.end >= end


def _check_tiers(rule: Rule) -> None:
    if not rule.tiers or rule.tiers[0].after != 0:
        raise InvalidInput("tiers", "none begins at the first output", hint="let one be after 0")
    for one, later in pairwise(rule.tiers):
        if later.after <= one.after:
            raise InvalidInput("tiers", f"{later.after} does not follow {one.after}", hint="write them in order")
        if later.factor > one.factor or later.added > one.added:
            told = f"the price rises after {counted(later.after, 'output')}"
            raise InvalidInput("tiers", told, hint="a tier is at most as dear as the one before it")


def _named(when: When) -> str:
    return ", ".join(f"{name} {' or '.join(sorted(when[name]))}" for name in NAMED if name in when) or "all"


def _content(rules: Iterable[Rule]) -> object:
    return sorted(
        [_named(rule.when), rule.of, rule.by, *(f"{one.after} {plain(one.factor)} {one.added}" for one in rule.tiers)]
        for rule in rules
    )


def _off(discounts: Iterable[Discount]) -> object:
    return sorted([_named(one.when), plain(one.percent), str(one.start), str(one.end)] for one in discounts)
