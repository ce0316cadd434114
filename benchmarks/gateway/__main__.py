"""Measures the gateway beside its contenders and prints a table, every figure a ratio within one run.

python -m benchmarks.gateway [--seconds 5] [--rounds 3] [--connections 1 16 64 256] [--accounts 1|16]
    [--database postgresql://…] [--litellm FOLDER]

FOLDER is a virtual environment with `litellm[proxy]`; without it LiteLLM is left out.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.gateway.contenders import ROUTE, Contender, driven, litellm, ours, plain

CONSOLE = Console(highlight=False)


def main(arguments: Any) -> None:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(plain("upstream"))
        contenders = [Contender("direct", (f"{upstream}{ROUTE}",), ("x",))]
        passing = stack.enter_context(plain("passing", UPSTREAM=upstream))
        contenders.append(Contender("pass-through", (f"{passing}{ROUTE}",), ("x",)))
        (home / "usual").mkdir()
        counting = stack.enter_context(
            plain(
                "counting", UPSTREAM=upstream, BENCH_HOME=str(home / "usual"), BENCH_DATABASE=f"sqlite:///{home}/u.db"
            )
        )
        contenders.append(Contender("usual way", (f"{counting}{ROUTE}",), ("x",)))
        contenders.append(stack.enter_context(ours(home / "ours", upstream, arguments.accounts, arguments.database)))
        if arguments.litellm is not None:
            contenders.append(stack.enter_context(litellm(arguments.litellm, home, upstream)))
        for one in contenders:
            driven(one, 16, 1)
        for connections in arguments.connections:
            rounds = [
                [driven(one, connections, arguments.seconds) for one in contenders] for _ in range(arguments.rounds)
            ]
            _show(connections, contenders, rounds)


def _show(connections: int, contenders: Sequence[Contender], rounds: Sequence[Sequence[dict[str, float]]]) -> None:
    """Medians of the rounds; `of` are ratios within each round."""
    table = Table(title=f"{connections} connections")
    for name in ("", "requests/s", "of pass-through", "p50 ms", "added p50", "p99 ms", "added p99"):
        table.add_column(name, justify="left" if not name else "right")
    for place, one in enumerate(contenders):
        rate, p50, p99 = (median(found[place][name] for found in rounds) for name in ("rate", "p50", "p99"))
        share = median(found[place]["rate"] / found[1]["rate"] for found in rounds)
        added = [median(found[place][name] - found[0][name] for found in rounds) for name in ("p50", "p99")]
        table.add_row(
            one.name, f"{rate:,.0f}", f"{share:.2f}", f"{p50:.2f}", f"{added[0]:.2f}", f"{p99:.2f}", f"{added[1]:.2f}"
        )
    CONSOLE.print(table)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="The gateway beside its contenders")
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64, 256])
    options.add_argument("--accounts", type=int, default=1)
    options.add_argument("--database", default="")
    options.add_argument("--litellm", type=Path)
    main(options.parse_args())
