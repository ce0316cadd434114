"""`/v1/assets`: the account's library: found, shown with what it cost, described, fetched, thrown away."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from application.library.records import AssetQuery
from domain.errors import InvalidInput
from infrastructure.gateway.callers import Operator, Reader
from infrastructure.gateway.contents import content_response
from infrastructure.gateway.describing import answers
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import PAGED, page_of
from infrastructure.gateway.native.shapes import StrictBody
from infrastructure.showing.assets import asset_document, lineage_document, page_document, shown_document
from infrastructure.showing.formats import document, instant_of

router = APIRouter(prefix="/v1/assets", tags=["Assets"])
WORDS: Final = ("type", "kind", "model", "provider", "user", "project", "text", "tag", "collection")
"""Parameters that choose assets by a word of theirs."""
_NAMED: Final = (*WORDS, "standing", "favourite")
PARAMETERS: Final = {
    "parameters": [
        *({"name": name, "in": "query", "schema": {"type": "string"}} for name in _NAMED),
        *PAGED["parameters"],
    ]
}
Text = Annotated[str, Field(max_length=10_000)]


class Description(StrictBody):
    """Words about an asset; what is left out stays as it is."""

    title: Text | None = None
    description: Text | None = None
    favourite: bool | None = None
    tags: list[Text] = Field(default_factory=list)
    untag: list[Text] = Field(default_factory=list)


class Disposing(StrictBody):
    """Why, if anybody wants to know."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Expiring(Disposing):
    """The instant after which the asset is erased; null for never."""

    at: str | None


@router.get("", openapi_extra=PARAMETERS)
async def get_assets(request: Request, caller: Reader) -> Response:
    """List assets, the newest first; `text` looks in titles, descriptions, tags and prompts."""
    gate = gate_of(request)
    page = page_of(request)
    known = (*WORDS, "standing", "favourite", *page.NAMES)
    for unknown in request.query_params.keys() - set(known):
        raise InvalidInput(unknown, "is no parameter of this list", hint=f"there are: {', '.join(known)}")
    found = await gate.studio.library.list(caller.account, _query(request), after=page.after, limit=page.limit)
    return json_of(page_document(found), caller)


@router.get("/{id}")
async def get_asset(request: Request, caller: Reader, id: str) -> Response:
    """An asset: what it is, what made and used it, what people wrote about it, and what it cost."""
    gate = gate_of(request)
    shown = await gate.studio.library.show(caller.account, id)
    return json_of({**shown_document(shown), "content": f"/v1/assets/{id}/content"}, caller)


@router.get("/{id}/lineage")
async def get_lineage(request: Request, caller: Reader, id: str) -> Response:
    """All that it came from and that came of it, and what it cost together with the former."""
    gate = gate_of(request)
    return json_of(lineage_document(await gate.studio.library.lineage(caller.account, id)), caller)


@router.get("/{id}/content", openapi_extra=answers(type="*/*"))
async def get_content(request: Request, caller: Reader, id: str) -> Response:
    """The file itself; a part of it if a range is asked for."""
    gate = gate_of(request)
    file = await gate.studio.library.file(caller.account, id)
    store = gate.studio.library.store
    return await content_response(
        request, file, lambda: store.pieces(caller.account, file), store.path(caller.account, file)
    )


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


def _query(request: Request) -> AssetQuery:
    """The assets that the parameters choose. Raises InvalidInput."""
    told = request.query_params
    words: dict[str, Any] = {name: told[name] for name in WORDS if name in told}
    standing, favourite = told.get("standing", "kept"), told.get("favourite", "false")
    if favourite not in ("true", "false"):
        raise InvalidInput("favourite", "must be true or false", hint="leave it out for all")
    return AssetQuery(standing=None if standing == "any" else standing, favourite=favourite == "true", **words)
