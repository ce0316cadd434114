"""Whose turn it is: accounts take turns at what waits, and within one account what is more urgent comes first.

    what waits, the first few of each account and provider ── choose ──> the order in which it may be begun

Ten thousand operations of one account so hold up another's first no longer than one of them would.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

PRIORITIES: Final = ("high", "normal", "low")
"""By their place in an account's line."""
USUAL_PLACE: Final = PRIORITIES.index("normal")
UNBOUNDED: Final[Mapping[str, int]] = MappingProxyType({})


class Queued(NamedTuple):
    """An operation that waits: `place` is its priority's, `served` when the queue last served its account."""

    operation: str
    account: str
    provider: str
    place: int
    served: int


def choose(waiting: Iterable[Queued], most: int, rooms: Mapping[str, int] = UNBOUNDED) -> list[Queued]:
    """At most so many, in the order in which they may be begun; of a provider at most as many as it has room for.

    The account that was served longest ago comes first, and after all others once it was served. Of one account that of
    the highest priority comes first, of these the oldest, as ids are in the order of time. A provider that is not named
    has room for any number.
    """
    lines = _lines(waiting)
    turns = [(0, line[0].served, account) for account, line in lines.items()]
    heapq.heapify(turns)
    room, chosen = dict(rooms), list[Queued]()
    while turns and len(chosen) < most:
        _, _, account = heapq.heappop(turns)
        first = _first(lines[account], room)
        if first is not None:
            chosen.append(first)
            heapq.heappush(turns, (1, len(chosen), account))
    return chosen


def _lines(waiting: Iterable[Queued]) -> dict[str, list[Queued]]:
    """Each account's, the one that may be begun first at the end."""
    lines: dict[str, list[Queued]] = {}
    for one in waiting:
        lines.setdefault(one.account, []).append(one)
    for line in lines.values():
        line.sort(key=lambda one: (one.place, one.operation), reverse=True)
    return lines


def _first(line: list[Queued], room: dict[str, int]) -> Queued | None:
    """The first of an account's line whose provider has room, which it takes; those before it are passed over."""
    while line:
        one = line.pop()
        left = room.get(one.provider, 1)
        if left > 0:
            if one.provider in room:
                room[one.provider] = left - 1
            return one
    return None
