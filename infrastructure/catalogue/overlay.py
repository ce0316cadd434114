"""An overlay that says what a provider's own list says: written by a check, to be reviewed, and to be loaded.

    differences ──> [[change]] of an entry, [[model]] for a new one, [[known]] for what cannot be entered ──> TOML
        └── loaded and compared again: what still differs is made unavailable, so that nobody is charged a wrong price

Nothing is guessed: a price is written only if every case comes to what the provider says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from application.providing.listings import Offered, Offers
from application.providing.offers import Finding, Mismatch, mismatches
from domain.catalogue import Catalogue, Model
from domain.errors import CatalogueError
from domain.inputs import Scalar
from domain.pricing import PriceBook, PriceRule, Unit, rule_at
from infrastructure.catalogue import with_overlay
from infrastructure.catalogue.documented import correct_inputs, input_of, vocabulary
from infrastructure.catalogue.fitting import rules_that_fit
from infrastructure.catalogue.written import Change, OverlayDraft, one_line, overlay_text

LONGEST_ID: Final = 100
MOST_ROUNDS: Final = 5
OUTPUTS: Final = {
    "video": ("video/mp4",),
    "avatar": ("video/mp4",),
    "3d": ("model/gltf-binary",),
    "caption": ("text/plain",),
}
PICTURES: Final = ("image/png", "image/jpeg", "image/webp")
_WORD: Final = re.compile(r"[^a-z0-9._-]+")
GONE: Final = "its provider does not offer it any more"
UNWRITTEN: Final = "its provider says something of it that cannot be written here"


@dataclass(frozen=True, slots=True)
class Check:
    """The comparison: a provider's models with what it offers, the overlays in force, and what was found."""

    provider: str
    catalogue: Catalogue
    price_book: PriceBook
    overlays: Sequence[Path]
    known: Collection[str]
    offers: Offers
    at: int

    @property
    def models(self) -> list[Model]:
        return [model for model in self.catalogue if model.provider == self.provider]

    def found(self) -> list[Mismatch]:
        return mismatches(self.models, self.offers, self.known, self.price_book, self.at)


def overlay_of(check: Check) -> str:
    """The overlay, as text; with it loaded, the same list differs in nothing."""
    draft = _drafted(check, check.found())
    for _ in range(MOST_ROUNDS):
        if not (left := _left(check, draft)):
            return _text(check, draft)
        draft = _given_up(draft, left)
    raise CatalogueError("no overlay says what the provider lists", hint="write one by hand, from the check")


def _text(check: Check, draft: OverlayDraft) -> str:
    return overlay_text(check.provider, check.price_book.currency, check.at, draft)


def _left(check: Check, draft: OverlayDraft) -> set[str]:
    """Ids of changed entries, and routes of new ones, that cannot be loaded or still differ."""
    try:
        catalogue, price_book = with_overlay(check.overlays, _text(check, draft), "overlay")
    except CatalogueError:
        return _unloadable(check, draft)
    known = {*check.known, *draft.known}
    still = replace(check, catalogue=catalogue, price_book=price_book, known=known).found()
    return {one.model if one.model in draft.changes else one.route for one in still}


def _unloadable(check: Check, draft: OverlayDraft) -> set[str]:
    """Which of the entries keep the overlay from being loaded, each tried alone; all where none does alone."""
    alone = [OverlayDraft({id: one}, {}, {}) for id, one in draft.changes.items()]
    alone += [OverlayDraft({}, {id: one}, {}) for id, one in draft.models.items()]
    wrong: set[str] = set()
    for one in alone:
        try:
            with_overlay(check.overlays, _text(check, one), "overlay")
        except CatalogueError:
            wrong |= {*one.changes, *(model.route for model in one.models.values())}
    return wrong or {*draft.changes, *(model.route for model in draft.models.values())}


def _given_up(draft: OverlayDraft, left: Collection[str]) -> OverlayDraft:
    changes = {id: _unwritten(one) if id in left else one for id, one in draft.changes.items()}
    models = {id: model for id, model in draft.models.items() if model.route not in left}
    dropped = {model.route: UNWRITTEN for model in draft.models.values() if model.route in left}
    return OverlayDraft(changes, models, {**draft.known, **dropped})


def _unwritten(change: Change) -> Change:
    return Change(change.model, change.why, change.retires, change.lasts, change.unavailable or UNWRITTEN)


def _drafted(check: Check, found: Iterable[Mismatch]) -> OverlayDraft:
    offered = {one.route: one for one in check.offers.models}
    words = vocabulary(check.models)
    changes: dict[str, Change] = {}
    models: dict[str, Model] = {}
    known: dict[str, str] = {}
    for one in found:
        if not one.model:
            taken = {*models, *check.catalogue.models}
            model = _entered(check, offered[one.route], words, taken) if one.finding is Finding.NEW else None
            if model is None:
                known[one.route] = one.what
            else:
                models[model.id] = model
        else:
            change = changes.setdefault(one.model, Change(check.catalogue.get(one.model)))
            change.why.append(one.what)
            if one.finding is Finding.GONE:
                change.unavailable = GONE
            elif one.finding is Finding.ENDS:
                change.retires = offered[one.route].retires
                change.lasts = change.retires is None
    for change in changes.values():
        if len(change.why) > 1 or not (change.unavailable or change.retires or change.lasts):
            _corrected(check, change, offered.get(change.model.route), words)
    return OverlayDraft(changes, models, known)


# The changes of an entry


def _corrected(check: Check, change: Change, offered: Offered | None, words: Mapping[str, str]) -> None:
    """Inputs as they are documented, and the prices of all cases that are left."""
    if offered is None or change.unavailable:
        return
    if offered.inputs is not None:
        correct_inputs(change, offered.inputs, words)
    inputs = {name: spec for name, spec in change.model.inputs.items() if name not in change.without} | change.inputs
    if offered.price is not None and not any(rule.meters for rule in change.model.prices):
        rules = rules_that_fit(replace(change.model, inputs=inputs), offered)
        if rules is None:
            change.unavailable = UNWRITTEN
        elif change.model.prices or rules:
            change.prices = tuple(_at_our_rate(change.model, rule, check.at) for rule in rules)


def _at_our_rate(model: Model, rule: PriceRule, at: int) -> PriceRule:
    """The provider's bill is our cost; an account's price follows, unless the entry has a price of its own."""
    values = {name: next(iter(several)) for name, several in rule.when.items()}
    before = rule_at(model, {**_defaults(model), **values}, at)
    if before is None or before.cost_rate is None or before.cost_rate == before.rate or before.unit is not rule.unit:
        return rule
    return replace(rule, rate=before.rate, cost_rate=rule.rate)


def _defaults(model: Model) -> dict[str, Scalar]:
    return {spec.name: spec.default for spec in model.inputs.values() if spec.default is not None}


# New models


def _entered(check: Check, offered: Offered, words: Mapping[str, str], taken: Collection[str]) -> Model | None:
    """A new model as an entry; None where its kind, an input that it needs or its price cannot be written."""
    if not offered.kinds or offered.inputs is None or offered.price is None:
        return None
    specs = [(one, input_of(one, words)) for one in offered.inputs]
    if any(spec is None and one.required for one, spec in specs):
        return None
    inputs = {spec.name: spec for _, spec in specs if spec is not None}
    kept = {spec.wire_name for spec in inputs.values()}
    kind = offered.kinds[0]
    model = Model(
        id=_id(offered.route, taken),
        provider=check.provider,
        route=offered.route,
        kinds=offered.kinds,
        outputs=next((types for word, types in OUTPUTS.items() if word in kind), PICTURES),
        unit=Unit.CALL,
        inputs=inputs,
        auto=False,
        omits=tuple(one.name for one in offered.inputs if one.name not in kept),
        retires=offered.retires,
        description=one_line(offered.about)[:200],
    )
    rules = rules_that_fit(model, offered)
    return None if not rules else replace(model, unit=rules[0].unit, prices=rules)


def _id(route: str, taken: Collection[str]) -> str:
    """The last words of the route; all of them, or with a number, where that is taken."""
    words = [_WORD.sub("-", part.lower()).strip("-._") for part in route.split("/")]
    names = ["-".join(filter(None, words[1:])), "-".join(filter(None, words))]
    names += [f"{names[1][: LONGEST_ID - 6]}-{number}" for number in range(2, 10_000)]
    return next(name[:LONGEST_ID] for name in names if name and name[:LONGEST_ID] not in taken)
