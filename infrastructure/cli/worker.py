"""Performing what waits in the queue, until nothing does any more or a signal says stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import counted

if TYPE_CHECKING:
    from application.performing.worker import Worker
    from infrastructure.cli.rendering import Page

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
    from infrastructure.alerting import watching_alerts
    from infrastructure.hooks.parts import messaging
    from infrastructure.servicelog import service_log
    from infrastructure.storecheck.engines import refuse_foreign
    from infrastructure.working import working

    settings = session.settings()
    await asyncio.to_thread(refuse_foreign, settings.database)
    with service_log(settings, as_json=session.json), stopped() as (told, again):
        async with (
            session.service() as studio,
            messaging(studio) as sender,
            watching_alerts(studio),
            working(studio, places=concurrency, seconds=settings.wait_seconds, leave=again) as one,
        ):
            if not drain:
                LOGGER.info("working, %s at a time", counted(concurrency, "operation"))
            await _until(one, told, drain=drain)
            if drain and not told.is_set():
                await sender.once()
            if told.is_set():
                LOGGER.info("stopping: %s under way; again to leave what is left", counted(one.working, "operation"))
    found = {"performed": one.performed, "left": one.left}
    return Report(found, lambda page: _show(page, one))


def _show(page: Page, one: Worker) -> None:
    page.title(f"Performed {counted(one.performed, 'operation')}")
    if one.left:
        page.line(f"  {counted(one.left, 'operation')} left to recovery, each with its hold")


async def _until(one: Worker, told: asyncio.Event, *, drain: bool) -> None:
    ends = [asyncio.create_task(told.wait()), *([asyncio.create_task(one.until_idle())] if drain else [])]
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
