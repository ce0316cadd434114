"""The work of an operator: refunds, recovery, erasing, sweeping, the views' upkeep and the database's schema."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import NoLedger
from infrastructure.cli.asking import confirm
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import OperationId, Owner, Why, Yes
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import counted, document, iso, size

if TYPE_CHECKING:
    from application.performing.recovery import Recovered
    from infrastructure.cli.rendering import Page
    from projections.queries import ViewStatus

app = typer.Typer()
projections = typer.Typer()
db = typer.Typer()


@command(app)
async def refund(
    id: OperationId,
    session: CommandSession,
    reason: Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded.")] = "refund",
    reference: Annotated[
        str | None, Option("--reference", metavar="ID", help="Of this refund; the same one counts once.")
    ] = None,
    amount: Annotated[
        str | None, Option("--amount", metavar="AMOUNT", help="Such as 0.01; otherwise all that is left.")
    ] = None,
    account: Owner = None,
) -> Report:
    """Give back what an operation was charged, or a part of it."""
    from domain.money import Money
    from domain.operation import Adjusted
    from infrastructure.clock import new_id

    reference = new_id() if reference is None else reference
    async with session.studio() as studio:
        owner = account or await studio.operations.account_of(id)
        currency = (await studio.accounts.show(owner)).currency
        money = Money.parse(amount, currency) if amount is not None else None
        facts = await studio.upkeep.refund(id, account=owner, amount=money, reason=reason, reference=reference)
    given = -sum(fact.price for fact in facts if isinstance(fact, Adjusted))
    back = Money(given, currency)
    adjusted = [fact for fact in facts if isinstance(fact, Adjusted)]
    told = f"{back} given back, under reference {reference}" if adjusted else f"{reference!r} was given back before"
    found = {"operation": id, "refunded": document(back), "reference": reference, "repeated": not adjusted}
    return Report(found, lambda page: page.title(told))


@command(app)
async def recover(session: CommandSession) -> Report:
    """Settle what dead processes left open.

    An operation that was never sent is sent; one that may have been is looked up, run again or released, each by a
    fact.
    """
    async with session.studio() as studio:
        with session.progress("recover"):
            done = await studio.upkeep.recover()
        count, until = await studio.upkeep.working()
    working = {"operations": count, "until": None if until is None else iso(until)}
    found = {"recovered": document(done), "working": working}
    return Report(found, lambda page: _show_recovered(page, done, count, until))


def _show_recovered(page: Page, done: Sequence[Recovered], count: int, until: int | None) -> None:
    from domain.operation import CLOSED_PHASES
    from infrastructure.cli.rendering import PageColumn, state_style

    settled = sum(one.phase in CLOSED_PHASES for one in done)
    found = f"{counted(settled, 'operation')} settled, {len(done) - settled} still open"
    page.title(found if done else "Nothing is left to recover")
    if until is not None:
        told = f"{counted(count, 'operation')} open under a lease that still runs, until {iso(until)} at the latest"
        page.line(f"  {told}: run it again then")
    if done:
        page.table(
            PageColumn("OPERATION", [one.operation for one in done]),
            PageColumn("ACCOUNT", [one.account for one in done], drop=1),
            PageColumn("STATE", [one.phase for one in done], style=state_style),
            PageColumn("DONE", [one.action for one in done], wrap=30),
        )


@command(app)
async def erase(
    id: OperationId, session: CommandSession, account: Owner = None, reason: Why = "", yes: Yes = False
) -> Report:
    """Delete an operation's prompt and files, for ever.

    Its facts stay, and still verify. Files that other operations of the account share stay too.
    """

    confirm(f"Delete the prompt and files of {id} for ever?", yes=yes)
    async with session.studio() as studio:
        owner = account or await studio.operations.account_of(id)
        erased = await studio.upkeep.erase(id, account=owner, reason=reason)
    told = f"Erased {counted(erased.files, 'file')}" + (" and the prompt" if erased.content else "")
    return Report(document(erased), lambda page: page.title(f"{told}; the facts about it stay"))


@command(app)
async def sweep(
    session: CommandSession,
    dry_run: Annotated[bool, Option("--dry-run", help="Only list what would be deleted.")] = False,
    yes: Yes = False,
) -> Report:
    """Delete files that nothing refers to any more.

    They are counted and asked about first. Nothing is deleted if facts may be missing that refer to them.
    """
    async with session.studio() as studio:
        found = await studio.upkeep.find_unneeded()
        if dry_run:
            return _swept(found.files, found.size, "Would sweep")
        if found.files:
            confirm(f"Delete {counted(len(found.files), 'file')}, {size(found.size)}, for ever?", yes=yes)
        swept = await studio.upkeep.sweep(found)
    return _swept(swept.files, swept.size, "Swept")


def _swept(files: Sequence[str], bytes: int, told: str) -> Report:
    def show(page: Page) -> None:
        page.title(f"{told} {counted(len(files), 'file')}, {size(bytes)}")
        for file in files:
            page.line(f"  {file}")

    return Report({"files": list(files), "size": bytes}, show)


@command(projections)
async def status(session: CommandSession) -> Report:
    """Show how far each view is behind the log, and why where one stands still."""
    async with session.reading() as reading:
        found = await asyncio.to_thread(reading.views.status)
    return Report({"views": document(found)}, lambda page: _show_status(page, found))


def _show_status(page: Page, found: Sequence[ViewStatus]) -> None:
    from infrastructure.cli.rendering import PageColumn, state_style

    page.title("Views")
    page.table(
        PageColumn("VIEW", [one.view for one in found]),
        PageColumn("POSITION", [f"{one.position:,}" for one in found], right=True),
        PageColumn("LAG", [f"{one.lag:,}" for one in found], right=True),
        PageColumn("STATE", [_standing(one) for one in found], style=state_style),
    )
    for one in found:
        if one.error is not None:
            page.prose(f"{one.view} stopped at position {one.failed_at}: {one.error}", "red", indent=2)
            page.line(f"  mend the cause, then: imagestudio projections retry {one.view}")


def _standing(one: ViewStatus) -> str:
    if one.error is not None:
        return "stopped"
    if one.rebuilding is not None:
        return f"rebuilding, at {one.rebuilding:,}"
    return "up to date" if one.lag == 0 else "behind"


@command(projections)
async def rebuild(
    session: CommandSession,
    workers: Annotated[int, Option("--workers", "-w", min=1, max=64, help="Processes that fold the log.")] = 1,
) -> Report:
    """Build all views anew from the log, beside the live ones, and swap them in."""
    async with session.studio() as studio:
        with session.progress("rebuild") as report:
            position = await asyncio.to_thread(
                studio.audit.rebuild, workers, lambda at, end: report(at / max(end, 1), f"{at:,} of {end:,}")
            )
    told = f"All views were rebuilt from the log, and stand at position {position:,}"
    return Report({"position": position}, lambda page: page.title(told))


@command(projections)
async def retry(
    view: Annotated[str, Argument(metavar="VIEW", help="A view that stands still.")], session: CommandSession
) -> Report:
    """Let a view that stands still try its fact again."""
    async with session.studio() as studio:
        await asyncio.to_thread(studio.views.retry, view)
        await asyncio.to_thread(studio.views.catch_up)
        found = [one for one in await asyncio.to_thread(studio.views.status) if one.view == view]
    return Report({"views": document(found)}, lambda page: _show_status(page, found))


@command(db)
async def upgrade(session: CommandSession) -> Report:
    """Bring the database's schema to this program's; the log is only added to."""
    from infrastructure.opening import make_folder
    from infrastructure.store.migrations import HEAD, upgrade_schema

    settings = session.settings()
    make_folder(settings)
    await asyncio.to_thread(upgrade_schema, settings.database)
    return Report({"revision": HEAD}, lambda page: page.title(f"The schema is {HEAD}, as this program needs it"))


@command(db)
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
        page.line(f"  its files are in {settings.assets}", "dim")

    return Report({"file": str(file), "size": written, "files": settings.assets}, show)


@command(db)
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


@command(db, "status")
async def database_status(session: CommandSession) -> Report:
    """Show which database is used, and whether its schema is this program's."""
    from infrastructure.opening import standing
    from infrastructure.store.migrations import HEAD
    from infrastructure.store.urls import parse_url

    settings = session.settings()
    found = await asyncio.to_thread(standing, settings)
    parsed = parse_url(settings.database)
    shown = parsed.set(drivername=parsed.get_backend_name()).render_as_string()
    lost = found.lost.message if found.lost is not None else None
    rows = [("database", shown), ("ledger", found.ledger or "not opened yet"), ("files", settings.assets)]
    rows += [("schema", found.revision or "none yet"), ("needed", HEAD)]
    if found.revision != HEAD:
        rows.append(("to do", "imagestudio db upgrade"))
    document = {"database": shown, "revision": found.revision, "needed": HEAD, "current": found.revision == HEAD}
    foreign = found.foreign.message if found.foreign is not None else None
    document |= {"ledger": found.ledger, "files": settings.assets, "lost": lost, "foreign": foreign}

    def show(page: Page) -> None:
        page.pairs(rows)
        for trouble in filter(None, (lost, foreign)):
            page.prose(trouble, "red", indent=2)

    return Report(document, show)
