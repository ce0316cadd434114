"""How far the service goes by itself: one account or many, one process or two, for long, and up to which rate.

python -m benchmarks.gateway.reach accounts|processes|memory|frontier … [--seconds 5] [--rounds 3] [--connections 64]
    [--requests 10000 100000] [--rate 10]

accounts    hot beside distinct accounts, on SQLite and on PostgreSQL       bar: hot at least 0.95 of distinct
processes   two beside one, on PostgreSQL, distinct accounts                bar: at least 1.3
memory      after so many requests beside after fewer                       bar: at most 1.2
frontier    the highest rate at which so much is added at p99 at most       10, 50 and 100 ms

Every figure is a ratio, or a difference to the upstream alone, within one run. A PostgreSQL is started for it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console

from benchmarks.gateway.contenders import ROUTE, Contender, driven, ours, plain
from infrastructure.store.migrations import upgrade_schema
from tests.postgres import fresh_database, running_postgres

CONSOLE: Final = Console(highlight=False)
MANY: Final = 64
BOUNDS: Final = (10, 50, 100)
"""Milliseconds that may be added."""

STEP: Final = 1.25
REACHED: Final = 0.95
"""Of an offered rate; a service that answers less of it has been passed."""


@dataclass(frozen=True)
class Bench:
    """The upstream, a database server, and how long and how often to measure."""

    upstream: str
    server: str
    seconds: float
    rounds: int
    connections: int
    requests: Sequence[int]
    rate: float

    @contextmanager
    def serving(self, accounts: int, *, on_postgres: bool, processes: int = 1) -> Iterator[Contender]:
        """The service on a new database, warm."""
        with ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            database = stack.enter_context(fresh_database(self.server)) if on_postgres else ""
            if database:
                upgrade_schema(database)
            one = stack.enter_context(ours(home, self.upstream, accounts, database, processes))
            driven(one, 16, 1)
            yield one

    def ratio(self, one: Contender, other: Contender) -> tuple[float, float, float]:
        """Requests a second of both, in turns, and the median of the rounds' ratios."""
        rounds = [(self.driven(one)["rate"], self.driven(other)["rate"]) for _ in range(self.rounds)]
        firsts, seconds = zip(*rounds, strict=True)
        return median(firsts), median(seconds), median(first / second for first, second in rounds)

    def driven(self, one: Contender) -> Mapping[str, float]:
        return driven(one, self.connections, self.seconds)


def accounts(bench: Bench) -> None:
    """One account beside many."""
    for on_postgres in (False, True):
        with (
            bench.serving(1, on_postgres=on_postgres) as hot,
            bench.serving(MANY, on_postgres=on_postgres) as distinct,
        ):
            one, many, ratio = bench.ratio(hot, distinct)
        where = "PostgreSQL" if on_postgres else "SQLite"
        CONSOLE.print(
            f"accounts on {where}: hot {one:,.0f}/s, {MANY} distinct {many:,.0f}/s, ratio {ratio:.2f} (bar 0.95)"
        )


def processes(bench: Bench) -> None:
    """Two processes beside one, each on a database of its own."""
    with (
        bench.serving(MANY, on_postgres=True, processes=2) as two,
        bench.serving(MANY, on_postgres=True) as one,
    ):
        both, alone, ratio = bench.ratio(two, one)
    CONSOLE.print(f"processes on PostgreSQL: two {both:,.0f}/s, one {alone:,.0f}/s, ratio {ratio:.2f} (bar 1.3)")


def memory(bench: Bench) -> None:
    """Resident memory after each of the numbers of requests."""
    with bench.serving(MANY, on_postgres=False) as one:
        done, found = 0.0, []
        for requests in bench.requests:
            while done < requests:
                done += bench.driven(one)["requests"]
            found.append((done, one.memory()))
    told = ", ".join(f"{size / 2**20:,.0f} MiB after {count:,.0f}" for count, size in found)
    CONSOLE.print(f"memory: {told}, ratio {found[-1][1] / found[0][1]:.2f} (bar 1.2)")


def frontier(bench: Bench) -> None:
    """Rates that grow by a quarter, offered to the upstream alone and to the service, until too much is added."""
    direct, best, rate = (
        Contender("direct", (f"{bench.upstream}{ROUTE}",), ("x",)),
        dict.fromkeys(BOUNDS, 0.0),
        bench.rate,
    )
    with bench.serving(MANY, on_postgres=False) as one:
        while True:
            rounds = [
                [driven(each, bench.connections, bench.seconds, rate) for each in (direct, one)]
                for _ in range(bench.rounds)
            ]
            found = {name: median(mine[name] for _, mine in rounds) for name in ("rate", "p50", "p99")}
            added = median(mine["p99"] - alone["p99"] for alone, mine in rounds)
            told = f"{found['rate']:,.0f}/s, p50 {found['p50']:.1f} ms, p99 {found['p99']:.1f} ms, {added:.1f} ms added"
            CONSOLE.print(f"frontier at {rate:,.0f}/s offered: {told}")
            if found["rate"] < REACHED * rate or added > max(BOUNDS):
                break
            best.update({bound: rate for bound in BOUNDS if added <= bound})
            rate *= STEP
    told = ", ".join(f"{rate:,.0f}/s at {bound} ms" for bound, rate in best.items())
    CONSOLE.print(f"frontier: {told} added at p99")


WAYS: Final[Mapping[str, Callable[[Bench], None]]] = {
    "accounts": accounts,
    "processes": processes,
    "memory": memory,
    "frontier": frontier,
}


def main(arguments: Any) -> None:
    with plain("upstream") as upstream, running_postgres() as server:
        bench = Bench(
            upstream,
            server,
            arguments.seconds,
            arguments.rounds,
            arguments.connections,
            arguments.requests,
            arguments.rate,
        )
        for way in arguments.ways:
            WAYS[way](bench)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="How far the service goes by itself")
    options.add_argument("ways", nargs="+", choices=WAYS)
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--requests", type=int, nargs="+", default=[10_000, 100_000])
    options.add_argument("--rate", type=float, default=10, help="the lowest rate that is offered")
    main(options.parse_args())
