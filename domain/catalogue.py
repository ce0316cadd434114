"""The catalogue: which models there are, what each accepts, does and costs, and which one a request gets.

    kind ── family ──> the counter of a plan
    kind, wish, inputs ── rank ──> Models ── check_inputs ──> inputs with defaults ── quote ──> price

A model is data. Nothing outside the catalogue's own files names one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.errors import InvalidInput, UnknownKind, UnknownModel
from domain.inputs import Input, MediaFacts, Scalar, check_files, read_value
from domain.periods import local_day
from domain.pricing import PriceBook, PriceRule, Quote, Unit, quote

__all__ = [
    "KINDS",
    "Catalogue",
    "Family",
    "Input",
    "MediaFacts",
    "Model",
    "Scalar",
    "Strategy",
    "check_inputs",
    "check_kind",
]

NO_FILES: Final[Mapping[str, Sequence[MediaFacts]]] = MappingProxyType({})
_COMPARED: Final = PriceBook("", "USD")


class Family(StrEnum):
    """The counter of a plan that an operation uses up; OTHER counts against spend alone."""

    IMAGES = "images"
    EDITS = "edits"
    VIDEOS = "videos"
    MODELS_3D = "3d"
    UPSCALES = "upscales"
    OTHER = "other"


# Whatever delivers a video counts as one, upscaled or edited, as that is what the work costs. Utilities that
# only re-encode a file or write text are not what a plan's allowances are about. Where a provider joins two
# kinds in one call (it replaces a background and relights), the model lists both.
_FAMILIES: Final = {
    Family.IMAGES: "text-to-image reference-to-image",
    Family.EDITS: """
        image-edit inpaint outpaint erase search-replace recolor background-remove background-replace relight
        text-removal image-translate control-sketch control-structure control-style style-transfer face-swap
        face-swap-multi head-swap
    """,
    Family.VIDEOS: """
        text-to-video image-to-video avatar video-extend video-upscale video-style video-edit video-outpaint
        video-face-swap video-background video-translate video-add-audio
    """,
    Family.MODELS_3D: "image-to-3d multiview-to-3d sketch-to-3d text-to-3d",
    Family.UPSCALES: "upscale",
    Family.OTHER: """
        caption prompt-optimize image-compress image-convert image-social-optimize video-transform
        video-social-optimize
    """,
}

KINDS: Final[Mapping[str, Family]] = MappingProxyType(
    {kind: family for family, kinds in _FAMILIES.items() for kind in kinds.split()}
)
"""Every kind of operation, with the family it counts in."""


class Strategy(StrEnum):
    """How a model is chosen where the request names none; AUTO is balanced."""

    AUTO = "auto"
    BALANCED = "balanced"
    CHEAPEST = "cheapest"
    BEST = "best"


_STRATEGIES: Final = frozenset(Strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry: where it runs, what it accepts and delivers, and what it costs.

    `outputs` are media types, the usual one first; `per_call` is the most outputs of one submission; of two
    models the one of higher `quality` is the better. `auto` models may be chosen without being named.
    `fixed` inputs are sent along with the caller's, under the provider's names. A job may take `deadline` seconds.
    `unavailable` says why it cannot be used, `retired` is the instant from which it cannot.
    """

    id: str
    provider: str
    route: str
    kinds: tuple[str, ...]
    outputs: tuple[str, ...]
    unit: Unit
    inputs: Mapping[str, Input] = field(default_factory=dict)
    prices: tuple[PriceRule, ...] = ()
    fixed: Mapping[str, Scalar] = field(default_factory=dict)
    per_call: int = 1
    deadline: int = 600
    quality: int = 0
    auto: bool = True
    unavailable: str = ""
    retired: int | None = None
    description: str = ""
    label: str = ""

    def why_unavailable(self, at: int) -> str:
        """Why it cannot be used at an instant; empty where it can."""
        if self.unavailable:
            return self.unavailable
        if self.retired is not None and at >= self.retired:
            return f"its provider retired it on {local_day(self.retired, 'UTC')}"
        return ""


Lacks = Callable[[Model], str]
"""What is missing here for a model, such as a key, and how to mend it; empty where nothing is."""


def _lacks_nothing(_model: Model) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models by id."""

    models: Mapping[str, Model]

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
            raise UnknownKind(f"there is no kind of operation {kind!r}", hint=_did_you_mean(kind, KINDS))
        return KINDS[kind]

    def get(self, id: str) -> Model:
        """The model of this id, usable or not. Raises UnknownModel."""
        if id not in self.models:
            raise UnknownModel(f"there is no model {id!r}", hint=_did_you_mean(id, self.models))
        return self.models[id]

    def for_kind(self, kind: str) -> tuple[Model, ...]:
        """The models that do this kind of operation, by id. Raises UnknownKind."""
        self.family(kind)
        return tuple(model for _, model in sorted(self.models.items()) if kind in model.kinds)

    def rank(
        self,
        kind: str,
        wish: str,
        at: int,
        inputs: Mapping[str, object],
        media: Mapping[str, Sequence[MediaFacts]] = NO_FILES,
        lacks: Lacks = _lacks_nothing,
    ) -> tuple[Model, ...]:
        """The models for a wish, the one to use first and then those to fall back to.

        A wish is an id, which has no other model to fall back to, or a strategy, which compares what these very
        inputs cost at models of known price that accept them. `lacks` says what is missing here for a model. Raises
        UnknownModel where there is none or the one named cannot be used, UnknownKind where it does not do this, and
        where every candidate objects to the inputs, the InvalidInput of the best.
        """
        if wish not in _STRATEGIES:
            return (self._named(kind, wish, at, lacks),)
        candidates = [model for model in self.for_kind(kind) if model.auto and not model.why_unavailable(at)]
        equipped = [model for model in candidates if not lacks(model)]
        offers = list(_offers(_accepting(equipped, kind, inputs, media), media, at))
        if not offers:
            missing = sorted({lacks(model) for model in candidates} - {""})
            hint = "; or ".join(missing) if missing else self._hint(kind, at, lacks)
            raise UnknownModel(f"no model of known price does {kind} here", hint=hint)
        return _preferred(offers, Strategy(wish))

    def _named(self, kind: str, wish: str, at: int, lacks: Lacks) -> Model:
        named = self.get(wish)
        check_kind(named, kind)
        if why := named.why_unavailable(at):
            raise UnknownModel(f"model {wish!r} cannot be used: {why}", hint=self._hint(kind, at, lacks))
        if why := lacks(named):
            raise UnknownModel(f"model {wish!r} cannot be used here: {why}", hint=self._hint(kind, at, lacks))
        return named

    def _hint(self, kind: str, at: int, lacks: Lacks) -> str:
        usable = [each.id for each in self.for_kind(kind) if not each.why_unavailable(at) and not lacks(each)]
        return f"name one of: {', '.join(usable)}" if usable else f"no model for {kind} can be used now"


@dataclass(frozen=True, slots=True)
class _Offer:
    """A model and what one output of it would cost."""

    model: Model
    price: int


def check_kind(model: Model, kind: str) -> None:
    """Raise UnknownKind unless the model does this kind of operation."""
    Catalogue.family(kind)
    if kind not in model.kinds:
        raise UnknownKind(f"model {model.id!r} does not do {kind}", hint=f"it does: {', '.join(model.kinds)}")


def check_inputs(
    model: Model,
    kind: str,
    inputs: Mapping[str, object],
    media: Mapping[str, Sequence[MediaFacts]] = NO_FILES,
) -> dict[str, Scalar]:
    """Return the inputs in their one notation, in the model's order, with defaults filled in.

    `media` holds what is known of the files given for each input. Raises InvalidInput naming the input, its
    value and the limit; UnknownKind where the model does not do this.
    """
    check_kind(model, kind)
    for name in (*inputs, *media):
        if name not in model.inputs:
            raise InvalidInput(name, f"is no input of model {model.id!r}", hint=_accepted(model))
    checked: dict[str, Scalar] = {}
    for spec in model.inputs.values():
        files = media.get(spec.name, ())
        if files:
            check_files(spec, files)
        if spec.name in inputs:
            checked[spec.name] = read_value(spec, inputs[spec.name])
        elif spec.default is not None:
            checked[spec.name] = spec.default
        elif spec.required and not files:
            raise InvalidInput(spec.name, "is missing", hint=f"model {model.id!r} needs it")
    return checked


def _accepting(
    models: Sequence[Model],
    kind: str,
    inputs: Mapping[str, object],
    media: Mapping[str, Sequence[MediaFacts]],
) -> list[tuple[Model, dict[str, Scalar]]]:
    accepting, objections = [], []
    for model in sorted(models, key=lambda model: (-model.quality, model.id)):
        try:
            accepting.append((model, check_inputs(model, kind, inputs, media)))
        except InvalidInput as objection:
            objections.append(objection)
    if objections and not accepting:
        raise objections[0]
    return accepting


def _offers(
    accepting: Iterable[tuple[Model, dict[str, Scalar]]], media: Mapping[str, Sequence[MediaFacts]], at: int
) -> Iterator[_Offer]:
    for model, inputs in accepting:
        offer = quote(model, _COMPARED, inputs, 1, at, media)
        if isinstance(offer, Quote):
            yield _Offer(model, offer.price)


def _preferred(offers: Sequence[_Offer], strategy: Strategy) -> tuple[Model, ...]:
    """Balanced is the best of the cheaper half; what is left equal is settled by price, quality and id."""
    cheapest = sorted(offers, key=lambda offer: (offer.price, -offer.model.quality, offer.model.id))
    if strategy is Strategy.CHEAPEST:
        return tuple(offer.model for offer in cheapest)
    half = len(cheapest) if strategy is Strategy.BEST else (len(cheapest) + 1) // 2
    eligible = sorted(cheapest[:half], key=lambda offer: -offer.model.quality)
    return tuple(offer.model for offer in (*eligible, *cheapest[half:]))


def _accepted(model: Model) -> str:
    return f"it accepts: {', '.join(model.inputs)}" if model.inputs else "it accepts none"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    every = sorted(known)
    close = get_close_matches(word, every, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(every)}"
