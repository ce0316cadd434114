"""`/v1/prices` and `/v1/limits`: what everything costs, and what is left to the caller."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from infrastructure.gateway.callers import Reader
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.showing.documents import limits_document, model_document

router = APIRouter(prefix="/v1", tags=["Prices and limits"])


@router.get("/prices")
async def prices(request: Request, caller: Reader, kind: str | None = None) -> Response:
    """List every model with its inputs, their limits and its price rules; of one kind if it is named."""
    gate = gate_of(request)
    catalogue, off, at = gate.studio.catalogue, gate.studio.providers.off, gate.clock()
    found = catalogue.for_kind(kind) if kind is not None else sorted(catalogue, key=lambda one: one.id)
    return json_of({"currency": gate.currency, "models": [model_document(one, at, off) for one in found]}, caller)


@router.get("/limits")
async def limits(request: Request, caller: Reader) -> Response:
    """Every limit that holds now, over each window: its limit, what is used, held and left, and when it begins anew."""
    gate = gate_of(request)
    return json_of(limits_document(await gate.studio.accounts.limits(caller.account)), caller)
