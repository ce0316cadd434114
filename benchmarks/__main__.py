"""python -m benchmarks [--full | --quick] [--only a|b|c|d] [--database sqlite|postgresql]"""

from __future__ import annotations

import argparse

from rich.console import Console

from benchmarks import lifecycles
from benchmarks.lifecycles import Effort
from tests.postgres import running_postgres

CONSOLE = Console(highlight=False, soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", choices="abcd", action="append")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    parser.add_argument("--contender", action="append", choices=lifecycles.CONTENDERS)
    options = parser.parse_args()
    effort = Effort(0.7, 2, lifecycles.QUICK) if options.quick else Effort(1.2, 3, lifecycles.LOADS)
    if options.contender:
        effort = Effort(effort.seconds, effort.rounds, effort.loads, contenders=options.contender)
    if options.database != "postgresql":
        lifecycles.measure("SQLite", None, effort, CONSOLE.print)
    if options.database != "sqlite":
        with running_postgres(fsync=True) as server:
            lifecycles.measure("PostgreSQL", server, effort, CONSOLE.print)


if __name__ == "__main__":
    main()
