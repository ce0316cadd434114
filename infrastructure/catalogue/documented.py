"""Inputs as a provider documents them: an entry's corrected by it, and new ones, in the catalogue's own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, Final

from application.providing.listings import OfferedInput
from application.providing.offers import is_of_type
from domain.catalogue import Model
from domain.inputs import FILES, Input, InputType, Scalar, plain
from infrastructure.catalogue.written import Change

ALIKE: Final = 0.5
"""How alike two names are, of which the one may be the other's new one."""
MANY: Final = 10
"""Files of one input, where the provider takes several and does not say how many."""
NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def correct_inputs(change: Change, documented: Sequence[OfferedInput], words: Mapping[str, str]) -> None:
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
        spec_of = input_of(one, words) if one.required else None
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
        made = input_of(there, {there.name: spec.name})
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


def input_of(one: OfferedInput, words: Mapping[str, str]) -> Input | None:
    """A documented input as it is here; None if no type of ours is its own."""
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


def vocabulary(models: Iterable[Model]) -> dict[str, str]:
    """This studio's name for each input of a provider: the name that most of its entries give it."""
    counts: dict[str, Counter[str]] = {}
    for model in models:
        for spec in model.inputs.values():
            counts.setdefault(spec.wire_name, Counter())[spec.name] += 1
    return {wire: names.most_common(1)[0][0] for wire, names in counts.items()}
