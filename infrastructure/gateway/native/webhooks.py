"""`/v1/webhooks`: where an account is told what happens, for its administrators and the studio's own.

A secret is in one answer alone: that of the request that made it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from infrastructure.gateway.callers import Administrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import PAGED, page_of
from infrastructure.gateway.native.shapes import StrictBody
from infrastructure.showing.formats import instant_of
from infrastructure.showing.webhooks import (
    answer_document,
    messages_document,
    new_secret_document,
    webhook_document,
)

router = APIRouter(prefix="/v1/webhooks", tags=["Webhooks"])
Reason = Annotated[str, Field(max_length=200)]
Url = Annotated[str, Field(max_length=2_000, examples=["https://shop.example/hooks"])]
Event = Annotated[str, Field(max_length=100, examples=["operation.completed"])]
UNSTORED: Final = {"cache-control": "no-store"}
STATE: Final = {"name": "state", "in": "query", "schema": {"enum": ["waiting", "delivered", "dead"]}}
LISTED: Final = {"parameters": [STATE, *PAGED["parameters"]]}


class WebhookAsked(StrictBody):
    """A webhook to add; no events are all."""

    url: Url
    events: list[Event] = []  # noqa: RUF012  # pydantic copies it
    reason: Reason = ""


class WebhookChange(StrictBody):
    """Changes of a webhook; `paused` sends it nothing, or again what happens from now on."""

    url: Url | None = None
    events: list[Event] | None = None
    paused: bool | None = None
    reason: Reason = ""


class Rotation(StrictBody):
    """For how many hours the secret before signs, too."""

    overlap: Annotated[int, Field(ge=0, le=168)] = 24
    reason: Reason = ""


class ReplayAsked(StrictBody):
    """Messages to be sent again: some by id, all that were given up, or every event since an instant or a position."""

    messages: Annotated[list[str], Field(max_length=500)] = []  # noqa: RUF012  # pydantic copies it
    dead: bool = False
    since: str | None = None
    position: Annotated[int | None, Field(ge=1, lt=2**63)] = None


@router.post("", status_code=201)
async def post_webhook(request: Request, caller: Administrator, asked: WebhookAsked) -> Response:
    """Add a webhook; its secret is shown this once."""
    webhooks, by = gate_of(request).studio.webhooks, caller.holder.actor
    new = await webhooks.add(caller.account, asked.url, events=asked.events, by=by, reason=asked.reason)
    return json_of(new_secret_document(new), caller, 201, UNSTORED)


@router.get("")
async def get_webhooks(request: Request, caller: Administrator) -> Response:
    """List the account's webhooks, and how each stands."""
    found = await gate_of(request).studio.webhooks.list(caller.account)
    return json_of({"webhooks": [webhook_document(one) for one in found]}, caller)


@router.get("/{id}")
async def get_webhook(request: Request, caller: Administrator, id: str) -> Response:
    """One webhook: where it is, what it is told, and how that goes."""
    return json_of(webhook_document(await gate_of(request).studio.webhooks.show(caller.account, id)), caller)


@router.patch("/{id}")
async def patch_webhook(request: Request, caller: Administrator, id: str, asked: WebhookChange) -> Response:
    """Change its address or events, pause it, or resume it; its secrets stay."""
    webhooks, account = gate_of(request).studio.webhooks, caller.account
    told: dict[str, Any] = {"by": caller.holder.actor, "reason": asked.reason}
    found = await webhooks.change(account, id, url=asked.url, events=asked.events, **told)
    if asked.paused is not None:
        found = await (webhooks.pause if asked.paused else webhooks.resume)(account, id, **told)
    return json_of(webhook_document(found), caller)


@router.post("/{id}/rotate")
async def post_rotation(request: Request, caller: Administrator, id: str, asked: Rotation) -> Response:
    """Make another secret, which is shown this once."""
    webhooks, by = gate_of(request).studio.webhooks, caller.holder.actor
    new = await webhooks.rotate(caller.account, id, overlap=asked.overlap, by=by, reason=asked.reason)
    return json_of(new_secret_document(new), caller, headers=UNSTORED)


@router.delete("/{id}", status_code=204)
async def delete_webhook(request: Request, caller: Administrator, id: str) -> Response:
    """Send it nothing any more, and erase its address."""
    await gate_of(request).studio.webhooks.remove(caller.account, id, by=caller.holder.actor)
    return Response(status_code=204)


@router.get("/{id}/deliveries", openapi_extra=LISTED)
async def get_deliveries(request: Request, caller: Administrator, id: str) -> Response:
    """List messages to it, the newest first, and what became of each."""
    page, state = page_of(request), request.query_params.get("state")
    found = await gate_of(request).studio.webhooks.deliveries(
        caller.account, id, state=state, after=page.after, limit=page.limit
    )
    return json_of(messages_document(found), caller)


@router.post("/{id}/replay")
async def post_replay(request: Request, caller: Administrator, id: str, asked: ReplayAsked) -> Response:
    """Have messages sent to it again, each under the id that it had."""
    since = None if asked.since is None else instant_of(asked.since, field="since")
    count = await gate_of(request).studio.webhooks.replay(
        caller.account, id, *asked.messages, dead=asked.dead, since=since, position=asked.position
    )
    return json_of({"replayed": count}, caller)


@router.post("/{id}/test")
async def post_test(request: Request, caller: Administrator, id: str) -> Response:
    """Send it a message of its own at once, and say what it answered."""
    return json_of(answer_document(await gate_of(request).studio.webhooks.test(caller.account, id)), caller)
