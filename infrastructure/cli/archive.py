"""The archive: facts of closed periods in compressed files outside the database, and what is in them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.counts import counted
from domain.meaning import Kind
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.cli.turns import turns_report
from infrastructure.shards.turns import each_in_turn_blocking
from infrastructure.showing.codes import EXIT_CODES, OTHER
from infrastructure.showing.formats import day_of, iso, size

if TYPE_CHECKING:
    from application.keeping.walking import Problem
    from infrastructure.archiving.archiving import ArchivedPeriods
    from infrastructure.cli.rendering import Page
    from infrastructure.reading import ReadingLedger
    from infrastructure.service import Studio
    from infrastructure.store.archive import SegmentRecord

app = typer.Typer()


@command(app)
async def run(
    session: CommandSession,
    before: Annotated[
        str | None, Option("--before", metavar="DAY", help="Only periods that had ended when this day began.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be archived, and change nothing.")] = False,
) -> Report:
    """Archive closed periods: their operations' facts leave the database for files, and are read as ever.

    A period stays while anything is open in it, or whoever follows the log has not come to its end. Safe while others
    work; it may be stopped, and goes on when it is run again.
    """
    from infrastructure.showing.archive import archive_document

    day = date.fromisoformat(day_of("--before", before)) if before is not None else None
    with session.progress("archive") as report:

        def archive(one: Studio) -> ArchivedPeriods:
            assert one.archiving is not None, "it is one ledger"
            one.views.catch_up()
            return one.archiving.run(day, dry_run=dry_run, told=report)

        async with session.studio(writes=not dry_run) as studio:
            turns = await each_in_turn_blocking(studio.by_shard, archive)
    if not turns.several:
        return Report(archive_document(turns.done[""]), lambda page: _show_archived(page, turns.done[""]))
    return turns_report(turns, archive_document, lambda page, _shard, done: _show_archived(page, done))


@command(app, "list")
async def list_segments(session: CommandSession) -> Report:
    """List the segments of the archive: the files, and which facts they hold. No file is read.

    Ends with 6 if one is not there, or not as long as it was.
    """
    from infrastructure.showing.archive import listed_document

    async with session.reading() as reading:
        turns = await each_in_turn_blocking(
            reading.by_shard, lambda one: (one.database.archive.records(), one.database.archive.missing())
        )
    code = EXIT_CODES[Kind.BROKEN] if any(missing for _, missing in turns.done.values()) else 0
    if not turns.several:
        return Report(listed_document(turns.done[""]), lambda page: _show_segments(page, *turns.done[""]), code)
    return turns_report(turns, listed_document, lambda page, _shard, found: _show_segments(page, *found), code)


@command(app)
async def verify(session: CommandSession) -> Report:
    """Read every segment, and say which is missing or not what was written.

    Ends with 1 if one is. An audit does it too.
    """
    from infrastructure.archiving.archiving import segment_problems
    from infrastructure.showing.archive import verified_document

    def check(one: ReadingLedger) -> tuple[int, list[Problem]]:
        return len(one.database.archive.records()), [*segment_problems(one.database)]

    def show(page: Page, _shard: str, found: tuple[int, list[Problem]]) -> None:
        _show_verified(page, *found)

    async with session.reading() as reading:
        turns = await each_in_turn_blocking(reading.by_shard, check)
    code = OTHER if any(found for _, found in turns.done.values()) else 0
    if not turns.several:
        return Report(verified_document(*turns.done[""]), lambda page: show(page, "", turns.done[""]), code)
    return turns_report(turns, lambda found: verified_document(*found), show, code)


def _show_archived(page: Page, done: ArchivedPeriods) -> None:
    periods = counted(len(done.periods), "closed period")
    if done.dry_run:
        page.title(f"{periods} would be archived" if done.periods else "No closed period would be archived")
    elif not done.segments:
        page.title("Nothing was archived: the log has no more of closed periods than it keeps")
    else:
        taken, written = sum(one.taken for one in done.segments), sum(one.size for one in done.segments)
        segments = counted(len(done.segments), "segment")
        page.title(f"Archived {periods}: {counted(taken, 'fact')} in {segments}, {size(written)}")
        page.prose("their room in the database is used again; keep the files as safe as the database", indent=2)
    for left in done.left:
        page.prose(f"period {left.name} of account {left.account} stays: {left.reason}", indent=2)


def _show_segments(page: Page, found: list[SegmentRecord], missing: list[str]) -> None:
    from infrastructure.cli.rendering import PageColumn, state_style

    if not found:
        page.title("Nothing is archived")
        return
    page.table(
        PageColumn("SEGMENT", [one.name for one in found]),
        PageColumn("FROM", [f"{one.first:,}" for one in found], right=True),
        PageColumn("TO", [f"{one.last:,}" for one in found], right=True),
        PageColumn("FACTS", [f"{one.facts:,}" for one in found], right=True),
        PageColumn("SIZE", [size(one.size) for one in found], right=True),
        PageColumn("ARCHIVED", [iso(one.at) for one in found]),
        PageColumn("", ["missing" if one.name in missing else "" for one in found], style=state_style),
    )


def _show_verified(page: Page, count: int, found: list[Problem]) -> None:
    if not found:
        page.title(f"{counted(count, 'segment')}, each as it was written" if count else "Nothing is archived")
    for problem in found:
        page.prose(problem.what, "red")
