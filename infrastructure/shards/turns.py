"""Chores that are done in each shard by itself, one after another: what fails in one hides nothing of the others.

a ── done ─┐
b ── fails ├── what was done in a and c, and why not in b
c ── done ─┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from domain.errors import ImageStudioError

Part = TypeVar("Part")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class ShardTurns(Generic[Done]):
    """By shard, what was done, and of those that failed why. The only ledger has no name."""

    done: Mapping[str, Done]
    failed: Mapping[str, ImageStudioError] = field(default_factory=dict)

    @property
    def several(self) -> bool:
        """Whether there are shards."""
        return "" not in self.done


async def each_in_turn(parts: Mapping[str, Part], do: Callable[[Part], Awaitable[Done]]) -> ShardTurns[Done]:
    """Do it in each. Raises what it raises if there is one ledger alone, or if none could do it."""
    done: dict[str, Done] = {}
    failed: dict[str, ImageStudioError] = {}
    for name, part in parts.items():
        try:
            done[name] = await do(part)
        except ImageStudioError as error:
            failed[name] = error
    if not done:
        raise next(iter(failed.values()))
    return ShardTurns(done, failed)


async def each_in_turn_blocking(parts: Mapping[str, Part], do: Callable[[Part], Done]) -> ShardTurns[Done]:
    """The same of what blocks, each in another thread."""
    return await each_in_turn(parts, lambda part: asyncio.to_thread(do, part))
