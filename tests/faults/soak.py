"""Episodes of a town, one after the other, each with a seed of its own, for as long as one likes: `make soak`.

python -m tests.faults.soak [--minutes 10] [--seed N] [--rounds 2] [--database postgresql|sqlite]

Ends with what all of them came to, or with the first thing that was not right and the seed of its episode.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count, cycle
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from tests.faults.episodes import Episode, episode

CONSOLE = Console(highlight=False)
DATABASES = ("postgresql", "sqlite")


def main(arguments: Any) -> None:
    logging.getLogger("imagestudio").setLevel(logging.CRITICAL)  # of the one process that only looks on
    end, sums = monotonic() + 60 * arguments.minutes, Counter[str]()
    for seed, database in zip(count(arguments.seed), cycle(arguments.database), strict=False):
        if monotonic() > end:
            break
        found = _one(seed, database, arguments.rounds)
        CONSOLE.print(f"seed {seed} on {database}: {_told(dict(_counts(found)))}", soft_wrap=True)
        sums.update({"episodes": 1, **dict(_counts(found))})
    CONSOLE.print(f"in all: {_told(sums)}", soft_wrap=True)


def _one(seed: int, database: str, rounds: int) -> Episode:
    with tempfile.TemporaryDirectory() as home:
        try:
            return asyncio.run(episode(Path(home), seed=seed, rounds=rounds, on_postgres=database == "postgresql"))
        except BaseException:
            CONSOLE.print(f"seed {seed} on {database}:", style="bold red")
            raise


def _counts(found: Episode) -> Iterator[tuple[str, int]]:
    yield from (("orders", found.orders), ("requests", found.requests), ("answers lost", found.lost))
    yield from asdict(found.reckoning).items()
    yield from found.troubles.items()


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in counts.items())


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="The service under load, with anything killed at any moment")
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--database", nargs="+", choices=DATABASES, default=DATABASES)
    main(options.parse_args())
