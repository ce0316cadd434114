"""`/v1/approvals`: what keys may not spend by themselves, shown, and approved by an administrator's key.

The key that asked for it never approves it. After that its request goes through, if it is sent again with the quote.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from infrastructure.gateway.callers import Administrator, Reader
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import Gate, gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import PAGED, check_parameters, flag_of, page_of
from infrastructure.gateway.native.shapes import Id, StrictBody
from infrastructure.showing.refusals import approval_document, approvals_document

router = APIRouter(prefix="/v1/approvals", tags=["Administration"])
OVER: Final = {"name": "over", "in": "query", "schema": {"type": "boolean"}}
LISTED: Final[dict[str, Any]] = {"parameters": [OVER, *PAGED["parameters"]]}


class ApprovalBody(StrictBody):
    """The quote that is approved, and why, if anybody wants to know."""

    quote: Id
    reason: Annotated[str, Field(max_length=200)] = ""


@router.post("")
async def post_approval(request: Request, caller: Administrator, asked: ApprovalBody) -> Response:
    """Approve it, once: the request that was quoted is held when it is sent again, at that price at most."""
    gate = gate_of(request)
    account = await _account_of(gate, caller, asked.quote)
    by, reason = caller.holder.actor, asked.reason
    found = await gate.studio.approvals.give(account, asked.quote, by=by, reason=reason)
    return json_of(approval_document(found), caller)


@router.get("", openapi_extra=LISTED)
async def get_approvals(request: Request, caller: Reader) -> Response:
    """List what people were asked to approve and still can, or could use, the newest first; with `over` all of it."""
    gate, page = gate_of(request), page_of(request)
    check_parameters(request, ("over", *page.NAMES))
    account, over = caller.account_or_all, flag_of(request.query_params, "over")
    found = await gate.studio.approvals.list(account, over=over, after=page.after, limit=page.limit)
    return json_of(approvals_document(found), caller)


@router.get("/{quote}")
async def get_approval(request: Request, caller: Reader, quote: str) -> Response:
    """A request of a key, and whether it waits, is approved, was used or is over."""
    gate = gate_of(request)
    account = await _account_of(gate, caller, quote)
    return json_of(approval_document(await gate.studio.approvals.show(account, quote)), caller)


async def _account_of(gate: Gate, caller: KeyCaller, quote: str) -> str:
    """The caller's account; for a key of the studio's own that names none, that of the quote. Raises UnknownQuote."""
    account = caller.account_or_all
    return await gate.studio.approvals.account_of(quote) if account is None else account
