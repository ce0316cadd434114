"""Backups of a whole ledger, database and files, and bringing one back."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import counted, size

if TYPE_CHECKING:
    from application.keeping.verdict import Verdict
    from infrastructure.cli.rendering import Page
    from infrastructure.copying.parts import Manifest

app = typer.Typer()


@command(app)
async def backup(
    folder: Annotated[Path, Argument(metavar="DIR", help="A new folder; nothing is overwritten.")],
    session: CommandSession,
) -> Report:
    """Copy the whole ledger into a folder, database and files, while others go on.

    It reads either database as of one moment, verifies the log's chains and each file, and appears whole or not at all.
    """
    from infrastructure.copying.backing import back_up_whole
    from infrastructure.opening import Access, belonging, open_log

    settings = session.settings()
    with session.progress("backup") as report, closing(open_log(settings, Access.READ)) as log:
        files = belonging(settings, log)
        made = await asyncio.to_thread(back_up_whole, log.database, files, folder, report)
    return Report(backup_document(folder, made), lambda page: show_backup(page, folder, made), 1 if made.damaged else 0)


@command(app)
async def restore(
    folder: Annotated[Path, Argument(metavar="DIR", help="A backup.")],
    session: CommandSession,
    files: Annotated[
        str | None, Option("--files", metavar="PLACE", help="An empty folder, or s3://BUCKET/PREFIX, for its files.")
    ] = None,
) -> Report:
    """Bring a backup back into an empty database and an empty place for files, and verify all of it.

    The backup's parts and files are checked by their digests first, then the log's chains and seal, and in the end the
    whole is audited.
    """
    from application.keeping.verdict import audited
    from infrastructure.copying.restoring import restore as bring_back
    from infrastructure.reading import open_reading
    from infrastructure.settings import checked_place

    settings = session.settings()
    if files is not None:
        settings = settings.model_copy(update={"assets": checked_place("--files", files)})
    with session.progress("restore") as report:
        found = await asyncio.to_thread(bring_back, folder, settings, report)
        with open_reading(settings, whole=False) as reading:
            verdict = await audited(reading.audit)
    if found.lost is not None:
        session.warn(found.lost.message, "it can be read; restore a newer backup to go on with it")
    document = {**backup_document(folder, found.manifest), "verdict": "clean" if verdict.clean else "differs"}
    document |= {"problems": list(verdict.problems), "lost": None if found.lost is None else found.lost.message}
    code = 0 if verdict.clean and found.lost is None else 1
    return Report(document, lambda page: show_restored(page, folder, found.manifest, verdict), code)


def backup_document(folder: Path, made: Manifest) -> dict[str, Any]:
    """Which ledger, up to where, and how much of it there is."""
    rows = {name: part.rows for name, part in made.parts.items()}
    return {
        "folder": str(folder),
        "ledger": made.ledger,
        "position": made.position,
        "at": made.at,
        "seal": made.seal,
        "rows": rows,
        "files": made.files,
        "size": made.size,
        "missing": made.missing,
        "damaged": made.damaged,
    }


def show_backup(page: Page, folder: Path, made: Manifest) -> None:
    """One line, and what is not as it should be."""
    page.title(f"Backed up to {folder}: {made.position:,} facts, {counted(made.files, 'file')}, {size(made.size)}")
    page.line(f"  seal {made.seal}", "dim")
    if made.missing:
        page.prose(f"{counted(made.missing, 'file')} not there any more: erased, or lost before", indent=2)
    if made.damaged:
        page.prose(f"{counted(made.damaged, 'file')} damaged, and not copied", "red", indent=2)


def show_restored(page: Page, folder: Path, made: Manifest, verdict: Verdict[Any]) -> None:
    """The ledger that was brought back, and the findings of an audit."""
    page.title(f"Restored {folder}: {made.position:,} facts, {counted(made.files, 'file')}")
    if verdict.clean:
        page.line("  chains, seal, tables, files and views are as they were", "dim")
    for problem in verdict.problems:
        page.prose(problem, "red", indent=2)
