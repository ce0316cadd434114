"""Telling the books to others: alone, to the end or until a signal says stop; and how far that is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.relaying.relay import Relay, RelayStatus

LOGGER = logging.getLogger("imagestudio")
app = typer.Typer()
SETTING = "IMAGESTUDIO_RELAY_URL"
BEHIND = 6
"""The exit code if not all could be told."""


@command(app)
async def relay(
    session: CommandSession,
    drain: Annotated[bool, Option("--drain", help="End once all is told.")] = False,
    status: Annotated[bool, Option("--status", help="Only say how far it is.")] = False,
    anew: Annotated[bool, Option("--anew", help="Begin with the first fact, for a new stream or topic.")] = False,
) -> Report:
    """Tell the books to a stream of NATS or a topic of Kafka, each fact once.

    IMAGESTUDIO_RELAY_URL says whom. `serve` and `worker` do it beside their work; one process at a time does.
    """
    from infrastructure.servicelog import service_log

    if status and (drain or anew):
        raise InvalidInput("--status", "says how far it is, and tells nothing", hint="leave the others out")
    settings = session.settings()
    with service_log(settings, as_json=session.json):
        async with session.studio(writes=not status) as studio:
            relays = [one.relay for one in studio.ledgers if one.relay is not None]
            if not relays and not status:
                raise InvalidInput(SETTING, "says nobody", hint="give it, such as nats://HOST:4222/studio")
            for one in relays if anew else ():
                await asyncio.to_thread(one.table.forget)
            if drain:
                await asyncio.gather(*(one.drain() for one in relays))
            elif not status:
                await _until_stopped(relays)
            found = [await asyncio.to_thread(one.status) for one in relays]
    told = sum(one.told for one in relays)
    code = BEHIND if any(one.error for one in found) else 0
    return Report(_document(found, told), lambda page: _show(page, found, told), code)


async def _until_stopped(relays: Sequence[Relay]) -> None:
    from infrastructure.cli.worker import stopped

    with stopped() as (told, _again):
        for one in relays:
            LOGGER.info("telling the books to %s", one.address)
        running = [asyncio.create_task(one.run()) for one in relays]
        await told.wait()
        for one in relays:
            one.stop()
        await asyncio.gather(*running)
        for one in relays:
            await one.close()


def _document(found: Sequence[RelayStatus], told: int) -> dict[str, object]:
    from infrastructure.showing.relays import relay_document

    return {"relays": [relay_document(one) for one in found], "told": told}


def _show(page: Page, found: Sequence[RelayStatus], told: int) -> None:
    page.title(f"Told {counted(told, 'fact')}" if found else f"Nobody is told: {SETTING} is not set")
    for one in found:
        page.line(f"  {one.address} is told up to position {one.position}")
        if one.lag:
            page.line(f"  {counted(one.lag, 'position')} of the log behind")
        if one.error:
            page.prose(one.error, "red", indent=2)
