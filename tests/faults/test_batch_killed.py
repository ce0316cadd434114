"""A batch of a thousand is killed ten times on its way, and ends with each item done and charged exactly once."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from domain.operation import Charged, Released
from tests import patience
from tests.application.studios import PRICE, count, facts_of, is_sound, studio_on, submissions
from tests.faults.batches import ITEMS, carry, finished, recovered
from tests.faults.processes import in_processes, started

DEATHS = 10
FACTS_AN_ITEM = 5


def moments() -> list[int]:
    """After how many facts of the log each death comes: anywhere, and the same in each run."""
    chance = random.Random(10)
    return sorted(chance.randrange(1, ITEMS * FACTS_AN_ITEM * 9 // 10) for _ in range(DEATHS))


async def opened(url: str, home: Path) -> None:
    async with studio_on(url, home) as studio:
        await studio.accounts.open("acme", plan="enterprise")


def killed_at(url: str, home: Path, moment: int) -> None:
    """Let a child carry the batch until the log has so many facts, then kill it."""
    engine, deadline = create_engine(url), time.monotonic() + patience.SECONDS
    child = started(carry, url, home)
    with engine.connect() as connection:
        while child.is_alive() and _length(connection) < moment:
            assert time.monotonic() < deadline, "the batch does not go on"
            time.sleep(0.005)
    child.kill()
    child.join()
    engine.dispose()


def _length(connection: Connection) -> int:
    found: int = connection.execute(text("SELECT count(*) FROM log")).scalar_one()
    connection.rollback()
    return found


def test_a_batch_of_a_thousand_survives_ten_kills(database_url: str, tmp_path: Path) -> None:
    asyncio.run(opened(database_url, tmp_path))
    for deaths, moment in enumerate(moments(), start=1):
        killed_at(database_url, tmp_path, moment)
        in_processes(recovered, [(database_url, tmp_path, deaths)])
    asyncio.run(check(database_url, tmp_path))


async def check(url: str, home: Path) -> None:
    async with studio_on(url, home) as studio:
        batched = await finished(studio)
        assert (batched.states, batched.stopped) == ({"done": ITEMS}, "")
        assert batched.price.micros == ITEMS * PRICE
        facts = facts_of(studio, "acme")
        charged = Counter(fact.operation.id for fact in facts if isinstance(fact, Charged))
        assert (len(charged), set(charged.values())) == (ITEMS, {1})
        assert charged.keys() == {one.results[0].operation for one in batched.outcomes}
        sent = Counter(one.operation for one in submissions(home))
        assert set(sent.values()) == {1}
        assert count(facts, Released) < DEATHS * 16
        view = await studio.accounts.show("acme")
        assert (view.open, set(view.held.values())) == (0, {0})
        assert await is_sound(studio)
