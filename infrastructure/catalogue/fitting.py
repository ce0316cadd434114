"""Price rules found from what a provider says that requests cost: every case is asked, and what fits all is written.

cases of one model ── theirs ──> for each choice: a flat price, or a rate for seconds, begun ones, blocks of five
                                          └── no rule fits every case ──> None, and nobody may guess
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from types import MappingProxyType
from typing import Final

from application.providing.listings import Offered
from application.providing.offers import SECONDS, values_of
from domain.catalogue import Model
from domain.inputs import NUMBERS, FileInfo, Input, InputType, Scalar
from domain.pricing import PriceBook, PriceRule, Quote, Unit, quote

MOST_RULES: Final = 200
TRIED: Final = tuple(sorted({*SECONDS, *map(Decimal, ("0.001", "1", "5.001", "10", "12", "60", "15.2", "100000"))}))
"""Lengths of files at which a rule must hold."""
LOW, HIGH = Decimal(10), Decimal("15.2")
"""Two lengths between which a rate shows, if it does at all."""
DIGITS: Final = 12
FLAT: Final = MappingProxyType({"image": Unit.IMAGE, "video": Unit.VIDEO, "model": Unit.MODEL})
_BOOK: Final = PriceBook("", "USD")

Case = Mapping[str, Scalar]
"""Values of the inputs that the price hangs on."""
Ruled = tuple[Case, PriceRule]


@dataclass(frozen=True, slots=True)
class Question:
    """The cost of a model there, by our own names of its inputs."""

    model: Model
    offered: Offered

    def price(self, values: Mapping[str, Scalar], seconds: Mapping[str, Decimal]) -> Fraction:
        assert self.offered.price is not None
        wire = {spec.name: spec.wire_name for spec in self.model.inputs.values()}
        given = {name: spec.default for name, spec in self.model.inputs.items() if spec.default is not None}
        sent = {wire[name]: value for name, value in {**given, **values}.items()}
        needed = {spec.wire_name: Decimal(0) for spec in self.model.inputs.values() if spec.is_file and spec.required}
        lengths = {**needed, **{wire[name]: length for name, length in seconds.items()}}
        return Fraction(self.offered.price({**self.model.fixed, **sent}, lengths))


def rules_that_fit(model: Model, offered: Offered) -> tuple[PriceRule, ...] | None:
    """The rules by which every case costs here what it costs there; None where none are found."""
    if offered.price is None:
        return None
    wire = {spec.wire_name: spec for spec in model.inputs.values()}
    drivers = [wire[name] for name in offered.priced_by if name in wire]
    measures = [spec for spec in drivers if _measures(spec)]
    chosen = [spec for spec in drivers if spec.type in (InputType.CHOICE, InputType.FLAG) or spec.choices]
    if len(measures) > 1 or any(not spec.required and spec.default is None for spec in (*measures, *chosen)):
        return None
    if any(spec.type in (InputType.TEXT, InputType.SIZE) for spec in drivers):
        return None
    try:
        rules = _rules(Question(model, offered), chosen, measures)
    except ValueError:
        return None
    return None if rules is None else tuple(replace(rule, when=_when(case)) for case, rule in _simple(rules, chosen))


def _measures(spec: Input) -> bool:
    return spec.type in (InputType.VIDEO, InputType.AUDIO) or (spec.type in NUMBERS and not spec.choices)


def _rules(question: Question, chosen: Sequence[Input], measures: Sequence[Input]) -> list[Ruled] | None:
    """A rule for each case; what is measured is what must be, or a number with few choices, or nothing."""
    numbers = [spec for spec in chosen if spec.type in NUMBERS]
    tries: list[Input | None] = [*measures] if measures else [*numbers, None]
    return next((found for spec in tries if (found := _each(question, chosen, spec)) is not None), None)


def _each(question: Question, chosen: Sequence[Input], measure: Input | None) -> list[Ruled] | None:
    free = [one for one in chosen if one is not measure]
    found: list[Ruled] = []
    for values in product(*(values_of(one, ()) for one in free)):
        case = {one.name: value for one, value in zip(free, values, strict=True) if not isinstance(value, Decimal)}
        rule = _flat(question, question.price(case, {})) if measure is None else _measured(question, case, measure)
        if rule is None or len(found) >= MOST_RULES:
            return None
        found.append((case, rule))
    return found


def _flat(question: Question, rate: Fraction) -> PriceRule:
    unit = next((unit for kind, unit in FLAT.items() if question.model.outputs[0].startswith(kind)), Unit.CALL)
    return PriceRule(unit=unit, rate=_decimal(rate))


def _measured(question: Question, case: Case, spec: Input) -> PriceRule | None:
    """A rate for what one input measures: the first of the usual ways to bill that every length agrees with."""
    costs = {length: _cost(question, case, spec, length) for length in _lengths(spec)}
    if len(set(costs.values())) == 1:
        return _flat(question, next(iter(costs.values())))
    for unit, step in ((Unit.SECOND, None), (Unit.SECOND, Decimal(1)), (Unit.BLOCK, None)):
        rule = _tried(question.model, costs, spec, PriceRule(unit=unit, rate=Decimal(1), of=spec.name, step=step))
        if rule is not None and all(_bills(question.model, rule, spec, at) == cost for at, cost in costs.items()):
            return rule
    return None


def _tried(model: Model, costs: Mapping[Decimal, Fraction], spec: Input, shape: PriceRule) -> PriceRule | None:
    """The rule of this shape, with the rate that shows between two lengths and the bounds at both ends."""
    units = {length: _bills(model, shape, spec, length) for length in costs}
    low, high = (LOW, HIGH) if spec.is_file else (min(costs), max(costs))
    if low not in costs or high not in costs or units[high] <= units[low] or costs[high] <= costs[low]:
        return None
    rate = (costs[high] - costs[low]) / (units[high] - units[low])
    least, most = costs[min(costs)] / rate, costs[max(costs)] / rate
    try:
        return replace(
            shape,
            rate=_decimal(rate),
            minimum=_decimal(least) if least > units[min(costs)] else None,
            maximum=_decimal(most) if most < units[max(costs)] else None,
        )
    except ValueError:
        return None


def _lengths(spec: Input) -> list[Decimal]:
    if spec.is_file:
        least, most = Decimal(spec.min_ms or 0) / 1000, Decimal(spec.max_ms or 10**9) / 1000
        return sorted({min(max(length, least), most) for length in TRIED})
    return sorted({Decimal(str(value)) for value in values_of(spec, ())})


def _cost(question: Question, case: Case, spec: Input, length: Decimal) -> Fraction:
    if spec.is_file:
        return question.price(case, {spec.name: length})
    return question.price({**case, **_as_value(spec, length)}, {})


def _as_value(spec: Input, length: Decimal) -> dict[str, Scalar]:
    return {spec.name: int(length) if spec.type is InputType.INTEGER else str(length)}


def _bills(model: Model, rule: PriceRule, spec: Input, length: Decimal) -> Fraction:
    """The sum that the rule alone comes to, in whole units of the currency."""
    alone = replace(model, prices=(rule,))
    media = {spec.name: (FileInfo(f"{spec.type}/x", 1, 1, 1, int(length * 1000)),)} if spec.is_file else {}
    found = quote(alone, _BOOK, {} if spec.is_file else _as_value(spec, length), 1, 0, media)
    if not isinstance(found, Quote) or rule.rate is None:
        return Fraction(-1)
    return Fraction(found.units) * Fraction(rule.rate)


def _simple(rules: Sequence[Ruled], chosen: Sequence[Input]) -> list[Ruled]:
    """The same rules without the choices that change nothing."""
    left = list(rules)
    for spec in chosen:
        fewer: list[Ruled] = []
        for case, rule in left:
            bare = {name: value for name, value in case.items() if name != spec.name}
            if (bare, rule) not in fewer:
                fewer.append((bare, rule))
        if len({str(case) for case, _ in fewer}) == len(fewer):
            left = fewer
    return left


def _when(case: Case) -> Mapping[str, frozenset[Scalar]]:
    return MappingProxyType({name: frozenset([value]) for name, value in case.items()})


def _decimal(number: Fraction) -> Decimal:
    """Exactly that number. Raises ValueError where it has too many digits."""
    scaled = number * 10**DIGITS
    if scaled.denominator != 1 or not 0 <= scaled <= 10**27:
        raise ValueError("a rate has no end")
    return Decimal((0, tuple(map(int, str(scaled.numerator))), -DIGITS))
