"""A man in the middle: passes bytes to a server and back, until it is told to spoil something.

client ──> proxy ──> server        "before"    reset before the request reaches the server
       <──       <──               "after"     reset when the server has answered, the answer thrown away
                                   "truncate"  the beginning of the answer, then the end of the connection
                                   "drip"      the answer a few bytes at a time
                                   "delay"     the request arrives late
                               "stall"     the request arrives, and nothing after it, either way, on any connection
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, cast

from tests.wire.loops import in_thread, listener

CHUNK = 65_536
BLINK = 0.01
"""Seconds between two looks of what is frozen."""

DROP = 64
"""Bytes of a dripping answer at a time."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong once: with the next request whose bytes hold `when`, which is any where that is empty."""

    kind: Literal["before", "after", "truncate", "drip", "delay", "stall"]
    when: bytes = b""
    passed: int = 256
    """Bytes of a truncated answer that arrive."""
    seconds: float = 0.05
    """How late a request is; the pause between two drops is a hundredth of it."""


class Proxy:
    """Forwards one port of 127.0.0.1; faults wait in a queue, in front of which only a request that fits goes by."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._faults: deque[Fault] = deque()
        self.frozen = False
        self.dropped = 0
        self._listener = listener()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def next(self, fault: Fault, *, times: int = 1) -> None:
        """Spoil the next requests that fit; after that all is normal again."""
        self._faults.extend([fault] * times)

    def heal(self) -> None:
        """Forget what has not happened."""
        self._faults.clear()

    def freeze(self) -> None:
        """From now on pass nothing, in either direction, and close nothing: as a stopped process or a lost route."""
        self.frozen = True

    def thaw(self) -> None:
        """Pass on what was held back, and all that follows."""
        self.frozen = False

    def lead_to(self, target: tuple[str, int]) -> None:
        """Lead what connects from now on to another server, as an address that moves."""
        self._target = target

    def drop(self) -> None:
        """Lose what is held back: the connections of now end without an answer, when they are passed on again."""
        self.dropped += 1

    async def passable(self) -> None:
        begun = self.dropped
        while self.frozen:  # noqa: ASYNC110 - another thread says so
            await asyncio.sleep(BLINK)
        if begun != self.dropped:
            raise ConnectionAbortedError

    @property
    def waiting(self) -> int:
        """Faults that have not happened."""
        return len(self._faults)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, sock=self._listener)
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError), closing(writer):
            await self.passable()
            there, back = await asyncio.open_connection(*self._target)
            link = Link(writer, back, self.passable)
            answers = asyncio.create_task(link.answer(there))
            with closing(back):
                try:
                    await self._ask(reader, link)
                finally:
                    answers.cancel()

    async def _ask(self, reader: asyncio.StreamReader, link: Link) -> None:
        while data := await reader.read(CHUNK):
            await self.passable()
            fault = self._take(data)
            if fault is not None and fault.kind == "before":
                link.reset()
                return
            if fault is not None and fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            # A request may come in several pieces; only the piece after an answer begins another.
            link.fault = fault if link.answered else fault or link.fault
            link.answered = False
            if fault is not None and fault.kind == "stall":
                self.freeze()
            link.server.write(data)
            await link.server.drain()

    def _take(self, data: bytes) -> Fault | None:
        return self._faults.popleft() if self._faults and self._faults[0].when in data else None


class Link:
    """One connection through the proxy."""

    def __init__(
        self, client: asyncio.StreamWriter, server: asyncio.StreamWriter, passable: Callable[[], Awaitable[None]]
    ) -> None:
        self.client, self.server, self._passable = client, server, passable
        self.fault: Fault | None = None
        self.answered = False

    async def answer(self, reader: asyncio.StreamReader) -> None:
        """Pass on what the server says, spoiled as the last request was told."""
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                self.answered = True
                await self._passable()
                match self.fault:
                    case Fault("after"):
                        self.reset()
                        return
                    case Fault("truncate", passed=passed):
                        self.client.write(data[:passed])
                        break
                    case Fault("drip", seconds=seconds):
                        await self._drip(data, seconds / 100)
                    case _:
                        self.client.write(data)
                        await self.client.drain()
            self.client.close()

    async def _drip(self, data: bytes, pause: float) -> None:
        for start in range(0, len(data), DROP):
            self.client.write(data[start : start + DROP])
            await self.client.drain()
            await asyncio.sleep(pause)

    def reset(self) -> None:
        """End the connection at once, and not politely."""
        raw = cast(socket.socket, self.client.get_extra_info("socket"))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.transport.abort()


@contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """A proxy before a server, in a thread."""
    proxy = Proxy((host, port))
    with in_thread(proxy.serving):
        yield proxy
