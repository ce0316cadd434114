"""The database: its schema, a copy of it, and which files belong to its ledger."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from domain.errors import NoLedger
from infrastructure.cli.asking import confirm
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Yes
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import size

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app)
async def upgrade(session: CommandSession) -> Report:
    """Bring the database's schema to this program's; the log is only added to."""
    from infrastructure.opening import make_folder
    from infrastructure.store.migrations import HEAD, upgrade_schema

    settings = session.settings()
    make_folder(settings)
    await asyncio.to_thread(upgrade_schema, settings.database)
    return Report({"revision": HEAD}, lambda page: page.title(f"The schema is {HEAD}, as this program needs it"))


@command(app)
async def backup(
    file: Annotated[Path, Argument(metavar="FILE", help="A new file; nothing is overwritten.")], session: CommandSession
) -> Report:
    """Copy a SQLite ledger into one file, whole, while others go on.

    Its files are not copied: copy their folder afterwards.
    """
    from infrastructure.opening import standing
    from infrastructure.store.backup import back_up
    from infrastructure.store.urls import parse_url

    settings = session.settings()
    stood = await asyncio.to_thread(standing, settings)
    if stood.revision is None:
        where = parse_url(settings.database).render_as_string()
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

    with open_files(session.settings()) as files:
        trouble = files.trouble()
        if trouble is not None:
            confirm(f"{trouble.message}. Let them belong to this ledger all the same?", yes=yes)
        files.adopt()
    against = trouble.message if trouble is not None else None

    def show(page: Page) -> None:
        page.title(f"The files in {files.place.where} belong to the ledger {files.id}")
        page.prose(f"taken although {against}" if against else "nothing spoke against it", indent=2)

    return Report({"ledger": files.id, "files": files.place.where, "although": against}, show)


@command(app, "status")
async def database_status(session: CommandSession) -> Report:
    """Show which database is used, and whether its schema is this program's."""
    from infrastructure.opening import standing
    from infrastructure.showing.upkeep import database_document
    from infrastructure.store.migrations import HEAD
    from infrastructure.store.urls import parse_url

    settings = session.settings()
    found = await asyncio.to_thread(standing, settings)
    parsed = parse_url(settings.database)
    shown = parsed.set(drivername=parsed.get_backend_name()).render_as_string()
    written = database_document(found, shown, settings.assets, HEAD)
    rows = [("database", shown), ("ledger", found.ledger or "not opened yet"), ("files", settings.assets)]
    rows += [("schema", found.revision or "none yet"), ("needed", HEAD)]
    if found.revision != HEAD:
        rows.append(("to do", "imagestudio db upgrade"))

    def show(page: Page) -> None:
        page.pairs(rows)
        for trouble in filter(None, (found.lost, found.foreign)):
            page.prose(trouble.message, "red", indent=2)

    return Report(written, show)
