"""Limits: every one that holds of an account, its users and projects, with what is left; and what is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from infrastructure.cli.asof import Then, dated_document, dated_page
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account
from infrastructure.cli.session import CommandSession
from infrastructure.showing.documents import limits_document
from infrastructure.showing.formats import clock, limit_of

if TYPE_CHECKING:
    from application.keeping.accountviews import LimitsView
    from domain.counting import LimitStanding
    from infrastructure.cli.rendering import Page
    from projections.views.operations import OperationRow

app = typer.Typer()


@command(app)
async def limits(session: CommandSession, then: Then, account: Account = None) -> Report:
    """List every limit, with what is left of it and when it begins anew."""
    named = session.account(account)
    async with session.reading() as reading:
        view = await reading.accounts.limits(named)
        moment = await then.moment(reading, named, view.zone)
        if moment is not None:
            view = await reading.past.limits(named, moment)
    show = dated_page(lambda page: show_limits(page, view), moment, view.zone)
    return Report(dated_document(limits_document(view), moment), show)


@command(app)
async def holds(session: CommandSession, then: Then, account: Account = None) -> Report:
    """List what open operations hold, of whichever period, the newest first."""
    from infrastructure.showing.rows import row_document
    from projections.views.operations import OPERATIONS

    named = session.account(account)
    async with session.reading() as reading:
        zone = (await reading.accounts.show(named)).zone
        moment = await then.moment(reading, named, zone)
        found = await reading.past.holds(named, moment)
    document = {"holds": [row_document(OPERATIONS, row) for row in found]}
    show = dated_page(lambda page: show_holds(page, named, found, zone), moment, zone)
    return Report(dated_document(document, moment), show)


def show_holds(page: Page, account: str, found: Sequence[OperationRow], zone: str) -> None:
    """A line an operation, and what all of them hold."""
    from domain.money import Money
    from infrastructure.cli.rendering import PageColumn, amounts

    page.title(f"Holds of {account}, the newest first, on the clocks of {zone}")
    if not found:
        page.line("  nothing is held", "dim")
        return
    held = [Money(row.held or 0, row.currency or "") for row in found]
    page.table(
        PageColumn("OPERATION", [row.id for row in found]),
        PageColumn("REQUESTED", [clock(row.requested_at, zone) for row in found], drop=1),
        PageColumn("USER", [row.user for row in found], drop=3),
        PageColumn("MODEL", [row.model for row in found], drop=2),
        PageColumn("STATE", [row.state for row in found]),
        amounts("HELD", held),
    )
    page.line(f"  in all {Money(sum(one.micros for one in held), held[0].currency)} held", "dim")


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
        PageColumn("PROJECTED", [_projected(one, view.currency) for one in view.limits], right=True, drop=2),
        PageColumn(
            "RUNS OUT",
            ["" if one.runs_out_at is None else _until(one.runs_out_at, view.zone) for one in view.limits],
            drop=3,
        ),
        PageColumn("UNTIL", [_until(one.resets_at, view.zone) for one in view.limits]),
    )


def _projected(one: LimitStanding, currency: str) -> str:
    return "" if one.projected is None else limit_of(one.measure, one.projected, currency)


def _until(instant: int | None, zone: str) -> str:
    """The day that begins then, or the minute; a limit for life never begins anew."""
    return "for ever" if instant is None else clock(instant, zone).replace("T", " ").removesuffix(" 00:00")
