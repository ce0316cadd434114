"""`/v1/images/generations` and `/v1/images/edits`: pictures as OpenAI's clients ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from application.asking.requests import File, Result
from domain.errors import InvalidInput
from domain.keys import KeyScope
from infrastructure.gateway.addresses import absolute
from infrastructure.gateway.bodies import any_body, json_body
from infrastructure.gateway.describing import answers, takes, together
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import Gate, gate_of
from infrastructure.gateway.openai.answering import encoded_answer, headers_for, images_response, json_response
from infrastructure.gateway.openai.asking import ClientRequest, Interpreter, file_at
from infrastructure.gateway.openai.shapes import IMAGES, EditAsked, ImagesAsked
from infrastructure.gateway.openai.streaming import images_stream

router = APIRouter(prefix="/v1/images", tags=["Compatible routes"])
FILES: Final = {"image": True, "mask": False}
STRICT: Final = "x-imagestudio-strict"


@router.post("/generations", openapi_extra=together(takes(ImagesAsked), answers(IMAGES)))
async def generations(request: Request) -> Response:
    """Draw pictures from words."""
    gate = gate_of(request)
    caller = await gate.door.enter(request, KeyScope.OPERATE)
    fields = await json_body(request)
    return await _answer(gate, request, caller, "text-to-image", fields, {})


@router.post("/edits", openapi_extra=together(takes(EditAsked, FILES), answers(IMAGES)))
async def edits(request: Request) -> Response:
    """Change pictures as words say; with a mask, only a part of the first."""
    gate = gate_of(request)
    caller = await gate.door.enter(request, KeyScope.OPERATE)
    async with any_body(request) as body:
        media = _media(body.files) if body.files else _addressed(body.fields)
        fields = {name: value for name, value in body.fields.items() if name not in ("images", "mask", "markup")}
        kind = "inpaint" if "mask" in media else "image-edit"
        return await _answer(gate, request, caller, kind, fields, media)


async def _answer(
    gate: Gate,
    request: Request,
    caller: KeyCaller,
    kind: str,
    fields: Mapping[str, Any],
    media: Mapping[str, Sequence[File]],
) -> Response:
    key = await gate.repeats.key_for(request, caller.account, caller.holder.key, fields, media)
    strict = request.headers.get(STRICT, "").lower() == "true"
    more = {**caller.asks(request, fields.get("user")), "key": key}
    asked = Interpreter(gate.models, strict).picture(kind, caller.account, fields, media, **more)
    if asked.stream:
        return await images_stream(gate.studio.operations, asked, gate.seconds)
    result = await gate.studio.operations.run(asked.request)
    created = gate.seconds()
    links = await _links(gate, request, asked, result)
    content = await encoded_answer(result, lambda: images_response(result, created, asked, links))
    await gate.repeats.answered(request, key)
    return json_response(content, headers_for(result, asked.ignored))


async def _links(gate: Gate, request: Request, asked: ClientRequest, result: Result) -> Sequence[str]:
    """An address for each picture if they were asked for, or if nothing was said and the settings send them."""
    if not (asked.as_url or (asked.as_url is None and gate.links)):
        return ()
    library, account = gate.studio.library, asked.request.account
    found = [await library.link(account, output.asset.id) for output in result.assets]
    return [absolute(request, one.url) for one in found]


def _media(files: Mapping[str, Sequence[File]]) -> dict[str, Sequence[File]]:
    """Files by our names; a list is named with brackets."""
    found: dict[str, list[File]] = {}
    for name, many in files.items():
        found.setdefault(name.removesuffix("[]"), []).extend(many)
    return dict(found)


def _addressed(fields: Mapping[str, Any]) -> dict[str, Sequence[File]]:
    """The files of the JSON form, each an object with an `image_url`. Raises InvalidInput."""
    images = fields.get("images")
    if not isinstance(images, list) or not images:
        raise InvalidInput("image", "is missing", hint="send a form with image, or JSON with images")
    media: dict[str, Sequence[File]] = {"image": [_file("images", one) for one in images]}
    for name in ("mask", "markup"):
        if fields.get(name) is not None:
            media[name] = [_file(name, fields[name])]
    return media


def _file(field: str, named: object) -> File:
    if isinstance(named, Mapping) and "file_id" in named:
        raise InvalidInput(field, "files are not kept under ids here", hint="give an image_url instead")
    return file_at(field, named.get("image_url") if isinstance(named, Mapping) else named)
