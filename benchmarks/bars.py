"""What the figures are held against: every bar is a ratio of two measurements of the same run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.growth import Grown
from benchmarks.lifecycles import Measured
from benchmarks.rebuilding import OURS, SQL, Rebuilt
from benchmarks.stores import SQLITE

CROWD = 64
FULL_CACHES = 100_000
"""Events; a shorter log does not fill the database's caches, so its rebuild takes less memory for no merit of ours."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A ratio, the least (or, with `at_most`, the most) it should be, and what we aim for."""

    part: str
    name: str
    value: float
    bar: float
    aim: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def of_lifecycles(found: Sequence[Measured]) -> Iterator[Bar]:
    """Ours beside the usual way and the limit, with 64 callers a process; hot beside distinct accounts."""
    by_name = {(one.database, one.load, one.contender): one for one in found}
    for (database, load, contender), ours in by_name.items():
        if contender != "ours" or load.callers != CROWD:
            continue
        for other, bar, aim in (("usual", 8, 12), ("limit", 0.4, 0.6)):
            theirs = by_name.get((database, load, other))
            if theirs is not None:
                yield Bar("lifecycles", f"{database}, {load.name}: ours / {other}", ours.against(theirs), bar, aim)
        if load.hot and (distinct := by_name.get((database, load.distinct, contender))):
            yield Bar("lifecycles", f"{database}, {load.crowd}: hot / distinct", ours.rate / distinct.rate, 0.8, 0.95)


def of_rebuilds(found: Sequence[Rebuilt]) -> Iterator[Bar]:
    """Our one process beside one SQL statement a view; the memory of a log beside that of one a fraction as long."""
    by_name = {(one.database, one.way, one.events): one for one in found}
    for (database, way, events), ours in by_name.items():
        theirs = by_name.get((database, SQL, events))
        if way != OURS or theirs is None:
            continue
        bar = 2.0 if database == SQLITE else 1.0
        yield Bar(
            "rebuilds", f"{database}, {events:,} events: time / SQL's time", ours.against(theirs), bar, at_most=True
        )
        for other in found:
            if (other.database, other.way) == (database, OURS) and FULL_CACHES <= other.events < events:
                name = f"{database}: memory at {events:,} / at {other.events:,} events"
                yield Bar("rebuilds", name, ours.peak / other.peak, 1.25, at_most=True)


def of_growth(found: Sequence[Grown]) -> Iterator[Bar]:
    """An operation's cost with more beside its cost with less."""
    for one in found:
        name = f"{one.database}, {one.load.name}: {one.pair.name}"
        yield Bar("growth", name, one.ratio, 1.25, at_most=True)
