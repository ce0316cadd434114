"""The shards: made, listed, and accounts moved from one to another."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import PARTS, CommandSession
from infrastructure.showing.formats import document, iso, size

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.settings import Settings
    from infrastructure.shards.adding import ShardLine, ShardList
    from infrastructure.shards.directory import AddressChange

app = typer.Typer()


@command(app)
async def add(
    name: Annotated[str, Argument(metavar="NAME", help="Its name for ever: small letters, digits and _.")],
    url: Annotated[str, Argument(metavar="URL", help="Its database, as postgresql://HOST/NAME.")],
    session: CommandSession,
    take_over: Annotated[
        bool, Option("--take-over", help="Although it is a shard of another directory, which is lost.")
    ] = False,
) -> Report:
    """Make a shard: a schema of its own in a database, with a ledger in it, or of the ledger that is there.

    The first one makes the directory, in the database that IMAGESTUDIO_SHARDS names. Processes that run know of it once
    they are started again.
    """
    from infrastructure.shards.adding import add_shard

    made = await asyncio.to_thread(partial(add_shard, _settings(session), name, url, take_over=take_over))
    return Report(document(made), lambda page: _show_made(page, made))


@command(app, "list")
async def list_(session: CommandSession) -> Report:
    """List the shards: their accounts, where their logs end, how far views are behind, how large they are."""
    from infrastructure.shards.adding import list_shards

    found = await asyncio.to_thread(list_shards, _settings(session))
    told = {"shards": [document(one) for one in found.shards], "moves": document(found.moves)}
    told["changes"] = [document(one) for one in found.changes]
    return Report(told, lambda page: _show(page, found))


@command(app)
async def address(
    name: Annotated[str, Argument(metavar="NAME", help="The shard.")],
    url: Annotated[str, Argument(metavar="URL", help="Where it is now, as postgresql://HOST/NAME.")],
    session: CommandSession,
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Kept in the directory.")] = "",
) -> Report:
    """Give a shard another address: its server moved to another host, or its password is another one.

    It has to be that very shard, with all its facts and its guard. If the old address leads to another database that
    still answers, it is refused. Processes that run make their next connections to the new address.
    """
    from infrastructure.shards.addressing import change_address

    changed = await asyncio.to_thread(partial(change_address, _settings(session), name, url, reason=reason))
    return Report(document(changed), lambda page: _show_changed(page, changed))


@command(app)
async def move(
    account: Annotated[str, Argument(metavar="ACCOUNT", help="The account.")],
    session: CommandSession,
    to: Annotated[str, Option("--to", metavar="SHARD", help="Where it is to be.")],
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Kept in the log.")] = "",
    wait: Annotated[
        int, Option("--wait", min=0, metavar="SECONDS", help="How long what is open may take to be settled.")
    ] = 60,
) -> Report:
    """Move an account to another shard, with all its facts, keys, words and files.

    From its beginning until it has arrived, requests of the account are told to try again. Stopped at any moment, run
    it again: it goes on.
    """
    from infrastructure.assembly import USUAL
    from infrastructure.shards.moving import STEPS, move_account

    settings = _settings(session)
    with session.progress("move") as report:
        moved = await move_account(
            settings,
            account,
            to,
            reason=reason,
            seconds=wait,
            parts=PARTS.get() or USUAL,
            reached=lambda step: report((STEPS.index(step) + 1) / len(STEPS), step),
        )
    return Report(document(moved), lambda page: page.title(f"Account {account} is in shard {moved.shard}"))


def _settings(session: CommandSession) -> Settings:
    """Those of a directory. Raises InvalidInput if none is named."""
    settings = session.settings()
    if not settings.shards:
        told = "names no database: there is no directory of shards"
        raise InvalidInput("IMAGESTUDIO_SHARDS", told, hint="set it to one of PostgreSQL; --db names one ledger")
    return settings


def _show_made(page: Page, made: ShardLine) -> None:
    page.title(f"Shard {made.name} is in {made.url}")
    page.prose("start again what runs, so that it knows of it", indent=2)


def _show_changed(page: Page, changed: AddressChange) -> None:
    page.title(f"Shard {changed.shard} is at {changed.after}")
    page.prose("what runs makes its next connections there; nothing has to be started again", indent=2)


def _show(page: Page, found: ShardList) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(counted(len(found.shards), "shard"))
    unknown = "not known"
    ends = [unknown if one.position is None else f"{one.position:,}" for one in found.shards]
    page.table(
        PageColumn("SHARD", [one.name for one in found.shards]),
        PageColumn("ACCOUNTS", [f"{one.accounts:,}" for one in found.shards], right=True),
        PageColumn("POSITION", ends, right=True),
        PageColumn("LAG", [unknown if one.lag is None else f"{one.lag:,}" for one in found.shards], right=True),
        PageColumn("SIZE", [unknown if one.size is None else size(one.size) for one in found.shards], right=True),
        PageColumn("DATABASE", [one.url for one in found.shards], drop=1),
    )
    for one in found.shards:
        if one.lacks:
            page.prose(f"{one.name}: {one.lacks}", "red", indent=2)
    for account, home in found.moves.items():
        page.prose(f"{account} is being moved to {home.moving_to or home.shard}", "yellow", indent=2)
    for change in found.changes:
        told = f"{change.shard} was at {change.before} until {iso(change.at)}, by {change.actor}"
        page.prose(f"{told}: {change.reason}" if change.reason else told, "dim", indent=2)
