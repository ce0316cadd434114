"""What one operation costs on an account with a short and a long history, with one and with many operations open.

Two studios on two filled databases take turns, so that whatever else the machine does disturbs both. The caller
is alone (an operation's own time, most of it the disk's) or one of 64 on the same account (nearly all of it ours).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sqlalchemy import event

from benchmarks.fill import Size
from benchmarks.ours import LedgerOnly
from benchmarks.stores import Stores
from benchmarks.teams import Load, Team, team
from benchmarks.timing import Timed
from infrastructure.store.database import Database

LOADS = (Load(1, hot=True), Load(64, hot=True))
WARM_SECONDS = 0.3
COUNTED_OPERATIONS = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """A question: two sizes of the same account."""

    name: str
    less: Size
    more: Size


@dataclass(frozen=True, slots=True)
class Effort:
    """What is compared, and how long: seconds a measurement, rounds of each pair."""

    pairs: tuple[Pair, ...]
    seconds: float
    rounds: int


@dataclass(slots=True)
class Grown:
    """One question under one load: each side's rounds, and its statements and rows an operation."""

    database: str
    pair: Pair
    load: Load
    less: list[Timed] = field(default_factory=list)
    more: list[Timed] = field(default_factory=list)
    statements: tuple[float, float] = (0, 0)
    rows: tuple[float, float] = (0, 0)

    @property
    def ratio(self) -> float:
        """How much more an operation costs with more; the median of the rounds."""
        return median(less.rate / more.rate for less, more in zip(self.less, self.more, strict=True))

    @property
    def cpu_ratio(self) -> float:
        """The same of what our process computed, which other programs on the machine disturb less."""
        return median(
            (more.cpu / len(more.latencies)) / (less.cpu / len(less.latencies))
            for less, more in zip(self.less, self.more, strict=True)
        )

    @property
    def costs(self) -> tuple[float, float]:
        """Microseconds an operation with less and with more, each the median of its rounds."""
        return median(1e6 / one.rate for one in self.less), median(1e6 / one.rate for one in self.more)


def measure(stores: Stores, database: str, effort: Effort, say: Callable[[str], None]) -> list[Grown]:
    """All pairs on one kind of database."""
    return [grown for pair in effort.pairs for grown in _compare(stores, database, pair, effort, say)]


def _compare(stores: Stores, database: str, pair: Pair, effort: Effort, say: Callable[[str], None]) -> list[Grown]:
    places = [stores.filled(database, size, pair.name) for size in (pair.less, pair.more)]
    counts = [asyncio.run(count_work(place.url)) for place in places]
    found = []
    with team("ours", places[0]) as less, team("ours", places[1]) as more:
        for load in LOADS:
            grown = Grown(database, pair, load)
            grown.statements, grown.rows = zip(*counts, strict=True)
            _rounds(grown, less, more, effort)
            found.append(grown)
            say(_line(grown))
    return found


def _line(grown: Grown) -> str:
    costs = "{:7.0f} -> {:7.0f} us".format(*grown.costs)
    statements = "{:.1f} -> {:.1f}".format(*grown.statements)
    rows = "{:.1f} -> {:.1f}".format(*grown.rows)
    what = f"{grown.database:10} {grown.pair.name:44} {grown.load.name:30}"
    ratios = f"ratio {grown.ratio:.2f}   of cpu {grown.cpu_ratio:.2f}"
    return f"{what} {costs}   {ratios}   statements {statements}   rows {rows}"


def _rounds(grown: Grown, less: Team, more: Team, effort: Effort) -> None:
    for one in (less, more):
        one.prepare(grown.load)
        one.measure(grown.load, WARM_SECONDS)
    for number in range(effort.rounds):
        sides = [(less, grown.less), (more, grown.more)]
        for one, costs in sides if number % 2 else sides[::-1]:
            costs.append(one.measure(grown.load, effort.seconds))


async def count_work(url: str) -> tuple[float, float]:
    """Statements and rows an operation, of the writer alone, once it remembers the account."""
    with closing(LedgerOnly(url)) as ledger:
        await asyncio.to_thread(ledger.prepare, ["hot"])
        await ledger.operation("hot")
        tally = Tally()
        tally.watch(ledger.database)
        for _ in range(COUNTED_OPERATIONS):
            await ledger.operation("hot")
        return tally.statements / COUNTED_OPERATIONS, tally.rows / COUNTED_OPERATIONS


@dataclass(slots=True)
class Tally:
    """Statements, and rows where the driver says how many (SQLite's does for writes only)."""

    statements: int = 0
    rows: int = 0

    def watch(self, database: Database) -> None:
        event.listen(database.engine, "after_cursor_execute", self._executed)

    def _executed(self, _connection: Any, cursor: Any, *_: Any) -> None:
        self.statements += 1
        self.rows += max(cursor.rowcount, 0)
