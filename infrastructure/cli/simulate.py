"""Charges compared with what they would have been under another plan, tariff, price book or routing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import OneAccount
from infrastructure.cli.reprice import Since, Until
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import span_between
from infrastructure.showing.simulating import simulation_document, sums_of

if TYPE_CHECKING:
    from application.keeping.simulating import SimulatedSales
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app)
async def simulate(
    since: Since,
    until: Until,
    session: CommandSession,
    account: OneAccount = None,
    plan: Annotated[str | None, Option("--plan", metavar="PLAN", help="As if the accounts were on this plan.")] = None,
    tariff: Annotated[
        str | None, Option("--tariff", metavar="TARIFF", help="As if sold by this tariff, or by 'none'.")
    ] = None,
    plans: Annotated[
        Path | None, Option("--plans", metavar="FILE", help="A file with plans and tariffs, over those in force.")
    ] = None,
    book: Annotated[
        Path | None, Option("--book", metavar="FILE", help="A catalogue file with prices, over those in force.")
    ] = None,
    routing: Annotated[
        str | None, Option("--routing", metavar="STRATEGY", help="As if cheapest, best or balanced had chosen.")
    ] = None,
) -> Report:
    """Compare what was charged with what it would have been.

    Records nothing; the same question has the same answer. Days are those of UTC.
    """
    from infrastructure.drafting import Draft, drafts_of
    from infrastructure.plans import read_text

    start, end = span_between(since, until, names=("--from", "--to"))
    texts = {name: None if path is None else read_text(path) for name, path in (("plans", plans), ("book", book))}
    asked = drafts_of(session.settings()).what_if(Draft(plan=plan, tariff=tariff, routing=routing, **texts))
    async with session.studio(writes=False) as studio:
        found = await studio.simulations.run(asked, start, end, account=account)
    return Report(simulation_document(found), lambda page: show_simulated(page, found))


def show_simulated(page: Page, found: SimulatedSales) -> None:
    """A line an account and model, the plan's fees, and the sums."""
    from domain.money import Money
    from infrastructure.cli.rendering import PageColumn, amounts

    page.title("Charges as they were, and as they would have been")
    if not found.lines:
        page.line("  nothing was charged in this span")
        return
    lines = found.lines
    page.table(
        PageColumn("ACCOUNT", [line.account for line in lines]),
        PageColumn("MODEL", [_model(line.model, line.other) for line in lines]),
        PageColumn("OPERATIONS", [f"{line.operations:,}" for line in lines], right=True, drop=1),
        amounts("WAS", [Money(line.was, line.currency) for line in lines], 0),
        amounts("WOULD BE", [Money(line.would, line.currency) for line in lines], 0),
        amounts("COST WAS", [Money(line.was_cost, line.cost_currency) for line in lines], 3),
        amounts("WOULD COST", [Money(line.would_cost, line.cost_currency) for line in lines], 2),
        PageColumn("REFUSED", [f"{line.refused:,}" if line.refused else "" for line in lines], right=True),
        PageColumn("UNKNOWN", [f"{line.unsaid:,}" if line.unsaid else "" for line in lines], right=True),
    )
    for why in dict.fromkeys(why for line in lines for why in line.why):
        page.line(f"  unknown: {why}", "dim")
    for fee in found.fees:
        parts = (Money(fee.price, fee.currency), Money(fee.covered, fee.currency), Money(fee.added, fee.currency))
        page.line("  plan, {}: {} a period, covers {}, overage adds {}".format(fee.account, *parts), "dim")
    for currency, (was, would) in sums_of(found).items():
        change = Money(would - was, currency)
        page.line(f"  in all {Money(was, currency)} was, {Money(would, currency)} would be: {change}")


def _model(model: str, other: str) -> str:
    return model if model == other else f"{model} -> {other}"
