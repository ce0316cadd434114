"""Repricing: charges priced again by another price book, and the correction that follows.

    facts of a charged operation ── what it was asked with ──> Sold ── another book ──> Quote ── as it was delivered
        └── what was charged, with earlier repricings ─────────────────────────────────────── less that ──> change

The operation keeps its terms of sale: tariff, factor, discount and rate of exchange are those of its quote. A price is
raised only if whoever runs the studio says so. A provider's own bill stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from domain import lifecycle
from domain.charging import CostSource, LostOutputs, Reckoning, Told, reckon
from domain.errors import ImageStudioError
from domain.goodwill import left_to_give
from domain.inputs import FileInfo, Scalar
from domain.ledger import Fact, Ledger, find
from domain.operation import (
    Adjusted,
    Charged,
    Operation,
    ProviderCompleted,
    Requested,
    Rerouted,
    Settled,
    State,
    Validated,
)
from domain.pricing import PriceBook, Priced, Quote, quote
from domain.raising import raise_charge
from domain.settlement import adjust
from domain.value import value

REPRICED: Final = "reprice-"
"""With the version of the price book: the reference under which an operation is repriced once."""
RAISED: Final = "-raised"
"""Follows where a charge is raised, which may be decided after costs were corrected by the same book."""


@value
class Sold:
    """A charged operation as its facts tell it, and the inputs that it was asked with, None if they are erased.

    `at` is the instant whose prices held. `price` and `cost` are as they are with earlier repricings, whose references
    are `repricings`; `left` and `cost_left` are what is left of them after all corrections, such as refunds.
    """

    operation: Operation
    outputs: int
    files: Mapping[str, tuple[FileInfo, ...]]
    quote: Quote
    at: int
    completed: ProviderCompleted
    charged: Charged
    price: int
    cost: int | None
    left: int
    cost_left: int
    repricings: frozenset[str]
    inputs: Mapping[str, Scalar] | None = None


@value
class Repriced:
    """The price and cost that it would have come to, None if that cannot be said, and `why` not."""

    sold: Sold
    price: int | None
    cost: int | None
    why: str = ""


def sold_of(facts: Iterable[Fact]) -> Sold | None:
    """The operation of these facts, which are all of one; None if it was not charged."""
    asked: Requested | None = None
    held: tuple[Quote, int] | None = None
    completed: ProviderCompleted | None = None
    charged: Charged | None = None
    repricings, others = list[Adjusted](), list[Adjusted]()
    for fact in facts:
        match fact:
            case Requested():
                asked = fact
            case Validated() | Rerouted():
                held = (fact.quote, fact.at)
            case ProviderCompleted():
                completed = fact
            case Charged():
                charged = fact
            case Adjusted():
                (repricings if fact.reference.startswith(REPRICED) else others).append(fact)
    if asked is None or held is None or completed is None or charged is None:
        return None
    price, cost = _moved(repricings)
    left, cost_left = _moved([*repricings, *others])
    return Sold(
        operation=charged.operation,
        outputs=held[0].outputs,
        files=_files(asked),
        quote=held[0],
        at=held[1],
        completed=completed,
        charged=charged,
        price=charged.price + price,
        cost=None if charged.cost is None else charged.cost + cost,
        left=charged.price + left,
        cost_left=(charged.cost or 0) + cost_left,
        repricings=frozenset(one.reference for one in repricings),
    )


def _moved(corrections: Iterable[Adjusted]) -> tuple[int, int]:
    several = [*corrections]
    return sum(one.price for one in several), sum(one.cost for one in several)


def _files(asked: Requested) -> Mapping[str, tuple[FileInfo, ...]]:
    found: dict[str, tuple[FileInfo, ...]] = {}
    for one in asked.inputs:
        info = FileInfo(one.media_type, one.size, one.width, one.height, one.duration_ms)
        found[one.field] = (*found.get(one.field, ()), info)
    return found


def listed_again(sold: Sold, model: Priced, book: PriceBook) -> Quote | str:
    """The quote of the price book for the same work, before it is sold; or why there is none."""
    if sold.quote.listed is not None:
        return "its provider quoted it itself"
    if sold.inputs is None and any(rule.when or rule.measure or rule.meters for rule in model.prices):
        return "what it was asked with is erased"
    try:
        found = quote(model, book, sold.inputs or {}, sold.outputs, sold.at, sold.files)
    except ImageStudioError as error:
        return error.message
    return found if isinstance(found, Quote) else found.reason


def as_listed(sold: Sold) -> Quote:
    """The quote of the price book by which it was sold, before it was sold."""
    sale = sold.quote.sale
    if sale is None:
        return sold.quote
    price = sold.quote.price if sale.listed is None else sale.listed
    return replace(sold.quote, price=price, currency=sale.currency, sale=None)


def settled_by(sold: Sold, quote: Quote) -> Reckoning:
    """The charge and cost of what was delivered, had it been held at another quote."""
    completed, made = sold.completed, len(sold.completed.assets) + sold.completed.lost
    is_lost_charged = sold.charged.outputs == min(made, sold.outputs)
    lost = LostOutputs(completed.lost, is_lost_charged, completed.losses)
    told = Told(completed.cost, completed.usage, completed.rough)
    return reckon(quote, len(completed.assets), lost, told)


def repriced(sold: Sold, model: Priced | None, book: PriceBook) -> Repriced:
    """The price and cost by another price book, at its own terms of sale."""
    if model is None:
        return Repriced(sold, None, None, "the price book has no such model")
    listed = listed_again(sold, model, book)
    if isinstance(listed, str):
        return Repriced(sold, None, None, listed)
    sale = sold.quote.sale
    if sale is not None:
        price = sale.price_of(listed.price, listed.cost, listed.outputs)
        listed = replace(listed, price=price, currency=sold.quote.currency, sale=replace(sale, listed=listed.price))
    elif listed.currency != sold.quote.currency:
        return Repriced(sold, None, None, f"it was sold in {sold.quote.currency}")
    found = settled_by(sold, listed)
    billed = sold.charged.cost_source is CostSource.PROVIDER
    return Repriced(sold, found.price, sold.cost if billed or sold.cost is None else found.cost)


def reprice(ledger: Ledger, found: Repriced, book: str, reason: str, now: int) -> list[Fact]:
    """Book the change that a repricing found, once for a price book; nothing if there is none, or only a rise.

    Never more is given back than is left of the charge, and than goodwill left of its period's charges.
    """
    id, reference = found.sold.operation.id, REPRICED + book
    state = find(ledger, id)
    if not isinstance(state, Settled) or _was_repriced(state, reference):
        return []
    price, cost = changes(found)
    price = max(min(price, 0), -(state.charged + state.adjusted))
    if ledger.evidence.charged is not None:
        price = max(price, -left_to_give(ledger, state.operation.period))
    cost = max(cost, -state.cost)
    return adjust(ledger, id, price, cost, reason, reference, now) if price or cost else []


def raise_repriced(ledger: Ledger, found: Repriced, book: str, reason: str, now: int) -> list[Fact]:
    """Book the rise that a repricing found, with its change of cost, once for a price book; nothing if there is none.

    Raises NotCovered if a balance that was paid beforehand does not cover it.
    """
    id, reference = found.sold.operation.id, REPRICED + book
    state = find(ledger, id)
    price, cost = changes(found)
    if not isinstance(state, Settled) or price <= 0 or lifecycle.was_corrected(state, reference + RAISED):
        return []
    cost = 0 if lifecycle.was_corrected(state, reference) else max(cost, -state.cost)
    return raise_charge(ledger, id, price, cost, reason, reference + RAISED, now)


def _was_repriced(state: Settled, reference: str) -> bool:
    return any(lifecycle.was_corrected(state, one) for one in (reference, reference + RAISED))


def was_covered(state: State, found: Repriced, book: str, facts: Iterable[Fact]) -> bool:
    """Whether all is given back that was due, by these facts or by somebody before; `state` is of after them."""
    price, _ = due(found, book)
    booked = [fact.price for fact in facts if isinstance(fact, Adjusted)]
    if price >= 0 or booked:
        return price >= 0 or sum(booked) <= price
    return any(lifecycle.was_corrected(state, one) for one in (REPRICED + book, REPRICED + book + RAISED))


def changes(found: Repriced) -> tuple[int, int]:
    """By how much price and cost are to change; 0 where nobody can say."""
    price = 0 if found.price is None else found.price - found.sold.price
    if found.cost is None or found.sold.cost is None:
        return price, 0
    return price, found.cost - found.sold.cost


def due(found: Repriced, book: str) -> tuple[int, int]:
    """By how much price and cost are still to change by this price book: once for it, and no more than is left."""
    price, cost = changes(found)
    if was_booked(found, book):
        return 0, 0
    once = REPRICED + book in found.sold.repricings
    return max(price, -found.sold.left), 0 if once else max(cost, -found.sold.cost_left)


def was_booked(found: Repriced, book: str) -> bool:
    """Whether nothing of this price book is booked any more; a rise may follow a correction that left it out."""
    reference, done = REPRICED + book, found.sold.repricings
    return reference + RAISED in done or (changes(found)[0] <= 0 and reference in done)


def priced_together(found: Sequence[Repriced]) -> dict[tuple[str, str], list[Repriced]]:
    """By account and model, in their order."""
    groups: dict[tuple[str, str], list[Repriced]] = {}
    for one in found:
        groups.setdefault((one.sold.operation.account, one.sold.operation.model), []).append(one)
    return dict(sorted(groups.items()))
