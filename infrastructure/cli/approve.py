"""A person's approval of what an API key may not spend by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Cursor, OneAccount, Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import iso
from infrastructure.showing.refusals import approval_document, approvals_document

if TYPE_CHECKING:
    from application.asking.approvals import ApprovalPage, ApprovalView
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app)
async def approve(
    quote: Annotated[str, Argument(metavar="QUOTE", help="The id that the refusal names.")],
    session: CommandSession,
    look: Annotated[bool, Option("--look", help="Only show what was asked for, and how that stands.")] = False,
    reason: Why = "",
) -> Report:
    """Approve what an API key may not spend by itself.

    The request that was refused with the quote then goes through, once, at that price at most.
    """
    async with session.studio(writes=not look) as studio:
        account = await studio.approvals.account_of(quote)
        if look:
            found = await studio.approvals.show(account, quote)
        else:
            found = await studio.approvals.give(account, quote, reason=reason)
    return Report(approval_document(found), lambda page: _show(page, found))


@command(app)
async def approvals(
    session: CommandSession,
    account: OneAccount = None,
    over: Annotated[bool, Option("--over", help="Also what cannot be approved or used any more.")] = False,
    after: Cursor = None,
    limit: Annotated[int, Option("--limit", min=1, max=500, help="At most so many.")] = 50,
) -> Report:
    """List what people were asked to approve, the newest first."""
    async with session.studio(writes=False) as studio:
        if account is not None:
            await studio.accounts.show(account)
        found = await studio.approvals.list(account, over=over, after=after, limit=limit)
    return Report(approvals_document(found), lambda page: _list(page, found))


def _list(page: Page, found: ApprovalPage) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(f"{counted(len(found.approvals), 'request')} for approval")
    rows = found.approvals
    if rows:
        page.table(
            PageColumn("QUOTE", [one.quote for one in rows]),
            PageColumn("ACCOUNT", [one.account for one in rows]),
            PageColumn("ASKED BY", [one.api_key for one in rows]),
            PageColumn("FOR", [f"{one.outputs} x {one.kind} on {one.model}" for one in rows]),
            PageColumn("AT MOST", [str(one.price) for one in rows], right=True),
            PageColumn("UNTIL", [iso(one.expires) for one in rows]),
            PageColumn("STANDING", [one.standing for one in rows]),
        )
    if found.next is not None:
        page.line(f"  more follow: --after {found.next}", "dim")


def _show(page: Page, found: ApprovalView) -> None:
    page.title(f"Quote {found.quote}")
    rows = [
        ("account", found.account),
        ("asked by", f"{found.api_key}, at {iso(found.asked_at)}"),
        ("for", f"{found.kind} on {found.model}, {counted(found.outputs, 'output')}"),
        ("price", f"{found.price} at most"),
        ("until", iso(found.expires)),
        ("standing", found.standing if found.operation is None else f"used by operation {found.operation}"),
    ]
    page.pairs(rows)
