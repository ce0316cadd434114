"""Charges, priced again by another price book: shown, and booked as corrections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import OneAccount, Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import OTHER
from infrastructure.showing.formats import span_between
from infrastructure.showing.repricing import repricing_document

if TYPE_CHECKING:
    from application.keeping.repricing import Repricings
    from infrastructure.cli.rendering import Page

app = typer.Typer()

Book = Annotated[Path, Option("--book", metavar="FILE", help="A catalogue file with the prices, over those in force.")]
Since = Annotated[str, Option("--from", metavar="DAY", help="Charged from this day or instant on.")]
Until = Annotated[str, Option("--to", metavar="DAY", help="Charged before this day, or this instant.")]


@command(app)
async def reprice(
    book: Book,
    since: Since,
    until: Until,
    session: CommandSession,
    account: OneAccount = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the difference; book nothing.")] = False,
    rises: Annotated[
        bool, Option("--with-rises", help="Raise charges that were too little, too: accounts pay more.")
    ] = False,
    reason: Why = "",
) -> Report:
    """Price charges again by another price book, and give back what was too much.

    Each operation is corrected once for a price book, whatever span it is in: after a crash the same command goes on.
    A charge is raised only with --with-rises. Days are those of UTC. Ends with 1 if nobody can say some price.
    """
    from infrastructure.drafting import drafts_of
    from infrastructure.plans import read_text

    start, end = span_between(since, until, names=("--from", "--to"))
    async with session.studio(writes=not dry_run) as studio:
        catalogue, price_book = drafts_of(session.settings()).book(read_text(book))
        found = await studio.repricing.run(
            catalogue, price_book, start, end, account=account, reason=reason, dry=dry_run, rises=rises
        )
    code = OTHER if any(line.unsaid for line in found.lines) else 0
    document = repricing_document(found, dry=dry_run)
    return Report(document, lambda page: show_repricing(page, found, dry=dry_run, rises=rises), code)


def show_repricing(page: Page, found: Repricings, *, dry: bool, rises: bool) -> None:
    """A line an account and model, and what was booked."""
    from domain.money import Money
    from infrastructure.cli.rendering import PageColumn, amounts

    page.title(f"By price book {found.book}")
    if not found.lines:
        page.line("  nothing was charged in this span")
        return
    lines = found.lines
    page.table(
        PageColumn("ACCOUNT", [line.account for line in lines]),
        PageColumn("MODEL", [line.model for line in lines]),
        PageColumn("OPERATIONS", [f"{line.operations:,}" for line in lines], right=True),
        amounts("CHARGED", [Money(line.charged, line.currency) for line in lines], 1),
        amounts("LESS", [Money(line.lowered, line.currency) for line in lines], 0),
        amounts("MORE", [Money(line.raised, line.currency) for line in lines], 2),
        amounts("COST", [Money(line.cost, line.cost_currency) for line in lines], 0),
        PageColumn("UNKNOWN", [f"{line.unsaid:,}" if line.unsaid else "" for line in lines], right=True),
    )
    for why in dict.fromkeys(why for line in lines for why in line.why):
        page.line(f"  unknown: {why}", "dim")
    if any(line.raised for line in lines) and not rises:
        page.line("  MORE is booked only with --with-rises", "dim")
    if again := sum(line.again for line in lines):
        page.line(f"  {counted(again, 'operation')} corrected by this price book before, and not again", "dim")
    if found.short:
        told = "not covered by the balance, or given as goodwill before"
        page.line(f"  {counted(found.short, 'operation')} not booked in full: {told}", "yellow")
    page.line("  nothing is booked" if dry else f"  {counted(found.booked, 'correction')} booked", "dim")
