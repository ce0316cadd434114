"""`/v1/prices`, `/v1/limits` and `/v1/holds`: what everything costs, what is left to the caller, and what is held."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from application.asking.buying import till_of
from infrastructure.gateway.callers import Reader
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.asof import AS_OF, DATED, as_of_document, moment_asked
from infrastructure.gateway.native.paging import check_parameters
from infrastructure.showing.documents import limits_document, model_document
from infrastructure.showing.rows import row_document
from infrastructure.showing.sales import sold_document
from projections.views.operations import OPERATIONS

router = APIRouter(prefix="/v1", tags=["Prices and limits"])


@router.get("/prices")
async def prices(request: Request, caller: Reader, kind: str | None = None) -> Response:
    """List every model with its inputs, their limits and its price rules; of one kind if it is named.

    `sold` is what a unit of each rule is sold for to the account now, where that is not the price book's price.
    """
    gate = gate_of(request)
    catalogue, off, at = gate.studio.catalogue, gate.studio.providers.off, gate.clock()
    found = catalogue.for_kind(kind) if kind is not None else sorted(catalogue, key=lambda one: one.id)
    models = [model_document(one, at, off) for one in found]
    accounts, account = gate.studio.accounts, caller.account_or_all
    if accounts.selling is None or account is None:
        return json_of({"currency": gate.currency, "models": models}, caller)
    kinds = {one for model in found for one in model.kinds} if kind is None else {kind}
    tills = {one: await till_of(accounts.ledgers, account, one, str(catalogue.family(one)), at) for one in kinds}
    for model, written in zip(found, models, strict=True):
        written["sold"] = sold_document(model, [tills[one] for one in model.kinds if one in tills], at)
    return json_of({"currency": gate.currency, "models": models}, caller)


@router.get("/limits", openapi_extra={"parameters": DATED})
async def limits(request: Request, caller: Reader) -> Response:
    """Every limit that holds now, over each window: its limit, what is used, held and left, and when it begins anew."""
    studio, moment = gate_of(request).studio, await moment_asked(request, caller.account)
    if moment is None:
        return json_of(limits_document(await studio.accounts.limits(caller.account)), caller)
    return json_of(as_of_document(limits_document(await studio.past.limits(caller.account, moment)), moment), caller)


@router.get("/holds", openapi_extra={"parameters": DATED})
async def holds(request: Request, caller: Reader) -> Response:
    """Every operation that holds money, of whichever period: what it may still cost, the newest first."""
    check_parameters(request, (AS_OF,))
    studio, moment = gate_of(request).studio, await moment_asked(request, caller.account)
    found = await studio.past.holds(caller.account, moment)
    return json_of(as_of_document({"holds": [row_document(OPERATIONS, row) for row in found]}, moment), caller)
