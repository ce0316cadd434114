"""All views rebuilt from the log, beside one `INSERT … SELECT … GROUP BY` a view over the same stored JSON.

python -m benchmarks.rebuilding ours|sql URL [WORKERS]     one rebuild in a process of its own: seconds, peak RSS
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import sql_views
from benchmarks.fill import Size
from benchmarks.stores import Stores
from benchmarks.teams import ROOT
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.reader import SqlReader
from projections.engine.database import FactSource
from projections.engine.rebuild import Workers, rebuild
from projections.views import ALL

OURS, SQL, OURS_TWO = "ours", "sql", "ours, 2 workers"
WAYS = {OURS: ("ours", "1"), SQL: ("sql", "1"), OURS_TWO: ("ours", "2")}
MEBI = 1024


@dataclass(slots=True)
class Rebuilt:
    """One way on one log: each round's seconds, and the most memory the process held, in MiB."""

    database: str
    way: str
    events: int
    seconds: list[float] = field(default_factory=list)
    peak: float = 0.0

    @property
    def typical(self) -> float:
        return median(self.seconds)

    def against(self, other: Rebuilt) -> float:
        """The median of the rounds' ratios of time."""
        return median(mine / theirs for mine, theirs in zip(self.seconds, other.seconds, strict=True))


@dataclass(frozen=True, slots=True)
class Logs:
    """The log that is measured, and a smaller one that shows whether memory grows with it."""

    size: Size
    smaller: Size
    rounds: int


class DifferentRows(AssertionError):
    """The two ways disagree: then their times say nothing."""


def measure(stores: Stores, database: str, logs: Logs, say: Callable[[str], None]) -> list[Rebuilt]:
    """Interleaved rounds of all ways on the one log, then our way once on the smaller log, for its memory."""
    url = stores.filled(database, logs.size, "views").url
    with closing(Database(url)) as given:
        sql_views.unfold(given)
    found = {way: Rebuilt(database, way, logs.size.events) for way in WAYS}
    for _ in range(logs.rounds):
        for way in WAYS:
            _run(found[way], url)
    _check_rows(url)
    small = Rebuilt(database, OURS, logs.smaller.events)
    _run(small, stores.filled(database, logs.smaller, "views").url)
    for one in (*found.values(), small):
        rate = one.events / one.typical
        say(
            f"{database:10} {one.events:9,} events  {one.way:16} {one.typical:8.2f} s   {rate:9,.0f} events/s"
            f"   peak {one.peak:6.0f} MiB"
        )
    return [*found.values(), small]


def _run(one: Rebuilt, url: str) -> None:
    command = [sys.executable, "-m", "benchmarks.rebuilding", WAYS[one.way][0], url, WAYS[one.way][1]]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    answer = json.loads(done.stdout)
    one.seconds.append(answer["seconds"])
    one.peak = max(one.peak, answer["peak"] / MEBI)


def _check_rows(url: str) -> None:
    with closing(Database(url)) as database:
        count = sql_views.differences(database)
    if count:
        raise DifferentRows(f"{count} rows of the views and of the SQL differ")


def open_source(url: str) -> FactSource:
    """The log, for a worker process too."""
    return FactSource(SqlReader(Database(url)), FactMapper())


def rebuild_all(url: str, workers: int) -> None:
    """All views, our way."""
    with closing(Database(url)) as database:
        several = Workers(workers, partial(open_source, url)) if workers > 1 else None
        rebuild(database, FactSource(SqlReader(database), FactMapper()), ALL, workers=several)


def main(arguments: Sequence[str]) -> None:
    way, url, workers = arguments
    began = perf_counter()
    if way == "sql":
        with closing(Database(url)) as database:
            sql_views.build(database)
    else:
        rebuild_all(url, int(workers))
    seconds = perf_counter() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "peak": peak_kibibytes()}))


def peak_kibibytes() -> int:
    """The most memory this program held; getrusage would count what its parent held before."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main(sys.argv[1:])
