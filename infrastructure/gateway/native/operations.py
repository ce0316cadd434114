"""`/v1/operations` and `/v1/estimates`: any kind of operation, asked for, looked at, until_ended, cancelled."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from application.asking.requests import File, Result
from application.keeping.stories import entries, event_of
from application.ledger.log import Codec, Positioned, fact_name
from application.ledger.reader import LogFilter
from application.scope import operations_of
from domain.errors import InvalidInput, OperationError
from domain.keys import KeyScope
from infrastructure.gateway.bodies import SentBody, any_body
from infrastructure.gateway.callers import Operator, Reader
from infrastructure.gateway.describing import answers, takes, together
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import Gate, gate_of
from infrastructure.gateway.native.answering import NO_HEADERS, encoded, json_of
from infrastructure.gateway.native.asof import DATED, as_of_document, moment_asked
from infrastructure.gateway.native.following import until_ended
from infrastructure.gateway.native.quoting import as_estimated, quote_of
from infrastructure.gateway.native.shapes import OperationAsked, TagsAsked
from infrastructure.gateway.openai.answering import headers_for
from infrastructure.showing.documents import estimate_document, result_document
from infrastructure.showing.stories import stored_document

router = APIRouter(prefix="/v1", tags=["Operations"])
ASKED: Final = "request"
"""The field of a form that has the request as JSON."""
LONGEST_WAIT: Final = 600
ASKING: Final = together(takes(OperationAsked), answers(told="It has ended."))
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])")


@router.post("/operations", status_code=202, openapi_extra=ASKING)
async def post_operation(request: Request) -> Response:
    """Ask for an operation: held and recorded before the answer.

    With `Prefer: wait=N` the answer comes when it has ended, or after N seconds; `Location` leads to it.
    """
    gate = gate_of(request)
    caller = await gate.door.enter(request, KeyScope.OPERATE)
    async with any_body(request) as body:
        asked, files = _read(body)
        key = await gate.repeats.key_for(request, caller.account, caller.holder.key, body.fields, body.files)
        wanted = await as_estimated(gate.quotes, caller.account, asked, files, asked.request(caller, files, key))
        begun = await gate.studio.operations.submit(wanted, queued=True)
    waited = _wait_of(request)
    result = await _ended(gate, caller.account, begun.operation, waited) if waited else None
    headers = {"location": f"/v1/operations/{begun.operation}"}
    if begun.repeated:
        headers["idempotency-replayed"] = "true"
    found = result or await gate.studio.operations.look(begun.operation, account=caller.account)
    return _answer(found, caller, 200 if result is not None else 202, headers)


@router.get("/operations/{id}", openapi_extra={"parameters": DATED})
async def get_operation(request: Request, caller: Reader, id: str) -> Response:
    """An operation, or a whole batch, as it stands now; with `Prefer: wait=N` once it has ended, or after N seconds."""
    gate, waited = gate_of(request), _wait_of(request)
    moment = await moment_asked(request, caller.account)
    if moment is not None:
        then = await gate.studio.operations.look(id, account=caller.account, as_of=moment.position)
        return json_of(as_of_document(result_document(then), moment), caller)
    ended = await _ended(gate, caller.account, id, waited) if waited else None
    return _answer(ended or await gate.studio.operations.look(id, account=caller.account), caller)


@router.post("/operations/{id}/cancel")
async def post_cancel(request: Request, caller: Operator, id: str) -> Response:
    """Stop an operation, or all of a batch, at its provider; nothing is charged for what is stopped."""
    gate = gate_of(request)
    result = await gate.studio.operations.cancel(id, account=caller.account, by=caller.holder.actor)
    return _answer(result, caller)


@router.post("/operations/{id}/tags")
async def post_tags(request: Request, caller: Operator, id: str, asked: TagsAsked) -> Response:
    """Give an operation, or all of a batch, tags, and take others away; answers with all that it has then."""
    operations, by = gate_of(request).studio.operations, caller.holder.actor
    tags = await operations.tag(id, asked.tags, remove=asked.untag, account=caller.account, by=by)
    return json_of({"operation": id, "tags": dict(tags)}, caller)


@router.get("/operations/{id}/events")
async def get_events(request: Request, caller: Reader, id: str) -> Response:
    """All facts about it, each with its position in the log; as server-sent events if that is what is accepted.

    A stream ends with the operation, and goes on after the position that `Last-Event-ID` names.
    """
    gate = gate_of(request)
    log = gate.studio.log
    known = await operations_of(log.index, caller.account, id)
    wanted = LogFilter(operations=tuple(one.operation for one in known))
    if "text/event-stream" in request.headers.get("accept", ""):
        return await _streamed(gate, caller, wanted, _position(request))
    found = [stored_document(entry, event_of(log.codec, entry)) async for entry in entries(log.reader, wanted)]
    return json_of({"events": found}, caller)


@router.post("/estimates", openapi_extra=takes(OperationAsked))
async def post_estimate(request: Request, caller: Reader) -> Response:
    """Say what an operation would cost, who would do it, and whether it would be admitted; nothing is recorded."""
    gate = gate_of(request)
    async with any_body(request) as body:
        asked, files = _read(body)
        found = await gate.studio.operations.estimate(asked.request(caller, files))
        quote = await quote_of(gate.quotes, caller.account, asked, files, found)
    return json_of({**estimate_document(found), **quote}, caller)


async def _streamed(gate: Gate, caller: KeyCaller, wanted: LogFilter, after: int) -> Response:
    """Those after a position that are there, and then each as it is committed, until no more can come."""
    log = gate.studio.log
    told = await until_ended(log, wanted, after)

    async def events() -> AsyncIterator[bytes]:
        async for entry in told:
            yield _event(log.codec, entry, caller)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"cache-control": "no-store"})


def _event(codec: Codec, entry: Positioned, caller: KeyCaller) -> bytes:
    data = encoded(stored_document(entry, event_of(codec, entry)), caller)
    return f"id: {entry.position}\nevent: {fact_name(entry.link.topic)}\ndata: ".encode() + data + b"\n\n"


def _read(body: SentBody) -> tuple[OperationAsked, dict[str, list[File]]]:
    """The request as it was written, and its files by input. Raises InvalidInput for the first thing wrong with it."""
    files = {name.removesuffix("[]"): list(many) for name, many in body.files.items()}
    try:
        fields = msgspec.json.decode(body.fields[ASKED]) if ASKED in body.fields else body.fields
        return OperationAsked.model_validate(fields), files
    except msgspec.DecodeError as error:
        raise InvalidInput(ASKED, f"is no JSON: {error}", hint="see /docs for what is taken") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        inner = isinstance(body.fields.get(str(first["loc"][0])), dict | list) if first["loc"] else False
        field = ".".join(str(part) for part in first["loc"][: 2 if inner else 1]) or "body"
        raise InvalidInput(field, first["msg"].lower(), hint="see /docs for what is taken") from error


async def _ended(gate: Gate, account: str, operation: str, seconds: int) -> Result | None:
    """The result once it has ended, whatever became of it; None if that takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await gate.studio.operations.wait(operation, account=account)
    except TimeoutError:
        return None
    except OperationError:
        return await gate.studio.operations.look(operation, account=account)


def _answer(result: Result, caller: KeyCaller, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    return json_of(result_document(result), caller, status, {**headers_for(result), **headers})


def _wait_of(request: Request) -> int:
    """The seconds that `Prefer: wait=N` (RFC 7240) allows; none if it does not say."""
    found = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(found[1]), LONGEST_WAIT) if found else 0


def _position(request: Request) -> int:
    told = request.headers.get("last-event-id", "0")
    if not told.isdecimal() or len(told) > 18:
        raise InvalidInput("Last-Event-ID", "is no position in the log", hint="send the id of the last event")
    return int(told)
