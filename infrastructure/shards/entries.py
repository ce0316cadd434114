"""The logs of all shards, one after another: each is in the one order of its own, and there is none of all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from application.keeping.stories import entries
from application.ledger.log import Positioned
from application.ledger.positions import Positions
from application.ledger.reader import LogFilter
from domain.errors import InvalidInput

if TYPE_CHECKING:
    from infrastructure.reading import ReadingLedger


async def entries_of_each(
    shards: Mapping[str, ReadingLedger], wanted: LogFilter, after: int, limit: int | None
) -> AsyncIterator[Positioned]:
    """Every entry with the position of its shard, after one of each, at most so many. Raises InvalidInput."""
    if after and not (isinstance(after, Positions) and set(after.logs) == {*shards}):
        told = f"{after} is not a position of each shard"
        raise InvalidInput("after", told, hint=f"such as {','.join(f'{name}:0' for name in shards)}")
    left = limit
    for name, one in shards.items():
        begin = after.logs[name] if isinstance(after, Positions) else 0
        async for entry in entries(one.reader, wanted, begin, left):
            left = None if left is None else left - 1
            yield entry._replace(position=Positions({name: entry.position}))
        if left == 0:
            return
