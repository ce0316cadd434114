"""An overlay, and how it is written: changes of entries, new entries, and routes that are not wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.catalogue import Model
from domain.inputs import Input, plain
from domain.pricing import PriceRule, Unit

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Change:
    """The changes of one entry."""

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
class OverlayDraft:
    """An overlay that is being written: changes and new models by id, and routes that are known and left out."""

    changes: Mapping[str, Change]
    models: Mapping[str, Model]
    known: Mapping[str, str]


def overlay_text(provider: str, currency: str, at: int, draft: OverlayDraft) -> str:
    """The overlay as TOML; `at` is the instant at which the provider's list was read."""
    day = (_EPOCH + timedelta(microseconds=at)).date()
    told = f"The changes that {provider} lists against the catalogue, read on {day}. Review it before you use it."
    return overlay_under(told, provider, currency, draft)


def overlay_under(told: str, provider: str, currency: str, draft: OverlayDraft) -> str:
    """The overlay as TOML, under a line that says what it is."""
    lines = [f"# {one_line(told)}", "", f"currency = {_string(currency)}"]
    for _, change in sorted(draft.changes.items()):
        lines += _changed(change)
    for _, model in sorted(draft.models.items()):
        lines += _model(model)
    if draft.known:
        lines += ["", "[[known]]", f"provider = {_string(provider)}", "routes = ["]
        for route, why in sorted(draft.known.items()):
            lines += [f"    # {one_line(why)}", f"    {_string(route)},"]
        lines.append("]")
    return "\n".join(lines) + "\n"


def _changed(change: Change) -> Iterator[str]:
    yield ""
    yield from (f"# {one_line(why)}" for why in change.why)
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
        assert rule.rate is not None, "what is fitted to prices has a rate"
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


def one_line(text: str) -> str:
    """Text that is one printable line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _day(instant: int) -> str:
    return str((_EPOCH + timedelta(microseconds=instant)).date())
