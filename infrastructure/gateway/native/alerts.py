"""`/v1/alerts`: what an account is told once its use comes to thresholds, for administrators' keys."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from infrastructure.catalogue.invoiced import proposed_prices
from infrastructure.gateway.callers import Administrator, StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import PAGED, page_of
from infrastructure.gateway.native.shapes import Id, Reason, StrictBody
from infrastructure.showing.alerts import alert_document, alert_terms_of, raised_document
from infrastructure.showing.invoices import drift_document

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


@router.get("/drift")
async def get_drift(request: Request, caller: StudioAdministrator) -> Response:
    """List the alerts about providers' invoices, the newest first, each with the prices that its month suggests."""
    studio = gate_of(request).studio
    found = await studio.invoices.drifts(request.query_params.get("provider", ""))
    proposals = [proposed_prices(one.month, studio.catalogue, studio.providers.clock()).document() for one in found]
    rows = [drift_document(one.raised, one.month.zone) for one in found]
    told = [{**row, "proposal": proposal} for row, proposal in zip(rows, proposals, strict=True)]
    return json_of({"drift": told}, caller)


@router.delete("/{id}", status_code=204)
async def delete_alert(request: Request, caller: Administrator, id: str) -> Response:
    """Tell nothing of it any more."""
    await gate_of(request).studio.alerts.remove(caller.account, id, by=caller.holder.actor)
    return Response(status_code=204)
