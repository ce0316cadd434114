"""On PostgreSQL one connection a process hears of others' commits, at once; where it cannot, the log is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy.engine import make_url

from application.following.feed import Feed
from application.following.follower import Follower
from application.ledger.log import Positioned
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.growth import growth_of
from infrastructure.store.listening import Listening
from infrastructure.store.migrations import upgrade_schema
from infrastructure.store.reader import SqlReader
from projections.engine.database import FactSource
from projections.engine.projector import Projector
from projections.views import ALL
from tests.application.support import PATIENCE, Office, accepting, asking, desk, opening
from tests.infrastructure.store.marking import marked_ledger
from tests.pgbouncer import pooled
from tests.postgres import execute
from tests.standby import Pair, replicated
from tests.wire.proxy import proxied

LISTENERS = """SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%LISTEN imagestudio' AND pid <> pg_backend_pid()"""
ONLY_TOLD = {"net": 3_600.0}
"""Who listens does not look by itself."""


@contextmanager
def fed(url: str, **paces: float) -> Iterator[Feed]:
    """The feed of a process that writes nothing."""
    with (
        closing(Database(url)) as database,
        closing(Feed(SqlReader(database), Listening(database, **paces))) as feed,
    ):
        yield feed


@contextmanager
def telling(url: str) -> Iterator[Office]:
    """A process that writes, and tells others as a service does."""
    with desk(url) as office, closing(Feed(office.reader, growth_of(office.database))) as feed:
        office.writer.after_commit = feed.appended
        with feed.listening(lambda _position, _links: None):
            yield office


def heard_by(url: str) -> list[tuple[object, ...]]:
    return execute(url, LISTENERS)


async def until(met: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(met):  # noqa: ASYNC110 - other processes bring it about
            await asyncio.sleep(0.02)


async def first(entries: Follower) -> Positioned:
    async with asyncio.timeout(PATIENCE):
        return await anext(entries)


async def test_a_commit_is_heard_of_without_looking(postgres_url: str) -> None:
    with telling(postgres_url) as office, fed(postgres_url, **ONLY_TOLD) as feed:
        async with feed.follow() as entries:
            await until(lambda: heard_by(postgres_url))
            for account in ("acme", "beta", "gamma"):
                await asyncio.to_thread(office.do, opening(account))
                assert (await first(entries)).link.originator_id == f"account:{account}"


async def test_a_process_that_only_wrote_tells_at_its_end(postgres_url: str) -> None:
    with fed(postgres_url, **ONLY_TOLD) as feed:
        async with feed.follow() as entries:
            await until(lambda: heard_by(postgres_url))
            with desk(postgres_url) as office, closing(Feed(office.reader, growth_of(office.database))) as own:
                office.writer.after_commit = own.appended
                await asyncio.to_thread(office.do, opening())
            assert (await first(entries)).link.originator_id == "account:acme"


async def test_one_connection_listens_however_many_follow(postgres_url: str) -> None:
    with fed(postgres_url) as feed:
        followers = [feed.follow() for _ in range(50)]
        for follower in followers:
            await follower.__aenter__()
        await until(lambda: heard_by(postgres_url))
        assert len(heard_by(postgres_url)) == 1


async def test_a_listener_that_is_ended_listens_again_and_misses_nothing(postgres_url: str) -> None:
    with telling(postgres_url) as office, fed(postgres_url, **ONLY_TOLD) as feed:
        async with feed.follow() as entries:
            for number in range(3):
                await until(lambda: len(heard_by(postgres_url)) == 2)
                for (pid,) in heard_by(postgres_url):
                    execute(postgres_url, f"SELECT pg_terminate_backend({pid})")
                await asyncio.to_thread(office.do, opening(f"account-{number}"))
                assert (await first(entries)).link.originator_id == f"account:account-{number}"


async def test_what_was_committed_while_the_network_stood_still_is_told_when_it_moves(postgres_url: str) -> None:
    at = make_url(postgres_url)
    with desk(postgres_url) as office, proxied(str(at.host), int(at.port or 0)) as proxy:
        through = at.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        with fed(through) as feed:
            async with feed.follow() as entries:
                for account, lost in (("acme", False), ("beta", True)):
                    proxy.freeze()
                    await asyncio.to_thread(office.do, opening(account))
                    if lost:
                        proxy.drop()
                    proxy.thaw()
                    assert (await first(entries)).link.originator_id == f"account:{account}"


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_behind_a_pooler_nobody_listens_and_everything_is_told(postgres_url: str, mode: str) -> None:
    with pooled(postgres_url, mode) as through, telling(through) as office, fed(through) as feed:
        async with feed.follow() as entries:
            for account in ("acme", "beta"):
                await asyncio.to_thread(office.do, opening(account))
                assert (await first(entries)).link.originator_id == f"account:{account}"
        assert heard_by(postgres_url) == []


def at_a_standby_the_log_ends_where_views_do(pair: Pair) -> None:
    """If commits are ordered by marks, which only the primary knows."""
    with closing(marked_ledger(pair.primary)) as primary, closing(Database(pair.standby, reading=True)) as standby:
        here, there = SqlReader(primary), SqlReader(standby)
        end = here.end()
        assert (there.end(), there.written(), there.read(0, 9)) == (0, end, [])
        Projector(primary, FactSource(here, FactMapper()), ALL).catch_up()
        assert (there.end(), len(there.read(0, end))) == (end, end)


async def test_at_a_standby_everything_is_told_and_once_it_is_the_primary_it_listens() -> None:
    with replicated() as pair:
        upgrade_schema(pair.primary)
        with fed(pair.standby, again=0.1) as feed:
            async with feed.follow() as entries:
                with desk(pair.primary) as office:
                    await asyncio.to_thread(office.do, opening(), accepting(asking("op-1")))
                assert (await first(entries)).link.originator_id == "account:acme"
                assert heard_by(pair.standby) == []
                await asyncio.to_thread(at_a_standby_the_log_ends_where_views_do, pair)
                await asyncio.to_thread(pair.promote)
                await until(lambda: heard_by(pair.standby))
