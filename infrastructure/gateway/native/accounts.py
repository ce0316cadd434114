"""`/v1/accounts` and `/v1/audit`: what administrators do; each change is a fact that names their key.

A key of the studio's own may do this for every account and open new ones; an account's own administrator sees it and
changes what is the customer's to change: its time zone and its consent.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from application.keeping.accounts import NOW
from application.keeping.accountviews import AccountView
from domain.errors import InvalidInput
from domain.money import Money
from domain.windows import Window
from infrastructure.auditing import verdict_of
from infrastructure.gateway.callers import Administrator, Reader, StudioAdministrator
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.asof import DATED, as_of_document, moment_asked
from infrastructure.gateway.native.shapes import Id, Reason, StrictBody
from infrastructure.showing.documents import account_document
from infrastructure.showing.verdicts import verdict_document

router = APIRouter(prefix="/v1", tags=["Administration"])


class AccountAsked(StrictBody):
    """An account to open, once."""

    id: Id
    plan: str = "free"
    currency: str = "USD"
    zone: str = "UTC"
    cycle: str = "calendar"
    prepaid: bool = False
    reason: Reason = ""


class LimitAsked(StrictBody):
    """A limit of a measure; null is no limit. Amounts of money are exact text, such as "25"."""

    measure: str
    limit: int | str | None
    scope: str = "account"
    window: str = Window.PERIOD
    reason: Reason = ""


class CreditAsked(StrictBody):
    """An amount to pay in, once a key; without a currency in the account's."""

    amount: str
    currency: str | None = None
    key: Id
    reason: Reason = ""


class PlanAsked(StrictBody):
    """Another plan: "now", or at "period-end"."""

    plan: str
    at: str = NOW
    reason: Reason = ""


class StandingAsked(StrictBody):
    """Why an account is suspended, resumed or closed."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


def _answer(view: AccountView, caller: KeyCaller) -> Response:
    return json_of(account_document(view), caller)


@router.post("/accounts")
async def post_account(request: Request, caller: StudioAdministrator, asked: AccountAsked) -> Response:
    """Open an account, once; again on the same terms changes nothing."""
    gate = gate_of(request)
    terms = asked.model_dump(exclude={"id"})
    return _answer(await gate.studio.accounts.open(asked.id, **terms, by=caller.holder.actor), caller)


@router.get("/accounts/{id}", openapi_extra={"parameters": DATED})
async def get_account(request: Request, caller: Reader, id: str) -> Response:
    """An account: its terms, its period, and of each measure its limit, what is used, held and left."""
    studio, account = gate_of(request).studio, caller.holder.account_for(id)
    moment = await moment_asked(request, account)
    if moment is None:
        return _answer(await studio.accounts.show(account), caller)
    return json_of(as_of_document(account_document(await studio.past.account(account, moment)), moment), caller)


@router.post("/accounts/{id}/plan")
async def post_plan(request: Request, caller: StudioAdministrator, id: str, asked: PlanAsked) -> Response:
    """Another plan, at once or at the period's end."""
    accounts, by = gate_of(request).studio.accounts, caller.holder.actor
    view = await accounts.change_plan(id, asked.plan, at=asked.at, by=by, reason=asked.reason)
    return _answer(view, caller)


@router.post("/accounts/{id}/limits")
async def post_limit(request: Request, caller: StudioAdministrator, id: str, asked: LimitAsked) -> Response:
    """Another limit of a measure, for the account, "user:ID" or "project:ID"."""
    gate = gate_of(request)
    limit = Money.parse(asked.limit, gate.currency).micros if isinstance(asked.limit, str) else asked.limit
    view = await gate.studio.accounts.change_limit(
        id,
        asked.measure,
        limit,
        scope=asked.scope,
        window=asked.window,
        by=caller.holder.actor,
        reason=asked.reason,
    )
    return _answer(view, caller)


@router.post("/accounts/{id}/credit")
async def post_credit(request: Request, caller: StudioAdministrator, id: str, asked: CreditAsked) -> Response:
    """Pay into a prepaid account, once a key."""
    gate = gate_of(request)
    currency = asked.currency or (await gate.studio.accounts.show(id)).currency
    amount = Money.parse(asked.amount, currency)
    view = await gate.studio.accounts.add_credit(id, amount, asked.key, by=caller.holder.actor, reason=asked.reason)
    return _answer(view, caller)


@router.post("/accounts/{id}/{step}")
async def post_standing(
    request: Request, caller: StudioAdministrator, id: str, step: str, asked: StandingAsked
) -> Response:
    """Suspend an account, resume it, or close it for ever."""
    gate = gate_of(request)
    accounts = gate.studio.accounts
    steps = {"suspend": accounts.suspend, "resume": accounts.resume, "close": accounts.close}
    if step not in steps:
        raise InvalidInput("step", f"{step!r} is none", hint="suspend, resume or close")
    return _answer(await steps[step](id, asked.reason, by=caller.holder.actor), caller)


@router.get("/audit")
async def get_audit(request: Request, caller: Administrator) -> Response:
    """Hold chains, tables and views against the log: of one account, or of all for the studio's own keys."""
    gate = gate_of(request)
    async with gate.auditing:
        return json_of(verdict_document(await verdict_of(gate.studio.audit, caller.account_or_all)), caller)
