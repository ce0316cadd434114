"""The audit: hash chains, every table beside the log, and every view against a replay; and what makes tables anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from domain.errors import LogCorrupted, StoreUnavailable, ViewStopped
from infrastructure.cli.commands import Answer, command
from infrastructure.cli.options import OneAccount
from infrastructure.cli.session import Session
from infrastructure.showing.codes import OTHER
from infrastructure.showing.formats import counted

if TYPE_CHECKING:
    from application.keeping.chains import Seal
    from application.keeping.tables import Discrepancy
    from infrastructure.cli.rendering import Page
    from infrastructure.reading import Reading
    from infrastructure.service import Studio
    from projections.engine.replay import Compared, Comparison, Difference
    from projections.queries import ViewStatus

app = typer.Typer()

MOST = 100
"""Problems shown of each kind; where there are more, the last line says so."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found. `comparison` is None where the log cannot be replayed; the reason is among the problems."""

    chains: tuple[str, ...]
    index: tuple[str, ...]
    tables: tuple[str, ...]
    comparison: Comparison | None
    replay: str
    seal: Seal | None

    @property
    def clean(self) -> bool:
        told = (*self.chains, *self.index, *self.tables, self.replay)
        return not any(told) and self.comparison is not None and self.comparison.equal

    def document(self) -> dict[str, Any]:
        views = self.comparison.views if self.comparison is not None else ()
        return {
            "verdict": "clean" if self.clean else "differences",
            "facts": self.comparison.facts if self.comparison is not None else None,
            "chains": list(self.chains),
            "index": list(self.index),
            "tables": list(self.tables),
            "replay": self.replay or None,
            "views": [_view_document(view) for view in views],
            "seal": str(self.seal) if self.seal is not None else None,
        }


@command(app)
async def audit(
    session: Session,
    account: OneAccount = None,
    seal: Annotated[
        str | None, Option("--seal", metavar="SEAL", help="Check that the log still begins as it was sealed.")
    ] = None,
) -> Answer:
    """Verify the log, replay it, and compare all tables.

    Ends with 1, and the differences, where anything is not as the log says.
    """
    from application.keeping.chains import Seal
    from infrastructure.showing.hints import in_shell

    sealed = Seal.parse(seal) if seal is not None else None
    async with session.reading(whole=False) as reading:
        if account is not None:
            await reading.accounts.show(account)
        if (foreign := reading.foreign) is not None:
            session.warn(foreign.message, in_shell(foreign.advice))
        with suppress(ViewStopped, LogCorrupted):  # the verdict says so
            await session.catch_up(reading)
        with session.progress("audit") as report:
            verdict = await audited(reading, account, sealed, report)
        if reading.lost is not None:
            verdict = replace(verdict, chains=(reading.lost.message, *verdict.chains), seal=None)
    return Answer(verdict.document(), lambda page: show_verdict(page, verdict), 0 if verdict.clean else OTHER)


@command(app)
async def seal(session: Session) -> Answer:
    """Print the log's seal, to be kept elsewhere.

    With it, imagestudio audit --seal shows even a database that was rewritten as a whole.
    """
    from application.keeping.chains import take_seal

    async with session.reading() as reading:
        found = await asyncio.to_thread(take_seal, reading.reader)
    document = {"seal": str(found), "position": found.position, "streams": found.streams, "digest": found.digest}
    return Answer(document, lambda page: page.line(str(found)))


@command(app)
async def rebuild(
    session: Session,
    tables: Annotated[
        list[str] | None, Argument(metavar="[TABLE]...", help="Of keys, operations, jobs, leases, accounts, snapshots.")
    ] = None,
    account: OneAccount = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what is not as the log says, and change nothing.")] = False,
) -> Answer:
    """Make the tables beside the log anew from it, where they differ.

    Safe while others work. Views are rebuilt by imagestudio projections rebuild.
    """
    async with session.studio(writes=not dry_run) as studio:
        with session.progress("rebuild"):
            found = await asyncio.to_thread(lambda: list(studio.mend(tables or (), account, told=dry_run)))
    document = {"dry_run": dry_run, "rows": [_row_document(one) for one in found]}
    return Answer(document, lambda page: _show_mended(page, found, dry_run=dry_run))


def _row_document(one: Discrepancy) -> dict[str, Any]:
    return {"table": one.table, "account": one.account, "key": dict(one.key), "what": str(one)}


def _show_mended(page: Page, found: Sequence[Discrepancy], *, dry_run: bool) -> None:
    if not found:
        page.title("Every table says what the log says; nothing was changed")
        return
    page.title(f"{counted(len(found), 'row')} {'would be' if dry_run else 'were'} made anew from the log")
    for one in found:
        page.prose(str(one), indent=2)
    if not dry_run and any(one.table == "snapshots" for one in found):
        page.line("  restart the processes that were running: they may remember a book that was wrong")


async def audited(
    studio: Studio | Reading,
    account: str | None = None,
    sealed: Seal | None = None,
    report: Callable[[float, str], None] = lambda _fraction, _message: None,
) -> Verdict:
    """Audit all accounts, or one; what is damaged is in the verdict, never an error."""
    from application.keeping.chains import take_seal, verify_chains, verify_index

    report(0.1, "verifying hash chains")
    chains = await _problems(lambda: verify_chains(studio.reader, account, sealed))
    report(0.4, "reading the index")
    index = await _problems(lambda: verify_index(studio.reader, studio.codec, account))
    report(0.5, "comparing what stands beside the log")
    tables = await _problems(lambda: _but_the_index(studio.differences(account)))
    report(0.7, "replaying the log")
    comparison, replay = None, ""
    try:
        end = await _brought_up(studio)
        comparison = await studio.compare(account)
        status = await asyncio.to_thread(studio.views.status)
        log_end = await asyncio.to_thread(studio.reader.end)
        replay = _standing_still(comparison, end, status, log_end)
    except (ViewStopped, LogCorrupted) as error:
        replay = str(error)
    sealed_now = None if chains or account is not None else await asyncio.to_thread(take_seal, studio.reader)
    return Verdict(chains, index, tables, comparison, replay, sealed_now)


async def _brought_up(studio: Studio | Reading) -> int:
    """Where the views must stand by now; nowhere in particular if nobody may bring them up to the log."""
    end = await asyncio.to_thread(studio.reader.end)
    try:
        await studio.catch_up()
    except StoreUnavailable:
        return 0
    return end


def _but_the_index(found: Iterable[Discrepancy]) -> Iterator[Discrepancy]:
    """The index of operations was compared already."""
    return (one for one in found if one.table != "operations")


def _standing_still(comparison: Comparison, end: int, status: Sequence[ViewStatus], log_end: int) -> str:
    """Views that are not where the log ended before, or will not go on: what they say may be true, and gets old."""
    behind = [f"{one.view} stands still at position {one.position}" for one in comparison.views if one.position < end]
    stopped = [f"{one.view} stands still: {one.error}" for one in status if one.error is not None]
    beyond = [f"{one.view} has read further than the log reaches" for one in status if one.position > log_end]
    return "; ".join([*behind, *stopped, *beyond])


async def _problems(find: Callable[[], Iterable[object]]) -> tuple[str, ...]:
    return await asyncio.to_thread(_collected, find)


def _collected(find: Callable[[], Iterable[object]]) -> tuple[str, ...]:
    found: list[str] = []
    try:
        for problem in find():
            found.append(str(problem))
            if len(found) == MOST:
                return (*found, f"and maybe more: only {MOST} are shown")
    except LogCorrupted as error:
        found.append(str(error))
    return tuple(found)


def show_verdict(page: Page, verdict: Verdict) -> None:
    """The verdict in a few lines, and every difference after it."""
    facts = verdict.comparison.facts if verdict.comparison is not None else 0
    page.title("Audit")
    page.pairs(
        [
            ("facts replayed", f"{facts:,}"),
            ("hash chains", "damaged" if verdict.chains else "intact"),
            ("index", "differs" if verdict.index else "equal"),
            ("tables", "differ" if verdict.tables else "equal"),
        ]
    )
    views = verdict.comparison.views if verdict.comparison is not None else ()
    _show_views(page, views)
    _show_problems(
        page, [*verdict.chains, *verdict.index, *verdict.tables, *([verdict.replay] if verdict.replay else [])]
    )
    for view in views:
        for difference in view.differences:
            _show_difference(page, difference)
    page.line()
    _show_conclusion(page, verdict)


def _show_views(page: Page, views: Sequence[Compared]) -> None:
    from infrastructure.cli.rendering import Column, state_style

    if views:
        page.line()
        page.table(
            Column("VIEW", [view.view for view in views]),
            Column("ROWS", [f"{view.rows:,}" for view in views], right=True),
            Column("DIFFER", [f"{view.differing:,}" for view in views], right=True),
            Column("", ["differs" if view.differing else "equal" for view in views], style=state_style),
        )


def _show_conclusion(page: Page, verdict: Verdict) -> None:
    if not verdict.clean:
        if verdict.index or verdict.tables:
            page.line("  the tables are made anew from the log by: imagestudio rebuild")
        if verdict.replay or (verdict.comparison is not None and not verdict.comparison.equal):
            page.line("  the views are made anew from the log by: imagestudio projections rebuild")
        page.title("The audit found differences.")
        return
    page.title("Every fact is as it was written, and every table says what the facts say.")
    if verdict.seal is not None:
        page.line(f"  seal {verdict.seal}", "dim")


def _show_problems(page: Page, problems: Sequence[str]) -> None:
    if problems:
        page.line()
        page.line(counted(len(problems), "problem") + ":", "red")
    for problem in problems:
        page.prose(problem, indent=2)


def _show_difference(page: Page, difference: Difference) -> None:
    key = ", ".join(f"{name}={value}" for name, value in difference.key.items())
    page.line()
    page.prose(f"{difference.view} {key}", "red", indent=2)
    for name, live, replayed in _fields(difference):
        page.line(f"    {name}: the view says {live}, the log {replayed}")


def _fields(difference: Difference) -> list[tuple[str, object, object]]:
    if difference.live is None or difference.replayed is None:
        live, replayed = ("a row" if side else "no row" for side in (difference.live, difference.replayed))
        return [("row", live, replayed)]
    sides = difference.live, difference.replayed
    return [(name, sides[0][name], sides[1][name]) for name in sides[0] if sides[0][name] != sides[1][name]]


def _view_document(view: Compared) -> dict[str, Any]:
    return {
        "view": view.view,
        "position": view.position,
        "rows": view.rows,
        "differing": view.differing,
        "differences": [{"key": one.key, "live": one.live, "replayed": one.replayed} for one in view.differences],
    }
