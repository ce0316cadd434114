"""Pictures as server-sent events: each when the whole is done, and a line now and then so that nobody hangs up.

No provider of ours sends parts of pictures on the way; clients have to expect none, as OpenAI may send fewer, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import msgspec
from fastapi.responses import StreamingResponse

from application.asking.operations import Operations
from application.asking.requests import Output, Result
from domain.errors import ImageStudioError
from infrastructure.gateway.faults import openai_error
from infrastructure.gateway.openai.answering import encoded_answer, shared_looks, usage_of
from infrastructure.gateway.openai.asking import ClientRequest

KEEPING: Final = 10.0
"""Seconds between lines that say nothing."""
STREAM: Final = "text/event-stream"
EVENTS: Final = {"text-to-image": "image_generation", "image-edit": "image_edit", "inpaint": "image_edit"}


async def images_stream(operations: Operations, asked: ClientRequest, created: Callable[[], int]) -> StreamingResponse:
    """The stream of a request that was admitted. Raises as `submit` does, before anything is sent."""
    begun = await operations.submit(asked.request)
    waiting = asyncio.create_task(operations.wait(begun.operation, account=asked.request.account))
    headers = {"x-imagestudio-operation": begun.operation, "cache-control": "no-store"}
    if begun.repeated:
        headers["idempotency-replayed"] = "true"
    return StreamingResponse(_events(waiting, EVENTS[asked.request.kind], created), headers=headers, media_type=STREAM)


async def _events(waiting: asyncio.Task[Result], word: str, created: Callable[[], int]) -> AsyncIterator[bytes]:
    """Who goes away stops waiting, and the operation goes on."""
    try:
        while not waiting.done():
            await asyncio.wait([waiting], timeout=KEEPING)
            if not waiting.done():
                yield b": still at work\n\n"
        try:
            result = waiting.result()
        except ImageStudioError as error:
            yield _event("error", msgspec.json.encode(openai_error(error)))
            return
        for place, output in enumerate(result.assets, 1):
            event: dict[str, Any] = {"type": f"{word}.completed", "created_at": created(), **shared_looks(result)}
            if place == len(result.assets):
                event["usage"] = usage_of(result)
            yield _event(f"{word}.completed", await encoded_answer(result, partial(_with_picture, event, output)))
    finally:
        waiting.cancel()
        with suppress(asyncio.CancelledError, ImageStudioError):
            await waiting


def _with_picture(event: dict[str, Any], output: Output) -> dict[str, Any]:
    return {**event, "b64_json": output.content}


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
