"""An account that is moved: no two owners at any moment, nothing lost, whenever the process that moves it is killed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select

from application.asking.requests import Request
from domain.departures import AccountMoved
from domain.errors import InvalidInput, StoreUnavailable, UnknownAccount
from infrastructure.auditing import verdict_of
from infrastructure.bootstrap import open_studio
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.shards.adding import add_shard
from infrastructure.shards.directory import Directory, Home
from infrastructure.shards.moving import STEPS, MovedAccount, move_account
from infrastructure.shards.opening import open_directory, settings_of
from infrastructure.store.database import Database
from infrastructure.store.schema import CONTENTS, KEYS, LOG
from projections.views.costs import COSTS
from projections.views.usage import USAGE
from tests.application.studios import SYNC
from tests.faults.processes import Reaper, ended, started
from tests.infrastructure.shards.conftest import SHARDS, account_in, settings_over
from tests.postgres import execute, fresh_database

ACCOUNT, OTHER = account_in("a"), account_in("a", "other")


def asking(key: str, account: str = ACCOUNT) -> Request:
    return Request("text-to-image", account, {"prompt": "x"}, model=SYNC, key=key)


async def fill(studio: Studio, *accounts: str) -> list[str]:
    for account in accounts:
        await studio.accounts.open(account, plan="pro")
    return [(await studio.operations.run(asking(f"key-{n}", one))).operation for one in accounts for n in range(2)]


def sums(studio: Studio) -> Any:
    studio.views.catch_up()
    return studio.views.rows(USAGE), studio.views.rows(COSTS), studio.books.balance().lines


async def owners(settings: Settings, directory: Directory, account: str = ACCOUNT) -> list[str]:
    """The shards that would take a decision for an account, each asked by itself."""
    found = list[str]()
    for name, url in directory.shards().items():
        async with open_studio(settings_of(settings, name, url), serve=False) as studio:
            try:
                await studio.accounts.change_limit(account, "images", 100 + len(found), reason=name)
                found.append(name)
            except (AccountMoved, UnknownAccount):
                continue
    return found


async def killed_at(step: int, url: str, home: Any) -> None:
    await move_account(settings_over(url, home), ACCOUNT, "b", reached=Reaper(step))


async def test_a_move_that_is_killed_at_every_step_goes_on_with_one_owner_at_most(
    settings: Settings, directory: Directory, shards_url: str
) -> None:
    async with open_studio(settings, serve=False) as studio:
        made = await fill(studio, ACCOUNT, OTHER)
        before = sums(studio)
        facts = [repr(fact) for fact in studio.log.facts(made[0])]
        seen = []
        for number, step in enumerate(STEPS, 1):
            assert ended(started(killed_at, number, shards_url, settings.home)) == -signal.SIGKILL
            home = directory.home(ACCOUNT)
            assert home is not None
            assert home.moves == (step != "left")
            if step in ("left", "copied", "arrived", "erased"):
                seen.append(await owners(settings, directory))
            assert [repr(fact) for fact in studio.log.facts(made[0])] == facts
            if number > STEPS.index("found"):
                break
        assert seen == [[], [], ["b"]]
        for number in (1, 2):
            assert ended(started(killed_at, number, shards_url, settings.home)) == -signal.SIGKILL
        assert await move_account(settings, ACCOUNT, "b") == MovedAccount(ACCOUNT, "a", "b")
        assert directory.home(ACCOUNT) == Home("b")
        assert await owners(settings, directory) == ["b"]
        assert sums(studio) == before
        assert (await studio.operations.run(asking("key-1"))).operation == made[1]
        assert (await verdict_of(studio.audit)).clean


class Stopped(Exception):
    """The process that moves an account ends here."""


def stopping_at(last: str) -> Callable[[str], None]:
    def reached(step: str) -> None:
        if step == last:
            raise Stopped

    return reached


async def test_moves_go_on_whose_directory_was_lost_or_is_an_older_one(
    settings: Settings, directory: Directory, shards_url: str, postgres_server: str
) -> None:
    steps = ("left", "copied", "arrived", "erased")
    accounts = {step: account_in("a", step) for step in steps}
    leaving, arrived = Home("a", moving_to="b"), Home("b", moved_from="a")
    wanted = dict(zip(accounts.values(), (leaving, leaving, arrived, arrived), strict=True))
    async with open_studio(settings, serve=False) as studio:
        await fill(studio, *accounts.values())
        before = sums(studio)[0]
        for step, account in accounts.items():
            with pytest.raises(Stopped):
                await move_account(settings, account, "b", reached=stopping_at(step))
    urls = directory.shards()
    execute(shards_url, "UPDATE shard_accounts SET shard = 'a', moving_to = NULL, moved_from = NULL")
    for name in SHARDS:
        add_shard(settings, name, urls[name])
    assert directory.homes([*wanted]) == wanted
    with fresh_database(postgres_server) as another:
        anew = settings_over(another, settings.home)
        for name in reversed(SHARDS):
            add_shard(anew, name, urls[name], take_over=True)
        with open_directory(anew) as made:
            assert made.homes([*wanted]) == wanted
            for account in wanted:
                assert await move_account(anew, account, "b") == MovedAccount(account, "a", "b")
            async with open_studio(anew, serve=False) as studio:
                assert sums(studio)[0] == before
                assert (await verdict_of(studio.audit)).clean
            assert await owners(anew, made, accounts["copied"]) == ["b"]
            add_shard(anew, "a", urls["a"])
            assert made.homes([*wanted]) == dict.fromkeys(wanted, Home("b"))


async def test_who_asks_meanwhile_loses_nothing_and_has_nothing_done_twice(
    settings: Settings, directory: Directory
) -> None:
    moved = asyncio.Event()
    async with open_studio(settings, serve=False) as studio:
        await fill(studio, ACCOUNT)
        await studio.accounts.change_limit(ACCOUNT, "images", None)
        made: dict[str, str] = {}

        async def ask() -> None:
            number = 0
            while not moved.is_set() or number % 3:
                key = f"asked-{number}"
                try:
                    made[key] = (await studio.operations.run(asking(key))).operation
                    number += 1
                except AccountMoved:
                    await asyncio.sleep(0.05)

        asked = asyncio.create_task(ask())
        await move_account(settings, ACCOUNT, "b")
        moved.set()
        await asked
        studio.views.catch_up()
        [row] = studio.views.rows(USAGE)
        assert row.charged == len(made) + 2
        for key, operation in made.items():
            assert (await studio.operations.run(asking(key))).operation == operation


async def test_keys_chains_and_files_are_there_and_what_is_personal_is_gone_here(
    settings: Settings, directory: Directory
) -> None:
    async with open_studio(settings, serve=False) as studio:
        await fill(studio, ACCOUNT)
        studio.views.catch_up()
        [asset] = (await studio.library.list(ACCOUNT, limit=1)).assets
        await move_account(settings, ACCOUNT, "b", reason="a server of its own")
        assert (await studio.library.content(ACCOUNT, asset.id)).content
        with pytest.raises(InvalidInput, match="has facts of account"):
            await move_account(settings, ACCOUNT, "a")
        found = {}
        for name, url in directory.shards().items():
            with closing(Database(url)) as database:
                rows = database.rows(select(LOG.c.stream, LOG.c.version, LOG.c.hash).order_by(LOG.c.position))
                count = [len(database.rows(select(one))) for one in (CONTENTS, KEYS)]
                found[name] = [(row[0], row[1], bytes(row[2])) for row in rows], count
        here, there = (set(found[name][0]) for name in "ab")
        assert {row for row in there if row not in here} == {found["b"][0][-1]}
        assert (found["a"][1], found["b"][1]) == ([0, 2], [2, 2])
        assert await owners(settings, directory) == ["b"]


async def test_an_account_with_open_operations_is_left_until_they_are_settled(settings: Settings) -> None:
    async with open_studio(settings, serve=False) as studio:
        await studio.accounts.open(ACCOUNT, plan="pro")
        begun = await studio.operations.submit(asking("queued"), queued=True)
        with pytest.raises(StoreUnavailable, match="has 1 open operation still"):
            await move_account(settings, ACCOUNT, "b", seconds=0)
        with pytest.raises(AccountMoved, match="has left for shard 'b'"):
            await studio.operations.submit(asking("another"))
        with pytest.raises(InvalidInput, match="on its way to 'b'"):
            await move_account(settings, ACCOUNT, "a")
        await studio.operations.cancel(begun.operation, account=ACCOUNT)
        assert (await move_account(settings, ACCOUNT, "b")).shard == "b"
        assert (await studio.operations.submit(asking("another"))).operation


async def test_what_cannot_be_moved_is_refused_before_anything_is_done(
    settings: Settings, directory: Directory
) -> None:
    async with open_studio(settings, serve=False) as studio:
        await fill(studio, ACCOUNT)
        await studio.webhooks.add(ACCOUNT, "https://example.com/hook", reason="test")
        for account, to, error in ((ACCOUNT, "c", InvalidInput), ("nobody", "b", UnknownAccount)):
            with pytest.raises(error):
                await move_account(settings, account, to)
        with pytest.raises(InvalidInput, match="webhooks"):
            await move_account(settings, ACCOUNT, "b")
        assert await owners(settings, directory) == ["a"]
        assert await move_account(settings, ACCOUNT, "a") == MovedAccount(ACCOUNT, "a", "a")
