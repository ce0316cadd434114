"""Frozen dataclasses of which every operation makes several: the same, made at a third of the time.

A frozen dataclass sets each field through `object.__setattr__`. With fifty such values an operation that was a tenth of
all processor time, more than encoding and hashing the facts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, Final, TypeVar

Record = TypeVar("Record")

WRITABLE: Final = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
"""Both, or the interpreter takes neither for its own and sets each field the slow way."""

_become: Final[Callable[[object, type], None]] = object.__dict__["__class__"].__set__


def made_often(shape: type[Record]) -> type[Record]:
    """Give a frozen dataclass with slots an `__init__` that fills a writable twin of it and freezes it at the end."""
    twin = type(shape.__name__, (shape,), {"__slots__": (), **WRITABLE})
    known: dict[str, Any] = {"frozen": shape, "twin": twin, "become": _become}
    own = fields(shape)  # type: ignore[arg-type]
    asked = ", ".join(_parameter(one, known) for one in own)
    filled = "\n".join(f"    self.{one.name} = {_value(one)}" for one in own)
    ended = "\n    self.__post_init__()" if hasattr(shape, "__post_init__") else ""
    exec(f"def __init__(self, {asked}):\n    become(self, twin)\n{filled}\n    become(self, frozen){ended}", known)
    known["__init__"].__annotations__ = shape.__init__.__annotations__
    shape.__init__ = known["__init__"]  # type: ignore[method-assign]
    return shape


def _parameter(one: Field[Any], known: dict[str, Any]) -> str:
    """The field as a parameter; what it is where it is not given is kept in `known`."""
    if one.default is MISSING and one.default_factory is MISSING:
        return one.name
    known[f"usual_{one.name}"] = one.default if one.default_factory is MISSING else one.default_factory
    return f"{one.name}=usual_{one.name}"


def _value(one: Field[Any]) -> str:
    """What is put into the field; a factory makes it anew each time."""
    if one.default_factory is MISSING:
        return one.name
    return f"usual_{one.name}() if {one.name} is usual_{one.name} else {one.name}"
