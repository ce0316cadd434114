"""`/v1/providers/{provider}/invoices` and `…/months`: what providers bill the studio, for whoever runs it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from domain.money import Money
from infrastructure.catalogue.invoiced import proposed_prices
from infrastructure.gateway.callers import StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Id, Price, Reason, StrictBody
from infrastructure.showing.invoices import (
    invoice_document,
    invoice_line,
    invoices_document,
    month_document,
    months_document,
    recorded_document,
)

router = APIRouter(prefix="/v1/providers/{provider}", tags=["Invoices of providers"])
Needed = Annotated[str, Field(min_length=1, max_length=200)]


class InvoiceLineAsked(StrictBody):
    """A line of an invoice; `quantity` is text, such as "1200"."""

    name: str = ""
    model: str = ""
    quantity: str | None = None
    amount: str


class InvoiceAsked(StrictBody):
    """An invoice as it came. `zone` is the one whose months the provider bills, chosen with its first invoice."""

    number: Id
    month: str
    amount: Price
    lines: tuple[InvoiceLineAsked, ...] = ()
    zone: str = ""
    reason: Reason = ""


class InvoiceReason(StrictBody):
    """Why an invoice is voided, or a difference taken."""

    reason: Needed


@router.get("/invoices")
async def get_invoices(request: Request, caller: StudioAdministrator, provider: str) -> Response:
    """List a provider's invoices, also those that were voided."""
    invoices = gate_of(request).studio.invoices
    found, zone = await invoices.list(provider), await invoices.zone(provider)
    return json_of(invoices_document(provider, found, invoices.currency, zone), caller)


@router.post("/invoices")
async def post_invoice(request: Request, caller: StudioAdministrator, provider: str, asked: InvoiceAsked) -> Response:
    """Record an invoice, once a number, and compare its month with our costs."""
    amount: Money = asked.amount.money()
    rows: list[dict[str, Any]] = [line.model_dump() for line in asked.lines]
    found = await gate_of(request).studio.invoices.record(
        provider,
        asked.number,
        month=asked.month,
        amount=amount,
        lines=[invoice_line(row, amount.currency, place) for place, row in enumerate(rows, 1)],
        zone=asked.zone,
        by=caller.holder.actor,
        reason=asked.reason,
    )
    return json_of(recorded_document(found, found.comparison.currency), caller)


@router.post("/invoices/{number}/void")
async def post_void_of_invoice(
    request: Request, caller: StudioAdministrator, provider: str, number: str, asked: InvoiceReason
) -> Response:
    """Let an invoice hold no more; its number may be recorded again."""
    invoices = gate_of(request).studio.invoices
    voided = await invoices.void(provider, number, asked.reason, by=caller.holder.actor)
    return json_of(invoice_document(voided, invoices.currency, await invoices.zone(provider)), caller)


@router.get("/months")
async def get_months(request: Request, caller: StudioAdministrator, provider: str) -> Response:
    """List invoiced months with what was computed, and how far the two are apart."""
    return json_of(months_document(provider, await gate_of(request).studio.invoices.months(provider)), caller)


@router.get("/months/{month}")
async def get_month(request: Request, caller: StudioAdministrator, provider: str, month: str) -> Response:
    """Compare a month's invoices with our costs, and propose the prices that they suggest, as an overlay in TOML."""
    studio = gate_of(request).studio
    found = await studio.invoices.compare(provider, month)
    proposal = proposed_prices(found, studio.catalogue, studio.providers.clock())
    return json_of({**month_document(found), "proposal": proposal.document()}, caller)


@router.post("/months/{month}/settle")
async def post_settlement(
    request: Request, caller: StudioAdministrator, provider: str, month: str, asked: InvoiceReason
) -> Response:
    """Take the rest of a month's difference as expense or income."""
    settled = await gate_of(request).studio.invoices.settle(provider, month, asked.reason, by=caller.holder.actor)
    return json_of(month_document(settled), caller)
