"""Seals of the log over HTTP: the newest that are kept, the public keys, and how far the log was verified."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response

from infrastructure.gateway.callers import StudioAdministrator
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.shards.turns import each_in_turn_blocking
from infrastructure.showing.seals import signed_document, watch_document

router = APIRouter(prefix="/v1", tags=["Administration"])
SHOWN: Final = 100


@router.get("/seals")
async def get_seals(request: Request, caller: StudioAdministrator) -> Response:
    """The newest seals that are kept, the newest first, and how far the watch over the log is."""
    seals = gate_of(request).studio.seals
    kept = await asyncio.to_thread(seals.kept)
    newest = [signed_document(signed) for signed in reversed(kept[-SHOWN:])]
    return json_of({"seals": newest, "watch": watch_document(await asyncio.to_thread(seals.watch.standing))}, caller)


@router.post("/seals")
async def post_seal(request: Request, caller: StudioAdministrator) -> Response:
    """Seal the log now, signed, and keep the seal where the settings say; with the public keys that check it.

    Of shards each is sealed, and `shards` has the seal of each.
    """
    gate = gate_of(request)
    async with gate.auditing:
        taken = await each_in_turn_blocking(gate.studio.by_shard, lambda one: one.seals.take())
        keys = await asyncio.to_thread(gate.studio.seals.public_keys)
    found = {name: signed_document(signed) for name, signed in taken.done.items()}
    failed = {name: one.message for name, one in taken.failed.items()}
    told = {"shards": found, "failed": failed} if taken.several else {"seal": found[""]}
    return json_of({**told, "keys": keys}, caller)
