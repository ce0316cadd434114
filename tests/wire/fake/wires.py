"""Connections that die: before a reply, or in the middle of its body."""

from __future__ import annotations

import asyncio
from typing import ClassVar, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

Address = tuple[str, int]
Ends = tuple[Address, Address]
"""The server's address and the client's: together they name one connection."""


class Wire(H11Protocol):
    """A connection that the application can find again by its two ends, to cut it."""

    OPEN: ClassVar[dict[Ends, asyncio.Transport]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.ends: Ends = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        self.OPEN[self.ends] = transport
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.OPEN.pop(self.ends, None)
        super().connection_lost(exc)


def cut(request: Request) -> None:
    """Close the connection of `request` without another byte."""
    ends = cast(Ends, (tuple(request.scope["server"]), tuple(request.scope["client"])))
    Wire.OPEN[ends].abort()


def cut_all(server: Address) -> None:
    """Close every connection to a server of this thread."""
    for ends, transport in list(Wire.OPEN.items()):
        if ends[0] == server:
            transport.abort()


class Dropped(Response):
    """No reply: the connection is closed instead."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cut(Request(scope))


class Truncated(Response):
    """The first half of another reply, which has promised the whole, and then the end of the connection."""

    def __init__(self, whole: Response) -> None:
        super().__init__(bytes(whole.body), whole.status_code, whole.headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await asyncio.sleep(0)
        # Returning here makes the server close the connection, having sent what it has.


class Lying(Response):
    """A body without its length, or with a length that is not its own."""

    def __init__(self, media_type: str, chunk: bytes, times: int, length: int | None = None) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        if length is not None:
            self.headers["content-length"] = str(length)
        self.chunk, self.times = chunk, times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for _ in range(self.times):
            await send({"type": "http.response.body", "body": self.chunk, "more_body": True})
        if "content-length" not in self.headers:
            await send({"type": "http.response.body", "body": b""})
