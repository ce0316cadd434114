"""Followers are told of every committed fact once, in order, whoever wrote it, however slow they are."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from application.following.feed import Feed, Growth
from application.following.follower import Follower, FollowerLimits
from application.ledger.log import Link, Positioned
from application.ledger.reader import EVERYTHING, LogFilter
from domain.errors import StoreUnavailable
from domain.operation import Charged, Requested, Validated
from infrastructure.store.database import Database
from infrastructure.store.growth import Looking, growth_of
from tests.application.support import PATIENCE, Office, accepting, asking, completing, desk, opening
from tests.faults.processes import in_processes

ACCOUNTS = ("acme", "beta")


@contextmanager
def fed(office: Office) -> Iterator[Feed]:
    """The feed of a process whose writer this is."""
    feed = Feed(office.reader, growth_of(office.database))
    office.writer.after_commit = feed.appended
    with closing(feed):
        yield feed


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    with desk(database_url) as opened:
        opened.do(*(opening(account) for account in ACCOUNTS))
        yield opened


@pytest.fixture
def feed(office: Office) -> Iterator[Feed]:
    with fed(office) as feed:
        yield feed


@pytest.fixture
def growth(office: Office) -> Growth:
    return growth_of(office.database)


def carry(office: Office, *ids: str, account: str = "acme") -> None:
    """Operations from request to charge."""
    for id in ids:
        office.do(accepting(asking(id, account=account)), completing(id, account))


async def soon(office: Office, *ids: str, account: str = "acme") -> None:
    await asyncio.to_thread(carry, office, *ids, account=account)


async def taken(follower: Follower, upto: int) -> list[Positioned]:
    """All that it is told up to a position."""
    told: list[Positioned] = []
    async with asyncio.timeout(PATIENCE):
        while not told or told[-1].position < upto:
            told.append(await anext(follower))
    return told


async def first_of(feed: Feed) -> Positioned:
    return await anext(feed.follow())


def logged(office: Office, after: int = 0, filter: LogFilter = EVERYTHING) -> list[Positioned]:
    return [*office.reader.read(after, 100_000, filter)]


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not met():  # noqa: ASYNC110 - other threads bring it about
            await asyncio.sleep(0.01)


# Everything, once, in order


async def test_what_is_past_is_read_and_what_comes_is_told(office: Office, feed: Feed, database_url: str) -> None:
    carry(office, "op-1", "op-2")
    async with feed.follow(0) as entries:
        await soon(office, "op-3")
        with desk(database_url, owner="desk-2") as other:
            await soon(other, "op-4")
        await soon(office, "op-5")
        end = office.reader.end()
        assert await taken(entries, end) == logged(office)


async def test_who_follows_from_now_on_is_told_of_nothing_before(office: Office, feed: Feed) -> None:
    carry(office, "op-1")
    before = office.reader.end()
    async with feed.follow() as entries:
        await soon(office, "op-2")
        assert await taken(entries, office.reader.end()) == logged(office, before)


async def test_nobody_misses_or_sees_twice_whenever_they_begin(office: Office, feed: Feed, database_url: str) -> None:
    """Two processes write meanwhile; each begins somewhere in the past, or now, while the log grows."""
    told: list[tuple[int, asyncio.Task[list[Positioned]]]] = []
    ended = office.log.codec.names_of(Charged)

    async def follow(after: int) -> list[Positioned]:
        seen: list[Positioned] = []
        async with feed.follow(after) as entries:
            async for entry in entries:
                seen.append(entry)
                if entry.link.operation == "last" and entry.link.topic in ended:
                    break
        return seen

    with desk(database_url, owner="desk-2") as other:
        both = [
            asyncio.create_task(soon(one, *(f"{name}-{number}" for number in range(25)), account=account))
            for one, name, account in ((office, "ours", "acme"), (other, "theirs", "beta"))
        ]
        while not all(task.done() for task in both):
            end = office.reader.end()
            told += [(after, asyncio.create_task(follow(after))) for after in (0, end // 2, end)]
            await asyncio.sleep(0.05)
        await asyncio.gather(*both)
        await soon(other, "last")
    async with asyncio.timeout(PATIENCE):
        for after, task in told:
            assert await task == logged(office, after)


async def test_what_another_process_writes_is_told(office: Office, feed: Feed, database_url: str) -> None:
    async with feed.follow() as entries:
        before = office.reader.end()
        await asyncio.to_thread(in_processes, write, [(database_url, "op-1"), (database_url, "op-2")])
        assert await taken(entries, office.reader.end()) == logged(office, before)


async def write(url: str, id: str) -> None:
    with desk(url, owner=id) as office:
        carry(office, id)


# Filters


@pytest.mark.parametrize(
    "filter",
    [
        LogFilter(account="acme"),
        LogFilter(operations=("op-2",)),
        LogFilter(operations=("op-1", "op-4")),
        LogFilter(account="beta", operations=("op-1", "op-4")),
    ],
)
@pytest.mark.parametrize("shapes", [(), (Charged,), (Requested, Validated)])
async def test_only_what_is_asked_for_is_told(
    office: Office, feed: Feed, filter: LogFilter, shapes: tuple[type[Any], ...]
) -> None:
    names = tuple(name for shape in shapes for name in office.log.codec.names_of(shape))
    wanted = LogFilter(account=filter.account, operations=filter.operations, topics=names)
    carry(office, "op-1")
    async with feed.follow(0, wanted) as entries, feed.follow(0) as all:
        await soon(office, "op-2", "op-3")
        await soon(office, "op-4", account="beta")
        await taken(all, office.reader.end())
        expected = logged(office, 0, wanted)
        if expected:
            assert await taken(entries, expected[-1].position) == expected


# Slow ones


async def test_who_is_slow_holds_little_and_misses_nothing(office: Office, growth: Growth) -> None:
    with closing(Feed(office.reader, growth, FollowerLimits(waiting=4_000))) as feed:
        office.writer.after_commit = feed.appended
        async with feed.follow(0) as slow, feed.follow(0) as fast:
            for number in range(12):
                await soon(office, f"op-{number}")
                await taken(fast, office.reader.end())
                await anext(slow)
            rest = await taken(slow, office.reader.end())
            assert rest == logged(office, rest[0].position - 1)
            await soon(office, "op-last")
            assert await taken(slow, office.reader.end()) == logged(office, rest[-1].position)


# Ends


async def test_who_is_cancelled_or_dropped_leaves_nothing_behind(office: Office, feed: Feed) -> None:
    async def follow() -> None:
        async for _ in feed.follow():
            pass

    following = [asyncio.create_task(follow()) for _ in range(10)]
    closed = feed.follow()
    async with aclosing(closed):
        await until(lambda: feed.followers == 10)
        waiting = asyncio.ensure_future(anext(closed))
        await until(lambda: feed.followers == 11)
    with pytest.raises(StopAsyncIteration):
        await waiting
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    del following, task
    gc.collect()
    await until(lambda: feed.followers == 0)


def test_a_feed_that_is_dropped_takes_along_who_still_waits(office: Office) -> None:
    feed = Feed(office.reader, Looking(), threaded=False)

    loop = asyncio.new_event_loop()
    task = loop.create_task(first_of(feed))
    loop.run_until_complete(asyncio.sleep(0.1))
    assert feed.followers == 1
    loop.set_exception_handler(lambda _loop, _told: None)  # of a task that is dropped while it waits
    dropped = weakref.ref(feed)
    loop.close()
    del feed, task
    gc.collect()
    assert dropped() is None


async def test_a_feed_that_is_closed_ends_its_followers_with_what_they_were_told(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening())
        with fed(office) as feed:
            async with feed.follow() as entries, feed.follow() as other, feed.follow(0) as late:
                before = office.reader.end()
                await soon(office, "op-1")
                await taken(other, office.reader.end())
                await asyncio.to_thread(feed.close)
                assert [entry async for entry in entries] == logged(office, before)
                assert [entry async for entry in other] == []
                assert [entry async for entry in late] == []
            assert [entry async for entry in feed.follow(0)] == []
            assert "feed" not in {thread.name for thread in threading.enumerate()}
            carry(office, "op-2")


async def test_who_follows_in_a_loop_that_ended_bothers_nobody(office: Office, feed: Feed) -> None:
    kept: list[Follower] = []

    async def follow() -> None:
        kept.append(await feed.follow().__aenter__())

    await asyncio.to_thread(asyncio.run, follow())
    async with feed.follow() as entries:
        before = office.reader.end()
        await soon(office, "op-1")
        assert await taken(entries, office.reader.end()) == logged(office, before)


# Listeners


async def test_a_listener_is_told_of_each_commit_at_once_and_that_others_have_written(
    office: Office, feed: Feed, database_url: str
) -> None:
    told: list[tuple[int | None, list[Link]]] = []
    with feed.listening(lambda position, links: told.append((position, [*links]))):
        before = office.reader.end()
        carry(office, "op-1")
        own = [link for _, links in told for link in links]
        assert own == [entry.link for entry in logged(office, before)]
        with desk(database_url, owner="desk-2") as other:
            seen = len(told)
            await soon(other, "op-2")
            await until(lambda: (None, []) in told[seen:])
    count = len(told)
    carry(office, "op-3")
    assert len(told) == count


# What it costs


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)


async def test_a_thousand_followers_cost_no_query_each(office: Office, feed: Feed, database_url: str) -> None:
    many = 1_000
    with desk(database_url, owner="desk-2") as other, statements(office.database) as heard:
        followers = [feed.follow(filter=LogFilter(operations=(f"op-{number}",))) for number in range(many)]
        for follower in followers:
            await follower.__aenter__()
        await soon(other, *(f"op-{number}" for number in range(20)))
        first = await asyncio.gather(*(taken(follower, 0) for follower in followers[:20]))
        assert [one[0].link.operation for one in first] == [f"op-{number}" for number in range(20)]
        assert 0 < len(heard) < many / 2


# Databases that are away


class Away:
    """A reader whose database does not answer for a while."""

    def __init__(self, office: Office) -> None:
        self.reader, self.times, self.asked = office.reader, 0, 0
        self.states, self.written = office.reader.states, office.reader.written
        self.departed = office.reader.departed

    def _answer(self) -> None:
        self.asked += 1
        if self.times:
            self.times -= 1
            raise StoreUnavailable("the disk was away for a moment")

    def end(self) -> int:
        self._answer()
        return self.reader.end()

    def read(self, after: int, limit: int, filter: LogFilter = EVERYTHING) -> list[Positioned]:
        self._answer()
        return self.reader.read(after, limit, filter)


async def test_a_database_that_was_away_is_followed_from_where_it_was(
    office: Office, growth: Growth, database_url: str
) -> None:
    away = Away(office)
    with closing(Feed(away, growth, FollowerLimits(again=0.01))) as feed, desk(database_url, owner="desk-2") as other:
        async with feed.follow() as entries:
            before = office.reader.end()
            away.times = 3
            await soon(other, "op-1")
            assert await taken(entries, office.reader.end()) == logged(office, before)
            async with feed.follow(0) as late:
                away.times = 3
                assert await taken(late, office.reader.end()) == logged(office)
        away.times = 1
        with pytest.raises(StoreUnavailable):
            await feed.follow().__aenter__()
