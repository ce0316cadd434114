"""A view is a key, measures, and one pure function from fact to change; folding adds changes up in memory.

    rows of the log ── fold ──> {view: {key: sums and notes}} ── upsert ──> tables

Measures add. Notes keep the newest value that a fact brought, so folds are merged in the order of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import msgspec

from application.ledger.log import Codec
from domain.errors import ImageStudioError
from projections.engine.facts import DECODERS, SHAPES, UNREAD, Decode, renew

Value = str | int | None
Key = tuple[str | int, ...]
Change = tuple[Key, Mapping[str, int], Mapping[str, Value]]
"""Which row, what to add to its measures, and what is newly known of it."""

Row = tuple[int, str, int, str | bytes]
"""Of the log: position, stored name, version in its stream, state as JSON."""

Folded = dict[str, dict[Key, dict[str, Any]]]
"""By view and key, what a stretch of the log adds and notes."""

NOTHING: Mapping[str, Value] = {}

CHOKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    ImageStudioError,
    msgspec.MsgspecError,
)
"""What decoding and a pure function can raise. A database's errors are not among them: those are tried again."""


@dataclass(frozen=True, slots=True)
class Tally:
    """One row a key: `measures` are sums, `notes` the newest known, and `changes` what each type of fact changes."""

    name: str
    key: tuple[str, ...]
    measures: tuple[str, ...]
    changes: Mapping[type[msgspec.Struct], Callable[[Any], Change]] = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()
    blank: Mapping[str, Value] = field(init=False, repr=False, compare=False)
    values: Callable[[Mapping[str, Any]], tuple[Value, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        blank = {**dict.fromkeys(self.measures, 0), **dict.fromkeys(self.notes)}
        object.__setattr__(self, "blank", blank)
        object.__setattr__(self, "values", itemgetter(*blank))

    @property
    def columns(self) -> tuple[str, ...]:
        return self.key + self.measures + self.notes

    def row(self, key: Key, folded: Mapping[str, Any]) -> tuple[Value, ...]:
        """The values of all columns, in their order."""
        return (*key, *self.values(folded))


class Choked(Exception):
    """A fact that cannot be read, folded or written, and its position."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(position, reason)
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        return f"at position {self.position}: {self.reason}"


Route = tuple[Decode, list[tuple[Callable[[Any], Change], dict[Key, dict[str, Any]], Mapping[str, Value]]]]
"""How to decode a stored name, and what to change where with the fact, in rows that begin blank."""


class Folder:
    """Folds rows of the log for some views, decoding only what these ask for."""

    def __init__(self, views: Sequence[Tally], codec: Codec) -> None:
        self.views = tuple(views)
        self._codec = codec

    def empty(self) -> Folded:
        return {view.name: {} for view in self.views}

    def fold(self, rows: Iterable[Row], folded: Folded) -> int:
        """Add the rows to `folded`, which is spoilt by an error; the last position. Raises Choked."""
        routes = self._routes(folded)
        position, topic = 0, ""
        try:
            for row in rows:
                position, topic, _, state = row
                route = routes.get(topic)
                if route is None:
                    topic, state = renew(self._codec, topic, state)
                    route = routes[topic]
                decode, changes = route
                if changes:
                    fact = decode(state)
                    for change, totals, blank in changes:
                        key, sums, notes = change(fact)
                        known = totals.get(key)
                        if known is None:
                            totals[key] = {**blank, **sums, **notes}
                            continue
                        for name in sums:
                            known[name] += sums[name]
                        known.update(notes)
        except CHOKES as error:
            raise Choked(position, f"{topic}: {type(error).__name__}: {error}") from error
        return position

    def _routes(self, folded: Folded) -> dict[str, Route]:
        routes: dict[str, Route] = {topic: (str, []) for topic in UNREAD}
        for topic, shape in SHAPES.items():
            asking = [view for view in self.views if shape in view.changes]
            routes[topic] = (DECODERS[topic], [(view.changes[shape], folded[view.name], view.blank) for view in asking])
        return routes
