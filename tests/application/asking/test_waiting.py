"""Any number wait for an operation, here or elsewhere, and cost the database nothing until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from application.asking.requests import Request
from application.ledger.reader import LogFilter
from domain.errors import OperationPending
from domain.operation import Charged
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from tests.application.studios import SYNC, Pause, database_of, studio_on
from tests.application.support import PATIENCE
from tests.faults.processes import ended, started

MANY = 1_000
SLOW = Request("text-to-image", "acme", {"prompt": "a lake", "delay_ms": 1}, model=SYNC)


@contextmanager
def statements(studio: Studio) -> Iterator[list[str]]:
    """Every statement of this process meanwhile."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(statement)

    event.listen(database_of(studio).engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(database_of(studio).engine, "before_cursor_execute", hear)


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(3 * PATIENCE):
        while not met():  # noqa: ASYNC110 - other processes bring it about
            await asyncio.sleep(0.01)


def looks(heard: list[str]) -> int:
    """How often operations were looked up."""
    return sum("FROM operations" in one for one in heard)


async def test_a_thousand_wait_for_what_is_performed_here(database_url: str, tmp_path: Path) -> None:
    pause = Pause()
    async with studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(SLOW)
        await pause.until_reached()
        with statements(studio) as heard:
            waiting = [
                asyncio.create_task(studio.operations.wait(begun.operation, account="acme")) for _ in range(MANY)
            ]
            await until(lambda: looks(heard) == MANY)
            heard.clear()
            await asyncio.sleep(0.3)
            assert heard == []
        pause.go_on.set()
        results = await asyncio.gather(*waiting)
        assert {result.status for result in results} == {"charged"}


async def perform(url: str, home: Path) -> None:
    """Another process: it says what it has begun, and delivers when it is told to."""

    async def until_told(_seconds: float) -> None:
        await until((home / "go").exists)

    providers = {"scripted": ScriptedProvider(home / "scripted", sleep=until_told)}
    async with studio_on(url, home, providers=providers) as studio:
        begun = await studio.operations.submit(SLOW)
        (home / "begun.new").write_text(begun.operation)
        (home / "begun.new").rename(home / "begun")
        await studio.operations.wait(begun.operation, account="acme")


async def test_a_thousand_wait_for_what_another_process_performs(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, wait_seconds=300) as studio:
        await studio.accounts.open("acme", plan="pro")
        other = started(perform, database_url, tmp_path)
        await until((tmp_path / "begun").exists)
        operation = (tmp_path / "begun").read_text()
        with statements(studio) as heard:
            waiting = [asyncio.create_task(studio.operations.wait(operation, account="acme")) for _ in range(MANY)]
            await until(lambda: looks(heard) == 2 * MANY)  # once before and once after it is followed
            heard.clear()
            async with studio.log.follow(filter=LogFilter(account="acme")) as entries:
                await studio.accounts.change_limit("acme", "images", 7)
                await anext(entries)
            assert looks(heard) == 0
            assert len(heard) < MANY / 4
        (tmp_path / "go").touch()
        results = await asyncio.gather(*waiting)
        assert {result.status for result in results} == {"charged"}
        assert await asyncio.to_thread(ended, other) == 0


async def test_who_waits_too_long_is_told_that_it_is_open(database_url: str, tmp_path: Path) -> None:
    pause = Pause()
    async with AsyncExitStack() as stack:
        studio = await stack.enter_async_context(studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)))
        other = await stack.enter_async_context(studio_on(database_url, tmp_path, wait_seconds=1))
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(SLOW)
        with pytest.raises(OperationPending, match="still open"):
            await other.operations.wait(begun.operation, account="acme")
        pause.go_on.set()


async def test_who_waits_at_a_studio_that_closes_is_told_that_it_is_open(database_url: str, tmp_path: Path) -> None:
    pause = Pause()
    async with studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(SLOW)
        async with studio_on(database_url, tmp_path) as other, other.log.follow() as entries:
            with statements(other) as heard:
                waiting = asyncio.create_task(other.operations.wait(begun.operation, account="acme"))
                await until(lambda: looks(heard) == 2)
        with pytest.raises(OperationPending, match="still open"):
            await waiting
        assert [entry async for entry in entries] == []
        pause.go_on.set()


async def test_a_service_tells_who_follows_of_every_charge(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, serve=True) as studio:
        await studio.accounts.open("acme", plan="pro")
        charges = LogFilter(account="acme", topics=studio.log.codec.names_of(Charged))
        async with studio.log.follow(0, charges) as entries:
            done = [await studio.operations.generate("a lake", account="acme", model=SYNC) for _ in range(3)]
            async with asyncio.timeout(PATIENCE):
                told = [(await anext(entries)).link.operation for _ in done]
        assert told == [one.operation for one in done]
