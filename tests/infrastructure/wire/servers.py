"""A server on a loopback socket that says, byte by byte, what a test wants; and a clock that sleeping moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from infrastructure.wire.answers import Explain
from infrastructure.wire.api import Api, unexplained
from infrastructure.wire.client import open_client
from tests.wire.loops import all_begun

HANG = b"hang"
"""In place of an answer: none, while the connection stays open."""
DRIP = b"drip"
"""In place of an answer: one that never ends, a byte at a time."""


class Time:
    """A clock and its sleep: what is slept has passed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@dataclass(slots=True)
class Served:
    """What came: each request as its head and its body, and how many connections there were."""

    url: str
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0


def answer(status: int = 200, body: bytes = b"{}", *headers: str, length: int | None = None) -> bytes:
    """An HTTP answer; `length` lies about that of its body."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[Served]:
    """Serve the answers in order, the last one for ever; an empty one closes the connection instead."""
    served, left = Served(""), list(answers)
    open: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        open.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            while True:
                served.requests.append(await _request(reader))
                if not await _say(writer, left.pop(0) if len(left) > 1 else left[0]):
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        await all_begun()
        for connection in filter(None, open):
            connection.cancel()
        await asyncio.gather(*filter(None, open))


@asynccontextmanager
async def calling(url: str, time: Time, key: str = "", explain: Explain = unexplained) -> AsyncIterator[Api]:
    """The base of adapters, at that address, on a clock of its own."""
    api = Api(url, open_client(), key=key, explain=explain, sleep=time.sleep, monotonic=time)
    try:
        yield api
    finally:
        await api.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lengths = [line.split(":")[1] for line in head.splitlines() if line.lower().startswith("content-length:")]
    return head, await reader.readexactly(int(lengths[0]) if lengths else 0)


async def _say(writer: asyncio.StreamWriter, what: bytes) -> bool:
    """Whether the connection stays open."""
    if what == HANG:
        await asyncio.Event().wait()
    if what == DRIP:
        writer.write(answer(200, b"", length=10**6))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)
    writer.write(what)
    await writer.drain()
    head, _, body = what.partition(b"\r\n\r\n")
    return f"content-length: {len(body)}\r".encode() in head + b"\r"
