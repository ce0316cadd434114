"""Limits: every one that holds of an account, its users and projects, with what is left and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account
from infrastructure.cli.session import CommandSession
from infrastructure.showing.documents import limits_document
from infrastructure.showing.formats import clock, limit_of

if TYPE_CHECKING:
    from application.keeping.accounts import LimitsView
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app)
async def limits(session: CommandSession, account: Account = None) -> Report:
    """List every limit, with what is left of it and when it begins anew."""
    named = session.account(account)
    async with session.reading() as reading:
        view = await reading.accounts.limits(named)
    return Report(limits_document(view), lambda page: show_limits(page, view))


def show_limits(page: Page, view: LimitsView) -> None:
    """Each limit in a row, and when its window begins anew."""
    from infrastructure.cli.rendering import PageColumn

    page.title(f"Limits of account {view.account}, by the clock of {view.zone}")
    if not view.limits:
        page.line("There are none.")
        return
    amounts = ("limit", "used", "held", "left")
    page.table(
        PageColumn("SCOPE", [one.scope for one in view.limits]),
        PageColumn("MEASURE", [one.measure for one in view.limits]),
        PageColumn("WINDOW", [one.window for one in view.limits]),
        *(
            PageColumn(
                name.upper(),
                [limit_of(one.measure, getattr(one, name), view.currency) for one in view.limits],
                right=True,
                drop=1 if name == "held" else 0,
            )
            for name in amounts
        ),
        PageColumn("UNTIL", [_until(one.resets_at, view.zone) for one in view.limits]),
    )


def _until(instant: int | None, zone: str) -> str:
    """The day that begins then, or the minute; a limit for life never begins anew."""
    return "for ever" if instant is None else clock(instant, zone).replace("T", " ").removesuffix(" 00:00")
