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
from benchmarks.pages import ACCOUNT, Asked, addresses_of, opened, size_of
from benchmarks.stores import LEDGER, Place
from infrastructure.store.migrations import upgrade_schema

FEW, MANY = 300, 2_400
AT_ONCE = 1_000
"""Instructions of SQLite's own machine between two calls."""
MORE, SLACK = 1.5, 15
TRIES = 10
"""Of a page at most: whatever goes on beside it, as somebody looks what is new, is in some of them."""


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


async def worked(one: Asked, address: str, account: str) -> Counter[str]:
    """All that is done for one answer, and beside it."""
    with counted() as found:
        assert (await one.get(address, account))[1] == 200, address
    return found


def has_grown(less: Counter[str], more: Counter[str]) -> bool:
    return more["steps"] > MORE * less["steps"] + SLACK or more["statements"] > less["statements"] + SLACK


async def test_a_page_does_as_much_on_a_long_log_as_on_a_short_one(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        few, many = [await asked(stack, tmp_path / str(count), count) for count in (FEW, MANY)]
        grown: dict[str, tuple[Counter[str], Counter[str]]] = {}
        for (page, account, short), (_, _, long) in zip(await addresses_of(few), await addresses_of(many), strict=True):
            await worked(few, short, account)
            less = await worked(few, short, account)
            for _ in range(TRIES):
                more = await worked(many, long, account)
                if not has_grown(less, more):
                    break
            else:
                grown[page.name] = less, more
        assert not grown
        assert (await worked(many, "/", ACCOUNT))["statements"] <= 30
