"""`/v1/reprice` and `/v1/simulate`: charges by other prices, booked or only asked about, for the studio's own keys."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from domain.errors import InvalidInput
from infrastructure.drafting import Draft
from infrastructure.gateway.callers import StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Id, Reason, StrictBody
from infrastructure.showing.formats import instant_of
from infrastructure.showing.repricing import repricing_document
from infrastructure.showing.simulating import simulation_document

router = APIRouter(prefix="/v1", tags=["Prices and limits"])
Toml = Annotated[str, Field(max_length=1_000_000)]
Day = Annotated[str, Field(max_length=40, examples=["2026-11-01"])]


class SpanAsked(StrictBody):
    """All that was charged in a span, from a day or an instant on and before another; of an account, or of all."""

    since: Day = Field(alias="from")
    until: Day = Field(alias="to")
    account: Id | None = None

    def span(self) -> tuple[int, int]:
        """In epoch microseconds. Raises InvalidInput."""
        start, end = instant_of(self.since, field="from"), instant_of(self.until, field="to")
        if start >= end:
            raise InvalidInput("to", f"{self.until} is not after {self.since}", hint="name a later day")
        return start, end


class RepricingAsked(SpanAsked):
    """`book` is a catalogue file with the prices, in TOML. A dry run books nothing; `rises` raises charges, too."""

    book: Toml
    dry_run: bool = True
    rises: bool = False
    reason: Reason = ""


class SimulationAsked(SpanAsked):
    """A question: what if a plan, a tariff (or "none"), a strategy, or plans and prices as files in TOML, had held."""

    plan: Id | None = None
    tariff: Id | None = None
    plans: Toml | None = None
    book: Toml | None = None
    routing: Id | None = None


@router.post("/reprice")
async def post_repricing(request: Request, caller: StudioAdministrator, asked: RepricingAsked) -> Response:
    """Price charges again by another price book; unless it is a dry run, book the corrections, each once."""
    gate, (start, end) = gate_of(request), asked.span()
    catalogue, book = await asyncio.to_thread(gate.drafts.book, asked.book)
    found = await gate.studio.repricing.run(
        catalogue,
        book,
        start,
        end,
        account=asked.account,
        reason=asked.reason,
        by=caller.holder.actor,
        dry=asked.dry_run,
        rises=asked.rises,
    )
    return json_of(repricing_document(found, dry=asked.dry_run), caller)


@router.post("/simulate")
async def post_simulation(request: Request, caller: StudioAdministrator, asked: SimulationAsked) -> Response:
    """Compare what was charged with what it would have been; nothing is recorded."""
    gate, (start, end) = gate_of(request), asked.span()
    draft = Draft(plan=asked.plan, tariff=asked.tariff, plans=asked.plans, book=asked.book, routing=asked.routing)
    what_if = await asyncio.to_thread(gate.drafts.what_if, draft)
    found = await gate.studio.simulations.run(what_if, start, end, account=asked.account)
    return json_of(simulation_document(found), caller)
