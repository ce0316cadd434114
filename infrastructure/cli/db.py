"""The database: its schema, a copy of it, and which files belong to its ledger."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer import Argument

from domain.counts import counted
from domain.errors import InvalidInput, NoLedger
from domain.meaning import Kind
from infrastructure.cli.asking import confirm
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Yes
from infrastructure.cli.session import CommandSession
from infrastructure.cli.turns import turns_report
from infrastructure.shards.turns import each_in_turn, each_in_turn_blocking
from infrastructure.showing.codes import EXIT_CODES
from infrastructure.showing.formats import document, size

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.opening import DatabaseStanding
    from infrastructure.settings import Settings
    from infrastructure.store.order import Way

app = typer.Typer()

DAMAGED: Final = EXIT_CODES[Kind.BROKEN]
"""The exit code of a store that is not whole, as of all that needs what is gone."""


@command(app)
async def upgrade(session: CommandSession) -> Report:
    """Bring the database's schema to this program's; the log is only added to."""
    from infrastructure.opening import make_folder
    from infrastructure.store.migrations import HEAD, upgrade_schema

    def bring_up(settings: Settings) -> str:
        make_folder(settings)
        upgrade_schema(settings.database)
        return HEAD

    def show(page: Page, shard: str = "") -> None:
        page.title(f"The schema{f' of shard {shard}' if shard else ''} is {HEAD}, as this program needs it")

    done = await each_in_turn_blocking(await session.settings_by_shard(), bring_up)
    if not done.several:
        return Report({"revision": HEAD}, show)
    return turns_report(done, lambda revision: {"revision": revision}, lambda page, shard, _one: show(page, shard))


@command(app)
async def backup(
    file: Annotated[Path, Argument(metavar="FILE", help="A new file; nothing is overwritten.")], session: CommandSession
) -> Report:
    """Copy a SQLite ledger into one file, whole, while others go on.

    Its files are not copied: copy their folder afterwards.
    """
    from infrastructure.opening import standing
    from infrastructure.store.backup import back_up
    from infrastructure.store.urls import parse_url, shown_url

    settings = session.settings()
    if settings.shards:
        raise InvalidInput("FILE", "this copies a file of SQLite, and no shard is one", hint="see: imagestudio backup")
    stood = await asyncio.to_thread(standing, settings)
    if stood.revision is None:
        where = shown_url(parse_url(settings.database))
        raise NoLedger(f"there is no ledger in {where}: nothing was copied", hint="name the right one with --db")
    written = await asyncio.to_thread(back_up, parse_url(settings.database), file)

    def show(page: Page) -> None:
        page.title(f"Copied to {file}, {size(written)}")
        page.line(f"  its files are in {settings.assets}, and what was archived is in {settings.archive}", "dim")

    return Report({"file": str(file), "size": written, "files": settings.assets}, show)


@command(app)
async def adopt(session: CommandSession, yes: Yes = False) -> Report:
    """Let the files belong to this ledger.

    It says what speaks against it, such as another ledger's marker or facts that were lost, and asks.
    """
    from infrastructure.opening import open_files

    async def take(settings: Settings) -> AdoptedFiles:
        with open_files(settings) as files:
            trouble = files.trouble()
            if trouble is not None:
                confirm(f"{trouble.message}. Let them belong to this ledger all the same?", yes=yes)
            files.adopt()
            return AdoptedFiles(files.id, files.place.where, trouble.message if trouble is not None else None)

    done = await each_in_turn(await session.settings_by_shard(), take)
    if not done.several:
        return Report(document(done.done[""]), lambda page: _show_adopted(page, done.done[""]))
    return turns_report(done, document, lambda page, _shard, one: _show_adopted(page, one))


@dataclass(frozen=True, slots=True)
class AdoptedFiles:
    """Whose files they are now, where they are, and what spoke against that."""

    ledger: str
    files: str
    although: str | None


def _show_adopted(page: Page, one: AdoptedFiles) -> None:
    page.title(f"The files in {one.files} belong to the ledger {one.ledger}")
    page.prose(f"taken although {one.although}" if one.although else "nothing spoke against it", indent=2)


@command(app)
async def order(
    session: CommandSession,
    way: Annotated[
        str | None, Argument(metavar="[lock|mark]", help="How from now on; without it, how it is ordered now.")
    ] = None,
) -> Report:
    """Show or choose how PostgreSQL orders the commits of several processes.

    By lock, one group commits after another. By mark they commit beside each other, and whoever reads the log waits for
    those that are not seen yet: worth it where writing to the disk is slow and processes are many.
    """
    from infrastructure.store.order import WAYS

    chosen = next((one for one in WAYS if one == way), None)
    if way is not None and chosen is None:
        raise InvalidInput("ORDER", f"{way!r} is no order of commits", hint=" or ".join(WAYS))
    done = await each_in_turn_blocking(await session.settings_by_shard(), lambda one: _ordered(one, chosen))
    if not done.several:
        return Report({"order": done.done[""]}, lambda page: _show_order(page, done.done[""]))
    return turns_report(done, lambda one: {"order": one}, _show_order_of)


def _ordered(settings: Settings, way: Way | None) -> str:
    """How the ledger's commits are ordered, after the choice if there is one."""
    from infrastructure.opening import Access, open_log
    from infrastructure.store.order import MARK
    from infrastructure.store.reordering import choose_order, order_of
    from infrastructure.storecheck import MARKS, refuse_unfit

    with closing(open_log(settings, Access.READ if way is None else Access.WRITE)) as log:
        if way == MARK and not log.database.is_sqlite:
            refuse_unfit(settings.database, MARKS)
        if way is not None:
            choose_order(log.database, way)
        return order_of(log.database)


def _show_order(page: Page, way: str) -> None:
    page.title(f"Commits are ordered by {way}")


def _show_order_of(page: Page, shard: str, way: str) -> None:
    page.title(f"Commits of shard {shard} are ordered by {way}")


@command(app, "status")
async def database_status(session: CommandSession) -> Report:
    """Show which database is used, and whether its schema is this program's.

    Ends with 6 if facts were lost, the files are another ledger's, or a segment of the archive is missing.
    """
    from infrastructure.opening import standing
    from infrastructure.showing.upkeep import database_document
    from infrastructure.store.migrations import HEAD

    each = await session.settings_by_shard()
    found = await each_in_turn_blocking(each, lambda one: (one, standing(one)))
    code = DAMAGED if any(one.is_damaged for _, one in found.done.values()) else 0

    def told(one: tuple[Settings, DatabaseStanding]) -> dict[str, object]:
        return database_document(one[1], _shown(one[0]), one[0].assets, HEAD)

    if not found.several:
        return Report(told(found.done[""]), lambda page: _show_standing(page, *found.done[""]), code)
    return turns_report(found, told, lambda page, shard, one: _show_standing(page, *one, shard), code)


def _shown(settings: Settings) -> str:
    from infrastructure.store.urls import parse_url, shown_url

    return shown_url(parse_url(settings.database))


def _show_standing(page: Page, settings: Settings, found: DatabaseStanding, shard: str = "") -> None:
    from infrastructure.showing.hints import in_shell
    from infrastructure.store.migrations import HEAD, other_schema
    from infrastructure.store.urls import parse_url

    rows = [("shard", shard)] if shard else []
    rows += [("database", _shown(settings)), ("ledger", found.ledger or "not opened yet"), ("files", settings.assets)]
    rows += [("schema", found.revision or "none yet"), ("needed", HEAD)]
    if found.segments:
        rows.append(("archive", f"{counted(found.segments, 'segment')} in {settings.archive}"))
    if (other := other_schema(found.revision, parse_url(settings.database))) is not None:
        rows.append(("to do", in_shell(other.advice)))
    page.pairs(rows)
    for trouble in filter(None, (found.lost, found.foreign)):
        page.prose(trouble.message, "red", indent=2)
    for name in found.missing:
        page.prose(f"segment {name} of the archive is not there, or not as long as it was", "red", indent=2)
