"""Billing periods closed, and their statements previewed, issued, shown and voided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account, Why
from infrastructure.cli.session import CommandSession
from infrastructure.cli.statementpages import show_billing_periods, show_closed, show_statement, show_statements
from infrastructure.showing.statements import (
    period_document,
    periods_document,
    statement_document,
    statements_document,
)

if TYPE_CHECKING:
    from application.keeping.statements import StatementView

app = typer.Typer()
periods = typer.Typer()

PeriodName = Annotated[
    str | None,
    Argument(metavar="[PERIOD]", help="Such as 2026-04-01 or 2026-04; otherwise the first that is not closed."),
]


@command(periods, "list")
async def list_periods(session: CommandSession, account: Account = None) -> Report:
    """List an account's billing periods, whether each is closed, and its statement."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.statements.periods(named)
    return Report(periods_document(found), lambda page: show_billing_periods(page, found))


@command(periods, "close")
async def close_period(
    session: CommandSession,
    period: PeriodName = None,
    account: Account = None,
    carry: Annotated[
        bool, Option("--carry", help="Although operations are open in it: each is billed in the period it ends in.")
    ] = False,
    reason: Why = "",
) -> Report:
    """Close a period that is over: what it is billed never changes again.

    Whatever comes later for its operations is billed in the open period, as a correction.
    """
    named = session.account(account)
    async with session.studio() as studio:
        closed = await studio.statements.close(named, period, carry=carry, reason=reason)
    return Report(period_document(closed), lambda page: show_closed(page, closed))


Which = Annotated[
    str, Argument(metavar="NUMBER|PERIOD", help="A statement's number, or a period such as 2026-04-01 or 2026-04.")
]


@command(app)
async def show(which: Which, session: CommandSession, account: Account = None) -> Report:
    """Show a statement as it was issued; of a period without one, a draft."""
    named = session.account(account)
    async with session.reading() as reading:
        return _answer(await reading.statements.show(named, which))


@command(app)
async def preview(session: CommandSession, period: PeriodName = None, account: Account = None) -> Report:
    """Draft a period's statement as it stands now; nothing is recorded."""
    named = session.account(account)
    async with session.reading() as reading:
        return _answer(await reading.statements.preview(named, period))


@command(app)
async def issue(
    period: Annotated[str, Argument(metavar="PERIOD", help="A closed period, such as 2026-04-01 or 2026-04.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Issue a closed period's statement under the account's next number; one that holds is shown again."""
    named = session.account(account)
    async with session.studio() as studio:
        return _answer(await studio.statements.issue(named, period, reason=reason))


@command(app)
async def void(
    number: Annotated[str, Argument(metavar="NUMBER", help="Such as acme-0001.")],
    reason: Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded for ever.")],
    session: CommandSession,
    account: Account = None,
) -> Report:
    """Void a statement, so that another can be issued; its number is never used again."""
    named = session.account(account)
    async with session.studio() as studio:
        return _answer(await studio.statements.void(named, number, reason))


@command(app, "list")
async def list_statements(session: CommandSession, account: Account = None) -> Report:
    """List the statements that were issued to an account."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.statements.list(named)
    return Report(statements_document(found), lambda page: show_statements(page, found))


def _answer(one: StatementView) -> Report:
    return Report(statement_document(one), lambda page: show_statement(page, one))
