"""Backups of a whole ledger, database and files, and bringing one back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer import Argument, Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.cli.turns import turns_report
from infrastructure.shards.turns import ShardTurns
from infrastructure.showing.formats import size

if TYPE_CHECKING:
    from application.keeping.verdict import Verdict
    from application.ports import Progress
    from infrastructure.cli.rendering import Page
    from infrastructure.copying.parts import Manifest
    from infrastructure.copying.restoring import RestoredLedger
    from infrastructure.settings import Settings

app = typer.Typer()


@command(app)
async def backup(
    folder: Annotated[Path, Argument(metavar="DIR", help="A new folder; nothing is overwritten.")],
    session: CommandSession,
) -> Report:
    """Copy the whole ledger into a folder, database and files, while others go on.

    It reads either database as of one moment, verifies the log's chains and each file, and appears whole or not at all.
    """
    from infrastructure.shards.copying import back_up_ledger, back_up_shards

    settings = session.settings()
    with session.progress("backup") as report:
        if settings.shards:
            parts = await asyncio.to_thread(back_up_shards, settings, folder, report)
        else:
            made = await asyncio.to_thread(back_up_ledger, settings, folder, report)
            parts = {"": made}
    code = 1 if any(one.damaged for one in parts.values()) else 0
    if not settings.shards:
        return Report(backup_document(folder, made), lambda page: show_backup(page, folder, made), code)

    def show(page: Page, name: str, one: Manifest) -> None:
        show_backup(page, folder / name, one)

    return turns_report(ShardTurns(parts), partial(backup_document, folder), show, code)


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
    from infrastructure.settings import checked_place

    settings = session.settings()
    if files is not None:
        settings = settings.model_copy(update={"assets": checked_place("--files", files)})
    with session.progress("restore") as report:
        done = await asyncio.to_thread(_brought_back, folder, settings, report)
        each = [(name, one, await _verdict_of(done.each[name])) for name, one in done.found.items()]
    for _, found, _verdict in each:
        if found.lost is not None:
            session.warn(found.lost.message, "it can be read; restore a newer backup to go on with it")
    code = 0 if all(verdict.clean and found.lost is None for _, found, verdict in each) else 1
    documents = {name: restored_document(folder / name, found, verdict) for name, found, verdict in each}

    def show(page: Page) -> None:
        for name, found, verdict in each:
            show_restored(page, folder / name, found.manifest, verdict)

    return Report({"shards": documents} if settings.shards else documents[""], show, code)


class BroughtBack(NamedTuple):
    """The ledgers that were restored, and their settings, by shard."""

    found: Mapping[str, RestoredLedger]
    each: Mapping[str, Settings]


def _brought_back(folder: Path, settings: Settings, report: Progress) -> BroughtBack:
    from infrastructure.copying.restoring import restore as bring_back
    from infrastructure.shards.copying import restore_shards
    from infrastructure.shards.opening import settings_of_each

    if not settings.shards:
        return BroughtBack({"": bring_back(folder, settings, report)}, {"": settings})
    return BroughtBack(restore_shards(folder, settings, report), settings_of_each(settings))


async def _verdict_of(settings: Settings) -> Verdict[Any]:
    from application.keeping.verdict import audited
    from infrastructure.reading import open_reading

    with open_reading(settings, whole=False) as reading:
        return await audited(reading.audit)


def restored_document(folder: Path, found: RestoredLedger, verdict: Verdict[Any]) -> dict[str, Any]:
    """The backup, and what an audit found."""
    document = {**backup_document(folder, found.manifest), "verdict": "clean" if verdict.clean else "differs"}
    return document | {"problems": list(verdict.problems), "lost": None if found.lost is None else found.lost.message}


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
    page.title(
        f"Backed up to {folder}: {counted(made.position, 'fact')}, {counted(made.files, 'file')}, {size(made.size)}"
    )
    page.line(f"  seal {made.seal}", "dim")
    if made.missing:
        page.prose(f"{counted(made.missing, 'file')} not there any more: erased, or lost before", indent=2)
    if made.damaged:
        page.prose(f"{counted(made.damaged, 'file')} damaged, and not copied", "red", indent=2)


def show_restored(page: Page, folder: Path, made: Manifest, verdict: Verdict[Any]) -> None:
    """The ledger that was brought back, and the findings of an audit."""
    page.title(f"Restored {folder}: {counted(made.position, 'fact')}, {counted(made.files, 'file')}")
    if verdict.clean:
        page.line("  chains, seal, tables, files and views are as they were", "dim")
    for problem in verdict.problems:
        page.prose(problem, "red", indent=2)
