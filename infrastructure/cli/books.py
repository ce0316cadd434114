"""The books at the command line: the trial balance, and from each of its lines to the postings behind it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from infrastructure.cli.asof import Then
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import After, Limit, OneAccount, position_named
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import UTC_NAME, instant_of

if TYPE_CHECKING:
    from application.keeping.books import BookQuery
    from application.ledger.moments import Moment
    from infrastructure.cli.rendering import Page
    from infrastructure.reading import ReadingLedger
    from infrastructure.showing.books import Shown
    from projections.books import BookPage
    from projections.trialbalance import TrialBalance

app = typer.Typer()


@command(app)
async def books(
    session: CommandSession,
    then: Then,
    ledger_account: Annotated[
        str | None, Argument(metavar="[LEDGER-ACCOUNT]", help="Such as receivable or income:MODEL: its postings.")
    ] = None,
    account: OneAccount = None,
    at: Annotated[
        str | None, Option("--at", metavar="INSTANT", help="Only the periods with this day or instant.")
    ] = None,
    after: After = "0",
    limit: Limit = 50,
) -> Report:
    """Show the trial balance, or the postings of one ledger account.

    Over all accounts and periods, unless one is named. Debits and credits are always the same in all.
    """
    from application.keeping.books import BookQuery
    from infrastructure.showing.books import balance_document, postings_document
    from projections.books import named

    asked = None if ledger_account is None else named(ledger_account)
    async with session.reading() as reading:
        zone = (await reading.accounts.show(account)).zone if account is not None else UTC_NAME
        instant = None if at is None else instant_of(at, zone, "--at")
        moment = await then.moment(reading, account, zone)
        if moment is None:
            await session.catch_up(reading)
        if asked is None:
            balance = await _balance(reading, account, instant, moment)
            return Report(balance_document(balance), lambda page: show_balance(page, balance, account))
        wanted, upto = BookQuery(account, asked, instant), None if moment is None else moment.position
        found = await asyncio.to_thread(reading.books.postings, wanted, position_named("--after", after), limit, upto)
    return Report(postings_document(found, wanted), lambda page: show_postings(page, found, wanted))


async def _balance(
    reading: ReadingLedger, account: str | None, instant: int | None, moment: Moment | None
) -> TrialBalance:
    if moment is not None:
        return await reading.past.balance(moment, account, instant)
    return await asyncio.to_thread(reading.books.balance, account, instant)


def show_balance(page: Page, balance: TrialBalance, account: str | None) -> None:
    """A line each ledger account and currency, and what all of them come to."""
    from domain.money import Money
    from infrastructure.cli.rendering import PageColumn, amounts

    page.title(f"Books {_of(account)}, as of position {balance.position:,}")
    for currency, (debits, credits) in sorted(balance.sums().items()):
        lines = [line for line in balance.lines if line.currency == currency]
        unknown = [f"{line.cost_unknown:,}" if line.cost_unknown else "" for line in lines]
        page.table(
            PageColumn("LEDGER ACCOUNT", [line.ledger_account.name for line in lines]),
            PageColumn("SIDE", [str(line.ledger_account.side) for line in lines], drop=1),
            amounts("DEBIT", [Money(line.debit, currency) if line.debit else None for line in lines]),
            amounts("CREDIT", [Money(line.credit, currency) if line.credit else None for line in lines]),
            *([PageColumn("UNKNOWN", unknown, right=True)] if any(unknown) else []),
        )
        sound = "balanced" if debits == credits else "NOT BALANCED: run imagestudio audit"
        page.line(f"  in all {Money(debits, currency)} debit, {Money(credits, currency)} credit: {sound}", "dim")
        missing = sum(line.cost_unknown for line in lines)
        if missing:
            page.line(f"  without what providers bill for {counted(missing, 'operation')}: nobody knows it", "dim")
    if not balance.lines:
        page.line("  nothing was booked", "dim")


def show_postings(page: Page, found: BookPage, wanted: BookQuery) -> None:
    """A line each posting."""
    from infrastructure.cli.rendering import PageColumn, amounts
    from infrastructure.showing.books import shown_of

    page.title(f"Postings of {wanted.ledger_account} {_of(wanted.account)}, as of position {found.position:,}")
    rows = [(booked, shown) for booked in found.entries for shown in shown_of(booked, wanted)]
    if not rows:
        page.line("  none", "dim")
        return
    page.table(
        PageColumn("POSITION", [f"{booked.position}" for booked, _ in rows], right=True),
        PageColumn("DAY", [booked.day for booked, _ in rows], drop=3),
        *([] if wanted.account else [PageColumn("ACCOUNT", [booked.account for booked, _ in rows], drop=2)]),
        PageColumn("FACT", [booked.name.partition(".")[2] for booked, _ in rows], drop=5),
        PageColumn("FROM", [shown[0].name for _, shown in rows]),
        PageColumn("TO", [shown[1].name for _, shown in rows]),
        amounts("AMOUNT", [shown[2] for _, shown in rows]),
        PageColumn("OPERATION", [booked.operation or "" for booked, _ in rows], drop=4),
    )
    _show_ends(page, found, [shown for _, shown in rows])


def _show_ends(page: Page, found: BookPage, rows: list[Shown]) -> None:
    unknown = sum(amount is None for _, _, amount in rows)
    if unknown:
        page.line(f"  {counted(unknown, 'amount')} not shown: nobody knows what the provider bills", "dim")
    if found.next is not None:
        page.line(f"  more follow: --after {found.next}", "dim")


def _of(account: str | None) -> str:
    return f"of {account}" if account is not None else "of all accounts"
