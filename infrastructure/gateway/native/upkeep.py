"""`/v1/recover` and the erasure of what was asked: an operator's chores, and what a person may demand."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from infrastructure.gateway.callers import Administrator, StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Reason, StrictBody
from infrastructure.showing.formats import document

router = APIRouter(prefix="/v1", tags=["Administration"])


class ErasureAsked(StrictBody):
    """Why what was asked is erased."""

    reason: Reason = ""


@router.post("/recover")
async def post_recovery(request: Request, caller: StudioAdministrator) -> Response:
    """Settle what dead processes left open, whose leases have ended."""
    recovered = await gate_of(request).studio.upkeep.recover()
    return json_of({"recovered": [document(one) for one in recovered]}, caller)


@router.post("/operations/{id}/erase")
async def post_erasure(request: Request, caller: Administrator, id: str, asked: ErasureAsked) -> Response:
    """Delete what a request was asked with and what it delivered, for ever; its facts stay."""
    upkeep, actor = gate_of(request).studio.upkeep, caller.holder.actor
    return json_of(document(await upkeep.erase(id, account=caller.account, by=actor, reason=asked.reason)), caller)
