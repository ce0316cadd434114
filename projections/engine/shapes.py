"""The fields that views read of each fact, as structs, decoded several times as fast as the whole fact.

a fact of the domain ∩ the names that some view reads ── struct with the same names and types ── decoder
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from typing import Any, get_type_hints

import msgspec

from application.ledger.log import Codec

Decode = Callable[[str | bytes], Any]

WHOLE = frozenset({""})


def shape_of(fact: type[Any], names: frozenset[str]) -> type[msgspec.Struct]:
    """A struct with these fields of a dataclass, "operation.id" of a field. Raises TypeError for what it has not."""
    hints = get_type_hints(fact)
    own = {field.name: field for field in fields(fact)}
    wanted = {*own} if names == WHOLE else {name.partition(".")[0] for name in names}
    if missing := wanted - own.keys():
        raise TypeError(f"{fact.__name__} has no {', '.join(sorted(missing))}")
    shapes = [(name, _read(hints[name], _within(name, names)), _usual(own[name])) for name in sorted(wanted)]
    return msgspec.defstruct(f"{fact.__name__}Read", shapes, frozen=True, gc=False, kw_only=True)


def _usual(field: Field[Any]) -> Any:
    """The value of a field in facts that were recorded before there was such a field."""
    if field.default_factory is not MISSING:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.NODEFAULT if field.default is MISSING else field.default


def _within(name: str, names: frozenset[str]) -> frozenset[str]:
    """The parts that are read within a field; a field that is named itself is read whole."""
    inside = frozenset(one.partition(".")[2] for one in names if one.partition(".")[0] == name)
    return WHOLE if not inside or "" in inside else inside


def _read(hint: Any, names: frozenset[str]) -> Any:
    return shape_of(hint, names) if isinstance(hint, type) and is_dataclass(hint) else hint


def decoder(fact: type[Any], names: frozenset[str]) -> Decode:
    """Decodes what is read of a stored fact; made once a process, as every studio that it opens reads the same."""
    return _decoder(fact, names)  # type: ignore[arg-type]  # a type hashes as any object does


@lru_cache(maxsize=512)
def _decoder(fact: type[Any], names: frozenset[str]) -> Decode:
    return msgspec.json.Decoder(shape_of(fact, names)).decode


def renew(codec: Codec, topic: str, state: str | bytes) -> tuple[str, str]:
    """A retired fact under today's name and in today's shape. Raises LogCorrupted for a name nobody knows."""
    renewed, content = codec.encode(codec.decode(topic, state if isinstance(state, bytes) else state.encode()))
    return renewed, content.decode()
