"""An overlay that says what a provider's own list says: written by a check, to be reviewed, and to be loaded.

    differences ──> [[change]] of an entry, [[model]] for a new one, [[known]] for what cannot be entered ──> TOML
        └── loaded and compared again: what still differs is made unavailable, so that nobody is charged a wrong price

Nothing is guessed: a price is written only if every case comes to what the provider says.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final

from application.offers import Difference, Finding, differences, is_of_type
from application.ports import Offered, OfferedInput, Offers
from domain.catalogue import Catalogue, Model
from domain.errors import CatalogueError
from domain.inputs import FILES, Input, InputType, Scalar, plain
from domain.pricing import PriceBook, PriceRule, Unit, rule_at
from infrastructure.catalogue import with_overlay
from infrastructure.catalogue.fitting import fitted

ALIKE: Final = 0.5
"""How alike two names are, of which the one may be the other's new one."""
LONGEST_ID: Final = 100
MANY: Final = 10
"""Files of one input, where the provider takes several and does not say how many."""
MOST_ROUNDS: Final = 5
OUTPUTS: Final = {
    "video": ("video/mp4",),
    "avatar": ("video/mp4",),
    "3d": ("model/gltf-binary",),
    "caption": ("text/plain",),
}
PICTURES: Final = ("image/png", "image/jpeg", "image/webp")
NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_WORD: Final = re.compile(r"[^a-z0-9._-]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
GONE: Final = "its provider does not offer it any more"
UNWRITTEN: Final = "its provider says something of it that cannot be written here: see imagestudio catalogue check"


@dataclass(slots=True)
class Change:
    """What one entry is to say otherwise."""

    model: Model
    why: list[str] = field(default_factory=list)
    retires: int | None = None
    lasts: bool = False
    unavailable: str = ""
    inputs: dict[str, Input] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)
    omits: list[str] = field(default_factory=list)
    prices: tuple[PriceRule, ...] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An overlay that is being written: changes and new models by id, and routes that are known and left out."""

    changes: Mapping[str, Change]
    models: Mapping[str, Model]
    known: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """What was compared: a provider's models with what it offers, the overlays in force, and what was found."""

    provider: str
    catalogue: Catalogue
    book: PriceBook
    overlays: Sequence[Path]
    known: Collection[str]
    offers: Offers
    at: int

    @property
    def models(self) -> list[Model]:
        return [model for model in self.catalogue if model.provider == self.provider]

    def found(self) -> list[Difference]:
        return differences(self.models, self.offers, self.known, self.book, self.at)


def overlay_of(check: Check) -> str:
    """The overlay, as text; with it loaded, the same list differs in nothing."""
    draft = _drafted(check, check.found())
    for _ in range(MOST_ROUNDS):
        if not (left := _left(check, draft)):
            return _text(check, draft)
        draft = _given_up(draft, left)
    raise CatalogueError("no overlay says what the provider lists", hint="write one by hand, from the check")


def _left(check: Check, draft: Draft) -> set[str]:
    """Ids of changed entries, and routes of new ones, that cannot be loaded or still differ."""
    try:
        catalogue, book = with_overlay(check.overlays, _text(check, draft), "overlay")
    except CatalogueError:
        return _unloadable(check, draft)
    known = {*check.known, *draft.known}
    still = replace(check, catalogue=catalogue, book=book, known=known).found()
    return {one.model if one.model in draft.changes else one.route for one in still}


def _unloadable(check: Check, draft: Draft) -> set[str]:
    """Which of the entries keep the overlay from being loaded, each tried alone; all where none does alone."""
    alone = [Draft({id: one}, {}, {}) for id, one in draft.changes.items()]
    alone += [Draft({}, {id: one}, {}) for id, one in draft.models.items()]
    wrong: set[str] = set()
    for one in alone:
        try:
            with_overlay(check.overlays, _text(check, one), "overlay")
        except CatalogueError:
            wrong |= {*one.changes, *(model.route for model in one.models.values())}
    return wrong or {*draft.changes, *(model.route for model in draft.models.values())}


def _given_up(draft: Draft, left: Collection[str]) -> Draft:
    changes = {id: _unwritten(one) if id in left else one for id, one in draft.changes.items()}
    models = {id: model for id, model in draft.models.items() if model.route not in left}
    dropped = {model.route: UNWRITTEN for model in draft.models.values() if model.route in left}
    return Draft(changes, models, {**draft.known, **dropped})


def _unwritten(change: Change) -> Change:
    return Change(change.model, change.why, change.retires, change.lasts, change.unavailable or UNWRITTEN)


def _drafted(check: Check, found: Iterable[Difference]) -> Draft:
    offered = {one.route: one for one in check.offers.models}
    words = _vocabulary(check.models)
    changes: dict[str, Change] = {}
    models: dict[str, Model] = {}
    known: dict[str, str] = {}
    for one in found:
        if one.finding is Finding.NEW:
            model = _entered(check, offered[one.route], words, {*models, *check.catalogue.models})
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
    return Draft(changes, models, known)


# What is otherwise of an entry


def _corrected(check: Check, change: Change, offered: Offered | None, words: Mapping[str, str]) -> None:
    """Inputs as they are documented, and the prices of all cases that are left."""
    if offered is None or change.unavailable:
        return
    if offered.inputs is not None:
        _correct_inputs(change, offered.inputs, words)
    inputs = {name: spec for name, spec in change.model.inputs.items() if name not in change.without} | change.inputs
    if offered.price is not None and not any(rule.meters for rule in change.model.prices):
        rules = fitted(replace(change.model, inputs=inputs), offered)
        if rules is None:
            change.unavailable = UNWRITTEN
        elif change.model.prices or rules:
            change.prices = tuple(_at_our_rate(change.model, rule, check.at) for rule in rules)


def _at_our_rate(model: Model, rule: PriceRule, at: int) -> PriceRule:
    """What the provider bills is our cost; what an account pays follows, unless the entry has a price of its own."""
    values = {name: next(iter(several)) for name, several in rule.when.items()}
    before = rule_at(model, {**_defaults(model), **values}, at)
    if before is None or before.cost_rate is None or before.cost_rate == before.rate or before.unit is not rule.unit:
        return rule
    return replace(rule, rate=before.rate, cost_rate=rule.rate)


def _defaults(model: Model) -> dict[str, Scalar]:
    return {spec.name: spec.default for spec in model.inputs.values() if spec.default is not None}


def _correct_inputs(change: Change, documented: Sequence[OfferedInput], words: Mapping[str, str]) -> None:
    model = change.model
    theirs = {one.name: one for one in documented}
    ours = {spec.wire_name: spec for spec in model.inputs.values()}
    missing = [spec for name, spec in ours.items() if name not in theirs]
    new = [one for one in documented if one.name not in ours and one.name not in model.fixed]
    for spec in missing:
        heir = _heir(spec, new)
        if heir is None:
            change.without.append(spec.name)
        else:
            new.remove(heir)
            change.inputs[spec.name] = _fit(replace(spec, sent_as=heir.name), heir, model.omits)
    for name, spec in ours.items():
        if name in theirs and (fit := _fit(spec, theirs[name], model.omits)) != spec:
            change.inputs[spec.name] = fit
    for one in new:
        spec_of = _spec(one, words) if one.required else None
        if spec_of is not None and spec_of.name not in model.inputs:
            change.inputs[spec_of.name] = spec_of
        elif not one.required and one.name not in model.omits:
            change.omits.append(one.name)


def _heir(spec: Input, new: Sequence[OfferedInput]) -> OfferedInput | None:
    """The one new input that may be this one under another name."""
    alike = [
        (SequenceMatcher(None, spec.wire_name, one.name).ratio(), one)
        for one in new
        if one.required == spec.required and is_of_type(spec, one)
    ]
    best = max(alike, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] >= ALIKE else None


def _fit(spec: Input, there: OfferedInput, omits: Collection[str]) -> Input:
    """The input as it is documented there, and otherwise as it was."""
    if not is_of_type(spec, there):
        made = _spec(there, {there.name: spec.name})
        return spec if made is None else made
    if there.choices and spec.type is not InputType.FLAG:
        spec = _chosen(spec, [one for one in there.choices if f"{there.name}={one}" not in omits])
    elif there.choices == () and spec.type in (InputType.INTEGER, InputType.DECIMAL) and not spec.choices:
        spec = replace(
            spec,
            minimum=spec.minimum if there.minimum is None else max(spec.minimum or there.minimum, there.minimum),
            maximum=spec.maximum if there.maximum is None else min(spec.maximum or there.maximum, there.maximum),
        )
    if there.required and not spec.required and spec.default is None:
        return replace(spec, required=True)
    return spec


def _chosen(spec: Input, choices: Sequence[Any]) -> Input:
    values: tuple[str | int, ...] = tuple(one if isinstance(one, int) else str(one) for one in choices)
    if spec.type is InputType.INTEGER and not all(isinstance(one, int) for one in values):
        return spec
    kind = spec.type if spec.type is InputType.INTEGER else InputType.CHOICE
    default = spec.default if spec.default in values or spec.default is None else values[0]
    return Input(
        name=spec.name,
        type=kind,
        sent_as=spec.sent_as,
        required=spec.required,
        default=default,
        choices=spec.choices if set(map(str, spec.choices)) == set(map(str, values)) else values,
    )


def _spec(one: OfferedInput, words: Mapping[str, str]) -> Input | None:
    """What an input that is documented is here; None where no type of ours is its own."""
    name = words.get(one.name, one.name)
    if one.type not in list(InputType) or not NAME.fullmatch(name):
        return None
    kind = InputType(one.type)
    if one.choices and kind is not InputType.FLAG:
        whole = all(isinstance(choice, int) for choice in one.choices)
        kind = InputType.INTEGER if whole else InputType.CHOICE
    choices = (
        tuple(one if isinstance(one, int) else str(one) for one in one.choices) if kind is not InputType.FLAG else ()
    )
    bounded = kind in (InputType.INTEGER, InputType.DECIMAL) and not choices
    return Input(
        name=name,
        type=kind,
        sent_as="" if name == one.name else one.name,
        required=one.required,
        default=_default(kind, one, choices),
        many=MANY if one.many and kind in FILES else 1,
        choices=choices,
        minimum=_six(one.minimum) if bounded else None,
        maximum=_six(one.maximum) if bounded else None,
    )


def _six(end: Decimal | None) -> Decimal | None:
    return None if end is None else end.quantize(Decimal("0.000001")).normalize()


def _default(kind: InputType, one: OfferedInput, choices: Collection[str | int]) -> Scalar | None:
    default = one.default
    if one.required or kind in FILES or default is None:
        return None
    if kind is InputType.FLAG:
        return default if isinstance(default, bool) else None
    if kind is InputType.INTEGER:
        return default if type(default) is int and (not choices or default in choices) else None
    if kind is InputType.DECIMAL:
        return plain(Decimal(default)) if isinstance(default, int | Decimal) and not isinstance(default, bool) else None
    return default if isinstance(default, str) and (default in choices if choices else default != "") else None


# New models


def _entered(check: Check, offered: Offered, words: Mapping[str, str], taken: Collection[str]) -> Model | None:
    """A new model as an entry; None where its kind, an input that it needs or its price cannot be written."""
    if not offered.kinds or offered.inputs is None or offered.price is None:
        return None
    specs = [(one, _spec(one, words)) for one in offered.inputs]
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
        description=_line(offered.about)[:200],
    )
    rules = fitted(model, offered)
    return None if not rules else replace(model, unit=rules[0].unit, prices=rules)


def _id(route: str, taken: Collection[str]) -> str:
    """The last words of the route; all of them, or with a number, where that is taken."""
    words = [_WORD.sub("-", part.lower()).strip("-._") for part in route.split("/")]
    names = ["-".join(filter(None, words[1:])), "-".join(filter(None, words))]
    names += [f"{names[1][: LONGEST_ID - 6]}-{number}" for number in range(2, 10_000)]
    return next(name[:LONGEST_ID] for name in names if name and name[:LONGEST_ID] not in taken)


def _vocabulary(models: Iterable[Model]) -> dict[str, str]:
    """What this studio calls each input of a provider: the name that most of its entries give it."""
    counts: dict[str, Counter[str]] = {}
    for model in models:
        for spec in model.inputs.values():
            counts.setdefault(spec.wire_name, Counter())[spec.name] += 1
    return {wire: names.most_common(1)[0][0] for wire, names in counts.items()}


# As TOML


def _text(check: Check, draft: Draft) -> str:
    day = (_EPOCH + timedelta(microseconds=check.at)).date()
    lines = [
        f"# What {check.provider} lists otherwise than the catalogue, read on {day}. Review it before you use it.",
        "",
        f"currency = {_string(check.book.currency)}",
    ]
    for _, change in sorted(draft.changes.items()):
        lines += _changed(change)
    for _, model in sorted(draft.models.items()):
        lines += _model(model)
    if draft.known:
        lines += ["", "[[known]]", f"provider = {_string(check.provider)}", "routes = ["]
        for route, why in sorted(draft.known.items()):
            lines += [f"    # {_line(why)}", f"    {_string(route)},"]
        lines.append("]")
    return "\n".join(lines) + "\n"


def _changed(change: Change) -> Iterator[str]:
    yield ""
    yield from (f"# {_line(why)}" for why in change.why)
    yield "[[change]]"
    yield f"model = {_string(change.model.id)}"
    if change.unavailable:
        yield f"unavailable = {_string(change.unavailable)}"
    if change.retires is not None:
        yield f"retires = {_day(change.retires)}"
    if change.lasts:
        yield "lasts = true"
    if change.unavailable:
        return
    yield from _list("without", change.without)
    yield from _list("omits", change.omits)
    if change.prices is not None:
        yield from _prices(change.prices, change.model.unit)
    yield from (f"inputs.{name} = {_input(spec)}" for name, spec in change.inputs.items())


def _model(model: Model) -> Iterator[str]:
    yield ""
    yield "[[model]]"
    for name in ("id", "provider", "route"):
        yield f"{name} = {_string(getattr(model, name))}"
    yield from _list("kinds", model.kinds)
    yield from _list("outputs", model.outputs)
    if model.description:
        yield f"description = {_string(model.description)}"
    yield f"unit = {_string(str(model.unit))}"
    yield "auto = false"
    if model.retires is not None:
        yield f"retires = {_day(model.retires)}"
    yield from _list("omits", model.omits)
    yield from _prices(model.prices, model.unit)
    yield from (f"inputs.{name} = {_input(spec)}" for name, spec in model.inputs.items())


def _list(name: str, values: Sequence[str]) -> Iterator[str]:
    if values:
        yield f"{name} = [{', '.join(map(_string, values))}]"


def _prices(rules: Sequence[PriceRule], unit: Unit) -> Iterator[str]:
    yield "prices = ["
    for rule in rules:
        parts = [f'rate = "{plain(rule.rate)}"']
        parts += [f'cost = "{plain(rule.cost_rate)}"'] if rule.cost_rate is not None else []
        parts += [f"unit = {_string(str(rule.unit))}"] if rule.unit is not unit else []
        parts += [f"of = {_string(rule.of)}"] if rule.of else []
        for name in ("step", "minimum", "maximum"):
            end = getattr(rule, name)
            parts += [f"{name} = {plain(end)}"] if end is not None else []
        when = [f"{name} = {_scalar(next(iter(values)))}" for name, values in rule.when.items()]
        parts += [f"when = {{ {', '.join(when)} }}"] if when else []
        yield f"    {{ {', '.join(parts)} }},"
    yield "]"


def _input(spec: Input) -> str:
    usual = Input(name=spec.name, type=spec.type)
    parts = [f"type = {_string(str(spec.type))}"]
    for one in fields(spec):
        value = getattr(spec, one.name)
        if one.name in ("name", "type") or value == getattr(usual, one.name):
            continue
        if isinstance(value, tuple):
            parts.append(f"{one.name} = [{', '.join(map(_scalar, value))}]")
        else:
            parts.append(f"{one.name} = {_scalar(value)}")
    return f"{{ {', '.join(parts)} }}"


def _scalar(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case Decimal():
            return plain(value)
    return _string(str(value))


def _string(text: str) -> str:
    """A basic string of TOML, which is one of JSON but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _line(text: str) -> str:
    """Text that is one printable line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _day(instant: int) -> str:
    return str((_EPOCH + timedelta(microseconds=instant)).date())
