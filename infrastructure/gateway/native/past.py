"""`/v1/operations/{id}/why`, `/v1/refusals`, `/v1/accounts/{id}/history` and `…/difference`: what was, and why."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response

from domain.errors import InvalidInput
from infrastructure.gateway.callers import Administrator, Reader
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import check_parameters
from infrastructure.showing.changes import difference_document, explanation_document, history_document
from infrastructure.showing.hints import over_http

if TYPE_CHECKING:
    from infrastructure.explaining import Explanation

router = APIRouter(prefix="/v1", tags=["The past"])
_TEXT: Final = {"type": "string"}


def _parameters(*names: str, required: bool = False) -> dict[str, Any]:
    """The parameters for the OpenAPI document."""
    return {"parameters": [{"name": one, "in": "query", "schema": _TEXT, "required": required} for one in names]}


def _explained(found: Sequence[Explanation]) -> dict[str, Any]:
    return {"explanations": [explanation_document(one, over_http) for one in found]}


@router.get("/operations/{id}/why")
async def why(request: Request, caller: Reader, id: str) -> Response:
    """Why it came out as it did, in sentences: what was asked, the model, every limit at that moment, the money."""
    found = await gate_of(request).studio.past.why(id, caller.account)
    return json_of(_explained(found), caller)


@router.get("/refusals", openapi_extra=_parameters("key"))
async def refusals(request: Request, caller: Reader) -> Response:
    """Why requests were refused: the one under an idempotency key, or else the newest."""
    check_parameters(request, ("key",))
    studio = gate_of(request).studio
    await to_thread(studio.views.catch_up)
    found = await studio.past.refusals(caller.account, request.query_params.get("key"))
    return json_of(_explained(found), caller)


@router.get("/accounts/{id}/history")
async def history(request: Request, caller: Administrator, id: str) -> Response:
    """Who changed what of the account, from what to what, when and why."""
    account = caller.holder.account_for(id)
    return json_of(history_document(account, await gate_of(request).studio.past.history(account)), caller)


@router.get("/accounts/{id}/difference", openapi_extra=_parameters("since", "until"))
async def difference(request: Request, caller: Administrator, id: str) -> Response:
    """All that is another at `until`, or now, than at `since`: terms, figures, and work by model."""
    check_parameters(request, ("since", "until"))
    account, since = caller.holder.account_for(id), request.query_params.get("since")
    if since is None:
        raise InvalidInput("since", "is missing", hint="give an instant, or a position of the log")
    found = await gate_of(request).studio.past.difference(account, since, request.query_params.get("until"))
    return json_of(difference_document(found), caller)
