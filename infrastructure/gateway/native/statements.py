"""`/v1/statements`, `/v1/periods/{period}/close` and `/v1/goodwill`: an account's bills, which its operator makes.

Each change is a fact that names the key.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from application.keeping.statements import StatementView
from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.documents.drawing import FORMATS, Letterhead, written_as
from infrastructure.gateway.callers import Reader, StudioAdministrator
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import check_parameters
from infrastructure.gateway.native.shapes import Id, StrictBody
from infrastructure.showing.statements import (
    period_document,
    periods_document,
    statement_document,
    statements_document,
)
from infrastructure.showing.upkeep import goodwill_document

router = APIRouter(prefix="/v1", tags=["Statements"])
Needed = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(max_length=200)]
FORMAT: Final[dict[str, Any]] = {"name": "format", "in": "query", "schema": {"type": "string", "enum": [*FORMATS]}}
PERIOD: Final[dict[str, Any]] = {"name": "period", "in": "query", "schema": {"type": "string"}}


class ClosingAsked(StrictBody):
    """How a period is closed: with `carry` although operations are open in it."""

    carry: bool = False
    reason: Reason = ""


class StatementAsked(StrictBody):
    """Which period's statement to issue, by its name, such as "2026-04-01"."""

    period: Needed
    reason: Reason = ""


class VoidAsked(StrictBody):
    """Why a statement is voided."""

    reason: Needed


class GoodwillAsked(StrictBody):
    """An amount to give back for the charges of a period, or else of the newest, once a reference."""

    amount: str
    reference: Id
    reason: Needed
    period: str | None = None


async def _answer(request: Request, one: StatementView, caller: KeyCaller) -> Response:
    """The statement as JSON, as far as the caller may see it, or in the format that is asked for."""
    format = request.query_params.get("format", "json")
    if format == "json":
        return json_of(statement_document(one), caller)
    content = await asyncio.to_thread(written_as, one, format, Letterhead())
    return Response(content, 200, {"digest": f"sha-256={one.digest}"}, FORMATS[format][0])


@router.get("/statements")
async def get_statements(request: Request, caller: Reader) -> Response:
    """List the statements that were issued to the account."""
    return json_of(statements_document(await gate_of(request).studio.statements.list(caller.account)), caller)


@router.get("/statements/periods")
async def get_periods(request: Request, caller: Reader) -> Response:
    """List the account's billing periods, whether each is closed, and its statement."""
    return json_of(periods_document(await gate_of(request).studio.statements.periods(caller.account)), caller)


@router.get("/statements/preview", openapi_extra={"parameters": [PERIOD, FORMAT]})
async def get_preview(request: Request, caller: Reader) -> Response:
    """Draft a period's statement as it stands now: of the named one, or of the first that is not closed."""
    check_parameters(request, ("period", "format"))
    period = request.query_params.get("period")
    return await _answer(request, await gate_of(request).studio.statements.preview(caller.account, period), caller)


@router.get("/statements/{which}", openapi_extra={"parameters": [FORMAT]})
async def get_statement(request: Request, caller: Reader, which: str) -> Response:
    """A statement by its number, or by its period: the one that holds, or else a draft."""
    check_parameters(request, ("format",))
    return await _answer(request, await gate_of(request).studio.statements.show(caller.account, which), caller)


@router.post("/periods/{period}/close")
async def post_closing(request: Request, caller: StudioAdministrator, period: str, asked: ClosingAsked) -> Response:
    """Close a period that is over, for ever; again it changes nothing."""
    closed = await gate_of(request).studio.statements.close(
        caller.account, period, carry=asked.carry, by=caller.holder.actor, reason=asked.reason
    )
    return json_of(period_document(closed), caller)


@router.post("/statements")
async def post_statement(request: Request, caller: StudioAdministrator, asked: StatementAsked) -> Response:
    """Issue a closed period's statement under the account's next number; one that holds is answered again."""
    statements = gate_of(request).studio.statements
    issued = await statements.issue(caller.account, asked.period, by=caller.holder.actor, reason=asked.reason)
    return json_of(statement_document(issued), caller)


@router.post("/statements/{number}/void")
async def post_void(request: Request, caller: StudioAdministrator, number: str, asked: VoidAsked) -> Response:
    """Let a statement hold no more; its number is never used again."""
    statements = gate_of(request).studio.statements
    voided = await statements.void(caller.account, number, asked.reason, by=caller.holder.actor)
    return json_of(statement_document(voided), caller)


@router.post("/goodwill")
async def post_goodwill(request: Request, caller: StudioAdministrator, asked: GoodwillAsked) -> Response:
    """Give an amount back that corrects no single charge; all corrections of a period never exceed its charges."""
    gate = gate_of(request)
    if asked.period == "":
        raise InvalidInput("period", "is empty", hint="leave it out for the newest")
    given = await gate.studio.statements.goodwill(
        caller.account,
        Money.parse(asked.amount, (await gate.studio.accounts.show(caller.account)).currency),
        period=asked.period,
        reason=asked.reason,
        reference=asked.reference,
        by=caller.holder.actor,
    )
    return json_of(goodwill_document(given), caller)
