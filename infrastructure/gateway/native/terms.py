"""`/v1/accounts/{id}/…`: terms that are the customer's to change, and those that only the studio's own keys do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from domain.windows import Window
from infrastructure.gateway.callers import Administrator, StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Reason, StrictBody
from infrastructure.showing.documents import account_document

router = APIRouter(prefix="/v1/accounts/{id}", tags=["Administration"])


class ZoneAsked(StrictBody):
    """Another time zone."""

    zone: str
    reason: Reason = ""


class ConsentAsked(StrictBody):
    """A class of models, such as "stand-in", that may be chosen without being named, or may not any more."""

    model_class: Annotated[str, Field(alias="class")]
    reason: Reason = ""


class OnLimitAsked(StrictBody):
    """A model that does what would pass a limit of money; none: it is refused."""

    model: str = ""
    reason: Reason = ""


class LimitInherited(StrictBody):
    """A limit whose change is undone."""

    measure: str
    scope: str = "account"
    window: str = Window.PERIOD
    reason: Reason = ""


class EndAsked(StrictBody):
    """Why a period is ended that has not begun."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


@router.post("/zone")
async def post_zone(request: Request, caller: Administrator, id: str, asked: ZoneAsked) -> Response:
    """Other midnights, from the next period on."""
    accounts, own = gate_of(request).studio.accounts, caller.holder.account_for(id)
    view = await accounts.change_time_zone(own, asked.zone, by=caller.holder.actor, reason=asked.reason)
    return json_of(account_document(view), caller)


@router.post("/allow")
async def post_allowed(request: Request, caller: Administrator, id: str, asked: ConsentAsked) -> Response:
    """Let models of a class be chosen without being named."""
    accounts, own = gate_of(request).studio.accounts, caller.holder.account_for(id)
    view = await accounts.allow(own, asked.model_class, by=caller.holder.actor, reason=asked.reason)
    return json_of(account_document(view), caller)


@router.post("/forbid")
async def post_forbidden(request: Request, caller: Administrator, id: str, asked: ConsentAsked) -> Response:
    """Undo `allow`."""
    accounts, own = gate_of(request).studio.accounts, caller.holder.account_for(id)
    view = await accounts.forbid(own, asked.model_class, by=caller.holder.actor, reason=asked.reason)
    return json_of(account_document(view), caller)


@router.post("/on-limit")
async def post_on_limit(request: Request, caller: Administrator, id: str, asked: OnLimitAsked) -> Response:
    """Let a cheaper model do what would pass a limit of money, or, without one, refuse it."""
    accounts, own = gate_of(request).studio.accounts, caller.holder.account_for(id)
    view = await accounts.on_limit(own, asked.model, by=caller.holder.actor, reason=asked.reason)
    return json_of(account_document(view), caller)


@router.post("/limits/inherit")
async def post_inherited(request: Request, caller: StudioAdministrator, id: str, asked: LimitInherited) -> Response:
    """Undo a change of limit."""
    view = await gate_of(request).studio.accounts.inherit_limit(
        id, asked.measure, scope=asked.scope, window=asked.window, by=caller.holder.actor, reason=asked.reason
    )
    return json_of(account_document(view), caller)


@router.post("/end-period")
async def post_period_end(request: Request, caller: StudioAdministrator, id: str, asked: EndAsked) -> Response:
    """Bring back an account that a wrong clock moved into a period that has not begun."""
    view = await gate_of(request).studio.accounts.end_period(id, asked.reason, by=caller.holder.actor)
    return json_of(account_document(view), caller)
