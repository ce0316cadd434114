"""The queue: what waits for providers, whose it is, and who works on what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import clock

if TYPE_CHECKING:
    from application.performing.standing import QueueStanding
    from infrastructure.cli.rendering import Page

app = typer.Typer()
OneAccount = Annotated[str | None, Option("--account", "-a", metavar="ID", help="Of one account; otherwise of all.")]


@command(app)
async def queues(session: CommandSession, account: OneAccount = None) -> Report:
    """Show what waits for providers and what is worked on: of all accounts, or of one."""
    from infrastructure.clock import now
    from infrastructure.queues import Queues
    from infrastructure.showing.queues import own_queue_document, queues_document

    async with session.reading() as reading:
        await session.catch_up(reading)
        if account is not None:
            await reading.accounts.show(account)
        found = await asyncio.to_thread(Queues(reading.database, now, reading.database).standing, account)
    document = queues_document(found) if account is None else own_queue_document(found)
    return Report(document, lambda page: _show(page, found))


def _show(page: Page, found: QueueStanding) -> None:
    since = "" if found.since is None else f", the first since {clock(found.since, 'UTC')} UTC"
    page.title(f"{found.waiting} waiting{since}, {found.running} worked on")
    if found.providers:
        _show_providers(page, found)
    if found.lines:
        _show_lines(page, found)
    for one in found.processes:
        over = f", {one.over} of them left behind" if one.over else ""
        page.line(f"{one.owner} works on {one.operations}{over}.")


def _show_providers(page: Page, found: QueueStanding) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.table(
        PageColumn("provider", [one.provider for one in found.providers]),
        PageColumn("waiting", [str(one.waiting) for one in found.providers], right=True),
        PageColumn("since, UTC", [_instant(one.since) for one in found.providers]),
        PageColumn("places", [str(one.places or "") for one in found.providers], right=True),
        PageColumn("taken", [str(one.taken) for one in found.providers], right=True),
        PageColumn("rests until", [_instant(one.rests) for one in found.providers]),
    )


def _show_lines(page: Page, found: QueueStanding) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.table(
        PageColumn("account", [one.account for one in found.lines]),
        PageColumn("provider", [one.provider or "unknown" for one in found.lines]),
        PageColumn("waiting", [str(one.waiting) for one in found.lines], right=True),
        PageColumn("since, UTC", [_instant(one.since) for one in found.lines]),
        PageColumn("worked on", [str(one.running) for one in found.lines], right=True),
        PageColumn("since, UTC", [_instant(one.oldest) for one in found.lines]),
    )


def _instant(at: int | None) -> str:
    return "" if at is None else clock(at, "UTC")
