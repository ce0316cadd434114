"""Two shards on two servers beside one ledger on one server, in turns of one run.

    python -m benchmarks.shards [--rounds 7] [--seconds 1.5]

The same 64 callers each time: of one process on one server, of two processes that share a ledger, and of two processes
that have a shard each, on a server of its own. The servers sync. Shown, and not written down.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.stores import Place
from benchmarks.teams import Load, Team, team
from benchmarks.timing import Timed
from infrastructure.store.migrations import upgrade_schema
from tests.postgres import fresh_database, running_postgres

CALLERS = 64
WARM = 0.5
ONE, SHARED, SHARDS = "one process, one server", "two processes, one server", "two shards, two servers"
WAYS: Mapping[str, tuple[int, Load]] = {
    ONE: (1, Load(CALLERS, hot=False)),
    SHARED: (1, Load(CALLERS // 2, hot=False, processes=2)),
    SHARDS: (2, Load(CALLERS // 2, hot=False)),
}
"""How many teams, each on a server of its own, and the load of each."""


def main(contender: str, rounds: int, seconds: float) -> None:
    """Measure, and print the medians and ratios."""
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    with ExitStack() as stack:
        servers = [stack.enter_context(running_postgres(fsync=True)) for _ in range(2)]
        teams = {way: [_team(stack, contender, servers[number]) for number in range(WAYS[way][0])] for way in WAYS}
        for way, members in teams.items():
            for one in members:
                one.prepare(WAYS[way][1])
            _rate(members, WAYS[way][1], WARM)
        for number in range(rounds):
            turn = number % len(WAYS)
            for way in [*WAYS][turn:] + [*WAYS][:turn]:
                rates[way].append(_rate(teams[way], WAYS[way][1], seconds))
    _show(contender, rates)


def _team(stack: ExitStack, contender: str, server: str) -> Team:
    url = stack.enter_context(fresh_database(server))
    upgrade_schema(url)
    folder = stack.enter_context(TemporaryDirectory(prefix="imagestudio-shards-"))
    return stack.enter_context(team(contender, Place(url, Path(folder))))


def _rate(teams: Sequence[Team], load: Load, seconds: float) -> float:
    """Operations a second of all of them at once."""
    with ThreadPoolExecutor(len(teams)) as pool:
        return sum(one.rate for one in pool.map(partial(_measured, load, seconds), teams))


def _measured(load: Load, seconds: float, one: Team) -> Timed:
    return one.measure(load, seconds)


def _show(contender: str, rates: Mapping[str, Sequence[float]]) -> None:
    lines = [f"{contender}, {CALLERS} callers, {len(rates[ONE])} turns"]
    for way, found in rates.items():
        lines.append(f"  {way:28}{median(found):8.0f}/s  [{min(found):.0f}-{max(found):.0f}]")
    for other in (ONE, SHARED):
        ratios = [mine / theirs for mine, theirs in zip(rates[SHARDS], rates[other], strict=True)]
        lines.append(f"  two shards / {other:28}{median(ratios):6.2f}  [{min(ratios):.2f}-{max(ratios):.2f}]")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--contender", default="ledger", choices=("ledger", "ours"))
    given.add_argument("--rounds", type=int, default=7)
    given.add_argument("--seconds", type=float, default=1.5)
    told = given.parse_args()
    main(told.contender, told.rounds, told.seconds)
