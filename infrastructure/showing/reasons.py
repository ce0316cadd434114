"""Why an operation came out as it did, in sentences: what was asked, the model, every limit, the money.

The figures of limits are those of the moment before it was asked, from the log; nothing here is worked out from today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from application.asking.refusals import OVER, refusal_in_words, substituted_in_words
from domain.charging import CostSource
from domain.counts import counted
from domain.money import Money
from domain.operation import (
    Adjusted,
    Charged,
    OperationFact,
    ProviderCompleted,
    ProviderFailed,
    Rejected,
    Released,
    Requested,
    Rerouted,
    Substituted,
    Validated,
)
from domain.plans import SPEND
from domain.totals import scopes_of
from domain.wallet import Draws, sum_of
from infrastructure.showing.formats import iso, limit_of
from infrastructure.showing.revocations import revoked_in_words
from infrastructure.showing.sales import sale_in_words
from infrastructure.showing.stories import in_words, reckoned, short
from infrastructure.showing.wallets import back_in_words

if TYPE_CHECKING:
    from application.keeping.accountviews import LimitsView
    from application.keeping.revocations import RevokedGrant
    from application.keeping.stories import Event
    from application.ledger.contents import Body
    from domain.counting import LimitStanding
    from domain.pricing import Quote

STRATEGIES: Final[Mapping[str, str]] = {
    "auto": "the best balance of price and quality",
    "balanced": "the best balance of price and quality",
    "cheapest": "the lowest price",
    "best": "the highest quality",
}
SOURCES: Final[Mapping[str, str]] = {
    CostSource.PROVIDER: "the provider said what it bills",
    CostSource.COUNTED: "the provider counted what was used, and each count has a rate",
    CostSource.QUOTED: "the price was known before",
    CostSource.CAPPED: "it is what was held, which it does not exceed",
    CostSource.ESTIMATED: "it is the most that it can be, as not all was counted",
    CostSource.UNKNOWN: "nobody knows it",
}
LONGEST: Final = 32
"""Characters of an input that are told; of a longer one only how long it is, as it may be a prompt."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """The material: an operation's facts, the limits just before them, and what it was asked with, unless erased.

    `place` is its place in its batch, and `revocations` are those of its account's grants.
    """

    events: Sequence[Event]
    limits: LimitsView
    balance: int | None
    content: Body | None
    place: int
    revocations: Sequence[RevokedGrant] = ()

    def sentences(self) -> Iterator[str]:
        """From the request to what it has come to."""
        facts = [one.fact for one in self.events if isinstance(one.fact, OperationFact)]
        asked = facts[0]
        assert isinstance(asked, Requested), "an operation begins with Requested"
        yield _asked(asked)
        yield from self._inputs(asked)
        yield from self._model(asked, facts)
        yield from self._limits(asked, facts)
        for event, fact in zip(self.events, facts, strict=False):
            yield from _told(event, fact)
        yield from revoked_in_words(self.events, self.revocations)

    def _inputs(self, asked: Requested) -> Iterator[str]:
        for given in asked.inputs:
            yield f"It came with a file for {given.field}: {given.media_type}, asset {given.id}."
        if self.content is None:
            refused = any(isinstance(event.fact, Rejected) for event in self.events)
            yield "Of a refused request no inputs are kept." if refused else "Its inputs are erased."
            return
        inputs = self.content.inputs_at(self.place, asked.operation.model) if self._takes(asked) else {}
        if inputs:
            yield f"Its inputs were {', '.join(_input(name, value) for name, value in sorted(inputs.items()))}."

    def _takes(self, asked: Requested) -> bool:
        assert self.content is not None, "it is asked with content alone"
        known = self.content.each[self.place] if self.content.each else self.content.inputs
        return asked.operation.model in known

    def _model(self, asked: Requested, facts: Sequence[OperationFact]) -> Iterator[str]:
        first, chosen = asked.operation.model, facts[-1].operation
        strategy = "" if self.content is None else self.content.strategy_at(self.place)
        others = () if self.content is None else self._others(first)
        if strategy:
            how = STRATEGIES.get(strategy, strategy)
            yield f"No model was named: by the strategy {strategy!r}, {how}, {first} came first."
            also = f"Able as well, to be asked next if it had refused: {', '.join(others)}."
            yield also if others else "No other model was able and allowed to do it."
        elif self.content is not None:
            yield f"The request named its model, {first}, so no other was considered."
        for fact in facts:
            if isinstance(fact, Substituted):
                yield f"By the account's terms another model took its place: {substituted_in_words(fact)}."
            if isinstance(fact, Rerouted):
                next_one = f"{fact.quote.model} was asked next, {_reckoned(fact.quote)}"
                yield f"It was refused there ({fact.code}), so {next_one}."
        yield f"It is the work of {chosen.model} at {chosen.provider}."

    def _others(self, first: str) -> tuple[str, ...]:
        assert self.content is not None, "they are of content alone"
        known = self.content.each[self.place] if self.content.each else self.content.inputs
        return tuple(one for one in known if one != first)

    def _limits(self, asked: Requested, facts: Sequence[OperationFact]) -> Iterator[str]:
        operation = asked.operation
        quote = next((fact.quote for fact in facts if isinstance(fact, Validated)), None)
        scopes = scopes_of(operation.user, operation.project, operation.api_key)
        met = [one for one in self.limits.limits if one.scope in scopes and one.measure in (operation.family, SPEND)]
        for one in met:
            yield _limit(one, asked.outputs if one.measure != SPEND else _price(quote), self.limits.currency)
        if not met:
            yield "No limit held for it."
        if self.balance is not None:
            yield f"The prepaid balance was {Money(self.balance, self.limits.currency)}."

    def costs(self) -> Iterator[str]:
        """The operator's own side: how our cost is known, and what became of it."""
        for event in self.events:
            match event.fact:
                case Validated(quote=quote) | Rerouted(quote=quote) if (
                    quote.listed is not None or quote.sale is not None
                ):
                    yield f"Our cost was reckoned as {reckoned(quote)}{sale_in_words(quote)}."
                case Charged() | Released() as fact:
                    yield _known("our cost", fact.cost, fact.cost_currency or fact.currency, fact.cost_source)
                case Adjusted() as fact if fact.cost or fact.revealed:
                    cost = Money(fact.cost, fact.cost_currency or fact.currency)
                    changed = f"{cost}, {fact.reason} (reference {fact.reference})"
                    yield f"{iso(fact.at)}: our cost was corrected by {changed}, by {event.actor}."


def _reckoned(quote: Quote) -> str:
    """The price by its units and rate; of a tariff, and of the provider's own quote, the rest is the operator's."""
    if quote.sale is not None:
        tariff = f"by tariff {quote.sale.tariff}" if quote.sale.tariff else "at the price book's price"
        return f"{quote.units} {quote.unit}, {tariff}"
    return reckoned(replace(quote, listed=None))


def _asked(asked: Requested) -> str:
    operation = asked.operation
    whose = f"{operation.user} of {operation.account}" if operation.user != operation.account else operation.account
    words = [f"{whose} asked on {iso(asked.at)} for {counted(asked.outputs, 'output')} of {operation.kind}"]
    words += [f"for project {operation.project}"] if operation.project else []
    words += [f"by the API key {operation.api_key}"] if operation.api_key else []
    words += [f"under the idempotency key {asked.key!r}"] if asked.key is not None else []
    return f"{', '.join(words)}."


def _input(name: str, value: Any) -> str:
    if isinstance(value, str) and (len(value) > LONGEST or name == "prompt"):
        return f"{name} ({counted(len(value), 'character')})"
    return f"{name} {value}"


def _price(quote: Quote | None) -> int | None:
    return None if quote is None else quote.price


def _limit(one: LimitStanding, asked: int | None, currency: str) -> str:
    """A limit with its numbers at that moment, and what the operation asked of it."""
    whose = "the account's" if one.scope == "account" else f"{one.scope}'s"
    limit, used, held, left = (limit_of(one.measure, n, currency) for n in (one.limit, one.used, one.held, one.left))
    name = f"{whose[0].upper()}{whose[1:]} {one.measure} limit of {limit} {OVER[one.window]}"
    told = f"{name} had {used} used and {held} held"
    if asked is None:
        return f"{told}, which left {left}."
    enough = "enough" if asked <= one.left else "not enough"
    return f"{told}, which left {left}: {enough} for the {limit_of(one.measure, asked, currency)} asked."


def _told(event: Event, fact: OperationFact) -> Iterator[str]:
    """A fact after the request, with how its money is known."""
    match fact:
        case Requested() | Substituted() | Rerouted():
            return
        case Rejected():
            yield f"It was refused: {refusal_in_words(fact)}."
        case Validated(quote=quote):
            price = Money(quote.price, quote.currency)
            yield f"{price} were held: {_reckoned(quote)}, by price book {quote.price_book}."
            yield from _by_whom("Held of grants", fact.drawn, quote.price, quote.currency)
        case Charged():
            price = Money(fact.price, fact.currency)
            yield f"{price} were charged for {fact.units} {fact.unit}, by price book {fact.price_book}."
            yield _known("the price", fact.price, fact.currency, fact.price_source)
            yield from _by_whom("Paid by grants", fact.drawn, fact.price, fact.currency)
        case Released():
            price = Money(fact.price, fact.currency)
            yield f"The hold of {price} is free again, and nothing is charged: {fact.reason}."
        case ProviderCompleted():
            yield f"{iso(fact.at)}: {fact.operation.provider} delivered {in_words(fact).words}."
        case ProviderFailed():
            yield f"{iso(fact.at)}: {fact.operation.provider} failed with {fact.code}."
        case Adjusted(price=price, reason=reason, reference=reference):
            if price:
                told = f"{Money(price, fact.currency)}, {reason} (reference {reference}), by {event.actor}"
                yield f"{iso(fact.at)}: the price was corrected by {told}{back_in_words(fact.back, fact.currency)}."
        case _:
            yield f"{iso(fact.at)}: {short(event.topic)}, {in_words(fact).words}."


def _by_whom(what: str, drawn: Draws | None, price: int, currency: str) -> Iterator[str]:
    """The grants that pay, each with its part, and the rest; nothing if none does."""
    if drawn:
        parts = ", ".join(f"{Money(one.amount, currency)} of {one.grant} ({one.source})" for one in drawn)
        yield f"{what}: {parts}; the account's own money: {Money(price - sum_of(drawn), currency)}."


def _known(what: str, micros: int | None, currency: str, source: CostSource | None) -> str:
    amount = "unknown" if micros is None else str(Money(micros, currency))
    how = f" ({source}): {SOURCES[source]}" if source is not None else ""
    return f"{what[0].upper()}{what[1:]} is {amount}{how}."
