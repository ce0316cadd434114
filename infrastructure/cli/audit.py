"""The audit: hash chains, every table beside the log, and every view against a replay; and what makes tables anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput, LogCorrupted, ViewStopped
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import OneAccount
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import OTHER

if TYPE_CHECKING:
    from application.keeping.ends import Seal
    from application.keeping.tables import Discrepancy
    from application.keeping.verdict import Verdict
    from application.keeping.watch import WatchStanding
    from infrastructure.cli.rendering import Page
    from infrastructure.reading import ReadingLedger
    from projections.engine.replay import DifferingRow, Replay, ReplayedView

app = typer.Typer()


@command(app)
async def audit(
    session: CommandSession,
    account: OneAccount = None,
    seal: Annotated[
        list[str] | None,
        Option("--seal", metavar="SEAL", help="Check that the log still begins as it was sealed; of a shard a=SEAL."),
    ] = None,
) -> Report:
    """Verify the log, replay it, and compare all tables.

    Ends with 1, and the differences, where anything is not as the log says, or as it was sealed.
    """
    from infrastructure.auditing import verdict_of
    from infrastructure.collecting import collecting_rarely
    from infrastructure.showing.hints import in_shell
    from infrastructure.showing.seals import watch_document
    from infrastructure.showing.verdicts import verdict_document

    given = [sealed_of(one) for one in seal or ()]
    async with session.reading(whole=False) as reading:
        if account is not None:
            await reading.accounts.show(account)
        if (foreign := reading.foreign) is not None:
            session.warn(foreign.message, in_shell(foreign.advice))
        with suppress(ViewStopped, LogCorrupted):  # the verdict says so
            await session.catch_up(reading)
        with session.progress("audit") as report:
            lost = reading.lost.message if reading.lost is not None else ""
            seals = await asyncio.to_thread(_seals_of, reading, given)
            with collecting_rarely():
                verdict = await verdict_of(reading.audit, account, seals, report, lost=lost)
            watch = await asyncio.to_thread(reading.watched)
    document = {**verdict_document(verdict), "watch": None if watch is None else watch_document(watch)}

    def show(page: Page) -> None:
        show_verdict(page, verdict)
        _show_watch(page, watch)

    return Report(document, show, 0 if verdict.clean else OTHER)


def _seals_of(reading: ReadingLedger, given: Sequence[tuple[str, Seal]]) -> Mapping[str, Sequence[Seal]]:
    """Those that were given, and those that are kept, by shard. Raises InvalidInput."""
    from infrastructure.sealfiles import kept_seals

    check_named([name for name, _ in given], reading.by_shard)
    return {
        name: [*(one for shard, one in given if shard == name), *(one.seal for one in kept_seals(ledger.settings))]
        for name, ledger in reading.by_shard.items()
    }


def _show_watch(page: Page, watch: WatchStanding | None) -> None:
    if watch is not None and (watch.at or watch.owner):
        amiss = f", {counted(len(watch.problems), 'problem')}" if watch.problems else ""
        told = f"services verified it up to position {watch.verified:,}, and read at {watch.position:,}{amiss}"
        page.line(f"  {told}", "dim")


@command(app)
async def seal(session: CommandSession) -> Report:
    """Print the log's seal, to be kept elsewhere.

    With it, imagestudio audit --seal shows even a database that was rewritten as a whole.
    """
    from application.keeping.chains import take_seal
    from infrastructure.cli.turns import turns_report
    from infrastructure.shards.turns import each_in_turn_blocking
    from infrastructure.showing.verdicts import seal_document

    async with session.reading() as reading:
        found = await each_in_turn_blocking(reading.by_shard, lambda one: take_seal(one.reader))
    if not found.several:
        return Report(seal_document(found.done[""]), lambda page: page.line(str(found.done[""])))
    return turns_report(found, seal_document, lambda page, shard, one: page.line(f"{shard}={one}"))


def sealed_of(text: str) -> tuple[str, Seal]:
    """The shard that is named before a seal, empty if none is, and the seal. Raises InvalidInput."""
    from application.keeping.ends import Seal

    shard, sign, seal = text.rpartition("=")
    return shard, Seal.parse(seal if sign else text)


def check_named(given: Iterable[str], ledgers: Mapping[str, object]) -> None:
    """Raises InvalidInput for a shard that there is not, or none where there are several."""
    for name in given:
        if name not in ledgers:
            told = f"there is no shard {name!r}" if name else "is of one log, and there are several"
            hint = f"such as {next(iter(ledgers))}=SEAL" if "" not in ledgers else "give the seal alone"
            raise InvalidInput("--seal", told, hint=hint)


@command(app)
async def rebuild(
    session: CommandSession,
    tables: Annotated[
        list[str] | None,
        Argument(metavar="[TABLE]...", help="Of keys, operations, jobs, leases, accounts, snapshots, erased_users."),
    ] = None,
    account: OneAccount = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what is not as the log says, and change nothing.")] = False,
) -> Report:
    """Rebuild the tables beside the log from it, if they differ.

    Safe while others work. Views are rebuilt by imagestudio projections rebuild.
    """
    from infrastructure.showing.verdicts import mended_document

    async with session.studio(writes=not dry_run) as studio:
        with session.progress("rebuild"):
            found = await asyncio.to_thread(lambda: list(studio.audit.mend(tables or (), account, told=dry_run)))
    document = {"dry_run": dry_run, "rows": [mended_document(one) for one in found]}
    return Report(document, lambda page: _show_mended(page, found, dry_run=dry_run))


def _show_mended(page: Page, found: Sequence[Discrepancy], *, dry_run: bool) -> None:
    if not found:
        page.title("Every table says what the log says; nothing was changed")
        return
    page.title(f"{counted(len(found), 'row')} {'would be' if dry_run else 'were'} made anew from the log")
    for one in found:
        page.prose(str(one), indent=2)
    if not dry_run and any(one.table == "snapshots" for one in found):
        page.line("  restart the processes that were running: they may remember a period that was wrong")


def show_verdict(page: Page, verdict: Verdict[Replay]) -> None:
    """The verdict in a few lines, and every difference after it."""
    replayed = "not known" if verdict.comparison is None else f"{verdict.comparison.facts:,}"
    page.title("Audit")
    page.pairs(
        [
            ("facts replayed", replayed),
            ("hash chains", "damaged" if verdict.chains else "intact"),
            ("index", "differs" if verdict.index else "equal"),
            ("tables", "differ" if verdict.tables else "equal"),
            ("asset ids", "differ" if verdict.assets else "equal"),
            *([("bills", "differ")] if verdict.bills else []),
            *([("books", "differ")] if verdict.books else []),
        ]
    )
    views = verdict.comparison.views if verdict.comparison is not None else ()
    _show_views(page, views)
    _show_problems(page, verdict.problems)
    for view in views:
        for difference in view.differences:
            _show_difference(page, difference)
    page.line()
    _show_conclusion(page, verdict)


def _show_views(page: Page, views: Sequence[ReplayedView]) -> None:
    """The views that have rows, or should have."""
    from infrastructure.cli.rendering import PageColumn, state_style

    told = [view for view in views if view.rows or view.differing]
    if told:
        page.table(
            PageColumn("VIEW", [view.view for view in told]),
            PageColumn("ROWS", [f"{view.rows:,}" for view in told], right=True),
            PageColumn("DIFFER", [f"{view.differing:,}" for view in told], right=True),
            PageColumn("", ["differs" if view.differing else "equal" for view in told], style=state_style),
        )


def _show_conclusion(page: Page, verdict: Verdict[Replay]) -> None:
    if not verdict.clean:
        _show_ways_out(page, verdict)
        page.title("The audit found differences.")
        return
    page.title("Every fact is as it was written, and every table says what the facts say.")
    if verdict.seal is not None:
        page.line(f"  seal {verdict.seal}", "dim")
    for shard, one in verdict.seals.items():
        page.line(f"  seal {shard}={one}", "dim")


def _show_ways_out(page: Page, verdict: Verdict[Replay]) -> None:
    if verdict.chains:
        page.line(
            "  bring what is damaged back from a copy first: nothing is made anew from a log that is not as it was"
        )
        return
    if verdict.index or verdict.tables:
        page.line("  the tables are made anew from the log by: imagestudio rebuild")
    if verdict.replay or (verdict.comparison is not None and not verdict.comparison.equal):
        page.line("  the views are made anew from the log by: imagestudio projections rebuild")


def _show_problems(page: Page, problems: Sequence[str]) -> None:
    if problems:
        page.line()
        page.line(counted(len(problems), "problem") + ":", "red")
    for problem in problems:
        page.prose(problem, indent=2)


def _show_difference(page: Page, difference: DifferingRow) -> None:
    key = ", ".join(f"{name}={value}" for name, value in difference.key.items())
    page.line()
    page.prose(f"{difference.view} {key}", "red", indent=2)
    for name, live, replayed in _fields(difference):
        page.line(f"    {name}: the view says {live}, the log {replayed}")


def _fields(difference: DifferingRow) -> list[tuple[str, object, object]]:
    if difference.live is None or difference.replayed is None:
        live, replayed = ("a row" if side else "no row" for side in (difference.live, difference.replayed))
        return [("row", live, replayed)]
    sides = difference.live, difference.replayed
    return [(name, sides[0][name], sides[1][name]) for name in sides[0] if sides[0][name] != sides[1][name]]
