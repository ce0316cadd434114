"""`/v1/recover` and the erasure of what was asked: an operator's chores, and what a person may demand."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from domain.errors import InvalidInput
from infrastructure.gateway.callers import Administrator, StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Reason, StrictBody
from infrastructure.showing.erasure import evidence_document
from infrastructure.showing.formats import document

router = APIRouter(prefix="/v1", tags=["Administration"])


class ErasureAsked(StrictBody):
    """Why what was asked is erased."""

    reason: Reason = ""


class ErasuresAsked(StrictBody):
    """Erase one operation's batch, a user's, or, by `everything`, the whole account's."""

    operation: str | None = None
    user: str | None = None
    everything: bool = False
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


@router.post("/erasures")
async def post_erasures(request: Request, caller: Administrator, asked: ErasuresAsked) -> Response:
    """Erase prompts, files, names and tags for ever, and answer with the evidence; facts stay as they are."""
    upkeep, account, by = gate_of(request).studio.upkeep, caller.account, caller.holder.actor
    if [asked.operation is not None, asked.user is not None, asked.everything].count(True) != 1:
        raise InvalidInput("erasure", "is of one thing", hint="give operation, user, or everything: true")
    if asked.operation is not None:
        found = await upkeep.erase_operation(asked.operation, account=account, by=by, reason=asked.reason)
    elif asked.user is not None:
        found = await upkeep.erase_user(asked.user, account=account, by=by, reason=asked.reason)
    else:
        found = await upkeep.erase_account(account, by=by, reason=asked.reason)
    return json_of(evidence_document(found), caller)
