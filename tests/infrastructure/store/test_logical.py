"""A ledger moves to another server by logical replication, which carries rows and no sequences, and goes on there."""

from __future__ import annotations

from pathlib import Path

from infrastructure.service import Studio
from infrastructure.store.migrations import upgrade_schema
from tests.application.studios import SYNC, is_sound, studio_on
from tests.logical import publisher, subscribed, switch
from tests.postgres import execute, running_postgres


def positions(url: str) -> list[object]:
    return [position for (position,) in execute(url, "SELECT position FROM log ORDER BY position")]


async def sell(studio: Studio, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        done = await studio.operations.generate(f"lake {number}", account="acme", model=SYNC, key=f"lake-{number}")
        assert done.status == "charged"


async def test_a_ledger_that_was_moved_goes_on_where_it_was(tmp_path: Path) -> None:
    with running_postgres(fsync=False) as server, publisher() as (cluster, source):
        upgrade_schema(source)
        async with studio_on(source, tmp_path) as studio:
            await studio.accounts.open("acme", plan="pro")
            await sell(studio, 3)
            with subscribed(cluster, source, server) as target:
                await sell(studio, 3, first=3)
                assert await is_sound(studio)
                switch(source, target)
                await moved_to(target, tmp_path)


async def moved_to(target: str, folder: Path) -> None:
    before = positions(target)
    async with studio_on(target, folder) as studio:
        assert await is_sound(studio)
        await sell(studio, 1, first=5)
        assert positions(target) == before
        await sell(studio, 2, first=6)
        assert await is_sound(studio)
    after = positions(target)
    assert after == list(range(1, len(after) + 1))
    assert len(after) > len(before)
