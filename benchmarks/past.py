"""Questions about the past of one long stream: near its end beside near its beginning, in one run.

The first question over the whole stretch leaves milestones, and is told by itself; those after it are measured in turn,
in processor time, which others on the machine change little.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from sqlalchemy import select

from benchmarks.fill import Size
from benchmarks.stores import Stores
from infrastructure.clock import now
from infrastructure.past import Past, past_of
from infrastructure.settings import Settings
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.schema import ACCOUNTS
from projections.engine.milestones import SPAN
from projections.views.periods import PERIODS, PeriodFilter
from projections.views.usage import USAGE, UsageFilter

NEAR = 50
"""One in so many positions counts as near the beginning, or the end; and not fewer than lie between milestones."""

Ask = Callable[[Past, str, int], Awaitable[Any]]
QUESTIONS: dict[str, Ask] = {
    "balance, limits": lambda past, account, at: past.account(account, at),
    "open holds": lambda past, account, at: past.holds(account, at),
    "usage": lambda past, account, at: past.rows(USAGE, UsageFilter(account=account), at),
    "periods": lambda past, account, at: past.rows(PERIODS, PeriodFilter(account=account), at),
    "books": lambda past, account, at: past.balance(at, account),
}


@dataclass(frozen=True, slots=True)
class AskedPast:
    """One question's median seconds of a processor near the beginning and near the end of the stream."""

    database: str
    question: str
    events: int
    beginning: float
    end: float

    @property
    def ratio(self) -> float:
        return self.end / self.beginning


def measure(stores: Stores, database: str, size: Size, rounds: int, say: Callable[[str], None]) -> list[AskedPast]:
    """Every question so many times on each side, in turn."""
    url = stores.filled(database, size, "past").url
    with closing(Database(url)) as opened, TemporaryDirectory() as home:
        past = past_of(Settings(home=Path(home), database_url=url), opened, FactMapper(), now)
        account = str(opened.rows(select(ACCOUNTS.c.id).limit(1))[0][0])
        end = past.reader.end()
        first = asyncio.run(_timed(QUESTIONS["usage"], past, account, end))
        say(f"{database:10} {end:9,} events  the first question, which leaves milestones   {first:8.2f} s")
        found = [_asked(database, past, account, name, end, rounds) for name in QUESTIONS]
    for one in found:
        begun, ended = 1_000 * one.beginning, 1_000 * one.end
        say(
            f"{database:10} {one.events:9,} events  {one.question:16} near the beginning {begun:8.1f} ms"
            f"   near the end {ended:8.1f} ms   {one.ratio:5.2f} times"
        )
    return found


def _asked(database: str, past: Past, account: str, name: str, end: int, rounds: int) -> AskedPast:
    chance = random.Random(name)  # places, no secrets
    near = min(end // 2, max(end // NEAR, 2 * SPAN))
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        early = chance.randint(2, near)
        for side, position in enumerate((early, end - near + early)):
            took[side].append(asyncio.run(_timed(QUESTIONS[name], past, account, position)))
    return AskedPast(database, name, end, median(took[0]), median(took[1]))


async def _timed(ask: Ask, past: Past, account: str, position: int) -> float:
    began = process_time()
    await ask(past, account, position)
    return process_time() - began
