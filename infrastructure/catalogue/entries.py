"""The shape of catalogue files: what may be written where, and how it becomes an input, a rule or a model.

Nothing is guessed or converted. A rate is text, as most readers of TOML take a bare number for a binary fraction,
and a file must mean the same price to all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from domain.bounds import Bound, Formula, Metering
from domain.catalogue import KINDS, Class, Model, Strategy
from domain.errors import InvalidMoney
from domain.inputs import Input, InputType, Scalar, plain
from domain.meant import meant
from domain.money import parse_rate
from domain.periods import EARLIEST, LATEST
from domain.pricing import PriceRule, Unit
from infrastructure.formats.signatures import KNOWN

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MILLION: Final = 1_000_000
_WIDEST: Final = 11
EVERY_KIND: Final = f"there are: {', '.join(sorted(KINDS))}"
TOLD: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "is missing",
    "list_type": 'write a list: [[model]] for a table of its own, or ["image/png"]',
}
"""Mistakes that Pydantic tells in words of its own, by its types of them."""


def _rate(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('write it as text, such as "0.04": a bare number is not exact')
    try:
        return parse_rate(value)
    except InvalidMoney as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def _number(value: object) -> Decimal:
    number = Decimal(value) if type(value) is int else value
    if not isinstance(number, Decimal) or not number.is_finite():
        raise ValueError("write a number")
    if abs(number.adjusted()) > _WIDEST or _MILLION % number.as_integer_ratio()[1]:
        raise ValueError("write at most 12 digits and six decimals")
    return number


def _scalar(value: object) -> Scalar:
    if isinstance(value, Decimal):
        return plain(_number(value))
    if isinstance(value, str | int):
        return value
    raise ValueError("write text, a number, true or false")


def _scalars(value: object) -> frozenset[Scalar]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("write at least one value")
    return frozenset(map(_scalar, values))


def _instant(value: object) -> int:
    if type(value) is date:
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("write a date, or a time with its offset, such as 2027-01-01T00:00:00Z")
    instant = (value - _EPOCH) // _MICROSECOND
    if not EARLIEST <= instant < LATEST:
        raise ValueError("write a date between the years 1900 and 9900")
    return instant


def _day(value: object) -> int:
    """The instant at which a day begins in UTC."""
    if type(value) is not date:
        raise ValueError("write a date, such as 2027-01-01")
    return _instant(value)


Rate = Annotated[Decimal, BeforeValidator(_rate)]
Number = Annotated[Decimal, BeforeValidator(_number)]
ScalarValue = Annotated[Scalar, BeforeValidator(_scalar)]
Values = Annotated[frozenset[Scalar], BeforeValidator(_scalars)]
Instant = Annotated[int, BeforeValidator(_instant)]
Day = Annotated[int, BeforeValidator(_day)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
MediaType = Annotated[str, Field(pattern=r"^[a-z0-9]+/[a-z0-9.+-]+$")]
Count = Annotated[int, Field(ge=1)]
Measure = Annotated[int, Field(ge=0)]


class FileTable(BaseModel):
    """A table of a catalogue file: no other keys, no conversions."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class InputEntry(FileTable):
    """`inputs.NAME = { … }`; the keys are the fields of `domain.inputs.Input`."""

    type: Annotated[InputType, Field(strict=False)]
    sent_as: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]*$")] = ""
    required: bool = False
    default: ScalarValue | None = None
    many: Count = 1
    choices: list[ScalarValue] = []
    minimum: Number | None = None
    maximum: Number | None = None
    multiple_of: Annotated[int, Field(ge=2)] | None = None
    max_chars: Count | None = None
    media_types: list[MediaType] = []
    max_bytes: Count | None = None
    min_side: Measure | None = None
    max_side: Measure | None = None
    min_pixels: Measure | None = None
    max_pixels: Measure | None = None
    min_aspect: Number | None = None
    max_aspect: Number | None = None
    min_ms: Measure | None = None
    max_ms: Measure | None = None

    def to_input(self, name: str) -> Input:
        written: dict[str, Any] = {key: getattr(self, key) for key in self.model_fields_set}
        for key in ("choices", "media_types"):
            written[key] = tuple(written.get(key, ()))
        return Input(name=name, **written)


class BoundEntry(FileTable):
    """`bound = { by = "bytes", of = ["prompt"], plus = 32 }`; the formulas are those of `domain.bounds.Formula`."""

    by: Annotated[Formula, Field(strict=False)]
    of: Annotated[list[str], Field(min_length=1)]
    plus: Measure | None = None
    each: Measure | None = None
    side: Count | None = None
    budget: Count | None = None
    zoom: Count | None = None
    floor: Measure | None = None
    factor: Count | None = None
    reserve: Measure | None = None

    @model_validator(mode="after")
    def _its_own_numbers(self) -> Self:
        if wrong := self.to_bound().wrong():
            raise ValueError(wrong)
        return self

    def to_bound(self) -> Bound:
        written = self.model_fields_set - {"by", "of"}
        return Bound(self.by, tuple(self.of), MappingProxyType({name: getattr(self, name) for name in sorted(written)}))


class MeterEntry(FileTable):
    """One thing that the provider counts: `{ rate = "0.00003", most = 8000 }`.

    `most` is of a call, or of one output where it is `per = "output"`; 0 where a call has none of it, or where it is
    counted within another meter. `bound` says it more tightly, by the request; without either nobody knows.
    """

    rate: Rate
    cost: Rate | None = None
    most: Measure | None = None
    bound: BoundEntry | None = None
    per: Literal["call", "output"] = "call"

    def to_metering(self, name: str) -> Metering:
        return Metering(
            name=name,
            rate=self.rate,
            cost=self.rate if self.cost is None else self.cost,
            most=self.most,
            bound=None if self.bound is None else self.bound.to_bound(),
            per_output=self.per == "output",
        )


Meterings = Mapping[str, Mapping[str, MeterEntry]]
"""Presets of meters, by name."""


class PriceEntry(FileTable):
    """One rate: `{ rate = "0.08", when = { resolution = "720p" }, from = 2027-01-01 }`.

    If the provider meters several things, `meters` has a rate for each, and a call costs at most what the most of
    each comes to. `metering` names a preset of meters, of which its own take the place.
    """

    rate: Rate | None = None
    cost: Rate | None = None
    meters: dict[str, MeterEntry] = {}
    metering: str = ""
    unit: Annotated[Unit | None, Field(strict=False)] = None
    effective_from: Instant = Field(default=EARLIEST, alias="from")
    when: dict[str, Values] = {}
    of: str = ""
    step: Number | None = None
    minimum: Number | None = None
    maximum: Number | None = None

    @model_validator(mode="after")
    def _one_kind_of_rate(self) -> Self:
        if (self.rate is None) != bool(self.meters or self.metering):
            raise ValueError("write either a rate or meters")
        return self

    def to_rule(self, unit: Unit, presets: Meterings) -> PriceRule:
        """Raises LookupError where there is no preset of the name."""
        written = {**(presets[self.metering] if self.metering else {}), **self.meters}
        meters = tuple(one.to_metering(name) for name, one in sorted(written.items()))
        bounded = all(meter.most is not None for meter in meters if meter.rate or meter.cost)
        most = sum((meter.rate * (meter.most or 0) for meter in meters), Decimal(0)) if bounded else None
        cost = sum((meter.cost * (meter.most or 0) for meter in meters), Decimal(0)) if bounded else None
        return PriceRule(
            unit=self.unit or unit,
            rate=most if self.rate is None else self.rate,
            cost_rate=cost if meters else self.cost,
            meters=meters,
            effective_from=self.effective_from,
            when=MappingProxyType(self.when),
            of=self.of,
            step=self.step,
            minimum=self.minimum,
            maximum=self.maximum,
        )


class LaterPrice(PriceEntry):
    """`[[price]]`: a rate for a model of any file, beside its own or in place of one for the same case."""

    model: str


class ChangeEntry(FileTable):
    """`[[change]]`: what is otherwise of a model of an earlier file. `inputs` are added or put in the place of others,
    `without` names those that go, `prices` come in place of all that there are; one that `lasts` is not retired."""

    model: str
    retires: Day | None = None
    lasts: bool = False
    unavailable: str = ""
    inputs: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], InputEntry] = {}
    without: list[str] = []
    omits: list[str] = []
    prices: list[PriceEntry] | None = None


class KnownEntry(FileTable):
    """`[[known]]`: routes that a provider offers and that are not wanted here, so that no check calls them new."""

    provider: Id
    routes: list[str]


Mode = Literal["fast", "conservative", "creative", "sound"]
"""How a picture is enlarged: at once, without adding to it, or with detail that was not there; and that a film is made
with sound, without being told to."""


class ModelEntry(FileTable):
    """`[[model]]`: everything there is to know of one model; `extends` names presets of inputs, later ones win."""

    id: Id
    provider: Id
    route: str = ""
    kinds: Annotated[list[str], Field(min_length=1)]
    outputs: Annotated[list[MediaType], Field(min_length=1)]
    unit: Annotated[Unit, Field(strict=False)]
    extends: list[str] = []
    inputs: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], InputEntry] = {}
    one_of: list[str] = []
    not_both: list[str] = []
    fixed: dict[str, ScalarValue] = {}
    prices: list[PriceEntry] = []
    per_call: Count = 1
    deadline: Count = 600
    quality: Measure = 0
    auto: bool = True
    class_: Annotated[Class, Field(strict=False, alias="class")] = Class.REAL
    unavailable: str = ""
    retires: Day | None = None
    modes: list[Mode] = []
    times: Measure = 0
    reaches: Measure = 0
    omits: list[str] = []
    description: str = ""
    label: str = ""

    @field_validator("id")
    @classmethod
    def _not_a_strategy(cls, id: str) -> str:
        if id in list(Strategy):
            raise ValueError("is the name of a strategy")
        return id

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, kinds: list[str]) -> list[str]:
        for kind in kinds:
            if kind not in KINDS:
                hint = meant(kind, KINDS, EVERY_KIND)
                raise ValueError(f"there is no kind of operation {kind!r}; {hint}")
        if len(set(kinds)) < len(kinds):
            raise ValueError("names a kind twice")
        return kinds

    @field_validator("outputs")
    @classmethod
    def _readable(cls, outputs: list[str]) -> list[str]:
        for media_type in outputs:
            if media_type not in KNOWN:
                raise ValueError(f"{media_type} cannot be read, so that nothing delivered would count as it")
        return outputs

    def to_model(self, inputs: Mapping[str, Input], prices: tuple[PriceRule, ...]) -> Model:
        return Model(
            id=self.id,
            provider=self.provider,
            route=self.route,
            kinds=tuple(self.kinds),
            outputs=tuple(self.outputs),
            unit=self.unit,
            inputs=inputs,
            one_of=tuple(self.one_of),
            not_both=tuple(self.not_both),
            prices=prices,
            fixed=MappingProxyType(self.fixed),
            per_call=self.per_call,
            deadline=self.deadline,
            quality=self.quality,
            auto=self.auto,
            class_=self.class_,
            unavailable=self.unavailable,
            retires=self.retires,
            modes=tuple(self.modes),
            times=self.times,
            reaches=self.reaches,
            omits=tuple(self.omits),
            description=self.description,
            label=self.label,
        )


class FileEntry(FileTable):
    """A whole file. Models and prices are read one by one, so that what is wrong names its model."""

    currency: str = "USD"
    exchange: list[dict[str, Any]] = []
    preset: dict[str, dict[str, InputEntry]] = {}
    metering: dict[str, dict[str, MeterEntry]] = {}
    model: list[dict[str, Any]] = []
    change: list[dict[str, Any]] = []
    known: list[KnownEntry] = []
    price: list[dict[str, Any]] = []


def complaints(error: ValidationError, fields: Collection[str]) -> list[str]:
    """Each thing that is wrong as "prices[0].rate: what", in the words of the file; `fields` are those of the table."""
    found = []
    for problem in error.errors(include_url=False, include_context=False):
        what = TOLD.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
            what += "; " + str(meant(str(problem["loc"][0]), fields, f"there are: {', '.join(sorted(fields))}"))
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"])
        found.append(f"{path.lstrip('.')}: {what}")
    return found
