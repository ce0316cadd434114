"""One episode of a town: its customers come, troubles go through it, all settles, everybody asks again, books are held
against each other."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from domain.keys import KeyScope, KeyTerms
from infrastructure.service import Studio
from tests.application.studios import studio_on
from tests.faults.customers import ROOMY, TIGHT, Customers
from tests.faults.reckonings import Reckoning, reckon, until_settled
from tests.faults.servers import own_server
from tests.faults.towns import Town, provider_apart, town_on
from tests.faults.troubles import CRASH, FREEZE, KILL, STOP, Troubles
from tests.wire.fake.server import Fake

EACH = 12
"""Orders for each trouble."""


@dataclass(frozen=True, slots=True)
class Episode:
    """What an episode came to."""

    orders: int
    requests: int
    lost: int
    troubles: dict[str, int]
    reckoning: Reckoning


async def opened(studio: Studio, limit: int) -> dict[str, str]:
    """The accounts, and the secret of a key of each."""
    secrets = {}
    for account in (TIGHT, *ROOMY):
        await studio.accounts.open(account, plan="enterprise")
        await studio.accounts.change_limit(account, "images", limit if account == TIGHT else 1_000_000)
        secrets[account] = (await studio.keys.issue(account, KeyTerms((KeyScope.OPERATE,)))).secret
    return secrets


async def episode(home: Path, *, seed: int, rounds: int, on_postgres: bool) -> Episode:
    """On PostgreSQL three that serve and two workers; on SQLite one that serves.

    `rounds` is how often each kind of trouble comes; the database of SQLite has none of its own. Half of the tight
    account's orders find room.
    Raises AssertionError if anything was lost, sent twice, charged twice, or not told as it is.
    """
    chance = random.Random(seed)
    kinds = [KILL, KILL, KILL, FREEZE, *([CRASH, STOP] if on_postgres else [])] * rounds
    chance.shuffle(kinds)
    orders = EACH * (len(kinds) + 1)
    limit = orders // 6
    async with AsyncExitStack() as stack:
        server = stack.enter_context(own_server()) if on_postgres else None
        fake = stack.enter_context(provider_apart(home / "fake"))
        url = server.url if server is not None else f"sqlite:///{home / 'ledger.db'}"
        studio = await stack.enter_async_context(studio_on(url, home))
        secrets = await opened(studio, limit)
        serves, workers = (3, 2) if on_postgres else (1, 0)
        town = stack.enter_context(town_on(url, home, fake, serves=serves, workers=workers))
        client = await stack.enter_async_context(httpx.AsyncClient())
        customers = Customers(town.urls, secrets, random.Random(seed + 1), client)
        troubles = Troubles(town, server, chance)
        async with asyncio.TaskGroup() as group:
            group.create_task(customers.come(orders))
            group.create_task(troubles.go_through(kinds, customers, orders))
        reckoning = await reckoned(studio, town, customers, fake, limit)
    return Episode(orders, customers.requests, customers.lost, dict(troubles.seen), reckoning)


async def reckoned(studio: Studio, town: Town, customers: Customers, fake: Fake, limit: int) -> Reckoning:
    """Let all settle, everybody ask again, and the town end well; then hold the books against each other."""
    await until_settled(studio)
    await customers.come_again()
    await until_settled(studio)
    ended = await asyncio.to_thread(town.end)
    assert ended == [0] * len(town.names), town.said()
    assert "Traceback" not in town.said(), town.said()
    return await reckon(studio, customers, fake, limit)
