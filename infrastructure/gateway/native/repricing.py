"""`/v1/reprice` and `/v1/simulate`: charges by other prices, booked or only asked about, for the studio's own keys."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from domain.actor import Actor
from domain.errors import InvalidInput
from infrastructure.drafting import Draft
from infrastructure.gateway.callers import StudioAdministrator
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import Gate, gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Id, Reason, StrictBody
from infrastructure.showing.formats import span_between
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

    def whose(self, caller: KeyCaller) -> str | None:
        """The account that the body names, or else the caller; None is all. Raises InvalidInput for two."""
        if None not in (self.account, caller.named) and self.account != caller.named:
            told = f"{self.account!r} is not {caller.named!r}, which the header names"
            raise InvalidInput("account", told, hint="name it once")
        return self.account or caller.named

    def span(self) -> tuple[int, int]:
        """In epoch microseconds. Raises InvalidInput."""
        return span_between(self.since, self.until, names=("from", "to"))


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


async def repricing_by(
    gate: Gate,
    book: str,
    span: tuple[int, int],
    *,
    account: str | None,
    by: Actor,
    reason: str,
    dry: bool,
    rises: bool = False,
) -> dict[str, Any]:
    """The document of charges of a span by a draft's prices; booked, unless it is dry."""
    catalogue, prices = await asyncio.to_thread(gate.drafts.book, book)
    found = await gate.studio.repricing.run(
        catalogue, prices, *span, account=account, reason=reason, by=by, dry=dry, rises=rises
    )
    return repricing_document(found, dry=dry)


async def simulation_by(gate: Gate, draft: Draft, span: tuple[int, int], account: str | None) -> dict[str, Any]:
    """The document of what was charged in a span beside what it would have been by a draft; nothing is recorded."""
    what_if = await asyncio.to_thread(gate.drafts.what_if, draft)
    return simulation_document(await gate.studio.simulations.run(what_if, *span, account=account))


@router.post("/reprice")
async def post_repricing(request: Request, caller: StudioAdministrator, asked: RepricingAsked) -> Response:
    """Price charges again by another price book; unless it is a dry run, book the corrections, each once."""
    document = await repricing_by(
        gate_of(request),
        asked.book,
        asked.span(),
        account=asked.whose(caller),
        by=caller.holder.actor,
        reason=asked.reason,
        dry=asked.dry_run,
        rises=asked.rises,
    )
    return json_of(document, caller)


@router.post("/simulate")
async def post_simulation(request: Request, caller: StudioAdministrator, asked: SimulationAsked) -> Response:
    """Compare what was charged with what it would have been; nothing is recorded."""
    draft = Draft(plan=asked.plan, tariff=asked.tariff, plans=asked.plans, book=asked.book, routing=asked.routing)
    return json_of(await simulation_by(gate_of(request), draft, asked.span(), asked.whose(caller)), caller)
