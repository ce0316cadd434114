"""Facts in words for whoever pays: the same sentences, without what the operator pays for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domain.ledger import Fact
from domain.money import Money
from domain.operation import Adjusted, Charged, ProviderCompleted, Released, Rerouted, Validated
from infrastructure.showing.stories import Telling, event_document, in_words

if TYPE_CHECKING:
    from application.keeping.stories import Event


def in_customers_words(fact: Fact) -> Telling:
    """A fact as its account is told it: no cost, and no provider's own price."""
    match fact:
        case Charged():
            how = f" ({fact.price_source})" if fact.price_source is not None else ""
            words = f"for {fact.units} {fact.unit}{how}; price book {fact.price_book}"
            return Telling(Money(fact.price, fact.currency), words)
        case Released() | Adjusted() | ProviderCompleted():
            return in_words(replace(fact, cost=0))
        case Validated() | Rerouted():
            return in_words(replace(fact, quote=replace(fact.quote, listed=None)))
    return in_words(fact)


def told_document(event: Event, *, ours: bool) -> dict[str, Any]:
    """A stored fact with its words; with `ours` those of whoever runs the studio, who sees costs."""
    telling = in_words(event.fact) if ours else in_customers_words(event.fact)
    return {**event_document(event), "words": telling.words}
