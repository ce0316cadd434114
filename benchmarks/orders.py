"""Commits ordered by marks beside commits ordered by the lock, and one hot account of many processes beside one's.

    python -m benchmarks.orders [--processes 8] [--callers 16] [--delay 1000] [--rounds 7] [--seconds 1.5]
    python -m benchmarks.orders --hot --callers 64

In turns of one run on one server that syncs, each on a database of its own. `--delay` has the server's flushes take so
many microseconds longer, as on a slow disk. Shown, and not written down.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.stores import Place
from benchmarks.teams import Load, Team, team
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema
from infrastructure.store.order import WAYS, Way
from infrastructure.store.reordering import choose_order
from tests.postgres import execute, fresh_database, running_postgres

WARM = 0.5


def orders(contender: str, load: Load, delay: int, rounds: int, seconds: float) -> None:
    """Measure both orders, and print the medians and the ratio."""
    with ExitStack() as stack:
        server = _server(stack, delay)
        teams: dict[str, Team] = {way: _team(stack, contender, server, way) for way in WAYS}
        _show(
            contender,
            f"{load.name}, flushes {delay} us longer",
            _rates(teams, dict.fromkeys(teams, load), rounds, seconds),
        )


def hot(contender: str, load: Load, delay: int, rounds: int, seconds: float) -> None:
    """Measure one account of one process, and of as many as were asked for."""
    with ExitStack() as stack:
        server, loads = _server(stack, delay), {"one process": Load(load.callers, hot=True), load.name: load}
        teams = {name: _team(stack, contender, server, "lock") for name in loads}
        _show(contender, load.name, _rates(teams, loads, rounds, seconds))


def _server(stack: ExitStack, delay: int) -> str:
    server = stack.enter_context(running_postgres(fsync=True))
    if delay:
        for setting in (f"commit_delay = {delay}", "commit_siblings = 0"):
            execute(server, f"ALTER SYSTEM SET {setting}")
        execute(server, "SELECT pg_reload_conf()")
    return server


def _team(stack: ExitStack, contender: str, server: str, way: Way) -> Team:
    url = stack.enter_context(fresh_database(server))
    upgrade_schema(url)
    with closing(Database(url)) as database:
        choose_order(database, way)
    folder = stack.enter_context(TemporaryDirectory(prefix="imagestudio-orders-"))
    return stack.enter_context(team(contender, Place(url, Path(folder))))


def _rates(teams: Mapping[str, Team], loads: Mapping[str, Load], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Operations a second of each, in turns."""
    rates: dict[str, list[float]] = {name: [] for name in teams}
    for name, one in teams.items():
        one.prepare(loads[name])
        one.measure(loads[name], WARM)
    for number in range(rounds):
        turn = number % len(teams)
        for name in [*teams][turn:] + [*teams][:turn]:
            rates[name].append(teams[name].measure(loads[name], seconds).rate)
    return rates


def _show(contender: str, title: str, rates: Mapping[str, Sequence[float]]) -> None:
    (base, other), lines = rates, [f"{contender}, {title}, {len(rates[next(iter(rates))])} turns"]
    for name, found in rates.items():
        lines.append(f"  {name:36}{median(found):8.0f}/s  [{min(found):.0f}-{max(found):.0f}]")
    ratios = [mine / theirs for mine, theirs in zip(rates[other], rates[base], strict=True)]
    lines.append(f"  {other} / {base}: {median(ratios):.2f}  [{min(ratios):.2f}-{max(ratios):.2f}]")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--contender", default="ledger", choices=("ledger", "ours"))
    given.add_argument("--hot", action="store_true")
    for name, usual in {"processes": 8, "callers": 16, "delay": 1000, "rounds": 7}.items():
        given.add_argument(f"--{name}", type=int, default=usual)
    given.add_argument("--seconds", type=float, default=1.5)
    told = given.parse_args()
    measured = hot if told.hot else orders
    asked = Load(told.callers, hot=told.hot, processes=told.processes)
    measured(told.contender, asked, 0 if told.hot else told.delay, told.rounds, told.seconds)
