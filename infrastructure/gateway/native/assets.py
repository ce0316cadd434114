"""`/v1/assets`: the account's library: found, shown with what it cost, described, fetched, thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.concurrency import iterate_in_threadpool

from application.asking.requests import File
from application.library.adding import read_in_pieces
from application.library.answers import Bringing
from application.library.links import MOST_SECONDS, USUAL_SECONDS
from application.library.records import AssetQuery
from domain.errors import InvalidInput
from domain.keys import KeyScope
from infrastructure.gateway.addresses import absolute
from infrastructure.gateway.bodies import any_body
from infrastructure.gateway.callers import Operator, Reader
from infrastructure.gateway.contents import content_response
from infrastructure.gateway.describing import answers, together
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of, seen_by
from infrastructure.gateway.native.asof import AS_OF, DATED, as_of_document, moment_asked
from infrastructure.gateway.native.paging import PAGED, check_parameters, flag_of, page_of
from infrastructure.gateway.native.shapes import StrictBody
from infrastructure.showing.assets import asset_document, lineage_document, page_document, shown_document
from infrastructure.showing.formats import document, instant_of, iso, spanned

router = APIRouter(prefix="/v1/assets", tags=["Assets"])
LONGEST_NUMBER: Final = 12
MOST_ARCHIVED: Final = 1_000
WORDS: Final = ("type", "kind", "model", "provider", "user", "project", "text", "tag", "collection", "sort")
"""Parameters that choose assets by a word of theirs."""
_NAMED: Final = (*WORDS, "standing", "favourite", "since", "until")
CHOOSING: Final = {
    "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _NAMED],
}
PARAMETERS: Final = {"parameters": [*CHOOSING["parameters"], *PAGED["parameters"]]}
LINKED: Final = {
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "string"}} for name in ("account", "expires", "signature")
    ]
}
BROUGHT: Final = {
    "parameters": [{"name": "title", "in": "query", "schema": {"type": "string"}}],
    "requestBody": {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
}
Text = Annotated[str, Field(max_length=10_000)]


class Description(StrictBody):
    """Words about an asset; what is left out stays as it is."""

    title: Text | None = None
    description: Text | None = None
    favourite: bool | None = None
    tags: list[Text] = Field(default_factory=list)
    untag: list[Text] = Field(default_factory=list)


class Linking(StrictBody):
    """For how many seconds anybody may read the file."""

    expires: Annotated[int, Field(ge=1, le=MOST_SECONDS)] = USUAL_SECONDS


class Archiving(StrictBody):
    """Assets, each under its id; or `names`, the asset of each name that a file is to have, without an extension."""

    assets: Annotated[list[Text], Field(max_length=MOST_ARCHIVED)] = Field(default_factory=list)
    names: Annotated[dict[Text, Text], Field(max_length=MOST_ARCHIVED)] = Field(default_factory=dict)


class Disposing(StrictBody):
    """Why, if anybody wants to know."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Expiring(Disposing):
    """The instant after which the asset is erased; null for never."""

    at: str | None


@router.get("", openapi_extra={**PARAMETERS, "parameters": [*PARAMETERS["parameters"], *DATED]})
async def get_assets(request: Request, caller: Reader) -> Response:
    """List assets, the newest first; `text` looks in titles, descriptions, tags and prompts."""
    studio, page = gate_of(request).studio, page_of(request)
    wanted, moment = asset_query(request, (*page.NAMES, AS_OF)), await moment_asked(request, caller.account)
    if moment is None:
        found = await studio.library.list(caller.account, wanted, after=page.after, limit=page.limit)
    else:
        found = await studio.past.assets(caller.account, wanted, moment, after=page.after, limit=page.limit)
    return json_of(as_of_document(page_document(found), moment), caller)


@router.get("/{id}")
async def get_asset(request: Request, caller: Reader, id: str) -> Response:
    """An asset: what it is, what made and used it, what people wrote about it, and what it cost."""
    gate = gate_of(request)
    shown = await gate.studio.library.show(caller.account, id)
    return json_of({**shown_document(shown), "content": f"/v1/assets/{id}/content"}, caller)


@router.get("/{id}/lineage", openapi_extra={"parameters": DATED})
async def get_lineage(request: Request, caller: Reader, id: str) -> Response:
    """All that it came from and that came of it, and what it cost together with the former."""
    studio, moment = gate_of(request).studio, await moment_asked(request, caller.account)
    if moment is None:
        return json_of(lineage_document(await studio.library.lineage(caller.account, id)), caller)
    then = await studio.past.lineage(caller.account, id, moment)
    return json_of(as_of_document(lineage_document(then), moment), caller)


@router.get("/{id}/content", openapi_extra=together(LINKED, answers(type="*/*")))
async def get_content(request: Request, id: str) -> Response:
    """The file itself, or a part of it, for the account's own keys and for whoever follows a link."""
    gate = gate_of(request)
    library, link = gate.studio.library, request.query_params
    if "signature" in link:
        account = link.get("account", "")
        file = await library.linked(account, id, expires=_seconds(link.get("expires")), signature=link["signature"])
    else:
        account = (await gate.door.enter(request, KeyScope.READ)).account
        file = await library.file(account, id)
    path = library.store.path(account, file)
    return await content_response(request, file, lambda: library.store.pieces(account, file), path)


@router.post("/{id}/link")
async def post_link(request: Request, caller: Operator, id: str, asked: Linking) -> Response:
    """An address by which anybody reads the file for a time."""
    link = await gate_of(request).studio.library.link(caller.account, id, expires=asked.expires)
    return json_of({"url": absolute(request, link.url), "expires": iso(link.expires)}, caller)


@router.post("", status_code=201, openapi_extra=BROUGHT)
async def post_asset(request: Request, caller: Operator) -> Response:
    """Bring a file into the library: as the body, as it comes, or as `file` of a form; `title` is its title."""
    library, title = gate_of(request).studio.library, request.query_params.get("title", "")
    new = Bringing(
        title=title, by=caller.holder.actor, user=caller.holder.user_for(), project=caller.holder.project_for()
    )
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        added = await library.add(caller.account, request.stream(), new=new)
    else:
        async with any_body(request) as body:
            added = await library.add(caller.account, only_file(body.files), new=new)
    return json_of({**asset_document(added.asset), "new": added.is_new}, caller, 201 if added.is_new else 200)


@router.post("/archive", openapi_extra=answers(type="application/zip"))
async def post_archive(request: Request, caller: Reader, asked: Archiving) -> Response:
    """The files of some assets as one ZIP file, with a manifest that says of each what it is."""
    if bool(asked.assets) == bool(asked.names):
        raise InvalidInput("assets", "are named once", hint="give `assets`, or `names`, and not both")
    names = asked.names or {asset: asset for asset in asked.assets}
    pieces = await gate_of(request).studio.library.archive_pieces(
        caller.account, names, lambda told: seen_by(told, caller)
    )
    begun = await asyncio.to_thread(next, pieces, b"")
    headers = {"content-disposition": 'attachment; filename="assets.zip"', "x-content-type-options": "nosniff"}
    read = iterate_in_threadpool(chain((begun,), pieces))
    return StreamingResponse(read, headers=headers, media_type="application/zip")


@router.get("/{id}/thumbnail", openapi_extra=answers(type="image/*"))
async def get_thumbnail(request: Request, caller: Reader, id: str) -> Response:
    """A small picture of it."""
    gate = gate_of(request)
    drawn = await gate.studio.library.thumbnail(caller.account, id)
    return Response(drawn.content, media_type=drawn.media_type, headers={"cache-control": "private, max-age=86400"})


@router.patch("/{id}")
async def patch_asset(request: Request, caller: Operator, id: str, asked: Description) -> Response:
    """Give it a title, a description and tags, or mark it as a favourite."""
    gate = gate_of(request)
    words = gate.studio.library.words
    await words.describe(
        caller.account, id, title=asked.title, description=asked.description, favourite=asked.favourite
    )
    return json_of(document(await words.tag(caller.account, id, add=asked.tags, remove=asked.untag)), caller)


@router.post("/{id}/expire")
async def post_expiry(request: Request, caller: Operator, id: str, asked: Expiring) -> Response:
    """Have it erased once an instant is past, or never by itself."""
    gate = gate_of(request)
    at = None if asked.at is None else instant_of(asked.at)
    record = await gate.studio.library.expire(caller.account, id, at=at, by=caller.holder.actor, reason=asked.reason)
    return json_of(asset_document(record), caller)


@router.post("/{id}/{step}")
async def post_disposal(request: Request, caller: Operator, id: str, step: str, asked: Disposing) -> Response:
    """Put it into the trash, restore it, or erase it for ever."""
    gate = gate_of(request)
    library, by = gate.studio.library, caller.holder.actor
    if step == "erase":
        erased = await library.erase(caller.account, id, by=by, reason=asked.reason)
        return json_of(document(erased), caller)
    steps = {"trash": library.trash, "restore": library.restore}
    if step not in steps:
        raise InvalidInput("step", f"{step!r} is none", hint="trash, restore or erase")
    return json_of(asset_document(await steps[step](caller.account, id, by=by, reason=asked.reason)), caller)


def _seconds(text: str | None) -> int:
    """When a link says that it expires. Raises InvalidInput."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > LONGEST_NUMBER:
        raise InvalidInput("expires", "is no time", hint="follow the link as it was given")
    return int(text)


async def only_file(files: Mapping[str, Sequence[File]]) -> AsyncIterator[bytes]:
    """The one file of a form, in pieces. Raises InvalidInput."""
    found = [file for many in files.values() for file in many]
    if len(found) != 1:
        raise InvalidInput("file", f"{len(found)} files", hint="send one file")
    if isinstance(found[0], bytes):
        yield found[0]
    elif isinstance(found[0], Path):
        async for piece in read_in_pieces(found[0]):
            yield piece


def asset_query(request: Request, more: Sequence[str] = ()) -> AssetQuery:
    """The assets that the parameters choose; `more` are parameters of another meaning. Raises InvalidInput."""
    check_parameters(request, (*_NAMED, *more))
    return query_of(request.query_params)


def query_of(told: Mapping[str, str]) -> AssetQuery:
    """The assets that words choose; `since` and `until` are days or instants, in UTC. Raises InvalidInput."""
    words: dict[str, Any] = {name: told[name] for name in WORDS if name in told}
    standing = told.get("standing", "kept")
    return AssetQuery(
        standing=None if standing == "any" else standing,
        favourite=flag_of(told, "favourite"),
        seen=spanned(told.get("since"), told.get("until")),
        **words,
    )
