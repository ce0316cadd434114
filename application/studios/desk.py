"""The tools that every service works with, and what it answers.

    brief ─ a service builds ─> Request ─┬─ estimate ─> Advised: price, who does it and why, who else could
                                         └─ run ──────> Served: the ordinary result

A service validates, prices, tracks and charges nothing: it asks the one entry, as everybody does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from decimal import Decimal
from typing import Any

from application.asking.operations import Operations
from application.asking.requests import Estimate, Output, Request, Result
from application.ports import Scalar
from application.studios.presets import Presets
from domain.catalogue import Catalogue
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.meant import meant
from domain.money import Money
from domain.value import value


@dataclass(frozen=True, slots=True)
class ServiceDesk:
    """The entry, the models, what is preset, and the clock, which tells epoch microseconds."""

    operations: Operations
    catalogue: Catalogue
    presets: Presets
    clock: Callable[[], int]


@dataclass(frozen=True, slots=True)
class OtherModel:
    """Another model that does the same: `price` for the whole request, `quality` from 0 to 100."""

    model: str
    provider: str
    model_class: str
    quality: int
    price: Money | None
    why: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The model that is asked first, the reason, and those that could do it as well, cheapest first."""

    model: str
    provider: str
    quality: int
    reason: str
    alternatives: tuple[OtherModel, ...]


@dataclass(frozen=True, slots=True)
class Advised:
    """A request's hold, and why it is done where it is; `before` are operations that come before it.

    `price` is of all together, None if some part of it is not known.
    """

    estimate: Estimate
    recommendation: Recommendation
    notes: tuple[str, ...] = ()
    before: tuple[Estimate, ...] = ()

    @property
    def price(self) -> Money | None:
        total = self.estimate.price
        for one in self.before:
            total = None if total is None or one.price is None else total + one.price
        return total

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """All of them, in the order in which they would be done."""
        return (*self.before, self.estimate)

    @property
    def made(self) -> tuple[Estimate, ...]:
        """Those of the files that are asked for, without what is done on the way."""
        return (self.estimate,)


@value
class Served:
    """The result of a service; `notes` say what it made of the brief.

    `before` was done and charged on the way, `after` with the result, as the preview of a model is.
    """

    result: Result
    notes: tuple[str, ...] = ()
    before: tuple[Result, ...] = ()
    after: tuple[Result, ...] = ()

    @property
    def results(self) -> tuple[Result, ...]:
        """All of them, in the order in which they were done."""
        return (*self.before, self.result, *self.after)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The files that were asked for, without those made on the way."""
        return self.result.assets

    @property
    def price(self) -> Money:
        total = self.result.price
        for one in (*self.before, *self.after):
            total = total + one.price
        return total


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for how much of what, and under which key: see `Request`; `inputs` are the model's own."""

    account: str
    user: str | None = None
    project: str | None = None
    model: str = "auto"
    n: int = 1
    key: str | None = None
    allow: Any = ()
    max_price: Any = None
    by: Any = None
    on_limit: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Scalar] = field(default_factory=dict)

    def request(
        self, kind: str, inputs: Mapping[str, Scalar], media: Mapping[str, Sequence[Any]], **more: Any
    ) -> Request:
        """A request of this caller's; `more` is said over what the caller says."""
        own = {one.name: getattr(self, one.name) for one in OF_CALLERS}
        return Request(kind, self.account, {**inputs, **self.inputs}, media, **{**own, **more})


WHOLE = (int, "a whole number")
TYPES: Mapping[str, tuple[type, str]] = {
    "str": (str, "text"),
    "int": WHOLE,
    "int | None": WHOLE,
    "bool": (bool, "true or false"),
}
"""Of the fields of briefs, as they are written there."""
_WHOLE = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_BOOLS = {"true": True, "false": False}
OF_CALLERS = tuple(one for one in fields(Caller) if one.name not in ("account", "inputs"))


def sorted_out(
    desk: ServiceDesk, service: type[Any], account: str, options: Mapping[str, Any], kind: str = ""
) -> tuple[Caller, dict[str, Any]]:
    """Keyword options as the caller's, and the brief's own; all others are inputs of a model, one of the kind if named.

    Raises InvalidInput for what is nobody's, with the nearest names.
    """
    own = {one.name for one in (*fields(service), *OF_CALLERS)}
    rest = {name: value for name, value in options.items() if name not in own}
    for name in rest:
        if not any(name in model.inputs for model in desk.catalogue if not kind or kind in model.kinds):
            models = desk.catalogue.for_kind(kind) if kind else ()
            known = [*own, *(name for model in models for name in model.inputs)]
            hint = meant(name, dict.fromkeys(known), "see the inputs of the model")
            raise InvalidInput(name, "is no option of this service, and no model has such an input", hint=hint)
    asked, brief = _of(OF_CALLERS, options), _of(fields(service), options)
    return Caller(account, inputs=rest, **asked), brief


def _of(known: Iterable[Field[Any]], options: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: _read(one, options[one.name]) for one in known if one.name in options}


def check_alone(**options: object) -> None:
    """One of these options, or none. Raises InvalidInput."""
    given = [name for name, one in options.items() if one is not None and one is not False and one != ""]
    if len(given) > 1:
        raise InvalidInput(" and ".join(given), "exclude each other", hint="give one of them")


def several(files: Any) -> Sequence[Any]:
    """Files, of which one alone may be given as it is."""
    return files if isinstance(files, list | tuple) else [files]


def _read(one: Field[Any], value: object) -> object:
    """The value of a field, which comes from anybody; a number, and true or false, may come as text.

    Raises InvalidInput.
    """
    if "Decimal" in str(one.type):
        return _exactly(one.name, value)
    type, told = TYPES.get(str(one.type), (object, ""))
    if type is int and isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if type is bool and isinstance(value, str) and value.strip().lower() in _BOOLS:
        return _BOOLS[value.strip().lower()]
    if value is not None and told and (not isinstance(value, type) or (type is not bool and isinstance(value, bool))):
        raise InvalidInput(one.name, f"must be {told}, not {shortened(value)}")
    return value


def _exactly(name: str, value: object) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not _DECIMAL.fullmatch(text):
        told = f"must be an exact decimal, not {shortened(value)}"
        raise InvalidInput(name, told, hint='write it as text, such as "8" or "2.5"')
    return Decimal(text)
