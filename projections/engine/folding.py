"""Folding adds changes up in memory.

rows of the log ── fold ──> {view: {key: sums and notes}} ── add ──> tables

stored name ─┬─ some view asks for it ── decoded as far as it is read ──> change
             ├─ none does ── skipped
             ├─ totals do ── those alike are counted, and change them once, so many times
             └─ retired: through the log's own door into today's name and shape, then as above
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from application.ledger.log import Codec
from domain.errors import ImageStudioError
from domain.ledger import Fact
from domain.pseudonyms import ErasedUsers
from projections.engine.alike import Signature, signature
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


MANY, WORTH = 200, 2
"""Groups of facts that are alike, from which on each has to have so many: else looking for them takes more than it
spares, as in a stretch of the log of many accounts."""

Rows = dict[RowKey, dict[str, Any]]
Several = tuple[Callable[[Any], Iterable[Change]], Rows, AnyView]
"""Any number of changes by a fact, and the rows of which view they change."""


class FoldRoute(NamedTuple):
    """The way of a stored name's facts: how they are decoded, and folded into rows that begin blank.

    A fact may change one row of a view, or several. Totals are changed once by all facts with one `signature`.
    """

    decode: Decode
    alone: Sequence[tuple[Callable[[Any], Change], Rows, Mapping[str, Value]]]
    several: Sequence[Several]
    totals: Sequence[Several]
    signature: Signature
    asked: bool


class Alike:
    """Facts that are alike to all totals: one of them, its position and stored name, and how many there are."""

    __slots__ = ("count", "fact", "totals", "where")

    def __init__(self, fact: Any, where: tuple[int, str], totals: Sequence[Several]) -> None:
        self.fact, self.where, self.totals, self.count = fact, where, totals, 0


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
        routes, alike = self._routes(folded), dict[tuple[Any, ...], Alike]()
        position, topic, counted = 0, "", 0
        try:
            for row in rows:
                position, topic, _, state = row
                route = routes.get(topic)
                if route is None:
                    topic, state = renew(self._codec, topic, state)  # type: ignore[arg-type]  # a fact at hand is not retired
                    route = routes[topic]
                decode, changes, several, totals, signature, asked = route
                if not asked:
                    continue
                fact = decode(state) if isinstance(state, STORED) else state
                for change, known, blank in changes:
                    _add(known, blank, change(fact))
                for each, known, view in several:
                    for one in each(fact):
                        _change(view, known, one)
                if totals:
                    # The newest comes last: the newer of two notes stays.
                    sign = signature(fact)
                    found = alike.pop(sign, None) or Alike(fact, (position, topic), totals)
                    found.count += 1
                    alike[sign] = found
                    counted += 1
                    if len(alike) > MANY and counted < WORTH * len(alike):
                        _add_all(alike)
                        routes = self._routes(folded, apart=True)
        except CHOKES as error:
            raise _choked(position, topic, error) from error
        _add_all(alike)
        return position

    def _routes(self, folded: Folded, *, apart: bool = False) -> dict[str, FoldRoute]:
        """The way of each stored name's facts; `apart`: totals are changed by each for itself, too."""
        return {
            topic: _route(decode, fact, asking, folded, self._erased, apart=apart)
            for topic, fact, decode, asking in _plan(self.views, self._codec)  # type: ignore[arg-type]  # a codec hashes as any object does
        }


def _route(
    decode: Decode, fact: type[Any], asking: Sequence[AnyView], folded: Folded, erased: ErasedUsers, *, apart: bool
) -> FoldRoute:
    """The way of a type of fact, to the views that ask for it."""
    alone, several, totals, names = list[Any](), list[Any](), list[Any](), frozenset[str]()
    for view in asking:
        reads, rows = hiding(view, view.changes[fact], erased), folded[view.name]
        if view.totals and not apart:
            totals.append((reads.of, rows, view))
            names |= reads.names
        elif reads.change is None or view.firsts:
            several.append((reads.each or reads.of, rows, view))
        else:
            alone.append((reads.change, rows, view.blank))
    return FoldRoute(decode, alone, several, totals, signature(fact, names), bool(asking))


def _add(totals: Rows, blank: Mapping[str, Value], change: Change) -> None:
    """Add a change to a row, whose notes are the newest."""
    key, sums, notes = change
    known = totals.get(key)
    if known is None:
        totals[key] = {**blank, **sums, **notes}
        return
    for name, amount in sums.items():
        known[name] += amount
    if notes:
        known.update(notes)


def _add_all(alike: dict[tuple[Any, ...], Alike]) -> None:
    """Add the changes by one of each group, so many times, and keep none. Raises Choked."""
    for found in alike.values():
        try:
            _add_alike(found)
        except CHOKES as error:
            raise _choked(*found.where, error) from error
    alike.clear()


def _add_alike(alike: Alike) -> None:
    count = alike.count
    for each, totals, view in alike.totals:
        for key, sums, notes in each(alike.fact):
            _add(totals, view.blank, (key, {name: amount * count for name, amount in sums.items()}, notes))


def _choked(position: int, topic: str, error: Exception) -> Choked:
    return Choked(position, f"{topic}: {type(error).__name__}: {error}")


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
