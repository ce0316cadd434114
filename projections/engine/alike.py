"""Facts that change totals alike: a hundred equal charges add a hundredfold what one of them adds.

fact ── type and signature: all that the views of totals read of it ── a group ── folded once, times its number

An instant in which a fact happened is read to the quarter of an hour, as no total tells more of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, get_type_hints

from domain.periods import QUARTER

AT: Final = "at"

Signature = Callable[[Any], tuple[Any, ...]]


def signature(fact: type[Any], names: frozenset[str]) -> Signature:
    """The type of a fact, and the values of all that is read of it, "operation.id" of a field of a field."""
    return _signature(fact, names)  # type: ignore[arg-type]  # a type hashes as any object does


@lru_cache(maxsize=256)
def _signature(fact: type[Any], names: frozenset[str]) -> Signature:
    read: Signature = attrgetter("__class__", *_parts(fact, names - {AT}))
    return (lambda one: (one.at // QUARTER, *read(one))) if AT in names else read


def _parts(fact: type[Any], names: Iterable[str]) -> list[str]:
    """The names, a record's fields in its place: numbers and text are compared in less time."""
    found = list[str]()
    for name in sorted(names):
        shape = _type_of(fact, name)
        found += [f"{name}.{one.name}" for one in fields(shape)] if is_dataclass(shape) else [name]
    return found


def _type_of(fact: type[Any], name: str) -> Any:
    shape: Any = fact
    for part in name.split("."):
        shape = get_type_hints(shape)[part]
    return shape
