"""`/v1/keys`: API keys of an account, issued, changed and revoked by its administrators or the studio's own.

A secret is in one answer alone: that of the request that issued its key. Nobody issues a key of an account that may do
more than their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from domain.errors import Forbidden
from domain.keys import KeyScope, KeyTerms
from domain.money import Money
from infrastructure.gateway.callers import Administrator
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.shapes import Id, Reason, StrictBody
from infrastructure.showing.formats import instant_of
from infrastructure.showing.keys import key_document, new_key_document

router = APIRouter(prefix="/v1/keys", tags=["Administration"])


class KeyAsked(StrictBody):
    """A key to issue; amounts are exact text, such as "25".

    `limit` is the most that it may spend a period, and `limits` are those by measure: whole numbers are outputs, or
    micro-units of money. A person has to agree above the price `approve_above`; with `approve_in_client` that may be
    the one before its client.
    """

    name: Annotated[str, Field(max_length=200)] = ""
    scopes: Annotated[list[KeyScope], Field(min_length=1)] = [KeyScope.OPERATE]  # noqa: RUF012  # pydantic copies it
    user: Id | None = None
    project: Id | None = None
    forwards: bool = False
    expires: str | None = None
    limit: str | None = None
    limits: dict[str, int | str | None] = {}  # noqa: RUF012  # pydantic copies it
    approve_above: str | None = None
    approve_in_client: bool = False
    per_minute: Annotated[int | None, Field(ge=1)] = None
    reason: Reason = ""

    def terms(self, currency: str) -> KeyTerms:
        """The terms of the key. Raises InvalidInput, InvalidMoney."""
        return KeyTerms(
            tuple(dict.fromkeys(self.scopes)),
            user=self.user,
            project=self.project,
            forwards=self.forwards,
            expires=None if self.expires is None else instant_of(self.expires, field="expires"),
            approve_above=None if self.approve_above is None else Money.parse(self.approve_above, currency).micros,
            per_minute=self.per_minute,
            approve_in_client=self.approve_in_client,
        )


class KeyChange(StrictBody):
    """Terms of a key that become others: those that are named, null for no such bound."""

    name: Annotated[str | None, Field(max_length=200)] = None
    scopes: Annotated[list[KeyScope], Field(min_length=1)] = [KeyScope.OPERATE]  # noqa: RUF012
    user: Id | None = None
    project: Id | None = None
    forwards: bool = False
    expires: str | None = None
    limits: dict[str, int | str | None] = {}  # noqa: RUF012
    approve_above: str | None = None
    approve_in_client: bool = False
    per_minute: Annotated[int | None, Field(ge=1)] = None
    reason: Reason = ""

    def changes(self, currency: str) -> dict[str, Any]:
        """The terms that were named. Raises InvalidInput, InvalidMoney."""
        told = {name: getattr(self, name) for name in self.model_fields_set & set(KeyTerms.__dataclass_fields__)}
        if told.get("expires") is not None:
            told["expires"] = instant_of(told["expires"], field="expires")
        if told.get("approve_above") is not None:
            told["approve_above"] = Money.parse(told["approve_above"], currency).micros
        if "scopes" in told:
            told["scopes"] = tuple(dict.fromkeys(told["scopes"]))
        return told


class Revocation(StrictBody):
    """Why a key is revoked."""

    reason: Reason = ""


@router.post("", status_code=201)
async def post_key(request: Request, caller: Administrator, asked: KeyAsked) -> Response:
    """Issue a key; its secret is shown this once."""
    gate = gate_of(request)
    check_scopes(caller, asked.scopes)
    spend = {} if asked.limit is None else {"spend": asked.limit}
    limits = _limits({**asked.limits, **spend}, gate.currency)
    new = await gate.studio.keys.issue(
        caller.account,
        asked.terms(gate.currency),
        name=asked.name,
        limits=limits,
        by=caller.holder.actor,
        reason=asked.reason,
    )
    return json_of(new_key_document(new), caller, 201, {"cache-control": "no-store"})


@router.get("")
async def get_keys(request: Request, caller: Administrator) -> Response:
    """List the account's keys, in the order in which they were issued."""
    gate = gate_of(request)
    return json_of({"keys": [key_document(one) for one in await gate.studio.keys.list(caller.account)]}, caller)


@router.get("/{id}")
async def get_key(request: Request, caller: Administrator, id: str) -> Response:
    """One key: its terms, its limits, and what of them is used, held and left."""
    gate = gate_of(request)
    return json_of(key_document(await gate.studio.keys.show(caller.account, id)), caller)


@router.patch("/{id}")
async def patch_key(request: Request, caller: Administrator, id: str, asked: KeyChange) -> Response:
    """Change what is named of its terms, its name and its limits."""
    gate = gate_of(request)
    if "scopes" in asked.model_fields_set:
        check_scopes(caller, asked.scopes)
    changed = await gate.studio.keys.change(
        caller.account,
        id,
        changes=asked.changes(gate.currency),
        name=asked.name,
        limits=_limits(asked.limits, gate.currency),
        by=caller.holder.actor,
        reason=asked.reason,
    )
    return json_of(key_document(changed), caller)


@router.post("/{id}/revoke")
async def post_revocation(request: Request, caller: Administrator, id: str, asked: Revocation) -> Response:
    """Let it open nothing any more."""
    gate = gate_of(request)
    revoked = await gate.studio.keys.revoke(caller.account, id, by=caller.holder.actor, reason=asked.reason)
    return json_of(key_document(revoked), caller)


def check_scopes(caller: KeyCaller, scopes: Sequence[KeyScope]) -> None:
    """Raises Forbidden for more than the caller's own key may do."""
    if not caller.holder.runs_studio and not set(scopes) <= {KeyScope.READ, *caller.holder.terms.scopes}:
        raise Forbidden(f"key {caller.holder.key} may not do all of that itself", hint="ask for fewer scopes")


def _limits(told: Mapping[str, int | str | None], currency: str) -> dict[str, int | None]:
    return {name: Money.parse(one, currency).micros if isinstance(one, str) else one for name, one in told.items()}
