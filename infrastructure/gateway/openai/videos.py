"""`/v1/videos`: films in OpenAI's shape, with OpenRouter's fields beside it, so that clients of both read one object.

POST /v1/videos                create    GET /v1/videos               list
GET  /v1/videos/{id}           retrieve  GET /v1/videos/{id}/content  the film
DELETE /v1/videos/{id}         delete    its file, for ever; its facts and its price stay
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from application.asking.requests import File, Output, Result
from application.ledger.contents import Body
from application.ports import Scalar
from domain.errors import AssetMissing, InvalidInput, UnknownOperation
from domain.keys import KeyScope
from domain.kinds import KINDS, Family
from infrastructure.clock import SECOND
from infrastructure.gateway.bodies import any_body
from infrastructure.gateway.callers import Operator, Reader
from infrastructure.gateway.contents import content_response
from infrastructure.gateway.describing import answers, takes, together
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import Gate, gate_of
from infrastructure.gateway.native.paging import PAGED, page_of
from infrastructure.gateway.openai.answering import headers_for, json_response
from infrastructure.gateway.openai.asking import Interpreter, file_at
from infrastructure.gateway.openai.filming import film_asked
from infrastructure.gateway.openai.footage import film_of_result, film_of_row
from infrastructure.gateway.openai.images import STRICT
from infrastructure.gateway.openai.shapes import FILM, FILMS, FilmAsked
from projections.engine.asking import cursor
from projections.views.operations import OPERATIONS, OperationFilter, OperationRow

router = APIRouter(prefix="/v1/videos", tags=["Compatible routes"])


@router.post("", openapi_extra=together(takes(FilmAsked, {"input_reference": False}), answers(FILM)))
async def create(request: Request) -> Response:
    """Begin a film; it is held and recorded when the answer comes, and goes on by itself."""
    gate = gate_of(request)
    caller = await gate.door.enter(request, KeyScope.OPERATE)
    async with any_body(request) as body:
        key = await gate.repeats.key_for(request, caller.account, caller.holder.key, body.fields, body.files)
        reader = Interpreter(gate.models, request.headers.get(STRICT, "").lower() == "true")
        more = {**caller.asks(request, body.fields.get("user")), "key": key}
        asked = film_asked(reader, caller.account, body.fields, _pictures(body.fields, body.files), **more)
        begun = await gate.studio.operations.submit(asked.request, queued=True)
    result = await gate.studio.operations.look(begun.operation, account=caller.account)
    film = film_of_result(result, gate.seconds(), await _inputs(gate, result), gate.seconds())
    await gate.repeats.answered(request, key)
    return json_response(msgspec.json.encode(film), headers_for(result, asked.ignored))


@router.get("", openapi_extra=together(PAGED, answers(FILMS)))
async def videos(request: Request, caller: Reader) -> Response:
    """List films, the newest first; `after` is the id of the last one of the page before."""
    gate = gate_of(request)
    views, page = gate.studio.views, page_of(request)
    await asyncio.to_thread(views.catch_up)
    after = None if page.after is None else cursor(OPERATIONS, await _row(gate, caller, page.after))
    wanted = OperationFilter(account=caller.account, family=Family.VIDEOS)
    found = await asyncio.to_thread(views.find, OPERATIONS, wanted, after=after, limit=page.limit)
    tags = await asyncio.to_thread(views.tags, [row.id for row in found.rows])
    data = [film_of_row(row, tags.get(row.id, {})) for row in found.rows]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    listed = {"object": "list", "data": data, **ends, "has_more": found.next is not None}
    return json_response(msgspec.json.encode(listed))


@router.get("/{id}", openapi_extra=answers(FILM))
async def retrieve(request: Request, caller: Reader, id: str) -> Response:
    """A film as it stands now."""
    gate = gate_of(request)
    result = await gate.studio.operations.look(id, account=caller.account)
    row = await _row(gate, caller, id)
    ended = None if row.settled_at is None else row.settled_at // SECOND
    film = film_of_result(result, row.requested_at // SECOND, await _inputs(gate, result), ended)
    return json_response(msgspec.json.encode(film), headers_for(result))


@router.get("/{id}/content", openapi_extra=answers(type="video/*"))
async def content(request: Request, caller: Reader, id: str) -> Response:
    """The film itself; a part of it if a range is asked for."""
    gate = gate_of(request)
    await _row(gate, caller, id)
    output = _film(await gate.studio.operations.look(id, account=caller.account))
    return await content_response(request, output.asset, output.stream, output.path)


@router.delete("/{id}")
async def delete(request: Request, caller: Operator, id: str) -> Response:
    """Delete its file, for ever; its facts and its price stay."""
    gate = gate_of(request)
    await _row(gate, caller, id)
    output = _film(await gate.studio.operations.look(id, account=caller.account))
    await gate.studio.library.erase(caller.account, output.asset.id, by=caller.holder.actor)
    return json_response(msgspec.json.encode({"id": id, "object": "video.deleted", "deleted": True}))


async def _row(gate: Gate, caller: KeyCaller, id: str) -> OperationRow:
    """The caller's operation that makes a film. Raises UnknownOperation, also for another's, and for a picture."""
    await asyncio.to_thread(gate.studio.views.catch_up)
    row = await asyncio.to_thread(gate.studio.views.one, OPERATIONS, id)
    if row is None or row.account != caller.account or KINDS.get(row.kind) is not Family.VIDEOS:
        raise UnknownOperation.of(id)
    return row


async def _inputs(gate: Gate, result: Result) -> Mapping[str, Scalar]:
    """The inputs that it was asked with, as far as they were not erased."""
    content = await asyncio.to_thread(gate.studio.operations.results.contents.load, result.operation)
    return {} if content is None else Body.from_json(content.body).inputs.get(result.model, {})


def _film(result: Result) -> Output:
    """Its file. Raises AssetMissing while there is none."""
    if not result.assets:
        raise AssetMissing("there is no film yet, or none any more", hint="ask for the video, which says how it stands")
    return result.assets[0]


def _pictures(fields: Mapping[str, Any], files: Mapping[str, Sequence[File]]) -> list[File]:
    """The pictures that a film begins with. Raises InvalidInput."""
    found = [file for many in files.values() for file in many]
    for name in ("input_reference", "input_references", "frame_images"):
        told = fields.get(name)
        found += [file_at(name, _address(one)) for one in (told if isinstance(told, list) else [told] if told else [])]
    if len(found) > 1:
        raise InvalidInput("input_reference", f"{len(found)} pictures", hint="a film begins with one")
    return found


def _address(one: Any) -> object:
    """An address, which clients wrap in one object or two."""
    while isinstance(one, Mapping) and "image_url" in one:
        one = one["image_url"]
    return one.get("url") if isinstance(one, Mapping) else one
