"""`/v1/assets/statistics`, `/v1/assets/trash/empty`, `/v1/operations/{id}/assets`: of many assets at once."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from infrastructure.gateway.callers import Operator, Reader
from infrastructure.gateway.describing import together
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.asof import AS_OF, DATED, as_of_document, moment_asked
from infrastructure.gateway.native.assets import CHOOSING, Disposing, asset_query
from infrastructure.showing.assets import links_document
from infrastructure.showing.formats import document

router = APIRouter(prefix="/v1", tags=["Assets"])


@router.get("/assets/statistics", openapi_extra=together(CHOOSING, {"parameters": DATED}))
async def get_statistics(request: Request, caller: Reader) -> Response:
    """How many assets there are, how large they are, and what they cost: in all, by type, and by what made them."""
    studio, moment = gate_of(request).studio, await moment_asked(request, caller.account)
    wanted = asset_query(request, (AS_OF,))
    if moment is None:
        return json_of(document(await studio.library.statistics(caller.account, wanted)), caller)
    then = await studio.past.statistics(caller.account, wanted, moment)
    return json_of(as_of_document(document(then), moment), caller)


@router.post("/assets/trash/empty")
async def post_emptying(request: Request, caller: Operator, asked: Disposing) -> Response:
    """Erase all that is in the trash, for ever."""
    library, actor = gate_of(request).studio.library, caller.holder.actor
    return json_of(document(await library.empty_trash(caller.account, by=actor, reason=asked.reason)), caller)


@router.get("/operations/{id}/assets")
async def get_assets_of(request: Request, caller: Reader, id: str) -> Response:
    """The inputs and outputs of an operation, or of all of a batch."""
    return json_of(
        {"links": links_document(await gate_of(request).studio.library.of_operation(caller.account, id))}, caller
    )
