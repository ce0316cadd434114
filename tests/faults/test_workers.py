"""Workers in processes of their own, killed at any moment, and a server that is restarted under them.

Each operation ends, is charged at most once, and was submitted once; nothing is left in the queue or under a lease.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from application.asking.requests import Request
from application.ports import Delivery, Job, Progress, Provider, Task
from domain.errors import StoreUnavailable
from domain.operation import Charged, Dispatched, Released, Requested
from infrastructure.assembly import Parts
from infrastructure.bootstrap import open_studio
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from infrastructure.working import working
from tests.application.asking.test_waiting import until
from tests.application.studios import (
    JOBS,
    SYNC,
    count,
    database_of,
    facts_of,
    is_sound,
    settings_for,
    studio_on,
    submissions,
)
from tests.faults.processes import Work, ended, started
from tests.faults.servers import own_server

LEASE = 2
"""Seconds; recovery looks as often."""
ACCOUNTS = ("acme", "beta", "gamma")
EACH = 20


async def work(url: str, home: Path) -> None:
    """A worker that does what a service does, until it is killed or told to stop."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with (
        studio_on(url, home, serve=True, lease_seconds=LEASE, grace_seconds=LEASE) as studio,
        working(studio, places=4, seconds=30),
    ):
        _sign_of(home, os.getpid()).touch()
        await stopped.wait()


class Counting:
    """A provider as it is, that counts how many it has at once, over all processes: a file for each that is inside."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self._provider, self._folder = provider, folder
        self.name, self.recovery = provider.name, provider.recovery
        self.find, self.cancel, self.check = provider.find, provider.cancel, provider.check
        self.lacks, self.close = provider.lacks, provider.close

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        with self._inside(task):
            return await self._provider.submit(task, progress)

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        with self._inside(task):
            return await self._provider.collect(task, job, progress)

    @contextmanager
    def _inside(self, task: Task) -> Iterator[None]:
        mine = self._folder / f"{task.operation}.inside"
        mine.touch()
        try:
            number = len(list(self._folder.glob("*.inside")))
            (self._folder / f"{task.operation}-{number}.seen").touch()
            yield
        finally:
            mine.unlink()


async def work_counted(url: str, home: Path) -> None:
    """A worker whose provider counts."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    providers: dict[str, Provider] = {"scripted": Counting(ScriptedProvider(home / "scripted"), home / "count")}
    parts = Parts(providers=providers)
    async with open_studio(settings_for(url, home, scripted_concurrency=2), parts) as studio, working(studio, places=4):
        _sign_of(home, os.getpid()).touch()
        await stopped.wait()


@contextmanager
def workers(url: str, home: Path, number: int, work: Work = work) -> Iterator[list[ForkServerProcess]]:
    running = [started(work, url, home) for _ in range(number)]
    try:
        yield running
    finally:
        for process in running:
            process.kill()


def _sign_of(home: Path, process: int) -> Path:
    """A file that is there once that worker is at work."""
    return home / f"{process}.at-work"


async def until_at_work(running: list[ForkServerProcess], home: Path) -> None:
    await until(lambda: all(_sign_of(home, process.pid or 0).exists() for process in running))


def revived(running: list[ForkServerProcess], url: str, home: Path) -> bool:
    """Start another for each that has ended, as a service manager does: none starts without its database."""
    running[:] = [process if process.is_alive() else started(work, url, home) for process in running]
    return True


def order(account: str, number: int) -> Request:
    """Some answer at once and some by a job; all take a moment."""
    asked: dict[str, str | int | bool] = {"prompt": "a lake", "delay_ms": 50, "seed": number}
    return Request("text-to-image", account, asked, model=JOBS if number % 2 else SYNC, key=f"order-{number}")


@asynccontextmanager
async def office(url: str, home: Path) -> AsyncIterator[Studio]:
    """A process that accepts and performs nothing."""
    async with studio_on(url, home, wait_seconds=300) as studio:
        for account in ACCOUNTS:
            await studio.accounts.open(account, plan="pro")
        yield studio


async def accept_all(studio: Studio) -> None:
    """Put them all into the queue, again and again under their keys while the database is away."""
    for number in range(EACH):
        for account in ACCOUNTS:
            while True:
                try:
                    await studio.operations.submit(order(account, number), queued=True)
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.1)


def left(studio: Studio) -> int:
    """Open operations, as the index has them."""
    with suppress(StoreUnavailable), database_of(studio).connect() as connection:
        closed = "('charged', 'released', 'rejected')"
        return int(
            connection.exec_driver_sql(f"SELECT count(*) FROM operations WHERE phase NOT IN {closed}").scalar() or 0
        )
    return -1


async def check(studio: Studio, home: Path) -> None:
    facts = facts_of(studio)
    assert count(facts, Requested) == EACH * len(ACCOUNTS)
    assert count(facts, Charged) + count(facts, Released) == count(facts, Requested)
    charged = Counter(fact.operation.id for fact in facts if isinstance(fact, Charged))
    sent = Counter(one.operation for one in submissions(home))
    assert set(charged.values()) == {1}
    assert set(sent.values()) == {1}, "none is sent twice"
    assert charged.keys() <= sent.keys()
    for fact in facts:  # released are only those that a worker died with, before they reached the provider
        assert not isinstance(fact, Released) or fact.operation.id not in sent
    with database_of(studio).connect() as connection:
        for table in ("queue", "leases"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
    assert await is_sound(studio)


async def test_two_workers_share_what_is_queued_and_end_it_when_told_to_stop(database_url: str, tmp_path: Path) -> None:
    async with office(database_url, tmp_path) as studio:
        with workers(database_url, tmp_path, 2 if "postgres" in database_url else 1) as running:
            await until_at_work(running, tmp_path)
            await accept_all(studio)
            await until(lambda: left(studio) == 0)
            for process in running:
                os.kill(process.pid or 0, signal.SIGTERM)
            assert [await asyncio.to_thread(ended, process) for process in running] == [0] * len(running)
        await check(studio, tmp_path)
        senders = {fact.sender for fact in facts_of(studio) if isinstance(fact, Dispatched)}
        assert len(senders) == len(running)


async def test_workers_that_are_killed_at_any_moment_lose_nothing_and_charge_nothing_twice(
    database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)
    async with office(database_url, tmp_path) as studio:
        accepting = asyncio.create_task(accept_all(studio))
        with workers(database_url, tmp_path, 2) as running:
            for _ in range(6):
                await asyncio.sleep(chance.uniform(0.2, 1.2))
                victim = chance.choice(running)
                os.kill(victim.pid or 0, signal.SIGKILL)
                await asyncio.to_thread(victim.join)
                running.remove(victim)
                running.append(started(work, database_url, tmp_path))
            await accepting
            await until(lambda: left(studio) == 0)
        await check(studio, tmp_path)


async def test_a_server_that_crashes_under_load_loses_nothing(tmp_path: Path) -> None:
    with own_server() as server:
        async with office(server.url, tmp_path) as studio:
            accepting = asyncio.create_task(accept_all(studio))
            with workers(server.url, tmp_path, 2) as running:
                for _ in range(2):
                    await asyncio.sleep(1.5)
                    await asyncio.to_thread(server.crash_and_come_back)
                await accepting
                await until(lambda: revived(running, server.url, tmp_path) and left(studio) == 0)
            await check(studio, tmp_path)


async def test_a_providers_concurrency_is_never_passed_by_three_processes_together(
    postgres_url: str, tmp_path: Path
) -> None:
    (tmp_path / "count").mkdir()
    async with office(postgres_url, tmp_path) as studio:
        with workers(postgres_url, tmp_path, 3, work_counted) as running:
            await until_at_work(running, tmp_path)
            await accept_all(studio)
            await until(lambda: left(studio) == 0)
        await check(studio, tmp_path)
        seen = {int(file.stem.rpartition("-")[2]) for file in (tmp_path / "count").glob("*.seen")}
        assert seen == {1, 2}
        senders = {fact.sender for fact in facts_of(studio) if isinstance(fact, Dispatched)}
        assert len(senders) == 3
