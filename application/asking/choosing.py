"""Which model does a request, at what price, and which may follow if it is definitely refused.

wish, classes ── offers ──> the first ── the provider's own quote ──> Choice
                    └── those that follow at no more than is held ──> others
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from application.asking.buying import Till
from application.asking.consent import Consents, allowed_by, may_be_substituted, most_of
from application.asking.requests import Request
from application.ports import Media, Provider, Scalar
from application.providing.lacking import missing_here
from application.providing.quotes import ProviderQuotes
from application.providing.tasks import facts_of_media, outline
from domain.admission import too_dear
from domain.catalogue import NOT_READY, Catalogue, Class, FileInfo, Model, Offer, Strategy, check_inputs, in_turn
from domain.errors import InvalidInput, UnknownKind, UnknownModel
from domain.fallback import Chain, Prices, pick
from domain.pricing import PriceBook, Quote, Unpriced, quote, quoted_by_provider
from domain.sales import is_worth
from domain.value import maker, value
from domain.wishes import as_wished

AUTO = "auto"
STRATEGIES = frozenset(Strategy)

FilesInfo = Mapping[str, tuple[FileInfo, ...]]


@value
class Choice:
    """A model, the inputs as it takes them, and what an operation costs there, by its number of outputs."""

    model: Model
    inputs: Mapping[str, Scalar]
    quotes: Mapping[int, Quote | Unpriced]

    def sold(self, calls: Sequence[int], till: Till | None) -> tuple[Quote | None, ...]:
        """Each of these calls at what it is sold for; None if that is unknown, or it delivers fewer at once."""
        found = [self.quotes.get(outputs) for outputs in calls]
        quotes = [one if isinstance(one, Quote) else None for one in found]
        if till is None or till.is_by_the_book:
            return tuple(quotes)
        return tuple(None if one is None else till.sold((one,))[0] for one in quotes)


@value
class Chosen:
    """The model to use and those to fall back to; `calls` are the outputs of each operation, `allowed` the classes that
    the request itself allows, that of a named model among them, and `instead` the model that the account's terms name
    for what would pass a limit of money. `till` tells what they are sold for, if
    it had to be asked."""

    first: Choice
    others: tuple[Choice, ...]
    calls: tuple[int, ...]
    allowed: frozenset[Class]
    instead: Choice | None = None
    till: Till | None = None

    @property
    def in_turn(self) -> tuple[Choice, ...]:
        """Those that are asked, one after another."""
        return (self.first, *self.others)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Every choice by which it may have to be done."""
        also = (self.instead,) if self.instead is not None else ()
        return (self.first, *self.others, *also)


_make_chosen = maker(Chosen)
_make_choice = maker(Choice)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A model of the kind that would not be asked, and why; `quotes` are for the whole request, if known."""

    model: Model
    quotes: tuple[Quote, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses models and quotes them. `off` are the providers that are switched off, each with how to switch it on."""

    catalogue: Catalogue
    price_book: PriceBook
    quotes: ProviderQuotes
    providers: Mapping[str, Provider]
    off: Mapping[str, str]
    consents: Consents

    def check_named(self, request: Request, now: int) -> None:
        """Raise UnknownModel or UnknownKind at once if a model that was named cannot be used."""
        if request.model not in STRATEGIES:
            self.catalogue.named(request.kind, request.model, now, self._lacks)

    async def till(self, request: Request, now: int) -> Till | None:
        """The till at which a request is paid; None: at the price book's prices."""
        return await self.consents.till(request, str(self.catalogue.family(request.kind)), now)

    def currency_at(self, till: Till | None) -> str:
        """The currency in which a request is paid."""
        return self.price_book.currency if till is None else till.currency

    async def choose(self, request: Request, media: Mapping[str, tuple[Media, ...]], now: int) -> Chosen:
        """The models for a request, each with its inputs as it takes them and its quotes. Raises InvalidRequest."""
        facts = {name: tuple(facts_of_media(one) for one in many) for name, many in media.items()}
        allowed = allowed_by(request)
        rest: Sequence[Offer] = ()
        till = await self._till_for(request, now)
        if request.model in STRATEGIES:
            offer, *rest = await self._offers(request, allowed, facts, now, till)
            first = offer.model
        else:  # a model that is named has no other beside it, and its class is allowed by that
            first = self.catalogue.named(request.kind, request.model, now, self._lacks)
            allowed |= {first.class_}
        calls = _outputs(request.n, first.per_call)
        choice = self._choice(request, first, set(calls), facts, now)
        if self.quotes.enabled:
            choice = await self._exact(request.kind, choice, media)
        others = self._others(request, choice, rest, facts, now, till) if rest else ()
        instead = None
        if may_be_substituted(request) and not self.consents.refuses_on_limit(request.account):
            instead = await self._instead(request, choice, calls, facts, now)
        return _make_chosen(choice, others, calls, allowed, instead, till)

    async def _till_for(self, request: Request, now: int) -> Till | None:
        """The till, if the request bounds its price, or models come in another order there; else None."""
        if request.max_price is not None:
            return await self.till(request, now)
        if request.model not in STRATEGIES:
            return None
        return await self.consents.ranking_till(request, str(self.catalogue.family(request.kind)), now)

    async def _instead(
        self, request: Request, first: Choice, calls: tuple[int, ...], facts: FilesInfo, now: int
    ) -> Choice | None:
        """The model that does the request if the first would pass a limit of money; None if it cannot, or is it."""
        if not (named := await self.consents.on_limit(request.account)):
            return None
        try:
            model = self.catalogue.named(request.kind, named, now, self._lacks)
            choice = self._choice(request, model, set(calls), facts, now)
        except (InvalidInput, UnknownKind, UnknownModel):
            return None
        known = all(isinstance(choice.quotes.get(outputs), Quote) for outputs in calls)
        return choice if known and model.id != first.model.id else None

    async def passed_over(
        self, request: Request, chosen: Chosen, media: Mapping[str, tuple[Media, ...]], now: int
    ) -> tuple[PassedOver, ...]:
        """Every other model of the kind, and why a strategy would not have it asked; of a named model there is none."""
        if request.model not in STRATEGIES:
            return ()
        facts = {name: tuple(facts_of_media(one) for one in many) for name, many in media.items()}
        allowed = allowed_by(request)
        allowed |= await self._terms(request, allowed, now)
        chain = self._chain(request, chosen.first, chosen.calls, chosen.till)
        for other in chosen.others:
            chain.add(other.model.provider, _prices(other.sold(chosen.calls, chosen.till)))
        asked = {one.model.id for one in (chosen.first, *chosen.others)}
        others = [model for model in self.catalogue.for_kind(request.kind) if model.id not in asked]
        return tuple(self._passed_over(model, request, chain, chosen, allowed, facts, now) for model in others)

    def _passed_over(
        self,
        model: Model,
        request: Request,
        chain: Chain,
        chosen: Chosen,
        allowed: frozenset[Class],
        facts: FilesInfo,
        now: int,
    ) -> PassedOver:
        why = model.why_unavailable(now) or ("" if model.auto else "it is only asked by its name")
        why = why or ("" if model.class_ in allowed else f"its class, {model.class_}, is not allowed")
        if why := why or (NOT_READY if self._lacks(model) else ""):
            return PassedOver(model, (), why)
        try:
            counts = set(chosen.calls) | set(_outputs(request.n, model.per_call))
            choice = self._choice(request, model, counts, facts, now)
        except InvalidInput as objection:
            return PassedOver(model, (), objection.message)
        own = [choice.quotes.get(outputs) for outputs in _outputs(request.n, model.per_call)]
        known = tuple(quote for quote in own if isinstance(quote, Quote))
        if len(known) < len(own):
            return PassedOver(model, (), "its price is not known")
        sold, held = choice.sold(chosen.calls, chosen.till), chosen.first.sold(chosen.calls, chosen.till)
        why = chain.why_not(_prices(sold)) or ("" if _are_worth(held, sold) else "it is not done for that price")
        why = why or "others come before it"
        return PassedOver(model, known, why)

    async def _offers(
        self, request: Request, allowed: frozenset[Class], facts: FilesInfo, now: int, till: Till | None
    ) -> Sequence[Offer]:
        """The sum that the wish comes to, with the account's terms if they may add to what the request allows."""
        by_terms = await self._terms(request, allowed, now)
        try:
            return self._ranked(request, allowed | by_terms, facts, now, till)
        except UnknownModel:
            fresh = await self._terms(request, allowed | by_terms, now, fresh=True)
            if not fresh:
                raise
        return self._ranked(request, allowed | by_terms | fresh, facts, now, till)

    async def _terms(
        self, request: Request, allowed: frozenset[Class], now: int, *, fresh: bool = False
    ) -> frozenset[Class]:
        """The classes that the account's terms add, asked of its ledger only where any model is of one."""
        more = {model.class_ for model in self.catalogue.candidates(request.kind, now)} - allowed
        if not more:
            return frozenset()
        return await self.consents.of(request.account, fresh=fresh) & more

    def _ranked(
        self, request: Request, allowed: frozenset[Class], facts: FilesInfo, now: int, till: Till | None
    ) -> Sequence[Offer]:
        wish = Strategy.BALANCED if request.model == AUTO else request.model
        inputs = request.inputs if request.wishes is None else partial(_given, request, facts)
        asked = (request.kind, wish, now, inputs, facts, self._lacks)
        offers = self.catalogue.offers(*asked, allowed=allowed, n=request.n)
        if till is not None:
            sold = [self._sold(request, offer, facts, now, till) for offer in offers]
            offers = in_turn(sold, Strategy(wish), now)
        currency = self.currency_at(till)
        most = most_of(request, currency)
        if most is None:
            return offers
        fitting = [offer for offer in offers if offer.price is None or offer.price <= most]
        if not fitting:
            price, place = min((offer.price or 0, place) for place, offer in enumerate(offers))
            raise too_dear(offers[place].model.id, price, most, currency)
        return fitting

    def _sold(self, request: Request, offer: Offer, facts: FilesInfo, now: int, till: Till) -> Offer:
        """The same at the price of all outputs as the till finds it."""
        calls = _outputs(request.n, offer.model.per_call)
        quotes = self._choice(request, offer.model, set(calls), facts, now).quotes
        price = till.price([quotes.get(outputs) for outputs in calls])
        return offer if price is None else Offer(offer.model, price)

    def _others(
        self,
        request: Request,
        first: Choice,
        rest: Sequence[Offer],
        facts: FilesInfo,
        now: int,
        till: Till | None,
    ) -> tuple[Choice, ...]:
        """Those that follow if the first is definitely refused."""
        calls = _outputs(request.n, first.model.per_call)
        found: dict[int, Choice] = {}
        held = first.sold(calls, till)

        def at(place: int) -> Choice:
            if place not in found:
                found[place] = self._choice(request, rest[place].model, set(calls), facts, now)
            return found[place]

        def prices(place: int) -> Prices:
            sold = at(place).sold(calls, till)
            return _prices(sold) if _are_worth(held, sold) else [None] * len(calls)

        chain = self._chain(request, first, calls, till)
        providers = [offer.model.provider for offer in rest]
        return tuple(at(place) for place in pick(chain, providers, prices))

    def _chain(self, request: Request, first: Choice, calls: Sequence[int], till: Till | None) -> Chain:
        """By what is paid; where that is not the price book's, none follows that is dearer, whatever is allowed."""
        held = tuple(price or 0 for price in _prices(first.sold(calls, till)))
        by_the_book = till is None or till.is_by_the_book
        most = most_of(request, self.price_book.currency) if by_the_book else None
        return Chain({first.model.provider}, held, most)

    def _choice(self, request: Request, model: Model, counts: Collection[int], facts: FilesInfo, now: int) -> Choice:
        given = request.inputs if request.wishes is None else _given(request, facts, model)
        inputs = check_inputs(model, request.kind, given, facts)
        quotes = {
            outputs: quote(model, self.price_book, inputs, outputs, now, facts)
            for outputs in counts
            if outputs <= model.per_call
        }
        return _make_choice(model, inputs, quotes)

    async def _exact(self, kind: str, choice: Choice, media: Mapping[str, tuple[Media, ...]]) -> Choice:
        """The quotes with the provider's own word, if it gives it."""
        quotes = dict(choice.quotes)
        for outputs, listed in choice.quotes.items():
            task = outline(choice.model, kind, outputs, choice.inputs, media)
            amount = await self.quotes.ask(choice.model.provider, task)
            if amount is not None:
                quotes[outputs] = quoted_by_provider(listed, amount, self.price_book.currency)
        return replace(choice, quotes=quotes)

    def _lacks(self, model: Model) -> str:
        return missing_here(model, self.providers, self.off)


def _prices(sold: Sequence[Quote | None]) -> Prices:
    return [None if quote is None else quote.price for quote in sold]


def _are_worth(held: Sequence[Quote | None], sold: Sequence[Quote | None]) -> bool:
    """Whether a model may do for their prices what another would have done."""
    pairs = [(one, other) for one, other in zip(held, sold, strict=True) if one is not None and other is not None]
    return all(is_worth(one, other) for one, other in pairs)


def _given(request: Request, facts: FilesInfo, model: Model) -> Mapping[str, object]:
    """The inputs of a request in the words of one model. Raises InvalidInput."""
    assert request.wishes is not None, "other requests have the same inputs for every model"
    return as_wished(model, request.wishes, request.inputs, facts)


@lru_cache(maxsize=1024)
def _outputs(n: int, per_call: int) -> tuple[int, ...]:
    """The outputs of each operation of a request: what a model does not deliver in one call takes several."""
    calls, rest = divmod(n, per_call)
    return (per_call,) * calls + ((rest,) if rest else ())
