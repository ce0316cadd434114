"""Invoices of providers: recorded, voided, listed, compared with our costs by month, and settled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import handed_text, write_new
from infrastructure.cli.invoicepages import show_invoices, show_month, show_months, show_recorded
from infrastructure.cli.options import Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import OTHER
from infrastructure.showing.invoices import (
    invoice_document,
    invoices_document,
    lines_of_text,
    month_document,
    months_document,
    recorded_document,
)

if TYPE_CHECKING:
    from application.keeping.invoicedmonths import MonthComparison
    from infrastructure.catalogue.invoiced import PriceProposal
    from infrastructure.cli.rendering import Page
    from infrastructure.service import Studio

app = typer.Typer()

Provider = Annotated[str, Argument(metavar="PROVIDER", help="Whose invoices.")]
Number = Annotated[str, Argument(metavar="NUMBER", help="The invoice's number, as the provider has it.")]
Month = Annotated[str, Argument(metavar="MONTH", help="Such as 2026-10, in the provider's billing zone.")]
Needed = Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded for ever.")]


@command(app)
async def record(
    provider: Provider,
    number: Number,
    amount: Annotated[str, Argument(metavar="AMOUNT", help="What it comes to; less than 0 is a credit note.")],
    month: Annotated[str, Option("--month", "-m", metavar="MONTH", help="The month that it is for, such as 2026-10.")],
    session: CommandSession,
    lines: Annotated[
        Path | None, Option("--lines", metavar="FILE", help="Its lines, in CSV or JSON: name, model, quantity, amount.")
    ] = None,
    currency: Annotated[str | None, Option("--currency", metavar="CODE", help="Its currency; else ours.")] = None,
    zone: Annotated[
        str, Option("--zone", metavar="ZONE", help="Whose months it bills; of the first invoice, else UTC.")
    ] = "",
    reason: Why = "",
) -> Report:
    """Record a provider's invoice, once a number, and compare its month with our costs.

    Ends with 1 where they are further apart than is allowed, which is an alert.
    """
    text = None if lines is None else handed_text(lines, "--lines")
    async with session.studio() as studio:
        money = Money.parse(amount, currency or studio.invoices.currency)
        read = [] if text is None else lines_of_text(text, money.currency)
        found = await studio.invoices.record(
            provider, number, month=month, amount=money, lines=read, zone=zone, reason=reason
        )
    code = OTHER if found.comparison.drifted else 0
    document = recorded_document(found, found.comparison.currency)
    return Report(document, lambda page: show_recorded(page, found), code)


@command(app)
async def void(provider: Provider, number: Number, reason: Needed, session: CommandSession) -> Report:
    """Void an invoice that was recorded: what it booked is undone, and its number may be recorded again."""
    async with session.studio() as studio:
        voided = await studio.invoices.void(provider, number, reason)
        zone, currency = await _zone(studio, provider), studio.invoices.currency
    told = f"Invoice {number} of {provider} is void"
    return Report(invoice_document(voided, currency, zone), lambda page: page.title(told))


@command(app, "list")
async def list_invoices(provider: Provider, session: CommandSession) -> Report:
    """List a provider's invoices, also those that were voided."""
    async with session.studio(writes=False) as studio:
        found = await studio.invoices.list(provider)
        zone, currency = await _zone(studio, provider), studio.invoices.currency
    document = invoices_document(provider, found, currency, zone)
    return Report(document, lambda page: show_invoices(page, found, currency, zone))


@command(app)
async def months(provider: Provider, session: CommandSession) -> Report:
    """List invoiced months with what was computed, and how far the two are apart."""
    async with session.studio(writes=False) as studio:
        found = await studio.invoices.months(provider)
    return Report(months_document(provider, found), lambda page: show_months(page, provider, found))


@command(app)
async def compare(
    provider: Provider,
    month: Month,
    session: CommandSession,
    overlay: Annotated[
        Path | None,
        Option("--overlay", metavar="FILE", help="Write the prices that it suggests as an overlay, to be reviewed."),
    ] = None,
) -> Report:
    """Compare a month's invoices with our costs, model by model.

    Ends with 1 where they are further apart than is allowed.
    """
    if overlay is not None and overlay.exists():
        raise InvalidInput("--overlay", f"{overlay} is there already", hint="name a new file")
    async with session.studio(writes=False) as studio:
        found = await studio.invoices.compare(provider, month)
        proposal = _proposal(studio, found)
    if overlay is not None and proposal.text:
        write_new(overlay, proposal.text, "--overlay")
    document = {**month_document(found), "proposal": proposal.document()}
    written = overlay if proposal.text else None

    def show(page: Page) -> None:
        show_month(page, found, proposal, written)
        if overlay is not None and written is None:
            page.line(f"  no price is proposed: {overlay} is not written", "dim")

    return Report(document, show, OTHER if found.drifted else 0)


@command(app)
async def settle(provider: Provider, month: Month, reason: Needed, session: CommandSession) -> Report:
    """Take the rest of a month's difference as an expense, or as income; no cost of an operation changes."""
    async with session.studio() as studio:
        found = await studio.invoices.settle(provider, month, reason)
    told = f"{month} of {provider}: {Money(found.booked, found.currency)} booked as difference"
    return Report(month_document(found), lambda page: page.title(told))


async def _zone(studio: Studio, provider: str) -> str:
    return await studio.invoices.zone(provider)


def _proposal(studio: Studio, found: MonthComparison) -> PriceProposal:
    from infrastructure.catalogue.invoiced import proposed_prices

    return proposed_prices(found, studio.catalogue, studio.providers.clock())
