"""The books written for other programs, as they are read, from any position on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from typer import Argument, Option

from application.ledger.positions import earlier, reached, told_position
from domain.counts import counted
from domain.errors import InvalidInput
from domain.ledger import account_stream
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import replacing_whole
from infrastructure.cli.options import After, OneAccount, position_named
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import day_of

if TYPE_CHECKING:
    from application.keeping.books import BookQuery
    from infrastructure.cli.rendering import Page
    from infrastructure.exporting import ExportFormat
    from infrastructure.exporting.tally import ExportTally
    from infrastructure.reading import ReadingLedger
    from projections.books import Books

app = typer.Typer()

INVOICES, PERIODS = "focus-1.4-invoices", "focus-1.4-billing-periods"
OF_STATEMENTS = (INVOICES, f"{INVOICES}-parquet", PERIODS)
"""Formats that are of statements and their periods, not of the log."""

ACCOUNTS = 500
"""Accounts whose statements are asked for at a time."""


@command(app)
async def export(
    session: CommandSession,
    format: Annotated[str, Argument(metavar="FORMAT", help="Such as beancount, hledger, csv, json, focus-1.4.")],
    out: Annotated[Path, Option("--out", "-o", metavar="FILE", help="The file to write; - is stdout.")] = Path("-"),
    account: OneAccount = None,
    since: Annotated[str | None, Option("--from", metavar="DAY", help="Booked on this day or later.")] = None,
    until: Annotated[str | None, Option("--to", metavar="DAY", help="Booked on this day or before.")] = None,
    after: After = "0",
    upto: Annotated[
        str | None, Option("--upto", metavar="POSITION", help="Only up to there; else to the log's end.")
    ] = None,
    assertions: Annotated[
        bool, Option("--assertions", help="End a beancount file with the balance of each account.")
    ] = False,
) -> Report:
    """Write the books for other programs: beancount, hledger, CSV, FOCUS, events.

    It says up to which position of the log it went, so that the next one can go on after it. Parts one after the other
    have the totals of the whole. All formats have the same.
    """
    from application.keeping.books import BookQuery
    from infrastructure.exporting.tally import ExportTally

    if format in OF_STATEMENTS:
        begun = None if after == "0" else after
        restricted = (since, until, begun, upto, assertions or None)
        return await _of_statements(session, format, out, account, restricted=restricted)
    chosen = _chosen(format)
    begin = position_named("--after", after)
    if assertions:
        _check_assertions(begin, format)
    wanted = BookQuery(account, days=_days(since, until), billed_late=chosen.bills)
    async with session.reading() as reading:
        books = (await _whole_or_one(reading, account)).books
        end = await asyncio.to_thread(books.log.end)
        last = _part_end(begin, None if upto is None else position_named("--upto", upto), end)
        tally = ExportTally(begin, last, assertions, await asyncio.to_thread(books.told_by, begin))
        with replacing_whole(out, "--out") as stream:
            await asyncio.to_thread(_write, stream, books, chosen, wanted, tally)
    return Report(_document(format, out, tally), lambda page: _show(page, out, tally))


async def _of_statements(
    session: CommandSession, format: str, out: Path, account: str | None, *, restricted: Sequence[object]
) -> Report:
    """The lines of all statements that were issued, or all periods; or those of one account."""
    if any(one is not None for one in restricted):
        raise InvalidInput(
            "format", f"{format} is of whole statements", hint="leave out all options but --out and --account"
        )
    async with session.reading() as reading:
        pieces, told, found = await _pieces_of_statements(reading, format, account)
        with replacing_whole(out, "--out") as stream:
            stream.writelines(_as_bytes(pieces))
    document = {"format": format, "file": str(out), **found}
    return Report(document, lambda page: page.title(f"Wrote {told} to {out}"))


async def _pieces_of_statements(
    reading: ReadingLedger, format: str, account: str | None
) -> tuple[Iterable[str | bytes], str, dict[str, object]]:
    """A file's pieces, how much it tells in words, and in the document."""
    from infrastructure.exporting.invoices import invoices_csv, invoices_parquet
    from infrastructure.exporting.periods import periods_csv

    if format == PERIODS:
        periods = [one for id in await _accounts(reading, account) for one in await reading.statements.periods(id)]
        told = f"the billing periods of {counted(len(periods), 'period')} of accounts"
        return periods_csv(periods), told, {"periods": len(periods)}
    issued = [one for id in await _accounts(reading, account) for one in await reading.statements.exported(id)]
    pieces: Iterable[str | bytes] = invoices_csv(issued) if format == INVOICES else invoices_parquet(issued)
    named: dict[str, object] = {"statements": [one.number for one in issued]}
    return pieces, f"the lines of {counted(len(issued), 'statement')}", named


def _as_bytes(pieces: Iterable[str | bytes]) -> Iterator[bytes]:
    return (one if isinstance(one, bytes) else one.encode() for one in pieces)


async def _accounts(reading: ReadingLedger, account: str | None) -> list[str]:
    """The one that is named, or all. Raises UnknownAccount."""
    if account is not None:
        await reading.accounts.show(account)
        return [account]
    return [id for one in reading.by_shard.values() for id in await asyncio.to_thread(_accounts_in, one)]


def _accounts_in(reading: ReadingLedger) -> list[str]:
    """Those that have not gone to another shard."""
    found, gone = list[str](), reading.reader.departed()
    while rows := reading.reader.accounts_after(found[-1] if found else "", ACCOUNTS):
        found += [row.id for row in rows]
    return [id for id in found if account_stream(id) not in gone]


def _write(stream: BinaryIO, books: Books, chosen: ExportFormat, wanted: BookQuery, tally: ExportTally) -> None:
    begin = 0 if chosen.declares else tally.after
    pieces: Iterable[str | bytes] = chosen.write(books.read(wanted, begin, tally.upto), tally)
    stream.writelines(_as_bytes(pieces))


def _chosen(format: str) -> ExportFormat:
    from infrastructure.exporting import FORMATS
    from projections.engine.filters import check_word

    check_word("format", format, (*FORMATS, *OF_STATEMENTS))
    return FORMATS[format]


def _check_assertions(begin: int, format: str) -> None:
    if begin or format != "beancount":
        told = "balances of what went before are not known" if begin else f"{format} has none"
        raise InvalidInput("--assertions", told, hint="leave it out")


async def _whole_or_one(reading: ReadingLedger, account: str | None) -> ReadingLedger:
    """The ledger that an account is in, or all of them. Raises UnknownAccount, and StoreUnavailable during a move."""
    if account is not None:
        await reading.accounts.show(account)
        return await asyncio.to_thread(reading.ledger_of, account)
    await asyncio.to_thread(reading.refuse_twice)
    return reading


def _part_end(after: int, upto: int | None, end: int) -> int:
    """The end of a part. Raises InvalidInput for one before its beginning: the next one would tell facts again."""
    if upto is not None and not reached(after, upto):
        raise InvalidInput("--upto", f"{upto} is before {after}", hint="name a later position, or leave it out")
    if not reached(after, end):
        told = f"the log ends at {end}, before {after}"
        raise InvalidInput(
            "--after", told, hint="take the position that the export before this one said, of this ledger"
        )
    return end if upto is None else earlier(upto, end)


def _days(since: str | None, until: str | None) -> tuple[str, str] | None:
    """The first and the last day; None if neither is said. Raises InvalidInput."""
    if since is None and until is None:
        return None
    first = "0000-00-00" if since is None else day_of("--from", since)
    last = "9999-99-99" if until is None else day_of("--to", until)
    if first > last:
        raise InvalidInput("--to", f"{until} is before {since}", hint="name a later day")
    return first, last


def _document(format: str, out: Path, tally: ExportTally) -> dict[str, object]:
    from domain.money import Money
    from infrastructure.showing.formats import document
    from infrastructure.showing.positions import position_document

    return {
        "format": format,
        "file": str(out),
        "after": told_position(tally.after),
        **position_document(tally.upto),
        "facts": tally.facts,
        "postings": tally.postings,
        "cost_unknown": tally.cost_unknown,
        "total": [
            {"debit": document(Money(debits, currency)), "credit": document(Money(credits, currency))}
            for currency, (debits, credits) in tally.sums().items()
        ],
    }


def _show(page: Page, out: Path, tally: ExportTally) -> None:
    from domain.money import Money

    page.title(f"Wrote {counted(tally.postings, 'posting')} of {counted(tally.facts, 'fact')} to {out}")
    for currency, (debits, credits) in tally.sums().items():
        page.line(f"  balances {Money(debits, currency)} debit, {Money(credits, currency)} credit")
    page.line(f"  the next one goes on: --after {tally.upto}", "dim")
