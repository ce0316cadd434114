"""The books written for other programs, as they are read, from any position on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import replacing
from infrastructure.cli.options import OneAccount
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import counted, day_of

if TYPE_CHECKING:
    from application.keeping.books import BookQuery
    from infrastructure.cli.rendering import Page
    from infrastructure.exporting import ExportFormat
    from infrastructure.exporting.tally import ExportTally
    from projections.books import Books

app = typer.Typer()


@command(app)
async def export(
    session: CommandSession,
    format: Annotated[str, Argument(metavar="FORMAT", help="beancount, hledger, csv or json.")],
    out: Annotated[Path, Option("--out", "-o", metavar="FILE", help="The file to write; - is stdout.")] = Path("-"),
    account: OneAccount = None,
    since: Annotated[str | None, Option("--from", metavar="DAY", help="Booked on this day or later.")] = None,
    until: Annotated[str | None, Option("--to", metavar="DAY", help="Booked on this day or before.")] = None,
    after: Annotated[int, Option("--after", min=0, metavar="POSITION", help="Only what is later in the log.")] = 0,
    upto: Annotated[
        int | None, Option("--upto", min=0, metavar="POSITION", help="Only up to there; else to the log's end.")
    ] = None,
    assertions: Annotated[
        bool, Option("--assertions", help="End a beancount file with the balance of each account.")
    ] = False,
) -> Report | int:
    """Write the books for other programs: beancount, hledger, CSV, JSON.

    It says up to which position of the log it went, so that the next one can go on after it. Parts one after the other
    have the totals of the whole. All formats have the same.
    """
    from application.keeping.books import BookQuery
    from infrastructure.exporting.tally import ExportTally

    chosen = _chosen(format)
    if assertions and (after or format != "beancount"):
        told_why = "balances of what went before are not known" if after else f"{format} has none"
        raise InvalidInput("--assertions", told_why, hint="leave it out")
    wanted = BookQuery(account, days=_days(since, until))
    async with session.reading() as reading:
        if account is not None:
            await reading.accounts.show(account)
        end = await asyncio.to_thread(reading.books.log.end)
        told = ExportTally(after, end if upto is None else min(upto, end), assertions)
        if str(out) == "-":
            await asyncio.to_thread(_write, sys.stdout, reading.books, chosen, wanted, told)
            return 0
        with replacing(out, "--out") as stream:
            assert stream is not None
            await asyncio.to_thread(_write, stream, reading.books, chosen, wanted, told)
    return Report(_document(format, out, told), lambda page: _show(page, out, told))


def _write(stream: TextIO, books: Books, chosen: ExportFormat, wanted: BookQuery, told: ExportTally) -> None:
    begin = 0 if chosen.declares else told.after
    stream.writelines(chosen.write(books.read(wanted, begin, told.upto), told))


def _chosen(format: str) -> ExportFormat:
    from infrastructure.exporting import FORMATS
    from projections.engine.filters import check_word

    check_word("format", format, FORMATS)
    return FORMATS[format]


def _days(since: str | None, until: str | None) -> tuple[str, str] | None:
    """The first and the last day; None if neither is said. Raises InvalidInput."""
    if since is None and until is None:
        return None
    first = "0000-00-00" if since is None else day_of("--from", since)
    last = "9999-99-99" if until is None else day_of("--to", until)
    if first > last:
        raise InvalidInput("--to", f"{until} is before {since}", hint="name a later day")
    return first, last


def _document(format: str, out: Path, told: ExportTally) -> dict[str, object]:
    from domain.money import Money
    from infrastructure.showing.formats import document

    return {
        "format": format,
        "file": str(out),
        "after": told.after,
        "position": told.upto,
        "facts": told.facts,
        "postings": told.postings,
        "cost_unknown": told.cost_unknown,
        "total": [
            {"debit": document(Money(debits, currency)), "credit": document(Money(credits, currency))}
            for currency, (debits, credits) in told.sums().items()
        ],
    }


def _show(page: Page, out: Path, told: ExportTally) -> None:
    from domain.money import Money

    page.title(f"Wrote {counted(told.postings, 'posting')} of {counted(told.facts, 'fact')} to {out}")
    for currency, (debits, credits) in told.sums().items():
        page.line(f"  balances {Money(debits, currency)} debit, {Money(credits, currency)} credit")
    page.line(f"  the next one goes on: --after {told.upto}", "dim")
