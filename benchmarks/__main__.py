"""Measures the studio beside what it is compared to, and writes the figures to benchmarks/results.

python -m benchmarks                             everything, within ten minutes
python -m benchmarks --full                      the same with a million events
python -m benchmarks --only rebuilds --quick     one part, a smoke test; nothing is written
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.console import Console

from benchmarks import asking, billing, growth, lifecycles, machine, pages, past, rebuilding, services
from benchmarks.fill import Size
from benchmarks.growth import Pair
from benchmarks.rebuilding import Logs
from benchmarks.report import Report
from benchmarks.stores import POSTGRESQL, SQLITE, Stores
from domain.periods import local_day
from infrastructure.clock import now

CONSOLE = Console(highlight=False, soft_wrap=True)
PARTS = ("lifecycles", "rebuilds", "growth", "queries", "services", "billing", "past", "pages")


def say(line: str) -> None:
    """Show one line of progress."""
    CONSOLE.print(line, markup=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of each part is measured."""

    lifecycles: lifecycles.Effort
    logs: Logs
    growth: growth.Effort
    queries: int
    billing: billing.Plan
    stream: Size
    """One account's, of which the past is asked."""
    pages: pages.Plan


def _pairs(short: int, long: int, open: int) -> tuple[Pair, Pair]:
    length = Pair(f"{short:,} -> {long:,} events in the stream", Size(short), Size(long))
    return length, Pair(f"1 -> {open:,} operations open", Size(short, open=1), Size(short, open=open))


SMOKE = Plan(
    lifecycles.Effort(0.7, 2, lifecycles.QUICK),
    Logs(Size(10_000, 50, 3), Size(2_000, 50, 3), 1),
    growth.Effort(_pairs(1_000, 10_000, 1_000), 0.3, 3),
    200,
    billing.SMOKE,
    Size(12_000),
    pages.SMOKE,
)
SHORT = Plan(
    lifecycles.Effort(1.0, 3, lifecycles.LOADS),
    Logs(Size(100_000, 500, 6), Size(25_000, 500, 6), 3),
    growth.Effort(_pairs(10_000, 100_000, 10_000), 0.3, 7),
    1_000,
    billing.SHORT,
    Size(100_000),
    pages.SHORT,
)
FULL = Plan(
    lifecycles.Effort(2.0, 5, lifecycles.LOADS),
    Logs(Size(1_000_000, 2_000, 6), Size(100_000, 2_000, 6), 3),
    growth.Effort(_pairs(10_000, 1_000_000, 10_000), 0.4, 11),
    5_000,
    billing.FULL,
    Size(1_000_000),
    pages.FULL,
)


def measure(stores: Stores, report: Report, plan: Plan, database: str, parts: Sequence[str]) -> None:
    """The wanted parts on one kind of database."""
    steps: dict[str, Callable[[], object]] = {
        "lifecycles": lambda: report.lifecycles.extend(lifecycles.measure(stores, database, plan.lifecycles, say)),
        "rebuilds": lambda: report.rebuilds.extend(rebuilding.measure(stores, database, plan.logs, say)),
        "growth": lambda: report.growth.extend(growth.measure(stores, database, plan.growth, say)),
        "queries": lambda: report.queries.extend(asking.measure(stores, database, plan.logs.size, plan.queries, say)),
        "past": lambda: past.measure(stores, database, plan.stream, plan.growth.rounds, say),  # shown as well
        "pages": lambda: pages.measure(stores, database, plan.pages, say),  # shown, too
        "services": lambda: services.measure(stores, database, plan.queries // 4, say),  # shown, and not written down
        "billing": lambda: billing.measure(stores, database, plan.billing),  # so are these
    }
    for part in parts:
        steps[part]()


def run(plan: Plan, databases: tuple[str, ...], parts: Sequence[str]) -> Report:
    """Measure, and say how each bar was met."""
    with Stores() as stores:
        report = Report(machine.describe(stores, databases))
        for database in databases:
            measure(stores, report, plan, database, parts)
        report.machine["load after"] = f"{os.getloadavg()[0]:.2f}"
    for bar in report.bars:
        verdict = "met   " if bar.met else "MISSED"
        say(f"{verdict} {bar.part:10} {bar.value:7.2f}  {'<=' if bar.at_most else '>='} {bar.bar:<5g} {bar.name}")
    return report


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Figures, side by side, in one run.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="the million-event figures")
    size.add_argument("--quick", action="store_true", help="a smoke test")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), action="append")
    parser.add_argument("--contender", choices=lifecycles.CONTENDERS, action="append", help="of lifecycles")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the options ask for; only a whole run is written down."""
    options = _options(arguments)
    plan = FULL if options.full else SMOKE if options.quick else SHORT
    if options.contender:
        plan = replace(plan, lifecycles=replace(plan.lifecycles, contenders=options.contender))
    report = run(plan, tuple(options.database or (SQLITE, POSTGRESQL)), options.only or PARTS)
    if not (options.quick or options.only or options.database or options.contender):
        name = f"{local_day(now(), 'UTC')}-{machine.slug()}{'-full' if options.full else ''}"
        say(f"written: benchmarks/results/{report.write(name).name}")


if __name__ == "__main__":
    main()
