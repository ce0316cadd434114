"""However commits, telling and taking interleave, a follower sees what it wants once, in order, and all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from application.following.audience import Audience
from application.following.follower import Follower, FollowerLimits
from application.following.inbox import Inbox
from application.ledger.log import GENESIS, Link, Positioned
from application.ledger.reader import LogFilter
from tests.application.support import PATIENCE

NARROW = FollowerLimits(waiting=60, page=3)
ACCOUNTS, OPERATIONS, TOPICS = ("acme", "beta"), ("op-1", "op-2", "op-3"), ("operation.charged", "operation.released")


class Log:
    """What a feed reads and tells, a step at a time; positions have holes."""

    def __init__(self, entries: Sequence[Positioned]) -> None:
        self._to_come = [*entries]
        self.entries: list[Positioned] = []
        self.audience = Audience()
        self.leave, self.forget = self.audience.remove, self.audience.forget

    @property
    def end(self) -> int:
        return self.entries[-1].position if self.entries else 0

    def commit(self, count: int) -> None:
        self.entries += self._to_come[:count]
        del self._to_come[:count]

    def tell(self, count: int) -> None:
        told = self.audience.position
        if told is not None:
            self.audience.give([entry for entry in self.entries if entry.position > told][:count])

    async def join(self, inbox: Inbox) -> int:
        while (begun := self.audience.add(inbox)) is None:
            self.audience.begin(self.end)
        return begun

    def read(self, after: int, limit: int, filter: LogFilter) -> list[Positioned]:
        return [entry for entry in self.entries if entry.position > after and wanted(entry, filter)][:limit]


def wanted(entry: Positioned, filter: LogFilter) -> bool:
    """As a database would say it."""
    account = entry.link.originator_id.split(":")[1]
    return (
        (filter.upto is None or entry.position <= filter.upto)
        and filter.account in (None, account)
        and (not filter.operations or entry.link.operation in filter.operations)
        and (not filter.topics or entry.link.topic in filter.topics)
    )


def link(account: str, operation: str, topic: str, size: int) -> Link:
    return Link(f"ledger:{account}:0", 1, topic, b"x" * size, operation, "system:tests", GENESIS)


LINKS = st.builds(
    link, st.sampled_from(ACCOUNTS), st.sampled_from(OPERATIONS), st.sampled_from(TOPICS), st.integers(1, 30)
)
ENTRIES = st.lists(st.tuples(st.integers(1, 3), LINKS), max_size=40).map(
    lambda steps: [
        Positioned(position, one)
        for position, (_, one) in zip(accumulate(step for step, _ in steps), steps, strict=True)
    ]
)
FILTERS = st.builds(
    LogFilter,
    account=st.none() | st.sampled_from(ACCOUNTS),
    operations=st.sets(st.sampled_from(OPERATIONS), max_size=2).map(tuple),
    topics=st.sets(st.sampled_from(TOPICS), max_size=1).map(tuple),
)
STEPS = st.lists(st.tuples(st.sampled_from(["commit", "tell", "take"]), st.integers(1, 8)), max_size=30)


@given(ENTRIES, FILTERS, st.integers(0, 60), STEPS, STEPS)
def test_what_is_wanted_is_seen_once_and_in_order(
    entries: list[Positioned],
    filter: LogFilter,
    after: int,
    before: list[tuple[str, int]],
    meanwhile: list[tuple[str, int]],
) -> None:
    seen = asyncio.run(followed(Log(entries), after, filter, before, meanwhile))
    assert seen == [entry for entry in entries if entry.position > after and wanted(entry, filter)]


async def followed(
    log: Log, after: int, filter: LogFilter, before: list[tuple[str, int]], meanwhile: list[tuple[str, int]]
) -> list[Positioned]:
    """What a follower sees that takes an entry only when it is let."""
    seen: list[Positioned] = []
    takes = asyncio.Semaphore(0)

    async def take(entries: Follower) -> None:
        async for entry in entries:
            seen.append(entry)
            await takes.acquire()

    async def do(steps: list[tuple[str, int]]) -> None:
        for step, count in steps:
            match step:
                case "commit":
                    log.commit(count)
                case "tell":
                    log.tell(count)
                case _:
                    for _ in range(count):
                        takes.release()
            await asyncio.sleep(0)

    async with Follower(log, 0, LogFilter()), Follower(log, after, filter, NARROW) as entries:
        await do(before)
        taking = asyncio.create_task(take(entries))
        await do([*meanwhile, ("commit", 100), ("tell", 100), ("take", 100)])
        expected = [entry for entry in log.entries if entry.position > after and wanted(entry, filter)]
        async with asyncio.timeout(PATIENCE):
            while len(seen) < len(expected):  # noqa: ASYNC110 - pages are read in other threads
                await asyncio.sleep(0.001)
        taking.cancel()
    return seen
