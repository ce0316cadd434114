"""The catalogue held against what its providers offer now: what is new, gone, or otherwise than the entries say.

    entries of one provider ──┐
    Offers, checked at a door ─┴── differences ──> new | gone | inputs | price | ends | unclear

Prices are compared by what each case costs: every choice that a price of ours or theirs hangs on, with clips and sounds
of several lengths, at their formula and at our rules. A thing that cannot be compared is unclear, and never equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import product
from math import prod
from typing import Final

from application.ports import Value
from application.providing.listings import Offered, OfferedInput, Offers
from domain.catalogue import Model
from domain.counts import counted
from domain.inputs import NUMBERS, FileInfo, Input, InputType, Scalar, plain
from domain.periods import local_day
from domain.pricing import PriceBook, PriceRule, Quote, quote

MICROS: Final = 1_000_000
SECONDS: Final = tuple(map(Decimal, ("0.4", "3", "5", "7.2", "61", "700", "4000")))
"""How long files last in the cases that are compared: whole and begun seconds, below and above usual bounds."""
MOST_CASES: Final = 5_000
MOST_NUMBERS: Final = 40
"""Values of one number that are compared, if it has no choices."""
SHOWN: Final = 3
UNLIKE: Final = "is listed more than once, and not alike"
UTC: Final = "UTC"


class Finding(StrEnum):
    """The sorts of mismatches."""

    NEW = "new"
    GONE = "gone"
    INPUTS = "inputs"
    PRICE = "price"
    ENDS = "ends"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is otherwise than the catalogue says; `model` is empty if it has none of that route."""

    finding: Finding
    route: str
    model: str
    what: str


@dataclass(frozen=True, slots=True)
class Case:
    """One request of which the price is compared: values by our names, and the seconds of each file; `varied` are those
    of either that the price may hang on."""

    values: Mapping[str, Scalar]
    seconds: Mapping[str, Decimal]
    varied: tuple[str, ...]

    def words(self) -> str:
        named = [f"{name}={_word(self.values[name])}" for name in self.varied if name in self.values]
        named += [f"{plain(self.seconds[name])} s of {name}" for name in self.varied if self.seconds.get(name)]
        return ", ".join(named) or "always"


@dataclass(frozen=True, slots=True)
class PricedCase:
    """The price of one case there and here, in micro-units of USD; None if it has no price here."""

    case: Case
    theirs: Decimal
    ours: int | None

    @property
    def differs(self) -> bool:
        """Once both are rounded to a micro-unit, half-even."""
        return self.ours is None or round(Fraction(self.theirs) * MICROS) != self.ours


def mismatches(
    models: Iterable[Model], offers: Offers, known: Collection[str], price_book: PriceBook, at: int
) -> list[Mismatch]:
    """All that is otherwise, by route. `known` are routes that are not wanted here.

    A route that is listed more than once, and not alike, is not compared. A list of nothing says of nothing that it is
    gone.
    """
    entered = list(models)
    offers = offers if offers.models else replace(offers, is_whole=False)
    offered = {one.route: one for one in offers.models}
    unlike = {one.route for one in offers.models if one != offered[one.route]}
    found: list[Mismatch] = []
    for model in entered:
        if model.route in unlike and not model.why_unavailable(at):
            found.append(Mismatch(Finding.UNCLEAR, model.route, model.id, UNLIKE))
        elif model.route in offered and model.route not in unlike:
            found += _of_model(model, offered[model.route], offers, price_book, at)
        elif _is_gone(model, offers) and not model.why_unavailable(at):
            found.append(Mismatch(Finding.GONE, model.route, model.id, "is not offered any more"))
    routes = {model.route for model in entered}
    if offers.is_whole:
        fresh = [one for one in offered.values() if one.route not in routes and one.route not in known]
        found += [
            Mismatch(Finding.UNCLEAR, one.route, "", UNLIKE) if one.route in unlike else _new(one) for one in fresh
        ]
    return sorted(found, key=lambda one: (one.route, one.model, one.finding))


def _is_gone(model: Model, offers: Offers) -> bool:
    return model.route in offers.gone or (offers.is_whole and bool(model.route) and not is_named_by_caller(model))


@dataclass(frozen=True, slots=True)
class Reach:
    """The reach of a key among the entries that could be used: ids that are offered and that are not, and the last days
    (epoch microseconds) that the provider tells."""

    offered: tuple[str, ...]
    missing: tuple[str, ...]
    ends: Mapping[str, int]

    def words(self) -> str:
        """In one line, with the first few names."""
        told = [f"reaches {len(self.offered)} of {counted(len(self.offered) + len(self.missing), 'model')} here"]
        told += [f"not {_few(self.missing)}"] if self.missing else []
        told += [f"retires {_few([f'{id} on {local_day(end, UTC)}' for id, end in self.ends.items()])}"] * bool(
            self.ends
        )
        return "; ".join(told)


def reach(models: Iterable[Model], offers: Offers, at: int) -> Reach:
    """Of the models that could be used now those that are offered, but for those that a request names itself."""
    usable = [model for model in models if not model.why_unavailable(at) and not is_named_by_caller(model)]
    offered = {one.route: one for one in offers.models}
    here = [model for model in usable if model.route in offered]
    ends = {model.id: end for model in here if (end := offered[model.route].retires) is not None}
    gone = tuple(model.id for model in usable if _is_gone(model, offers) and model.route not in offered)
    return Reach(tuple(model.id for model in here), gone, ends)


def _few(words: Sequence[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return f"{', '.join(words[:SHOWN])}{more}"


def is_named_by_caller(model: Model) -> bool:
    """Whether the route is completed by an input of the request's, so that no list can name it."""
    return "{" in model.route


def is_metered(model: Model) -> bool:
    """Whether what a call costs is counted, so that no list can tell it."""
    return any(rule.meters for rule in model.prices)


def _new(offered: Offered) -> Mismatch:
    does = f"does {', '.join(offered.kinds)}" if offered.kinds else "is offered"
    return Mismatch(Finding.NEW, offered.route, "", f"{does}; {_price_words(offered)}")


def _price_words(offered: Offered) -> str:
    if offered.price is not None and not offered.priced_by:
        try:
            return f"{plain(offered.price({}, {}))} USD a call"
        except ValueError:
            return "its price cannot be read"
    return f"price: {offered.formula}" if offered.formula else "its price is not told"


def _of_model(model: Model, offered: Offered, offers: Offers, price_book: PriceBook, at: int) -> Iterator[Mismatch]:
    def told(finding: Finding, whats: Iterable[str]) -> Iterator[Mismatch]:
        return (Mismatch(finding, model.route, model.id, what) for what in whats)

    if offers.tells_ends:
        yield from told(Finding.ENDS, _ends(model, offered))
    if model.why_unavailable(at):
        return
    if offered.inputs is not None:
        yield from told(Finding.INPUTS, _inputs(model, offered.inputs))
    if offered.price is not None and not is_metered(model):
        try:
            otherwise = [one for one in priced(model, offered, price_book, at) if one.differs]
        except ValueError as error:
            yield from told(Finding.UNCLEAR, [f"its price cannot be compared: {error}"] if model.prices else [])
        else:
            yield from told(Finding.PRICE, _prices(otherwise))
    elif offered.formula and model.prices and not is_metered(model):
        yield from told(Finding.UNCLEAR, [f"its price cannot be read there: {offered.formula}"])


def _ends(model: Model, offered: Offered) -> Iterator[str]:
    if model.retires != offered.retires:
        theirs, ours = (
            "no day" if end is None else str(local_day(end, "UTC")) for end in (offered.retires, model.retires)
        )
        yield f"its provider retires it on {theirs}, the entry says {ours}"


# Inputs


def _inputs(model: Model, documented: Sequence[OfferedInput]) -> Iterator[str]:
    """Inputs of the entry that are not documented, those that it misses, and its values that are not accepted."""
    theirs = {one.name: one for one in documented}
    ours = {spec.wire_name: spec for spec in model.inputs.values()}
    for name, spec in ours.items():
        if name in theirs:
            yield from _values(spec, theirs[name], model.omits)
        else:
            yield f"input {name!r} is not documented there"
    for name in sorted(model.fixed.keys() - theirs.keys()):
        yield f"input {name!r}, which is always sent, is not documented there"
    for name, one in theirs.items():
        if name in ours or name in model.fixed:
            continue
        if one.required:
            yield f"input {name!r} is required there and missing here"
        elif name not in model.omits:
            yield f"input {name!r} is new there"


def _values(spec: Input, there: OfferedInput, omits: Collection[str]) -> Iterator[str]:
    name = spec.wire_name
    if not is_of_type(spec, there):
        yield f"input {name!r} is {_type(there.type, there.many)} there, {_type(spec.type, spec.many > 1)} here"
        return
    if there.required and not (spec.required or spec.default is not None):
        yield f"input {name!r} is required there"
    if there.choices and spec.type is not InputType.FLAG:
        yield from _choices(spec, there, omits)
    yield from _bounds(spec, there)


def _choices(spec: Input, there: OfferedInput, omits: Collection[str]) -> Iterator[str]:
    name, theirs = spec.wire_name, {str(choice) for choice in there.choices}
    ours = {str(choice) for choice in spec.choices}
    if not ours:
        yield f"input {name!r} accepts only {', '.join(map(str, there.choices))} there"
        return
    refused = [choice for choice in spec.choices if str(choice) not in theirs]
    if refused:
        yield f"input {name!r} does not accept {', '.join(map(str, refused))} there"
    missing = [one for one in there.choices if str(one) not in ours and f"{name}={one}" not in omits]
    if missing:
        yield f"input {name!r} accepts {', '.join(map(str, missing))} there too"


def _bounds(spec: Input, there: OfferedInput) -> Iterator[str]:
    if spec.type not in NUMBERS:
        return
    numbers = [Decimal(choice) for choice in spec.choices]
    least, most = (min(numbers), max(numbers)) if numbers else (spec.minimum, spec.maximum)
    if there.minimum is not None and (least is None or least < there.minimum):
        yield f"input {spec.wire_name!r} is at least {plain(there.minimum)} there"
    if there.maximum is not None and (most is None or most > there.maximum):
        yield f"input {spec.wire_name!r} is at most {plain(there.maximum)} there"


def is_of_type(spec: Input, there: OfferedInput) -> bool:
    """Whether what the entry sends is what is documented; a file travels as a text."""
    if (spec.many > 1) != there.many:
        return False
    match spec.type:
        case InputType.TEXT | InputType.CHOICE | InputType.SIZE:
            return there.type in ("text", "choice", "size")
        case InputType.INTEGER:
            return there.type in ("integer", "decimal") and not any(isinstance(one, str) for one in there.choices)
        case InputType.IMAGE | InputType.VIDEO | InputType.AUDIO | InputType.MESH:
            return there.type in (spec.type, "text")
    return there.type == spec.type


def _type(type: str, many: bool) -> str:
    return f"{'several of' if many else 'one'} {type or 'a type that is not known'}"


# Prices


def priced(model: Model, offered: Offered, price_book: PriceBook, at: int) -> list[PricedCase]:
    """The price of every case there and here. Raises ValueError if one cannot be told, or they are too many."""
    assert offered.price is not None
    files = {spec.name: spec for spec in model.inputs.values() if spec.is_file}
    found = []
    for case in cases(model, offered):
        sent = {model.inputs[name].wire_name: value for name, value in case.values.items()}
        lengths = {files[name].wire_name: length for name, length in case.seconds.items()}
        theirs = offered.price({**model.fixed, **_numbers(model, sent)}, lengths)
        found.append(PricedCase(case, theirs, _ours(model, case, price_book, at)))
    return found


def _numbers(model: Model, sent: Mapping[str, Scalar]) -> dict[str, Value]:
    """Values as a task has them: decimals are numbers there."""
    decimals = {spec.wire_name for spec in model.inputs.values() if spec.type is InputType.DECIMAL}
    return {name: Decimal(str(value)) if name in decimals else value for name, value in sent.items()}


def _ours(model: Model, case: Case, price_book: PriceBook, at: int) -> int | None:
    media = {
        name: (FileInfo(f"{model.inputs[name].type}/x", 1, 1, 1, int(length * 1000) or None),)
        for name, length in case.seconds.items()
    }
    found = quote(model, price_book, case.values, 1, at, media)
    return found.cost if isinstance(found, Quote) else None


def cases(model: Model, offered: Offered) -> Iterator[Case]:
    """Every case of which the price may be its own. Raises ValueError if they are too many."""
    wire = {spec.wire_name: spec.name for spec in model.inputs.values()}
    wanted = {wire[name] for name in offered.priced_by if name in wire}
    wanted |= {name for rule in model.prices for name in (*rule.when, *_measures(rule, model))}
    varied = {name: values_of(model.inputs[name], model.prices) for name in sorted(wanted) if name in model.inputs}
    if prod(map(len, varied.values())) > MOST_CASES:
        raise ValueError(f"it hangs on more than {MOST_CASES} cases")
    given = {spec.name: spec.default for spec in model.inputs.values() if spec.default is not None}
    needed = {spec.name: Decimal(0) for spec in model.inputs.values() if spec.is_file and spec.required}
    for values in product(*varied.values()):
        chosen = dict(zip(varied, values, strict=True))
        seconds = {name: value for name, value in chosen.items() if isinstance(value, Decimal)}
        scalars = {name: value for name, value in chosen.items() if not isinstance(value, Decimal)}
        yield Case({**given, **scalars}, {**needed, **seconds}, tuple(varied))


def _measures(rule: PriceRule, model: Model) -> list[str]:
    return [rule.measure] if rule.measure in model.inputs else []


def values_of(spec: Input, prices: Sequence[PriceRule]) -> list[Scalar | Decimal]:
    """The values of one input that are compared; of a file, its seconds. Raises ValueError if it may be anything."""
    match spec.type:
        case InputType.FLAG:
            return [False, True]
        case InputType.VIDEO | InputType.AUDIO:
            least, most = Decimal(spec.min_ms or 0) / 1000, Decimal(spec.max_ms or 10**9) / 1000
            return sorted({min(max(length, least), most) for length in SECONDS})
        case InputType.IMAGE | InputType.MESH:
            return [Decimal(0)]
        case InputType.TEXT | InputType.SIZE:
            raise ValueError(f"it hangs on {spec.name!r}, which may be anything")
    if spec.choices:
        return list(spec.choices)
    named = {value for rule in prices for value in rule.when.get(spec.name, ())}
    return sorted({*named, *_numbers_of(spec)}, key=lambda value: Decimal(str(value)))


def _numbers_of(spec: Input) -> set[Scalar]:
    least, most = spec.minimum or Decimal(1), spec.maximum or (spec.minimum or Decimal(1)) + MOST_NUMBERS
    if spec.type is InputType.DECIMAL:
        return {plain(least), plain(most)}
    few = range(int(least), min(int(most), int(least) + MOST_NUMBERS) + 1)
    return {*few, int(most), *([spec.default] if spec.default is not None else [])}


def _prices(otherwise: Sequence[PricedCase]) -> Iterator[str]:
    """All cases in one sentence: how many, and what the first few are."""
    if not otherwise:
        return
    shown = [f"{one.case.words()}: {plain(one.theirs)} there, {_here(one.ours)} here" for one in otherwise[:SHOWN]]
    more = f"; and {len(otherwise) - SHOWN} cases more" if len(otherwise) > SHOWN else ""
    yield f"{'; '.join(shown)}{more}"


def _here(ours: int | None) -> str:
    return "no price" if ours is None else plain(Decimal(ours) / MICROS)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
