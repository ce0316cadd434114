"""`/v1/queues`: what waits for providers and what is worked on; an account's key sees its own lines alone."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from infrastructure.gateway.callers import Reader
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import check_parameters
from infrastructure.showing.queues import own_queue_document, queues_document

router = APIRouter(prefix="/v1", tags=["Operations"])


@router.get("/queues")
async def get_queues(request: Request, caller: Reader) -> Response:
    """Tell what waits and what is worked on, by provider: of the account, or, for the studio's own keys, of all, with
    the room at providers and the processes that work."""
    check_parameters(request, [])
    studio, account = gate_of(request).studio, caller.account_or_all
    await asyncio.to_thread(studio.views.catch_up)
    found = await asyncio.to_thread(studio.queues.standing, account)
    return json_of(queues_document(found) if account is None else own_queue_document(found), caller)
