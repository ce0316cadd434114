"""The report of a billing period at the command line: as a page, or as a document under anybody's name."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import replacing_whole
from infrastructure.cli.options import Account
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.reports.usage import UsageReport

app = typer.Typer()


@command(app)
async def report(
    session: CommandSession,
    period: Annotated[
        str | None,
        Argument(metavar="[PERIOD]", help="Such as 2026-04-01 or 2026-04; otherwise the newest that is over."),
    ] = None,
    account: Account = None,
    format: Annotated[
        str, Option("--format", "-f", metavar="FORMAT", help="text, json, html, or pdf, which needs --out.")
    ] = "text",
    out: Annotated[Path | None, Option("--out", "-o", metavar="FILE", help="Write it there.")] = None,
    brand: Annotated[
        Path | None,
        Option("--brand", metavar="FILE", help="Name, logo, colour and lines of whoever hands it on, in TOML."),
    ] = None,
) -> Report | int:
    """Report a billing period: what was made, by day, model, user and project, and what it came to."""
    from infrastructure.clock import now
    from infrastructure.documents.brand import load_brand
    from infrastructure.reports.usage import report_document, usage_report
    from infrastructure.reports.writing import report_as
    from infrastructure.showing.positions import position_document

    named, look = session.account(account), load_brand(brand)
    async with session.reading() as reading:
        found = await usage_report(reading, named, period, now())
    if format == "text" and out is None:
        return Report(report_document(found), lambda page: show_report(page, found))
    if out is None and (format == "pdf" or session.json):
        raise InvalidInput("--out", "is needed to write a document", hint="give the path of a file")
    content = await asyncio.to_thread(report_as, found, format, look)
    if out is None:
        sys.stdout.write(content.decode())
        return 0
    with replacing_whole(out, "--out") as stream:
        stream.write(content)
    told = {"file": str(out), "format": format, "bytes": len(content), **position_document(found.position)}
    return Report(told, lambda page: page.title(f"The report of {named} for {found.name} is in {out}"))


def show_report(page: Page, found: UsageReport) -> None:
    """The sum, and the dearest of each group."""
    from domain.counts import counted
    from domain.money import Money
    from infrastructure.cli.rendering import PageColumn

    total = found.total
    page.title(f"Usage of {found.account}, {found.name} to {found.last_day} in {found.zone}")
    if not found.ended:
        page.line("  the period is not over yet: all of this may still change", "warn")
    for name, rows in found.parts.items():
        shown = [(" ".join(text or "-" for text in key), sums) for key, sums in rows[:MOST]]
        if shown:
            page.table(
                PageColumn(name.upper(), [key for key, _ in shown]),
                PageColumn("CHARGED", [f"{sums['charged']:,}" for _, sums in shown], right=True),
                PageColumn("OUTPUTS", [f"{sums['outputs']:,}" for _, sums in shown], right=True, drop=1),
                PageColumn("PRICE", [str(Money(sums["price"], found.currency)) for _, sums in shown], right=True),
            )
    counts = counted(total["charged"], "charged operation")
    page.line(f"  in all {Money(total['price'], found.currency)} for {counts}", "dim")
    page.line(f"  as of position {found.position}", "dim")


MOST = 12
"""Rows of each group on a page; documents have all."""
