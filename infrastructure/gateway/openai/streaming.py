"""Pictures as server-sent events: each when the whole is done, and a line now and then so that nobody hangs up.

    shown on the way ──> …partial_image, up to three        the provider's, if it sends any
    done ──────────────> …completed                         one for each picture
    failed ────────────> error

Clients have to expect no picture on the way, as OpenAI may send fewer, too: most providers send none, and a repeat gets
the picture alone.
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
from application.ports import Media
from domain.errors import ImageStudioError
from infrastructure.gateway.faults import openai_error
from infrastructure.gateway.openai.answering import encoded_answer, ignored_header, shared_looks, usage_of
from infrastructure.gateway.openai.asking import ClientRequest

KEEPING: Final = 10.0
"""Seconds between lines that say nothing."""
STREAM: Final = "text/event-stream"
EVENTS: Final = {"text-to-image": "image_generation", "image-edit": "image_edit", "inpaint": "image_edit"}


class Glimpses:
    """A progress callback that keeps what it is shown until the stream takes it."""

    def __init__(self) -> None:
        self.left: list[tuple[int, Media]] = []
        self.came = asyncio.Event()

    def __call__(self, fraction: float, message: str) -> None:
        """How far it is has no event of its own."""

    def glimpse(self, picture: Media, number: int) -> None:
        """As `Glimpsing`."""
        self.left.append((number, picture))
        self.came.set()


async def images_stream(operations: Operations, asked: ClientRequest, created: Callable[[], int]) -> StreamingResponse:
    """The stream of a request that was admitted. Raises as `submit` does, before anything is sent."""
    glimpses = Glimpses()
    begun = await operations.submit(asked.request, glimpses)
    waiting = asyncio.create_task(operations.wait(begun.operation, account=asked.request.account))
    headers = {"x-imagestudio-operation": begun.operation, "cache-control": "no-store", **ignored_header(asked.ignored)}
    if begun.repeated:
        headers["idempotency-replayed"] = "true"
    events = _events(waiting, glimpses, EVENTS[asked.request.kind], created)
    return StreamingResponse(events, headers=headers, media_type=STREAM)


async def _events(
    waiting: asyncio.Task[Result], glimpses: Glimpses, word: str, created: Callable[[], int]
) -> AsyncIterator[bytes]:
    """Who goes away stops waiting, and the operation goes on."""
    try:
        while not waiting.done():
            quiet = await _quiet(waiting, glimpses)
            for number, picture in glimpses.left:
                yield _partial(word, number, picture, created())
            glimpses.left.clear()
            if quiet:
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


async def _quiet(waiting: asyncio.Task[Result], glimpses: Glimpses) -> bool:
    """Wait until there is something to tell; true if there is nothing still, and somebody might hang up."""
    glimpses.came.clear()
    if glimpses.left:
        return False
    coming = asyncio.create_task(glimpses.came.wait())
    done, _ = await asyncio.wait([waiting, coming], timeout=KEEPING, return_when=asyncio.FIRST_COMPLETED)
    coming.cancel()
    return not done


def _partial(word: str, number: int, picture: Media, created: int) -> bytes:
    name = f"{word}.partial_image"
    told = {"type": name, "created_at": created, "partial_image_index": number, "b64_json": picture.content}
    return _event(name, msgspec.json.encode({**told, "output_format": picture.media_type.rpartition("/")[2]}))


def _with_picture(event: dict[str, Any], output: Output) -> dict[str, Any]:
    return {**event, "b64_json": output.content}


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
