"""`/v1/alerts`: what an account is told once its use comes to thresholds, for administrators' keys."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from infrastructure.gateway.callers import Administrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import PAGED, page_of
from infrastructure.gateway.native.shapes import Id, Reason, StrictBody
from infrastructure.showing.alerts import alert_document, alert_terms_of, raised_document

router = APIRouter(prefix="/v1/alerts", tags=["Alerts"])
At = Annotated[str, Field(max_length=40, examples=["80%", "25.00"])]
LIMITED = {"parameters": PAGED["parameters"][1:]}


class AlertAsked(StrictBody):
    """Thresholds of a scope, measure and window: shares of its limit, or amounts. `lock`: the highest suspends the
    account."""

    at: Annotated[list[At], Field(min_length=1, max_length=10)]
    scope: Annotated[str, Field(max_length=200, examples=["account", "user:ann"])] = "account"
    measure: Id = "spend"
    window: Literal["hour", "day", "period"] = "period"
    lock: bool = False
    reason: Reason = ""


@router.put("")
async def put_alert(request: Request, caller: Administrator, asked: AlertAsked) -> Response:
    """Have it told when use comes to these thresholds: each once an hour, day or period."""
    studio, account = gate_of(request).studio, caller.account
    currency = (await studio.accounts.show(account)).currency
    whose = {"scope": asked.scope, "measure": asked.measure, "window": asked.window}
    terms = alert_terms_of(asked.at, currency, **whose, locks=asked.lock)
    found = await studio.alerts.set(account, terms, by=caller.holder.actor, reason=asked.reason)
    return json_of(alert_document(found), caller)


@router.get("")
async def get_alerts(request: Request, caller: Administrator) -> Response:
    """List the account's alerts, and what each has come to."""
    found = await gate_of(request).studio.alerts.list(caller.account)
    return json_of({"alerts": [alert_document(one) for one in found]}, caller)


@router.get("/history", openapi_extra=LIMITED)
async def get_history(request: Request, caller: Administrator) -> Response:
    """List the thresholds that were reached, the newest first."""
    found = await gate_of(request).studio.alerts.history(caller.account, page_of(request).limit)
    return json_of({"raised": [raised_document(one) for one in found]}, caller)


@router.delete("/{id}", status_code=204)
async def delete_alert(request: Request, caller: Administrator, id: str) -> Response:
    """Tell nothing of it any more."""
    await gate_of(request).studio.alerts.remove(caller.account, id, by=caller.holder.actor)
    return Response(status_code=204)
