"""Pages on a long log and on a short one: what the database does for each is counted, and hardly grows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from benchmarks.fill import fill
from benchmarks.pages import Asked, addresses_of, opened, size_of
from benchmarks.stores import LEDGER, Place
from infrastructure.store.migrations import upgrade_schema

FEW, MANY = 300, 2_400
AT_ONCE = 1_000
"""Instructions of SQLite's own machine between two calls."""
MORE, SLACK = 1.5, 15
TRIES = 3
"""Of each page: what goes on beside it, as views are brought up, is in some of them."""
GROWING = {
    "why": "reads from the last snapshot on, 2,000 facts at most, which the short log does not have",
    "postings": "reads a thousand facts, which the short log does not have of its newest period",
    "provider_month": "sums the operations of the month",
}
"""Pages that do more on a long log, and why."""


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Statements, and thousands of instructions that SQLite takes for them, of all databases of this process."""
    found: Counter[str] = Counter()

    def step() -> int:
        found["steps"] += 1
        return 0

    def heard(_connection: Any, cursor: Any, *_told: Any) -> None:
        found["statements"] += 1
        cursor.connection.set_progress_handler(step, AT_ONCE)

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


async def asked(stack: AsyncExitStack, home: Path, operations: int) -> Asked:
    place = Place(f"sqlite:///{home / LEDGER}", home)
    home.mkdir()
    upgrade_schema(place.url)
    await asyncio.to_thread(fill, place.url, size_of(operations))
    return await opened(stack, place, lambda _line: None)


async def test_a_page_does_as_much_on_a_long_log_as_on_a_short_one(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        few, many = [await asked(stack, tmp_path / str(count), count) for count in (FEW, MANY)]
        work: dict[str, list[Counter[str]]] = {}
        for one in (few, many):
            for page, account, address in await addresses_of(one):
                assert (await one.get(address, account))[1] == 200, address
                tries = []
                for _ in range(TRIES):
                    with counted() as found:
                        await one.get(address, account)
                    tries.append(found)
                work.setdefault(page.name, []).append(min(tries, key=lambda told: told["steps"]))
    grown = {
        name: (less, more)
        for name, (less, more) in work.items()
        if more["steps"] > MORE * less["steps"] + SLACK or more["statements"] > less["statements"] + SLACK
    }
    assert grown.keys() <= GROWING.keys(), grown
    assert work["overview"][1]["statements"] <= 20
