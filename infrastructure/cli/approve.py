"""A person's approval of what an API key may not spend by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import iso
from infrastructure.showing.refusals import approval_document

if TYPE_CHECKING:
    from application.asking.approvals import ApprovalView
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


def _show(page: Page, found: ApprovalView) -> None:
    page.title(f"Quote {found.quote}")
    rows = [
        ("account", found.account),
        ("asked by", f"{found.api_key}, at {iso(found.asked_at)}"),
        ("for", f"{found.kind} on {found.model}, {found.outputs} outputs"),
        ("price", f"{found.price} at most"),
        ("until", iso(found.expires)),
        ("standing", found.standing if found.operation is None else f"used by operation {found.operation}"),
    ]
    page.pairs(rows)
