"""`/v1/accounts/{id}/wallet`, `/grants`, `/revocations` and `/chargebacks`: what is spent before its own money."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from domain.money import Money
from domain.wallet import Source
from infrastructure.gateway.callers import Reader, StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Id, Reason, StrictBody
from infrastructure.showing.documents import account_document
from infrastructure.showing.formats import instant_of
from infrastructure.showing.wallets import wallet_document

router = APIRouter(prefix="/v1", tags=["Administration"])


class GrantAsked(StrictBody):
    """Credit to grant, once a reference; `until` is a day or an instant, none is for ever, and no `kinds` are all."""

    amount: str
    reference: Id
    currency: str | None = None
    source: str = Source.PROMOTIONAL
    priority: int = 0
    until: str | None = None
    kinds: list[str] = Field(default_factory=list)
    reason: Reason = ""


class GrantRevocation(StrictBody):
    """A promotional grant, by its reference, of which the rest is taken back."""

    grant: Id
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class ChargebackAsked(StrictBody):
    """A payment that was taken back, by its key, or that `of_grant` by its reference; `suspend` admits nothing more
    until the account is resumed."""

    payment: Id
    of_grant: bool = False
    amount: str
    currency: str | None = None
    suspend: bool = False
    reason: Annotated[str, Field(min_length=1, max_length=200)]


@router.get("/accounts/{id}/wallet")
async def get_wallet(request: Request, caller: Reader, id: str) -> Response:
    """An account's money to spend: its balance and every grant, and what its plan costs and allows."""
    account = caller.holder.account_for(id)
    return json_of(wallet_document(await gate_of(request).studio.accounts.wallet(account)), caller)


@router.post("/accounts/{id}/grants")
async def post_grant(request: Request, caller: StudioAdministrator, id: str, asked: GrantAsked) -> Response:
    """Grant credit, once a reference."""
    gate = gate_of(request)
    known = await gate.studio.accounts.show(id)
    expires = None if asked.until is None else instant_of(asked.until, known.zone, "until")
    amount = Money.parse(asked.amount, asked.currency or known.currency)
    view = await gate.studio.accounts.grant(
        id,
        amount,
        asked.reference,
        source=asked.source,
        priority=asked.priority,
        expires=expires,
        kinds=tuple(asked.kinds),
        by=caller.holder.actor,
        reason=asked.reason,
    )
    return json_of(wallet_document(view), caller)


@router.post("/accounts/{id}/revocations")
async def post_grant_revocation(
    request: Request, caller: StudioAdministrator, id: str, asked: GrantRevocation
) -> Response:
    """Take back what is left of a promotional grant; open operations can still spend what they hold of it."""
    accounts = gate_of(request).studio.accounts
    view = await accounts.revoke_grant(id, asked.grant, asked.reason, by=caller.holder.actor)
    return json_of(wallet_document(view), caller)


@router.post("/accounts/{id}/chargebacks")
async def post_chargeback(request: Request, caller: StudioAdministrator, id: str, asked: ChargebackAsked) -> Response:
    """Take a payment back, or a part of it, once."""
    gate = gate_of(request)
    amount = Money.parse(asked.amount, asked.currency or (await gate.studio.accounts.show(id)).currency)
    how = {"of_grant": asked.of_grant, "suspend": asked.suspend}
    view = await gate.studio.accounts.charge_back(
        id, asked.payment, amount, asked.reason, **how, by=caller.holder.actor
    )
    return json_of(account_document(view), caller)
