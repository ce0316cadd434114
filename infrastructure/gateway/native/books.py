"""`/v1/books` and `/v1/books/postings`: the trial balance, and the postings behind its lines, for administrators."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from application.keeping.books import BookQuery
from application.ledger.positions import position_of
from infrastructure.gateway.callers import Administrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.asof import AS_OF, as_of_document, moment_asked
from infrastructure.gateway.native.paging import MOST, check_parameters, page_of
from infrastructure.showing.books import balance_document, postings_document
from infrastructure.showing.formats import instant_of
from projections.books import named

router = APIRouter(prefix="/v1/books", tags=["Books"])
_TEXT: Final = {"type": "string"}


def _parameters(**schemas: Any) -> dict[str, Any]:
    """The parameters for the OpenAPI document."""
    return {"parameters": [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]}


def _instant(request: Request) -> int | None:
    text = request.query_params.get("at")
    return None if text is None else instant_of(text)


@router.get("", openapi_extra=_parameters(at=_TEXT, currency=_TEXT, as_of=_TEXT))
async def books(request: Request, caller: Administrator) -> Response:
    """Show the trial balance: of one account, or of all for the studio's own keys."""
    check_parameters(request, ("at", "currency", AS_OF))
    studio, account, currency = gate_of(request).studio, caller.account_or_all, request.query_params.get("currency")
    at, moment = _instant(request), await moment_asked(request, account)
    if moment is not None:
        return json_of(
            as_of_document(balance_document(await studio.past.balance(moment, account, at, currency)), moment), caller
        )
    await asyncio.to_thread(studio.views.catch_up)
    balance = await asyncio.to_thread(studio.books.balance, account, at, currency)
    return json_of(balance_document(balance), caller)


@router.get(
    "/postings",
    openapi_extra=_parameters(
        ledger_account=_TEXT,
        at=_TEXT,
        as_of=_TEXT,
        after=_TEXT,
        limit={"type": "integer", "minimum": 1, "maximum": MOST},
    ),
)
async def postings(request: Request, caller: Administrator) -> Response:
    """List postings, of one ledger account if it is named, with their facts, operations and assets."""
    page = page_of(request)
    check_parameters(request, ("ledger_account", "at", AS_OF, *page.NAMES))
    name = request.query_params.get("ledger_account")
    wanted = BookQuery(caller.account_or_all, None if name is None else named(name), _instant(request))
    studio, moment = gate_of(request).studio, await moment_asked(request, wanted.account)
    await asyncio.to_thread(studio.views.catch_up)
    upto = None if moment is None else moment.position
    found = await asyncio.to_thread(studio.books.postings, wanted, _position(page.after), page.limit, upto)
    return json_of(as_of_document(postings_document(found, wanted), moment), caller)


def _position(after: str | None) -> int:
    return 0 if after is None else position_of(after, "after")
