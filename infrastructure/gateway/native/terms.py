"""`/v1/accounts/{id}/…`: terms that are the customer's to change, and those that only the studio's own keys do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from application.keeping.accounts import Accounts
from application.keeping.accountviews import AccountView
from domain.agreeing import percent_of
from domain.windows import Window
from infrastructure.gateway.callers import Administrator, StudioAdministrator
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Reason, StrictBody
from infrastructure.showing.documents import account_document
from infrastructure.showing.formats import instant_of

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


class TariffAsked(StrictBody):
    """A tariff in the place of the plan's; none: the plan's again."""

    tariff: str = ""
    reason: Reason = ""


class DiscountAsked(StrictBody):
    """A share in percent as exact text, such as "12.5", from an instant until another; "0" ends it."""

    percent: str
    start: Annotated[str | None, Field(alias="from")] = None
    until: str | None = None
    reason: Reason = ""


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """The account of an address, if its administrator asks or the studio's own, and how it is changed."""

    id: str
    caller: KeyCaller
    accounts: Accounts

    async def changed(self, change: Callable[..., Awaitable[AccountView]], to: str, reason: str) -> Response:
        """The answer, once it is changed."""
        view = await change(self.id, to, by=self.caller.holder.actor, reason=reason)
        return json_of(account_document(view), self.caller)


async def _own(request: Request, caller: Administrator, id: str) -> OwnAccount:
    return OwnAccount(caller.holder.account_for(id), caller, gate_of(request).studio.accounts)


Own: TypeAlias = Annotated[OwnAccount, Depends(_own)]


@router.post("/zone")
async def post_zone(own: Own, asked: ZoneAsked) -> Response:
    """Other midnights, from the next period on."""
    return await own.changed(own.accounts.change_time_zone, asked.zone, asked.reason)


@router.post("/allow")
async def post_allowed(own: Own, asked: ConsentAsked) -> Response:
    """Let models of a class be chosen without being named."""
    return await own.changed(own.accounts.allow, asked.model_class, asked.reason)


@router.post("/forbid")
async def post_forbidden(own: Own, asked: ConsentAsked) -> Response:
    """Undo `allow`."""
    return await own.changed(own.accounts.forbid, asked.model_class, asked.reason)


@router.post("/on-limit")
async def post_on_limit(own: Own, asked: OnLimitAsked) -> Response:
    """Let a cheaper model do what would pass a limit of money, or, without one, refuse it."""
    return await own.changed(own.accounts.on_limit, asked.model, asked.reason)


@router.post("/tariff")
async def post_tariff(request: Request, caller: StudioAdministrator, id: str, asked: TariffAsked) -> Response:
    """Sell by a tariff of its own from now on, or, without one, by its plan's."""
    accounts, by = gate_of(request).studio.accounts, caller.holder.actor
    view = await accounts.agree_tariff(id, asked.tariff, by=by, reason=asked.reason)
    return json_of(account_document(view), caller)


@router.post("/discount")
async def post_discount(request: Request, caller: StudioAdministrator, id: str, asked: DiscountAsked) -> Response:
    """So many percent off for the account, in the place of its tariff's discounts."""
    accounts, by = gate_of(request).studio.accounts, caller.holder.actor
    span = {
        "start": None if asked.start is None else instant_of(asked.start, field="from"),
        "end": None if asked.until is None else instant_of(asked.until, field="until"),
    }
    view = await accounts.agree_discount(id, percent_of(asked.percent), **span, by=by, reason=asked.reason)
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
