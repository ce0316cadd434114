"""The service on PostgreSQL under Patroni, whose primary is lost while customers come: part of `make soak`.

python -m tests.faults.failover [--seed N] [--rounds 1]

Ends with how long nobody could write at each loss, or with the first thing that was lost, double or not as it was told.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from infrastructure.store.migrations import upgrade_schema
from tests.application.studios import studio_on
from tests.faults.customers import Customers
from tests.faults.episodes import opened, reckoned
from tests.faults.patroni import NotInstalled, PatroniCluster, patroni_cluster
from tests.faults.reckonings import Reckoning
from tests.faults.towns import provider_apart, town_on

CONSOLE = Console(highlight=False)
EACH = 12
"""Orders for each loss."""


@dataclass(frozen=True, slots=True)
class Survived:
    """What happened to the primary, and for how many seconds nobody took writes; and what it all came to."""

    losses: Sequence[tuple[str, float]]
    orders: int
    requests: int
    unanswered: int
    reckoning: Reckoning


def losses_of(cluster: PatroniCluster) -> dict[str, Callable[[], float]]:
    return {
        "PostgreSQL crashes": cluster.crash_primary,
        "switched over": cluster.switch_over,
        "the server is lost": cluster.lose_primary,
        "the server is cut off, and back": cluster.freeze_primary,
        "etcd is cut off, and back": cluster.lose_etcd,
    }


async def survive(home: Path, *, seed: int, rounds: int) -> Survived:
    """Three that serve and two workers, through HAProxy. Raises AssertionError, NotInstalled."""
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        cluster = stack.enter_context(patroni_cluster())
        upgrade_schema(cluster.url)
        fake = stack.enter_context(provider_apart(home / "fake"))
        studio = await stack.enter_async_context(studio_on(cluster.url, home))
        kinds = [*losses_of(cluster).items()] * rounds
        chance.shuffle(kinds)
        orders = EACH * (len(kinds) + 1)
        known = await opened(studio, limit := orders // 6)
        town = stack.enter_context(town_on(cluster.url, home, fake, serves=3, workers=2))
        client = await stack.enter_async_context(httpx.AsyncClient())
        customers = Customers(town.urls, known, random.Random(seed + 1), client)
        coming, found = asyncio.create_task(customers.come(orders)), list[tuple[str, float]]()
        for number, (what, lose) in enumerate(kinds, 1):
            await customers.until_told(orders * number // (len(kinds) + 1))
            await asyncio.to_thread(cluster.until_whole)
            found.append((what, await asyncio.to_thread(lose)))
            town.revive()
        await coming
        await asyncio.to_thread(cluster.until_whole)
        reckoning = await reckoned(studio, town, customers, fake, limit)
    return Survived(found, orders, customers.requests, customers.lost, reckoning)


def main(arguments: Any) -> None:
    logging.getLogger("imagestudio").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as home:
        try:
            found = asyncio.run(survive(Path(home), seed=arguments.seed, rounds=arguments.rounds))
        except NotInstalled as lack:
            CONSOLE.print(f"PostgreSQL under Patroni: left out, as {lack}")
            return
        except BaseException:
            CONSOLE.print(f"seed {arguments.seed}:", style="bold red")
            raise
    for what, seconds in found.losses:
        CONSOLE.print(f"{what}: written to again after {seconds:.1f} s")
    told = f"{found.orders} orders, {found.requests} requests, {found.unanswered} answers lost, {found.reckoning}"
    CONSOLE.print(f"seed {arguments.seed}: {told}", soft_wrap=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="The service while its database's primary is lost")
    options.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    options.add_argument("--rounds", type=int, default=1)
    main(options.parse_args())
