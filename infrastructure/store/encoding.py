"""Facts as JSON: what all facts of an operation carry is written once, and put whole into each of them.

fact ─┬─ operation ── the same as the fact's before? ── its bytes, once
      └─ all else ─────────────────────────────────── beside them, in the order of the fact's fields

The bytes are those that msgspec writes for the fact as it is, in half the time (decision 11), but for fields that few
facts need: they are left out as long as they say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from domain.ledger import Fact
from domain.operation import (
    Adjusted,
    Charged,
    Operation,
    OperationFact,
    ProviderCompleted,
    Released,
    Requested,
    Rerouted,
    Validated,
)
from domain.pricing import REAL, Quote

PLAIN = "{:f}".format
"""How decimals are written: as text without an exponent, "0.00000025" and never "2.5E-7"."""

RARE: Mapping[type[Any], Mapping[str, Any]] = {
    Requested: {"inputs": ()},
    Quote: {"meters": (), "listed": None, "model_class": REAL, "sale": None},
    ProviderCompleted: {"usage": {}, "lost": 0, "losses": {}, "rough": False, "unlike": 0},
    Charged: {"cost_currency": "", "listed": None},
    Released: {"cost_currency": ""},
    Adjusted: {"cost_currency": ""},
}
"""Fields that are not written where they say nothing, and what they hold then."""

QUOTED = (Validated, Rerouted)
"""Facts whose last fields begin with a quote."""

KEPT = 1_024
"""Operations whose bytes are kept: those that are on their way, as a rule."""

Made = TypeVar("Made")
Beside = tuple[Callable[..., msgspec.Struct], Callable[[Any], tuple[Any, ...]]]
"""A type of fact with its operation as bytes, and all other fields of a fact, in their order."""


class FactEncoder:
    """Encodes whatever msgspec does; facts about operations faster."""

    def __init__(self, shapes: Iterable[type[Fact]]) -> None:
        self.encode = msgspec.json.Encoder(decimal_format=PLAIN).encode
        of_operations = [shape for shape in shapes if issubclass(shape, OperationFact)]
        self._beside = {shape: _beside(shape) for shape in of_operations}
        self._sparing = {shape: _sparing(shape) for shape in shapes if shape not in self._beside and _spares(shape)}
        self._known: dict[str, tuple[Operation, msgspec.Raw]] = {}

    def fact(self, fact: Fact) -> bytes:
        """The bytes of a fact. Raises as msgspec does."""
        if not isinstance(fact, OperationFact):
            sparing = self._sparing.get(type(fact))
            return self.encode(fact if sparing is None else sparing[0](*sparing[1](fact)))
        shape = type(fact)
        make, others = self._beside[shape]
        if shape in QUOTED:
            at, quote, *rest = others(fact)
            return self.encode(make(self._written(fact.operation), at, _quote(*_of_quote(quote)), *rest))
        return self.encode(make(self._written(fact.operation), *others(fact)))

    def _written(self, operation: Operation) -> msgspec.Raw:
        known = self._known.get(operation.id)
        if known is not None and known[0] is operation:
            return known[1]
        if len(self._known) >= KEPT:
            self._known = {}
        written = msgspec.Raw(self.encode(operation))
        self._known[operation.id] = (operation, written)
        return written


def _once(make: Callable[[Any], Made]) -> Callable[[Any], Made]:
    """Make the same of a type once a process: programs, and tests above all, open more than one log."""
    return cache(make)


@_once
def _beside(shape: type[OperationFact]) -> Beside:
    first, *others = (field.name for field in fields(shape))
    assert (first, len(others) > 1) == ("operation", True), "a fact begins with its operation, and has an instant"
    return _struct(shape, (first, msgspec.Raw)), attrgetter(*others)


@_once
def _sparing(shape: type[Fact]) -> Beside:
    """A fact that is not of an operation, without what it spares."""
    return _struct(shape), attrgetter(*(one.name for one in fields(shape)))


@_once
def _spares(shape: type[Fact]) -> bool:
    return any(one.metadata.get("spare") for one in fields(shape))


def _struct(shape: type[Any], *begun: tuple[str, type[Any]]) -> Callable[..., msgspec.Struct]:
    """The fields that are written of a shape, after those that have `begun`; rare ones that say nothing are not."""
    spared = {field.name: None for field in fields(shape) if field.metadata.get("spare")}
    rare = {**spared, **RARE.get(shape, {})}
    names = [field.name for field in fields(shape)][len(begun) :]
    described = [*begun, *((name, Any, rare[name]) if name in rare else (name, Any) for name in names)]
    return msgspec.defstruct(shape.__name__, described, gc=False, omit_defaults=True)


_quote = _struct(Quote)
_of_quote = attrgetter(*(field.name for field in fields(Quote)))
