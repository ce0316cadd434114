"""The catalogue: which models there are, what each accepts, does and costs, and which one a request gets.

    kind ── family ──> the counter of a plan
    kind, wish, classes, inputs ── rank ──> Models ── check_inputs ──> inputs with defaults ── quote ──> price

A model is data. Nothing outside the catalogue's own files names one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.advice import Advice, Hint
from domain.counts import counted
from domain.errors import InvalidInput, UnknownKind, UnknownModel
from domain.inputs import FileInfo, Input, Scalar, check_files, read_value
from domain.kinds import KINDS, ONLY_REAL, Class, Family
from domain.meant import SHOWN, meant
from domain.objections import most_telling
from domain.periods import local_day
from domain.pricing import PriceBook, PriceRule, Quote, Unit, quote

__all__ = [
    "KINDS",
    "ONLY_REAL",
    "Catalogue",
    "Class",
    "Family",
    "FileInfo",
    "Input",
    "Model",
    "Offer",
    "Scalar",
    "Strategy",
    "check_inputs",
    "check_kind",
]

NO_FILES: Final[Mapping[str, Sequence[FileInfo]]] = MappingProxyType({})
NOT_READY: Final = "its provider is not ready"
_COMPARED: Final = PriceBook("", "USD")
DAY: Final = 86_400_000_000
NOTICE: Final = 90 * DAY
"""Microseconds before a model is retired from which on this is said wherever it is shown or used."""
LAST_DAYS: Final = 14 * DAY
"""Microseconds before a model is retired in which a strategy takes any other one first."""


class Strategy(StrEnum):
    """How a model is chosen if the request names none; AUTO is balanced."""

    AUTO = "auto"
    BALANCED = "balanced"
    CHEAPEST = "cheapest"
    BEST = "best"


_STRATEGIES: Final = frozenset(Strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry: where it runs, what it accepts and delivers, and what it costs.

    `outputs` are media types, the usual one first; `per_call` is the most outputs of one submission; of two
    models the one of higher `quality` is the better. `auto` models may be chosen without being named, if their
    class, `class_`, is allowed.
    `fixed` inputs are sent along with the caller's, under the provider's names; of the inputs `one_of` at least one is
    needed, of those `not_both` at most one is accepted. A job may take `deadline` seconds.
    `modes` are ways of doing it that a request may wish for, such as "fast". A picture that is enlarged without
    telling how far has sides `times` as long, or `reaches` so many pixels.
    `omits` are inputs of the provider's, or values of one as "name=value", that are left out on purpose.
    `unavailable` says why it cannot be used, `retires` is the instant from which its provider offers it no more.
    """

    id: str
    provider: str
    route: str
    kinds: tuple[str, ...]
    outputs: tuple[str, ...]
    unit: Unit
    inputs: Mapping[str, Input] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    not_both: tuple[str, ...] = ()
    prices: tuple[PriceRule, ...] = ()
    fixed: Mapping[str, Scalar] = field(default_factory=dict)
    per_call: int = 1
    deadline: int = 600
    quality: int = 0
    auto: bool = True
    class_: Class = Class.REAL
    unavailable: str = ""
    retires: int | None = None
    modes: tuple[str, ...] = ()
    times: int = 0
    reaches: int = 0
    omits: tuple[str, ...] = ()
    description: str = ""
    label: str = ""

    def why_unavailable(self, at: int) -> str:
        """Why the model cannot be used at an instant; empty if it can."""
        if self.unavailable:
            return self.unavailable
        if self.retires is not None and at >= self.retires:
            return f"its provider retired it on {local_day(self.retires, 'UTC')}"
        return ""

    def is_leaving(self, at: int, within: int) -> bool:
        """Whether its provider offers it now, and will no more within so many microseconds."""
        return self.retires is not None and at < self.retires <= at + within

    def warning(self, at: int) -> str:
        """A warning for users of the model; empty if there is none."""
        if self.retires is None or not self.is_leaving(at, NOTICE):
            return ""
        days = -(-(self.retires - at) // DAY)
        left = "tomorrow" if days == 1 else f"in {counted(days, 'day')}"
        return f"its provider retires it on {local_day(self.retires, 'UTC')}, {left}"


Given = Mapping[str, object] | Callable[[Model], Mapping[str, object]]
"""Inputs by name, the same for every model or what each is given; the latter may raise InvalidInput."""

Lacks = Callable[[Model], str]
"""The lack here that keeps a model from use, such as a key, and how to mend it; empty if nothing is."""


def _lacks_nothing(_model: Model) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models by id; `more` says how to get those that are not installed, and is asked if one is not found."""

    models: Mapping[str, Model]
    more: Callable[[], tuple[Hint, ...]] = tuple

    def __repr__(self) -> str:
        """How many there are: a dozen parts of a studio hold it, and whoever shows one of them wants no price list."""
        return f"Catalogue({len(self)} models)"

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models.values())

    def __len__(self) -> int:
        return len(self.models)

    def __contains__(self, id: object) -> bool:
        return id in self.models

    @staticmethod
    def family(kind: str) -> Family:
        """The family that a kind of operation counts in. Raises UnknownKind."""
        if kind not in KINDS:
            raise UnknownKind(f"there is no kind of operation {kind!r}", hint=meant(kind, KINDS))
        return KINDS[kind]

    def get(self, id: str) -> Model:
        """The model of this id, usable or not. Raises UnknownModel."""
        if id not in self.models:
            raise UnknownModel(f"there is no model {id!r}", hint=self.or_more(meant(id, self.models)))
        return self.models[id]

    def or_more(self, hint: Hint) -> Hint:
        """A hint that names models, and how to get those that are not installed."""
        more = self.more()
        return (hint, *more) if more else hint

    def warnings(self, ids: Iterable[str], at: int) -> tuple[str, ...]:
        """Warnings about these models, each with its name; a model that is not here has none."""
        found = []
        for id in dict.fromkeys(ids):
            model = self.models.get(id)
            if model is not None and model.retires is not None and (warning := model.warning(at)):
                found.append(f"model {id!r}: {warning}")
        return tuple(found)

    def for_kind(self, kind: str) -> tuple[Model, ...]:
        """The models that do this kind of operation, by id. Raises UnknownKind."""
        self.family(kind)
        return tuple(model for _, model in sorted(self.models.items()) if kind in model.kinds)

    def rank(
        self,
        kind: str,
        wish: str,
        at: int,
        inputs: Given,
        media: Mapping[str, Sequence[FileInfo]] = NO_FILES,
        lacks: Lacks = _lacks_nothing,
        *,
        allowed: Collection[Class] = ONLY_REAL,
        n: int = 1,
    ) -> tuple[Model, ...]:
        """The models for a wish, the one to use first and then those that would do as well.

        A wish is an id, which has no other model beside it, or a strategy, which compares what `n` outputs of these
        very inputs cost at models of known price and of an `allowed` class that accept them; those about to be retired
        come last. `lacks` says what is missing here for a model. Raises UnknownModel if there is none or the one
        named cannot be used, UnknownKind if it does not do this, and if every candidate refuses the inputs,
        the InvalidInput of the best.
        """
        return tuple(offer.model for offer in self.offers(kind, wish, at, inputs, media, lacks, allowed=allowed, n=n))

    def offers(
        self,
        kind: str,
        wish: str,
        at: int,
        inputs: Given,
        media: Mapping[str, Sequence[FileInfo]] = NO_FILES,
        lacks: Lacks = _lacks_nothing,
        *,
        allowed: Collection[Class] = ONLY_REAL,
        n: int = 1,
    ) -> tuple[Offer, ...]:
        """The models that `rank` ranks, with the prices that were compared; a model that was named stands alone."""
        if wish not in _STRATEGIES:
            return (Offer(self.named(kind, wish, at, lacks), None),)
        equipped = [model for model in self.candidates(kind, at) if model.class_ in allowed and not lacks(model)]
        offers = list(_offers(_accepting(equipped, kind, inputs, media), media, at, n))
        if not offers:
            raise self._nothing(kind, at, allowed, lacks)
        return in_turn(offers, Strategy(wish), at)

    def candidates(self, kind: str, at: int) -> list[Model]:
        """The models among which a strategy chooses, of any class, by id. Raises UnknownKind."""
        return [model for model in self.for_kind(kind) if model.auto and not model.why_unavailable(at)]

    def _nothing(self, kind: str, at: int, allowed: Collection[Class], lacks: Lacks) -> UnknownModel:
        """Why nothing can be chosen: what would have to be set here, and which classes might be allowed instead."""
        candidates = self.candidates(kind, at)
        missing = sorted({lacks(model) for model in candidates if model.class_ in allowed} - {""})
        others = sorted({model.class_ for model in candidates if model.class_ not in allowed and not lacks(model)})
        told = f"no model of known price does {kind} here"
        if others:
            told = f"no real model can do {kind} here; a {' or '.join(others)} could, which is not allowed"
        ready = (Advice("provider.ready", lacks=lack) for lack in missing)
        ways: tuple[Hint, ...] = (*ready, *(Advice("class.allow", model_class=one) for one in others))
        return UnknownModel(told, hint=self.or_more(ways or self._hint(kind, at, lacks)))

    def named(self, kind: str, wish: str, at: int, lacks: Lacks = _lacks_nothing) -> Model:
        """The model of this id, if it can be used. Raises UnknownModel, and UnknownKind if it does not do this."""
        named = self.get(wish)
        check_kind(named, kind)
        if why := named.why_unavailable(at):
            raise UnknownModel(f"model {wish!r} cannot be used: {why}", hint=self._hint(kind, at, lacks))
        if lack := lacks(named):
            told = f"model {wish!r} cannot be used here: {NOT_READY}"
            raise UnknownModel(told, hint=(Advice("provider.ready", lacks=lack), self._hint(kind, at, lacks)))
        return named

    def _hint(self, kind: str, at: int, lacks: Lacks) -> Hint:
        usable = [each for each in self.for_kind(kind) if not each.why_unavailable(at) and not lacks(each)]
        return _name_one_of(usable, kind) if usable else f"no model for {kind} can be used now"


@dataclass(frozen=True, slots=True)
class Offer:
    """A model, and what all outputs together would cost there in micro-units if that was compared."""

    model: Model
    price: int | None


def check_kind(model: Model, kind: str) -> None:
    """Raise UnknownKind unless the model does this kind of operation."""
    Catalogue.family(kind)
    if kind not in model.kinds:
        raise UnknownKind(f"model {model.id!r} does not do {kind}", hint=f"it does: {', '.join(model.kinds)}")


def check_inputs(
    model: Model,
    kind: str,
    inputs: Mapping[str, object],
    media: Mapping[str, Sequence[FileInfo]] = NO_FILES,
) -> dict[str, Scalar]:
    """Return the inputs in their one notation, in the model's order, with defaults filled in.

    `media` holds what is known of the files given for each input. Raises InvalidInput naming the input, its
    value and the limit; UnknownKind if the model does not do this.
    """
    check_kind(model, kind)
    for name in (*inputs, *media):
        if name not in model.inputs:
            raise InvalidInput(name, f"is no input of model {model.id!r}", hint=_accepted(model))
    checked: dict[str, Scalar] = {}
    for name, files in media.items():
        if files:
            check_files(model.inputs[name], files)
    for name, spec in model.inputs.items():
        if name in inputs:
            checked[name] = read_value(spec, inputs[name])
        elif spec.default is not None:
            checked[name] = spec.default
        elif spec.required and not media.get(name):
            raise InvalidInput(name, "is missing", hint=f"model {model.id!r} needs it")
    if model.one_of or model.not_both:
        _check_groups(model, {*checked, *(name for name, files in media.items() if files)}, checked)
    return checked


def _check_groups(model: Model, given: Collection[str], checked: Mapping[str, Scalar]) -> None:
    """Hold inputs that stand for each other against the model. An empty or false value counts as not given."""
    given = [name for name in (*model.one_of, *model.not_both) if name in given and checked.get(name, True)]
    if model.one_of and not any(name in given for name in model.one_of):
        raise InvalidInput(" or ".join(model.one_of), "is missing", hint=f"model {model.id!r} needs one of them")
    together = [name for name in model.not_both if name in given]
    if len(together) > 1:
        raise InvalidInput(" and ".join(together), "exclude each other", hint="give one of them")


def _accepting(
    models: Sequence[Model],
    kind: str,
    inputs: Given,
    media: Mapping[str, Sequence[FileInfo]],
) -> list[tuple[Model, dict[str, Scalar]]]:
    accepting, objections = [], []
    for model in sorted(models, key=lambda model: (-model.quality, model.id)):
        try:
            given = inputs(model) if callable(inputs) else inputs
            accepting.append((model, check_inputs(model, kind, given, media)))
        except InvalidInput as objection:
            objections.append(objection)
    if objections and not accepting:
        raise most_telling(objections)
    return accepting


def _offers(
    accepting: Iterable[tuple[Model, dict[str, Scalar]]], media: Mapping[str, Sequence[FileInfo]], at: int, n: int
) -> Iterator[Offer]:
    for model, inputs in accepting:
        price = _price_of_all(model, inputs, n, at, media)
        if price is not None:
            yield Offer(model, price)


def _price_of_all(
    model: Model, inputs: Mapping[str, Scalar], n: int, at: int, media: Mapping[str, Sequence[FileInfo]] = NO_FILES
) -> int | None:
    """The cost of `n` outputs in as many calls as the model needs for them, in micro-units; None if it is unknown."""
    calls, rest = divmod(n, model.per_call)
    price = 0
    for times, outputs in ((calls, model.per_call), (1, rest)):
        if times and outputs:
            one = quote(model, _COMPARED, inputs, outputs, at, media)
            if not isinstance(one, Quote):
                return None
            price += times * one.price
    return price


def in_turn(offers: Sequence[Offer], strategy: Strategy, at: int) -> tuple[Offer, ...]:
    """Offers of known prices in the order of a strategy; models that are about to be retired come last."""
    return tuple(sorted(_preferred(offers, strategy), key=lambda offer: offer.model.is_leaving(at, LAST_DAYS)))


def _preferred(offers: Sequence[Offer], strategy: Strategy) -> tuple[Offer, ...]:
    """Balanced is the best of the cheaper half; what is left equal is settled by price, quality and id."""
    cheapest = sorted(offers, key=lambda offer: (offer.price, -offer.model.quality, offer.model.id))
    if strategy is Strategy.CHEAPEST:
        return tuple(cheapest)
    half = len(cheapest) if strategy is Strategy.BEST else (len(cheapest) + 1) // 2
    eligible = sorted(cheapest[:half], key=lambda offer: -offer.model.quality)
    return (*eligible, *cheapest[half:])


def _accepted(model: Model) -> str:
    return f"it accepts: {', '.join(model.inputs)}" if model.inputs else "it accepts none"


def _name_one_of(models: Sequence[Model], kind: str) -> Hint:
    """The best few; if there are more, how to see them all."""
    best = [model.id for model in sorted(models, key=lambda model: (-model.quality, model.id))[:SHOWN]]
    names = ", ".join(best)
    return Advice("model.choose", names=names, kind=kind) if len(models) > SHOWN else f"name one of: {names}"
