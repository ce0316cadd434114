"""The troubles of a town while its customers come: their order is a seed's, their moments nobody can repeat."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.customers import Customers
from tests.faults.servers import OwnServer
from tests.faults.towns import LEASE, Town

LONGER_THAN_A_LEASE = 2 * LEASE
KILL, FREEZE, CRASH, STOP = "a process is killed", "a process sleeps", "the database crashes", "the database is away"


@dataclass(slots=True)
class Troubles:
    """Brings them about, one after the other; `server` is None for a database that is a file."""

    town: Town
    server: OwnServer | None
    chance: random.Random
    seen: Counter[str] = field(default_factory=Counter)

    async def one(self, what: str) -> None:
        """One trouble, over when this returns, though what was killed may not be ready again yet."""
        self.seen[what] += 1
        name = self.chance.choice(self.town.names)
        match what:
            case "a process is killed":
                await asyncio.to_thread(self.town.kill, name)
                self.town.start(name)
            case "a process sleeps":
                self.town.freeze(name)
                await asyncio.sleep(LONGER_THAN_A_LEASE)
                self.town.thaw(name)
            case "the database crashes" if self.server is not None:
                await asyncio.to_thread(self.server.crash_and_come_back)
            case "the database is away" if self.server is not None:
                await asyncio.to_thread(self.server.stop)
                await asyncio.sleep(LONGER_THAN_A_LEASE)
                await asyncio.to_thread(self.server.come_back)

    async def go_through(self, all_of_them: Sequence[str], customers: Customers, orders: int) -> None:
        """Spread over so many orders, so that each finds some under way."""
        for number, what in enumerate(all_of_them, 1):
            await customers.until_told(orders * number // (len(all_of_them) + 1))
            await asyncio.sleep(self.chance.uniform(0, 0.5))
            await self.one(what)
            self.town.revive()
