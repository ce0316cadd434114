"""`/v1/operations/{id}/refund`, `…/adjust` and `…/correct-cost`: settled operations corrected later.

Whoever runs the studio does it. Each is booked once a reference, and names the key and the reason in the log.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from application.keeping.corrections import corrected
from domain.ledger import Fact
from domain.money import Money
from infrastructure.gateway.callers import StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Id, Price, StrictBody
from infrastructure.service import Studio
from infrastructure.showing.upkeep import adjustment_document, cost_document, refund_document

router = APIRouter(prefix="/v1/operations/{id}", tags=["Administration"])


class CorrectionAsked(StrictBody):
    """Why something is corrected, and the reference under which it counts once."""

    reference: Id
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class RefundAsked(CorrectionAsked):
    """The amount to give back; without, all that is left of the charge."""

    amount: Price | None = None


class AdjustmentAsked(CorrectionAsked):
    """By how much price and cost change: a negative price gives back."""

    price: Price
    cost: Price | None = None


class CostAsked(CorrectionAsked):
    """The sum that the provider really took."""

    cost: Price


async def _known(studio: Studio, id: str, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The facts that were recorded, or for a repeat all of the operation."""
    return facts or tuple(await asyncio.to_thread(studio.log.facts, id))


@router.post("/refund")
async def post_refund(request: Request, caller: StudioAdministrator, id: str, asked: RefundAsked) -> Response:
    """Give back what an operation was charged, or a part of it."""
    studio, by = gate_of(request).studio, caller.holder.actor
    amount = None if asked.amount is None else asked.amount.money()
    told = {"account": caller.account, "reason": asked.reason, "reference": asked.reference}
    facts = await studio.upkeep.refund(id, amount=amount, by=by, **told)
    back = -corrected(await _known(studio, id, facts), asked.reference)[0]
    given = Money(back, (await studio.accounts.show(caller.account)).currency)
    return json_of(refund_document(id, given, asked.reference, repeated=not facts), caller)


@router.post("/adjust")
async def post_adjustment(request: Request, caller: StudioAdministrator, id: str, asked: AdjustmentAsked) -> Response:
    """Change what an operation was charged, and what it cost."""
    studio, by = gate_of(request).studio, caller.holder.actor
    price, cost = asked.price.money(), None if asked.cost is None else asked.cost.money()
    told = {"account": caller.account, "reason": asked.reason, "reference": asked.reference}
    facts = await studio.upkeep.adjust(id, price=price, cost=cost, by=by, **told)
    changes = corrected(await _known(studio, id, facts), asked.reference)
    by_price, by_cost = (Money(change, price.currency) for change in changes)
    return json_of(adjustment_document(id, by_price, by_cost, asked.reference, repeated=not facts), caller)


@router.post("/correct-cost")
async def post_cost(request: Request, caller: StudioAdministrator, id: str, asked: CostAsked) -> Response:
    """Book what the provider really took for an operation; its price stays."""
    studio, by = gate_of(request).studio, caller.holder.actor
    cost = asked.cost.money()
    told = {"account": caller.account, "reason": asked.reason, "reference": asked.reference}
    facts = await studio.upkeep.correct_cost(id, cost=cost, by=by, **told)
    change = Money(corrected(facts, asked.reference)[1], cost.currency)
    return json_of(cost_document(id, cost, change, asked.reference, repeated=not facts), caller)
