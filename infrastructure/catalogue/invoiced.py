"""Prices that a provider's invoices suggest, as an overlay to be reviewed, as `catalogue check` writes one.

    a model's month, no cost of it unknown ─┬─ one rate, and a quantity: invoiced / quantity ───────────┬─ [[change]]
                                            ├─ several: the rates in force, times invoiced / computed ──┘
                                            └─ metered, without lines, or prices that begin later ── a note

A price of the account's own stays: only what the provider bills us is another. Nothing is proposed for a model of whose
operations some have a cost that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from application.keeping.invoicedmonths import ModelDifference, MonthComparison
from domain.catalogue import Catalogue, Model
from domain.counts import counted
from domain.money import MICROS, Money
from domain.pricing import PriceRule
from infrastructure.catalogue.written import Change, OverlayDraft, overlay_under

DIGITS: Final = Context(prec=6, rounding=ROUND_HALF_EVEN)
"""A rate that is worked out is rounded to so many: an invoice is in cents."""


@dataclass(frozen=True, slots=True)
class PriceProposal:
    """The overlay as TOML, empty if there is nothing to propose; the models that it changes, and why others not."""

    text: str
    models: tuple[str, ...]
    notes: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """It as JSON; the overlay is null if there is nothing to propose."""
        return {"models": list(self.models), "notes": list(self.notes), "overlay": self.text or None}


def proposed_prices(month: MonthComparison, catalogue: Catalogue, at: int) -> PriceProposal:
    """The prices by which the month would have come to what was invoiced."""
    changes, notes = dict[str, Change](), list[str]()
    for one in month.models:
        if not one.differs:
            continue
        why = _why_not(one, catalogue, at)
        if why:
            notes.append(f"{one.model or one.name}: {why}")
            continue
        changes[one.model] = _changed(one, catalogue.get(one.model), month, at)
    told = f"What {month.provider} invoiced for {month.month} against our costs. Review it before you use it."
    draft = OverlayDraft(changes, {}, {})
    text = overlay_under(told, month.provider, month.currency, draft) if changes else ""
    return PriceProposal(text, tuple(sorted(changes)), tuple(notes))


def _why_not(one: ModelDifference, catalogue: Catalogue, at: int) -> str:
    if one.invoiced is None:
        return "no line of an invoice says what it cost"
    if not one.model or one.model not in catalogue.models:
        return "the catalogue has no such model"
    if one.unknown:
        return f"nobody knows what {one.unknown} of its operations cost"
    if not one.computed or one.invoiced <= 0:
        return "one of the two sums is nothing"
    rules = catalogue.get(one.model).prices
    if not rules or any(rule.meters or rule.rate is None for rule in rules):
        return "it is metered or has no price"
    return "it has prices that begin later" if any(rule.effective_from > at for rule in rules) else ""


def _changed(one: ModelDifference, model: Model, month: MonthComparison, at: int) -> Change:
    assert one.invoiced is not None, "it has a line"
    invoiced, computed = (Money(amount, month.currency) for amount in (one.invoiced, one.computed or 0))
    why = f"{month.month}: invoiced {invoiced}, computed {computed} for {counted(one.operations, 'operation')}"
    rules, ratio = [*_in_force(model, at)], Fraction(one.invoiced, one.computed or 1)
    if len(rules) == 1 and one.quantity is not None:
        rate = Fraction(one.invoiced, MICROS) / Fraction(one.quantity)
        return Change(model, [why], prices=(_at(rules[0], rate),))
    return Change(model, [why], prices=tuple(_at(rule, Fraction(_billed(rule)) * ratio) for rule in rules))


def _in_force(model: Model, at: int) -> Iterator[PriceRule]:
    """The newest rule of each case; the entry's prices are replaced as a whole."""
    newest: dict[frozenset[tuple[str, frozenset[object]]], PriceRule] = {}
    for rule in sorted(model.prices, key=lambda rule: rule.effective_from):
        if rule.effective_from <= at:
            newest[frozenset((name, frozenset(values)) for name, values in rule.when.items())] = rule
    yield from newest.values()


def _billed(rule: PriceRule) -> Decimal:
    """The rate at which the provider bills us."""
    assert rule.rate is not None, "metered ones are left out"
    return rule.rate if rule.cost_rate is None else rule.cost_rate


def _at(rule: PriceRule, billed: Fraction) -> PriceRule:
    """The rule at another rate of the provider's; an account's price follows, unless it is one of its own."""
    rate = DIGITS.divide(Decimal(billed.numerator), Decimal(billed.denominator))
    return replace(rule, rate=rate) if rule.cost_rate in (None, rule.rate) else replace(rule, cost_rate=rate)
