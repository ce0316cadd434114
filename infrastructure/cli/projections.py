"""The views' upkeep: how far each is behind the log, and building them anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput, ViewStopped
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import EXIT_CODES
from infrastructure.showing.formats import document
from infrastructure.showing.positions import position_document

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from projections.queries import ViewStatus

app = typer.Typer()


@command(app)
async def status(session: CommandSession) -> Report:
    """Show how far each view is behind the log, and why where one stands still.

    Ends with 6 if one does.
    """
    async with session.reading() as reading:
        found = await asyncio.to_thread(reading.views.status)
    return _report(found)


def _report(found: Sequence[ViewStatus]) -> Report:
    """A view that stands still is as an error about it."""
    code = EXIT_CODES[ViewStopped.kind] if any(one.error is not None for one in found) else 0
    return Report({"views": document(found)}, lambda page: _show_status(page, found), code)


def _show_status(page: Page, found: Sequence[ViewStatus]) -> None:
    from infrastructure.cli.rendering import PageColumn, state_style

    page.title("Views")
    page.table(
        PageColumn("VIEW", [one.view for one in found]),
        PageColumn("POSITION", [f"{one.position:,}" for one in found], right=True),
        PageColumn("LAG", [f"{one.lag:,}" for one in found], right=True),
        PageColumn("STATE", [_standing(one) for one in found], style=state_style),
    )
    for one in found:
        if one.error is not None:
            page.prose(f"{one.view} stopped at position {one.failed_at}: {one.error}", "red", indent=2)
            page.line(f"  mend the cause, then: imagestudio projections retry {one.view}")


def _standing(one: ViewStatus) -> str:
    if one.error is not None:
        return "stopped"
    if one.rebuilding is not None:
        return f"rebuilding, at {one.rebuilding:,}"
    return "up to date" if one.lag == 0 else "behind"


@command(app)
async def rebuild(
    session: CommandSession,
    workers: Annotated[int, Option("--workers", "-w", min=1, max=64, help="Processes that fold the log.")] = 1,
) -> Report:
    """Build all views anew from the log, beside the live ones, and swap them in."""
    async with session.studio() as studio:
        with session.progress("rebuild") as report:
            position = await asyncio.to_thread(
                studio.audit.rebuild, workers, lambda at, end: report(at / max(end, 1), f"{at:,} of {end:,}")
            )
    told = f"All views were rebuilt from the log, and stand at position {position:,}"
    return Report(position_document(position), lambda page: page.title(told))


@command(app)
async def retry(
    view: Annotated[str, Argument(metavar="VIEW", help="A view that stands still, as 'status' names it.")],
    session: CommandSession,
) -> Report:
    """Let a view that stands still try its fact again."""
    shard, _, name = view.rpartition("/")
    async with session.studio() as studio:
        if shard and shard not in studio.by_shard:
            raise InvalidInput("view", f"there is no shard {shard!r}", hint=", ".join(filter(None, studio.by_shard)))
        await asyncio.to_thread((studio.by_shard[shard] if shard else studio).views.retry, name)
        await asyncio.to_thread(studio.views.catch_up)
        every = await asyncio.to_thread(studio.views.status)
    found = [one for one in every if view in (one.view, one.view.rpartition("/")[2])]
    return _report(found)
