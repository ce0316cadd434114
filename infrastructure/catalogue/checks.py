"""Checks of what a catalogue file's shape cannot say: limits that fit their input, prices that fit their model.

Each check yields "field: what is wrong". A limit or a price that could never apply is an error, since whoever wrote
it believes that it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Final

from domain.bounds import OF_FILES, Formula, Metering
from domain.errors import InvalidInput
from domain.inputs import FILES, NUMBERS, Input, InputType, read_value
from domain.pricing import MEASURED_BY, SIZE, PriceRule, Unit, ambiguous
from infrastructure.formats.signatures import KNOWN

_SIDES: Final = {"min_side", "max_side", "min_pixels", "max_pixels", "min_aspect", "max_aspect"}
_LENGTHS: Final = {"min_ms", "max_ms"}
_OF_FILES: Final = {"required", "many", "media_types", "max_bytes"}
_OF_VALUES: Final = {"required", "default"}

# The keys that say something about an input of each type.
_MEANINGFUL: Final[Mapping[InputType, set[str]]] = {
    InputType.TEXT: _OF_VALUES | {"max_chars"},
    InputType.INTEGER: _OF_VALUES | {"choices", "minimum", "maximum", "multiple_of"},
    InputType.DECIMAL: _OF_VALUES | {"minimum", "maximum"},
    InputType.FLAG: _OF_VALUES,
    InputType.CHOICE: _OF_VALUES | {"choices"},
    InputType.SIZE: _OF_VALUES | _SIDES | {"choices", "multiple_of"},
    InputType.IMAGE: _OF_FILES | _SIDES,
    InputType.VIDEO: _OF_FILES | _SIDES | _LENGTHS,
    InputType.AUDIO: _OF_FILES | _LENGTHS,
    InputType.MESH: _OF_FILES,
}
_PRICEABLE: Final = NUMBERS | {InputType.FLAG, InputType.CHOICE}
_TIMED: Final = NUMBERS | {InputType.VIDEO, InputType.AUDIO}
_SEEN: Final = frozenset({InputType.IMAGE, InputType.VIDEO})


def check_input(spec: Input, written: set[str]) -> Iterator[str]:
    """The mistakes in one input; `written` are the keys that the file gives."""
    for key in sorted(written - _MEANINGFUL[spec.type] - {"type", "sent_as"}):
        yield f"{key}: means nothing for an input of type {spec.type}"
    for limit in ("imum", "_side", "_pixels", "_aspect", "_ms"):
        least, most = getattr(spec, f"min{limit}"), getattr(spec, f"max{limit}")
        if least is not None and most is not None and least > most:
            yield f"min{limit}: {least} is above the max{limit} of {most}"
    if spec.is_file and any(not kind.startswith(f"{spec.type}/") for kind in spec.media_types):
        yield f"media_types: an input of type {spec.type} takes no other"
    elif unknown := sorted(set(spec.media_types) - KNOWN):
        yield f"media_types: {unknown[0]} cannot be read, so that no file would count as it"
    yield from _check_choices(spec)
    yield from _check_multiple(spec)
    yield from _check_default(spec)


def check_group(key: str, names: Sequence[str], inputs: Mapping[str, Input]) -> Iterator[str]:
    """The mistakes in the inputs of which one is needed (`one_of`), or at most one may be given (`not_both`)."""
    if len(names) == 1 or len(set(names)) < len(names):
        yield f"{key}: names at least two inputs, each once"
    for name in names:
        if name not in inputs:
            yield f"{key}: {name!r} is not an input of the model"
        elif _always_given(inputs[name]):
            yield f"{key}: {name!r} is required or has a default, so that it is always given"


def check_rule(rule: PriceRule, inputs: Mapping[str, Input]) -> Iterator[str]:
    """The mistakes in one rule, given what its model accepts."""
    for name, values in rule.when.items():
        spec = inputs.get(name)
        if spec is None or spec.type not in _PRICEABLE:
            yield f"when.{name}: is no choice, flag or number that the model accepts"
        elif objection := next(filter(None, (_objection(spec, value) for value in sorted(values, key=repr))), ""):
            yield f"when.{name}: {objection}"
        elif not _always_given(spec):
            yield f"when.{name}: prices hang on it, so the input must be required or have a default"
    if rule.minimum is not None and rule.minimum < 0:
        yield "minimum: is negative"
    if rule.step is not None and rule.step <= 0:
        yield "step: is none; write how much of a unit counts whole once begun"
    elif rule.step is not None and rule.unit not in MEASURED_BY:
        yield f"step: a price per {rule.unit} measures nothing"
    if rule.maximum is not None and rule.maximum < (rule.minimum or 0):
        yield "maximum: is below the minimum"
    if rule.meters and rule.unit is not Unit.CALL:
        yield "meters: what is metered is priced per call; give the price that unit"
    for meter in rule.meters:
        yield from _check_meter(meter, inputs)
    yield from _check_measure(rule, inputs)


def _check_meter(meter: Metering, inputs: Mapping[str, Input]) -> Iterator[str]:
    """A bound that is taken of what the model does not accept would always say too little; of a number it says none."""
    bound, file = meter.bound, f"meters.{meter.name}.bound.of"
    if bound is None:
        return
    for name in bound.of:
        if name not in inputs and bound.by is Formula.TIMES:
            continue
        if name not in inputs:
            yield f"{file}: {name!r} is no input of the model"
        elif inputs[name].is_file != (bound.by in OF_FILES):
            yield f"{file}: {name!r} is of type {inputs[name].type}, which {bound.by} is not taken of"


def check_rules(rules: Sequence[PriceRule]) -> str:
    """Say which two rules nothing decides between, or nothing."""
    pair = ambiguous(rules)
    return f"nothing decides between {_case(pair[0])} and {_case(pair[1])}" if pair else ""


def _check_choices(spec: Input) -> Iterator[str]:
    if spec.type is InputType.CHOICE and not spec.choices:
        yield "choices: an input of type choice has some"
    if len(set(spec.choices)) < len(spec.choices):
        yield "choices: names one twice"
    kind = int if spec.type is InputType.INTEGER else str
    if any(type(choice) is not kind for choice in spec.choices):
        yield f"choices: all are {'whole numbers' if kind is int else 'texts'}"


def _check_multiple(spec: Input) -> Iterator[str]:
    step = spec.multiple_of
    if step is None:
        return
    is_size = spec.type is InputType.SIZE
    if spec.choices and not is_size:
        yield "multiple_of: means nothing beside choices"
    least, most = (spec.min_side or 1, spec.max_side) if is_size else (spec.minimum, spec.maximum)
    if least is not None and most is not None and -(-ceil(least) // step) * step > most:
        yield f"multiple_of: no multiple of {step} is from {least} to {most}"


def _check_default(spec: Input) -> Iterator[str]:
    if spec.default is None or spec.type in FILES:
        return
    if spec.required:
        yield "default: what is required needs none"
    if objection := _objection(spec, spec.default):
        yield f"default: {objection}"


def _check_measure(rule: PriceRule, inputs: Mapping[str, Input]) -> Iterator[str]:
    measure = rule.measure
    match rule.unit:
        case Unit.SECOND | Unit.BLOCK:
            yield from _check_measured(measure, inputs, _TIMED)
        case Unit.MEGAPIXEL if measure == SIZE:
            yield from _check_measured("width", inputs, frozenset({InputType.INTEGER}))
            yield from _check_measured("height", inputs, frozenset({InputType.INTEGER}))
        case Unit.MEGAPIXEL:
            yield from _check_measured(measure, inputs, _SEEN)
        case Unit.TOKEN:
            yield from _check_measured(measure, inputs, frozenset({InputType.INTEGER}))
        case _ if measure:
            yield f"of: a price per {rule.unit} measures nothing"


def _check_measured(name: str, inputs: Mapping[str, Input], types: frozenset[InputType]) -> Iterator[str]:
    """A measured input is always given and never zero, so that no request slips by without a price."""
    spec = inputs.get(name)
    if spec is None or spec.type not in types:
        yield f"of: {name!r} is no input of type {' or '.join(sorted(types))}"
    elif not _always_given(spec):
        yield f"of: the price hangs on {name!r}, so it must be required or have a default"
    elif spec.type in NUMBERS and not _positive(spec):
        yield f"of: {name!r} may be zero or less; give it a minimum"


def _positive(spec: Input) -> bool:
    if spec.choices:
        return all(isinstance(choice, int) and choice > 0 for choice in spec.choices)
    return spec.minimum is not None and spec.minimum > 0


def _always_given(spec: Input) -> bool:
    return spec.required or spec.default is not None


def _objection(spec: Input, value: object) -> str:
    """The input's objections to a value, and to a notation in which requests are not compared."""
    try:
        read = read_value(spec, value)
    except InvalidInput as error:
        return error.message.removeprefix(f"{spec.name}: ")
    return "" if (read, type(read)) == (value, type(value)) else f"write {read!r}, not {value!r}"


def _case(rule: PriceRule) -> str:
    when = ", ".join(f"{name}={'|'.join(sorted(map(str, rule.when[name])))}" for name in sorted(rule.when))
    return f"{'unbounded' if rule.rate is None else rule.rate} ({when or 'always'})"
