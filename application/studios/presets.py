"""Presets: entries that a service reads instead of having them in its code, each of a shape and with an id.

    TOML  [[template]] id = "…" ──> Template ─┐
          [[style]]    id = "…" ──> Style ────┴──> Presets ── get(Style, "anime", "style") ──> one of them

A shape is a frozen dataclass with an `id`, and `WORD` is the name of its tables. Whoever adds one lists it in
`infrastructure/studios`, and reads it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from domain.errors import InvalidInput
from domain.inputs import Scalar, shortened
from domain.meant import meant


class PresetEntry(Protocol):
    """The shape of an entry."""

    WORD: ClassVar[str]

    @property
    def id(self) -> str: ...


E = TypeVar("E", bound=PresetEntry)


@dataclass(frozen=True, slots=True)
class Presets:
    """All entries, by their shape and their id."""

    tables: Mapping[type[Any], Mapping[str, Any]]

    def of(self, shape: type[E]) -> Mapping[str, E]:
        """All entries of a shape, by id."""
        return self.tables.get(shape, {})

    def get(self, shape: type[E], id: object, field: str) -> E:
        """The entry of this id. Raises InvalidInput that names the nearest, or all."""
        found = self.of(shape).get(id) if isinstance(id, str) else None
        if found is None:
            known = sorted(self.of(shape))
            hint = meant(id if isinstance(id, str) else "", known, f"there are: {', '.join(known)}")
            raise InvalidInput(field, f"there is no {shape.WORD} {shortened(id)}", hint=hint)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A look: `id` is the word of models that know styles, `words` tell it to all others."""

    WORD: ClassVar[str] = "style"
    id: str
    name: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How much is spent on a picture: a strategy, and what a model gets `gladly` that has such inputs."""

    WORD: ClassVar[str] = "quality"
    id: str
    name: str
    model: str
    gladly: dict[str, tuple[Scalar, ...]]

    def __post_init__(self) -> None:
        if self.model not in ("cheapest", "balanced", "best"):
            raise ValueError(f"model: {self.model!r} is not cheapest, balanced or best")

    def chooses(self, model: str) -> str:
        """The model that a caller names, or else how it is chosen."""
        return self.model if model == "auto" else model


@dataclass(frozen=True, slots=True, kw_only=True)
class Enhancement:
    """The words that the rule adds to a prompt that says nothing of it: `words`, or others for a purpose; `unless`
    names it."""

    WORD: ClassVar[str] = "enhancement"
    id: str
    unless: tuple[str, ...]
    words: str
    purposes: dict[str, str]
