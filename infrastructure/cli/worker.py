"""Performing what waits in the queue, until nothing does any more or a signal says stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from application.notifying.sender import HookSender
    from application.performing.worker import Worker
    from infrastructure.cli.rendering import Page
    from infrastructure.service import Studio
    from infrastructure.settings import Settings

LOGGER = logging.getLogger("imagestudio")
app = typer.Typer()
STOPPING = (signal.SIGTERM, signal.SIGINT)


@command(app)
async def worker(
    session: CommandSession,
    concurrency: Annotated[
        int, Option("--concurrency", "-c", min=1, max=1_000, metavar="COUNT", help="Operations at a time.")
    ] = 16,
    drain: Annotated[bool, Option("--drain", help="End once nothing waits any more.")] = False,
) -> Report:
    """Perform what waits in the queue, whichever process accepted it.

    Any number of workers share a database. One that is told to stop, by SIGTERM or Ctrl-C, claims no more and ends what
    it has begun; told again, it leaves that to recovery. If one dies, the others settle its work.
    """
    from infrastructure.servicelog import service_log

    settings = session.settings()
    await asyncio.to_thread(refuse_unproved, settings)
    with service_log(settings, as_json=session.json), stopped() as (told, again):
        async with (
            session.service() as studio,
            at_work(studio, concurrency, settings.wait_seconds, again) as (workers, senders),
        ):
            if not drain:
                LOGGER.info("working, %s at a time", counted(concurrency, "operation"))
            await _until(workers, told, drain=drain)
            if drain and not told.is_set():
                await asyncio.gather(*(sender.once() for sender in senders))
            if told.is_set():
                going = counted(sum(one.working for one in workers), "operation")
                LOGGER.info("stopping: %s under way; again to leave what is left", going)
    found = {"performed": sum(one.performed for one in workers), "left": sum(one.left for one in workers)}
    return Report(found, lambda page: _show(page, found))


def refuse_unproved(settings: Settings) -> None:
    """Have every database prove itself that only speaks like PostgreSQL. Raises StoreError, StoreUnavailable."""
    from infrastructure.shards.opening import databases_of
    from infrastructure.storecheck.engines import refuse_foreign

    for url in databases_of(settings):
        refuse_foreign(url)


@asynccontextmanager
async def at_work(
    studio: Studio, places: int, seconds: float, leave: asyncio.Event
) -> AsyncIterator[tuple[Sequence[Worker], Sequence[HookSender]]]:
    """Perform what waits, send messages, watch for alerts, tell a broker: in each ledger; they share the places."""
    from infrastructure.alerting import watching_alerts
    from infrastructure.hooks.parts import messaging
    from infrastructure.relaying.parts import relaying
    from infrastructure.working import working

    workers: list[Worker] = []
    senders: list[HookSender] = []
    share = max(1, places // len(studio.ledgers))
    async with AsyncExitStack() as stack:
        for one in studio.ledgers:
            senders.append(await stack.enter_async_context(messaging(one)))
            await stack.enter_async_context(watching_alerts(one))
            await stack.enter_async_context(relaying(one))
            ends = working(one, places=share, seconds=seconds, leave=leave)
            workers.append(await stack.enter_async_context(ends))
        yield workers, senders


def _show(page: Page, found: Mapping[str, int]) -> None:
    page.title(f"Performed {counted(found['performed'], 'operation')}")
    if found["left"]:
        page.line(f"  {counted(found['left'], 'operation')} left to recovery, each with its hold")


async def _until(workers: Sequence[Worker], told: asyncio.Event, *, drain: bool) -> None:
    async def idle() -> None:
        await asyncio.gather(*(one.until_idle() for one in workers))

    ends: list[asyncio.Task[object]] = [asyncio.create_task(told.wait())]
    ends += [asyncio.create_task(idle())] if drain else []
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()


@contextmanager
def stopped() -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Set once a signal says stop, and once it says so again."""
    told, again, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def hear() -> None:
        (again if told.is_set() else told).set()

    for number in STOPPING:
        loop.add_signal_handler(number, hear)
    try:
        yield told, again
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)
