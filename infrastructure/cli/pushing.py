"""The books pushed to a meter, from where the last push ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import OneAccount
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import counted

app = typer.Typer()


@command(app)
async def push(
    session: CommandSession,
    url: Annotated[
        str, Argument(metavar="URL", help="Where the meter takes events, such as https://meter.example/api/v1/events.")
    ],
    checkpoint: Annotated[
        Path, Option("--checkpoint", "-c", metavar="FILE", help="Keeps how far it came; made by the first push.")
    ],
    account: OneAccount = None,
    batch: Annotated[int, Option("--batch", min=1, max=1000, metavar="COUNT", help="Events of one request.")] = 100,
    token: Annotated[
        Path | None, Option("--token", metavar="FILE", help="Has the token that the meter asks for.")
    ] = None,
) -> Report:
    """Push what was booked to OpenMeter, as CloudEvents.

    It goes on from where the last push ended. Each event is counted once, by its id, however often it is sent.
    """
    from application.keeping.books import BookQuery
    from infrastructure.cli.files import handed_text
    from infrastructure.exporting.pushing import Checkpoint, MeterDoor
    from infrastructure.exporting.pushing import push as push_events
    from infrastructure.store.identity import ledger_id

    async with session.reading() as reading:
        _check_url(url)
        secret = "" if token is None else handed_text(token, "--token").strip()
        if account is not None:
            await reading.accounts.show(account)
        ledger: str | None = await asyncio.to_thread(ledger_id, reading.database)
        mark = Checkpoint.read(checkpoint, ledger or "", url)
        end = await asyncio.to_thread(reading.books.log.end)
        if mark.position > end:
            raise InvalidInput(
                "--checkpoint", f"is at {mark.position}, and the log ends at {end}", hint="is it this ledger's?"
            )
        booked = reading.books.read(BookQuery(account), mark.position, end)
        done = await asyncio.to_thread(push_events, booked, mark, MeterDoor(url, secret), upto=end, batch=batch)
    told = f"Pushed {counted(done.events, 'event')} in {counted(done.batches, 'batch')}, up to position {done.position}"
    found = {"url": url, "events": done.events, "batches": done.batches, "repeats": done.repeats}
    return Report({**found, "position": done.position}, lambda page: page.title(told.replace("batchs", "batches")))


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise InvalidInput("URL", f"{url!r} is no address", hint="give one such as https://meter.example/api/v1/events")
