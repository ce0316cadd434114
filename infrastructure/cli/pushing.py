"""The books pushed to a meter, from where the last push ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import OneAccount
from infrastructure.cli.session import CommandSession
from infrastructure.cli.turns import turns_report
from infrastructure.shards.turns import each_in_turn_blocking

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.exporting.pushing import MeterDoor, Pushed
    from infrastructure.reading import ReadingLedger

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
    from infrastructure.cli.files import handed_text
    from infrastructure.exporting.pushing import MeterDoor

    async with session.reading() as reading:
        _check_url(url)
        secret = "" if token is None else handed_text(token, "--token").strip()
        pushing = OnePush(url, MeterDoor(url, secret), account, batch)

        def push_one(named: tuple[Path, ReadingLedger]) -> Pushed:
            return pushing.run(*named)

        ledgers = await _ledgers_of(reading, account)
        named = {name: (_file(checkpoint, name), one) for name, one in ledgers.items()}
        turns = await each_in_turn_blocking(named, push_one)
    if not turns.several:
        return Report(_document(url, turns.done[""]), lambda page: _show(page, "", turns.done[""]))
    return turns_report(turns, partial(_document, url), _show)


@dataclass(frozen=True, slots=True)
class OnePush:
    """A push of one ledger's facts, of all accounts or of one."""

    url: str
    meter: MeterDoor
    account: str | None
    batch: int

    def run(self, file: Path, ledger: ReadingLedger) -> Pushed:
        """Go on from where the checkpoint in a file is; blocks. Raises InvalidInput, ProviderUnavailable."""
        from application.keeping.books import BookQuery
        from infrastructure.exporting.pushing import Checkpoint
        from infrastructure.exporting.pushing import push as push_events
        from infrastructure.store.identity import ledger_id

        mark = Checkpoint.read(file, ledger_id(ledger.database) or "", self.url)
        end = ledger.books.log.end()
        if mark.position > end:
            told = f"is at {mark.position}, and the log ends at {end}"
            raise InvalidInput("--checkpoint", told, hint="is it this ledger's?")
        booked = ledger.books.read(BookQuery(self.account), mark.position, end)
        return push_events(booked, mark, self.meter, upto=end, batch=self.batch)


async def _ledgers_of(reading: ReadingLedger, account: str | None) -> Mapping[str, ReadingLedger]:
    """All, or the one that an account is in. Raises UnknownAccount."""
    if account is None:
        return reading.by_shard
    await reading.accounts.show(account)
    mine = await asyncio.to_thread(reading.ledger_of, account)
    return {name: one for name, one in reading.by_shard.items() if one is mine}


def _file(checkpoint: Path, shard: str) -> Path:
    return checkpoint.with_name(f"{checkpoint.name}.{shard}") if shard else checkpoint


def _document(url: str, done: Pushed) -> dict[str, object]:
    counts = {name: getattr(done, name) for name in ("events", "batches", "repeats", "position")}
    return {"url": url, **counts}


def _show(page: Page, shard: str, done: Pushed) -> None:
    of = f"of shard {shard} " if shard else ""
    batches = counted(done.batches, "batch", "batches")
    page.title(f"Pushed {counted(done.events, 'event')} {of}in {batches}, up to position {done.position}")


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise InvalidInput("URL", f"{url!r} is no address", hint="give one such as https://meter.example/api/v1/events")
