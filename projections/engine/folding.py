"""Folding adds changes up in memory.

rows of the log ── fold ──> {view: {key: sums and notes}} ── add ──> tables

stored name ─┬─ some view asks for it ── decoded as far as it is read ──> change
             ├─ none does ── skipped
             └─ retired: through the log's own door into today's name and shape, then as above
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from application.ledger.log import Codec
from domain.errors import ImageStudioError
from domain.ledger import Fact
from domain.pseudonyms import ErasedUsers
from projections.engine.hiding import NOBODY, hiding
from projections.engine.shapes import Decode, decoder, renew
from projections.engine.view import AnyView, Change, RowKey, Value

LogRow = tuple[int, str, int, str | bytes | Fact]
"""Of the log: position, stored name, version in its stream, state as JSON, or the fact itself if it is at hand."""

STORED = (str, bytes)

Folded = dict[str, dict[RowKey, dict[str, Any]]]
"""By view and key, what a stretch of the log adds and notes."""

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
"""Errors that decoding and a pure function can raise. A database's are not among them: those are tried again."""


class Choked(Exception):
    """A fact that cannot be read, folded or written, and its position."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(position, reason)
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        return f"at position {self.position}: {self.reason}"


Rows = dict[RowKey, dict[str, Any]]
Route = tuple[
    Decode,
    list[tuple[Callable[[Any], Change], Rows, Mapping[str, Value]]],
    list[tuple[Callable[[Any], Iterable[Change]], Rows, AnyView]],
]
"""How to decode a stored name, and what to change where with the fact, in rows that begin blank: one row of a view, or
several."""


class Folder:
    """Folds rows of the log for some views, decoding only what these ask for."""

    def __init__(self, views: Sequence[AnyView], codec: Codec, erased: ErasedUsers = NOBODY) -> None:
        self.views = tuple(views)
        self._codec = codec
        self._erased = erased

    def empty(self) -> Folded:
        return {view.name: {} for view in self.views}

    def fold(self, rows: Iterable[LogRow], folded: Folded) -> int:
        """Add the rows to `folded`, which is spoilt by an error; the last position. Raises Choked."""
        routes = self._routes(folded)
        position, topic = 0, ""
        try:
            for row in rows:
                position, topic, _, state = row
                route = routes.get(topic)
                if route is None:
                    topic, state = renew(self._codec, topic, state)  # type: ignore[arg-type]  # a fact at hand is not retired
                    route = routes[topic]
                decode, changes, several = route
                if changes or several:
                    fact = decode(state) if isinstance(state, STORED) else state
                    for change, totals, blank in changes:
                        key, sums, notes = change(fact)
                        known = totals.get(key)
                        if known is None:
                            totals[key] = {**blank, **sums, **notes}
                            continue
                        for name, amount in sums.items():
                            known[name] += amount
                        if notes:
                            known.update(notes)
                    for each, totals, view in several:
                        for one in each(fact):
                            _change(view, totals, one)
        except CHOKES as error:
            raise Choked(position, f"{topic}: {type(error).__name__}: {error}") from error
        return position

    def _routes(self, folded: Folded) -> dict[str, Route]:
        return {
            topic: (decode, *_changes(fact, asking, folded, self._erased))
            for topic, fact, decode, asking in _plan(self.views, self._codec)  # type: ignore[arg-type]  # a codec hashes as any object does
        }


def _changes(
    fact: type[Any], asking: Sequence[AnyView], folded: Folded, erased: ErasedUsers
) -> tuple[list[Any], list[Any]]:
    """The changes by a type of fact: those of one row, and the others."""
    alone, several = list[Any](), list[Any]()
    for view in asking:
        reads, rows = hiding(view, view.changes[fact], erased), folded[view.name]
        if reads.change is None or view.firsts:
            several.append((reads.each or reads.of, rows, view))
        else:
            alone.append((reads.change, rows, view.blank))
    return alone, several


def _change(view: AnyView, totals: Rows, change: Change) -> None:
    """Add one of the changes by a fact, to a row some of whose columns may keep what they were told first."""
    key, sums, notes = change
    known = totals.get(key)
    if known is None:
        totals[key] = {**view.blank, **sums, **notes}
        return
    for name, amount in sums.items():
        known[name] += amount
    if notes:
        known.update((name, value) for name, value in notes.items() if name not in view.firsts or known[name] is None)


Plan = tuple[tuple[str, type[Any], Decode, tuple[AnyView, ...]], ...]
"""For each stored name: the type of the fact, how what some views read of it is decoded, and which these are."""


@lru_cache(maxsize=32)
def _plan(views: tuple[AnyView, ...], codec: Codec) -> Plan:
    return tuple((topic, fact, *_asking(views, fact)) for topic, fact in codec.names.items())


def _asking(views: tuple[AnyView, ...], fact: type[Any]) -> tuple[Decode, tuple[AnyView, ...]]:
    asking = tuple(view for view in views if fact in view.changes)
    names: frozenset[str] = frozenset().union(*(view.changes[fact].names for view in asking))
    return decoder(fact, names) if asking else str, asking
