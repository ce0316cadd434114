"""Prices: dated rules, one quote an operation, and the share of it that a partial delivery costs.

    rules ── inputs, instant ──> one rule ── units of the inputs ──> Quote ── delivered ──> price, cost
                                    └── none, or nothing to measure ──> Unpriced

Of the rules that match the inputs, the one with the most conditions holds, and of the same conditions the
latest that is in force: a new general price never overrides the price of a variant. Rules that match equally well are
refused when the catalogue is loaded. Units are whole millionths, and the amount is rounded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from types import MappingProxyType
from typing import Any, Final, Protocol

from domain.bounds import Meter, Metering
from domain.errors import InvalidInput
from domain.exchange import NO_EXCHANGE, ExchangeRates
from domain.inputs import FileInfo, Scalar, plain, shortened
from domain.money import check_currency, extend, total
from domain.periods import EARLIEST
from domain.selling import Sale
from domain.value import maker, value

REAL: Final = "real"
MOST_OUTPUTS: Final = 1_000_000
_MILLION: Final = 1_000_000
_MICROS_A_MS: Final = 1_000
_BLOCK: Final = 5 * _MILLION


class Unit(StrEnum):
    """The thing that a rate is for."""

    IMAGE = "image"
    SECOND = "second"
    BLOCK = "5s_block"
    """Five seconds, begun ones counting whole."""
    MEGAPIXEL = "megapixel"
    VIDEO = "video"
    """A whole clip, however long."""
    MODEL = "model"
    """A 3D model."""
    CALL = "call"
    """One submission, however much it delivers."""
    TOKEN = "token"


_COUNTED: Final = frozenset({Unit.IMAGE, Unit.VIDEO, Unit.MODEL})

SIZE: Final = "size"
"""The measure of megapixels: the inputs `width` and `height` of the output."""

MEASURED_BY: Final = MappingProxyType(
    {Unit.SECOND: "duration", Unit.BLOCK: "duration", Unit.MEGAPIXEL: SIZE, Unit.TOKEN: "tokens"}
)
"""The input that says how many units there are, where a rule names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRule:
    """A rate in currency units per unit, from an instant on, for inputs that hold one value of each `when`.

    `cost_rate` is what the provider bills us, the same as `rate` where None. `of` is the input that
    is measured: a number, or a file. A `step` begun counts whole, such as a second; `minimum` and `maximum` are the
    least and most units billed an output.
    With `meters` the rate is what a call costs at most, None if nobody says, and what it does cost is settled on
    what was counted.
    """

    unit: Unit
    rate: Decimal | None
    cost_rate: Decimal | None = None
    effective_from: int = EARLIEST
    when: Mapping[str, frozenset[Scalar]] = field(default_factory=dict)
    of: str = ""
    step: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    meters: tuple[Metering, ...] = ()

    @property
    def measure(self) -> str:
        return self.of or MEASURED_BY.get(self.unit, "")

    def matches(self, inputs: Mapping[str, Scalar]) -> bool:
        return not self.when or all(name in inputs and inputs[name] in values for name, values in self.when.items())

    def same_case(self, other: PriceRule) -> bool:
        """Whether the other rule is for the same inputs from the same instant, so that it replaces this."""
        return (self.when, self.effective_from) == (other.when, other.effective_from)


class Priced(Protocol):
    """A model, as far as pricing needs to know it."""

    @property
    def id(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def class_(self) -> str: ...
    @property
    def unit(self) -> Unit: ...
    @property
    def prices(self) -> tuple[PriceRule, ...]: ...


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Which prices were in force, by the content of all of them; their one currency, and what others are worth."""

    version: str
    currency: str
    exchange: ExchangeRates = NO_EXCHANGE


@value
class Quote:
    """The price of one operation, in micro-units for all its outputs; `rate` None is unknown, under a cap.

    With `meters` it is an upper bound. `listed` is the price book's price, if the provider itself quoted the cost.
    `model_class` is what the model was when it was quoted: real, a stand-in or for tests; empty if nobody noted it.
    `sale` is how the price was made from the price book's and the cost, which is in the sale's currency; None: the
    price is the price book's.
    """

    model: str
    provider: str
    unit: str
    units: Decimal
    rate: Decimal | None
    price: int
    cost: int
    currency: str
    price_book: str
    outputs: int
    meters: tuple[Meter, ...] = ()
    listed: int | None = None
    model_class: str = REAL
    sale: Sale | None = None

    @property
    def cost_currency(self) -> str:
        """The currency of the cost, and of what meters count."""
        return self.currency if self.sale is None else self.sale.currency

    @property
    def other_currency(self) -> str:
        """The currency of the cost as facts say it: empty if it is the price's."""
        return "" if self.sale is None or self.sale.currency == self.currency else self.sale.currency


@dataclass(frozen=True, slots=True)
class Unpriced:
    """No price is known for this operation, and why; it is not free."""

    model: str
    provider: str
    reason: str
    outputs: int
    price_book: str
    unit: str = Unit.CALL
    meters: tuple[Meter, ...] = ()
    """Those whose rates are known, although nobody says how much there can be of them."""
    model_class: str = REAL


def ambiguous(rules: Sequence[PriceRule]) -> tuple[PriceRule, PriceRule] | None:
    """Two rules between which nothing decides: some inputs match both, and neither is narrower or later."""
    for one, other in combinations(rules, 2):
        names, others = one.when.keys(), other.when.keys()
        decided = names < others or others < names
        dated = names == others and one.effective_from != other.effective_from
        together = all(one.when[name] & other.when[name] for name in names & others)
        if together and not decided and not dated:
            return one, other
    return None


_make_quote = maker(Quote)


def quote(
    model: Priced,
    price_book: PriceBook,
    inputs: Mapping[str, Scalar],
    outputs: int,
    at: int,
    measured: Mapping[str, Sequence[FileInfo]] = MappingProxyType({}),
) -> Quote | Unpriced:
    """Price one operation of `outputs` outputs at an instant.

    `inputs` are those that `check_inputs` returned, defaults included; `measured` holds the facts of
    the files. Raises InvalidInput unless 1 <= `outputs` <= MOST_OUTPUTS, InvalidMoney for an amount beyond 64 bits.
    """
    if type(outputs) is not int or not 1 <= outputs <= MOST_OUTPUTS:
        raise InvalidInput("n", f"{shortened(outputs)} is not a number of outputs", hint=f"ask for 1 to {MOST_OUTPUTS}")
    rule = rule_at(model, inputs, at)
    if rule is None:
        return _unpriced(model, price_book, outputs, _why_no_rule(model, inputs, at))
    if rule.meters:
        return _at_most(model, price_book, rule, inputs, measured, outputs)
    assert rule.rate is not None, "what is not metered has a rate"
    each = _millionths(rule, inputs, measured)
    if each is None:
        return _unpriced(model, price_book, outputs, f"its {rule.measure!r} cannot be measured")
    units = _exact(_within(rule, each) * (1 if rule.unit is Unit.CALL else outputs))
    price = _amount(rule.rate, units)
    cost = price if rule.cost_rate is None else _amount(rule.cost_rate, units)
    return _quoted(model, price_book, rule, outputs, units, rule.rate, price, cost)


def _at_most(
    model: Priced,
    price_book: PriceBook,
    rule: PriceRule,
    inputs: Mapping[str, Scalar],
    measured: Mapping[str, Sequence[FileInfo]],
    outputs: int,
) -> Quote | Unpriced:
    """The most that what is metered can come to in this request: bounds, each at its rate, rounded once."""
    meters = tuple(metering.of(inputs, measured, outputs) for metering in rule.meters)
    unbounded = [meter.name for meter in meters if meter.most is None and (meter.rate or meter.cost)]
    if unbounded:
        reason = f"its rates are known, and nobody says how much {unbounded[0]} there can be"
        return replace(_unpriced(model, price_book, outputs, reason), meters=meters)
    price = total((meter.rate, meter.most or 0) for meter in meters)
    cost = total((meter.cost, meter.most or 0) for meter in meters)
    return _quoted(model, price_book, rule, outputs, Decimal(1), _exact(price), price, cost, meters)


def _quoted(
    model: Priced,
    price_book: PriceBook,
    rule: PriceRule,
    outputs: int,
    units: Decimal,
    rate: Decimal,
    price: int,
    cost: int,
    meters: tuple[Meter, ...] = (),
) -> Quote:
    names, terms = (model.id, model.provider, str(rule.unit)), (price_book.currency, price_book.version)
    return _make_quote(*names, units, rate, price, cost, *terms, outputs, meters, None, str(model.class_))


def rule_at(model: Priced, inputs: Mapping[str, Scalar], at: int) -> PriceRule | None:
    """The rule in force for these inputs: most conditions first, then latest."""
    found = [rule for rule in model.prices if rule.effective_from <= at and rule.matches(inputs)]
    if len(found) == 1:
        return found[0]
    return max(found, key=lambda rule: (len(rule.when), rule.effective_from), default=None)


def capped_quote(unpriced: Unpriced, cap: int, currency: str) -> Quote:
    """Hold `cap` micro-units for an operation of unknown price, if the account allows it."""
    units = 1 if unpriced.unit == Unit.CALL else unpriced.outputs
    return _make_quote(
        model=unpriced.model,
        provider=unpriced.provider,
        unit=unpriced.unit,
        units=Decimal(units),
        rate=None,
        price=cap,
        cost=cap,
        currency=check_currency(currency),
        price_book=unpriced.price_book,
        outputs=unpriced.outputs,
        meters=unpriced.meters,
        model_class=unpriced.model_class,
    )


def quoted_by_provider(quote: Quote | Unpriced, amount: int, currency: str) -> Quote:
    """The quote with the provider's own word on what it will bill, in micro-units, beside what the price book said.

    Our price follows if it is the provider's, passed on, or is not known at all; a price of our own stands.
    """
    call: dict[str, Any] = {"unit": str(Unit.CALL), "units": Decimal(1), "rate": _exact(amount)}
    if isinstance(quote, Unpriced):
        return replace(capped_quote(quote, amount, currency), meters=(), **call)
    if quote.price != quote.cost:
        return replace(quote, cost=amount, listed=quote.price)
    return replace(quote, price=amount, cost=amount, meters=(), listed=quote.price, **call)


def _unpriced(model: Priced, price_book: PriceBook, outputs: int, reason: str) -> Unpriced:
    """The submission is counted if time or pixels would count and nobody knows the rate."""
    unit = model.unit if model.unit in _COUNTED else Unit.CALL
    return Unpriced(
        model.id, model.provider, reason, outputs, price_book.version, str(unit), model_class=str(model.class_)
    )


def _why_no_rule(model: Priced, inputs: Mapping[str, Scalar], at: int) -> str:
    if not model.prices:
        return "no price is known"
    if all(rule.effective_from > at for rule in model.prices):
        return "no price is in force yet"
    names = sorted({name for rule in model.prices for name in rule.when})
    given = ", ".join(f"{name}={inputs.get(name, 'none')}" for name in names)
    return f"no price is in force for {given}"


def _millionths(
    rule: PriceRule, inputs: Mapping[str, Scalar], measured: Mapping[str, Sequence[FileInfo]]
) -> int | None:
    """The millionths of a unit in one output, or None if the inputs do not say."""
    match rule.unit:
        case Unit.IMAGE | Unit.VIDEO | Unit.MODEL | Unit.CALL:
            return _MILLION
        case Unit.SECOND:
            return _time(rule.measure, inputs, measured)
        case Unit.BLOCK:
            time = _time(rule.measure, inputs, measured)
            return None if time is None else -(-time // _BLOCK) * _MILLION
        case Unit.MEGAPIXEL:
            return _pixels(rule.measure, inputs, measured)
        case Unit.TOKEN:
            return _number(inputs.get(rule.measure))


def _time(measure: str, inputs: Mapping[str, Scalar], measured: Mapping[str, Sequence[FileInfo]]) -> int | None:
    """Microseconds, which are millionths of a second: an input in seconds, or the length of the files."""
    if measure in inputs:
        return _number(inputs[measure])
    lengths = [file.duration_ms for file in measured.get(measure, ()) if file.duration_ms]
    return sum(lengths) * _MICROS_A_MS if lengths and len(lengths) == len(measured[measure]) else None


def _pixels(measure: str, inputs: Mapping[str, Scalar], measured: Mapping[str, Sequence[FileInfo]]) -> int | None:
    """Pixels, which are millionths of a megapixel: of the output's size, or of the files."""
    if measure == SIZE:
        width, height = inputs.get("width"), inputs.get("height")
        return width * height if type(width) is int and type(height) is int else None
    areas = [file.width * file.height for file in measured.get(measure, ()) if file.width and file.height]
    return sum(areas) if areas and len(areas) == len(measured[measure]) else None


def _number(value: Scalar | None) -> int | None:
    """Millionths of a number, or of a decimal text; nothing of what is measured is ever none or less."""
    if type(value) is int and value > 0:
        return value * _MILLION
    if isinstance(value, str):
        return _scaled(Decimal(value)) if Decimal(value) > 0 else None
    return None


def _within(rule: PriceRule, millionths: int) -> int:
    """In whole steps, between the least and the most that is billed for one output."""
    if rule.step is not None:
        step = _scaled(rule.step)
        millionths = -(-millionths // step) * step
    if rule.minimum is not None:
        millionths = max(millionths, _scaled(rule.minimum))
    if rule.maximum is not None:
        millionths = min(millionths, _scaled(rule.maximum))
    return millionths


def _scaled(number: Decimal) -> int:
    """Millionths of a decimal of at most six places, whatever the decimal context."""
    top, bottom = number.as_integer_ratio()
    return top * _MILLION // bottom


_amount = lru_cache(maxsize=1024)(extend)
"""Few rates and numbers of units make up nearly all quotes."""


@lru_cache(maxsize=1024)
def _exact(millionths: int) -> Decimal:
    """Millionths as a number: made from digits, so that no decimal context, which any library may change, rounds it."""
    return Decimal(plain(Decimal((0, tuple(map(int, str(millionths))), -6))))
