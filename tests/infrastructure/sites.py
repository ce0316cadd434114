"""A web server on a loopback socket that sends exactly the bytes it is told to, and an internet that leads to it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpcore

from tests.application.support import PATIENCE
from tests.wire.loops import all_begun

LOOPBACK = "127.0.0.1"
PUBLIC = "93.184.215.14"
"""An address that anybody might mean; in tests nobody ever connects to it."""

Script = Callable[[], AsyncIterator[bytes]]


def answer(body: bytes = b"", status: int = 200, *, length: int | None = None, **headers: str) -> bytes:
    """An answer as it is on the wire; `length` may be told falsely, and is not told where it is negative."""
    told = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    lines += [] if told < 0 else [f"Content-Length: {told}"]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def moved(location: str) -> bytes:
    return answer(status=302, Location=location)


def at_once(*pieces: bytes) -> Script:
    async def script() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return script


def dripping(start: bytes, drop: bytes = b"x") -> Script:
    """A start, and then one drop after another for ever."""

    async def script() -> AsyncIterator[bytes]:
        yield start
        while True:
            await asyncio.sleep(0.005)
            yield drop

    return script


def silent(start: bytes) -> Script:
    """A start, and then nothing more."""

    async def script() -> AsyncIterator[bytes]:
        yield start
        await asyncio.Event().wait()

    return script


@dataclass
class Site:
    """What is where; `heads` are the requests that came, in order. What is not there is answered with 404."""

    port: int = 0
    scheme: str = "http"
    pages: dict[str, list[Script]] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{LOOPBACK}:{self.port}"

    @property
    def asked(self) -> list[str]:
        """The paths asked for."""
        return [head.split(" ")[1] for head in self.heads]

    def put(self, path: str, *answers: bytes | Script) -> str:
        """Answer so, one request after another, and the last for ever; the page's address."""
        self.pages[path] = [at_once(one) if isinstance(one, bytes) else one for one in answers]
        return f"{self.origin}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            self._asked.set()
            scripts = self.pages.get(head.split(" ")[1], [at_once(answer(status=404))])
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
            async for piece in script():
                writer.write(piece)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # whoever asked has heard enough
        finally:
            self._serving.discard(task)
            writer.close()

    async def until_asked(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._asked.wait()

    async def stop(self) -> None:
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


@asynccontextmanager
async def running_site(tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    site = Site(scheme="http" if tls is None else "https")
    server = await asyncio.start_server(site.serve, LOOPBACK, 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        await all_begun()
        await site.stop()
        await server.wait_closed()


class Names:
    """A resolver whose answers are given, one after another and the last for ever; it remembers what it was asked."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): given for name, given in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self._answers:
            raise OSError("no such host")
        given = self._answers[host]
        return given.pop(0) if len(given) > 1 else given[0]


class Internet(httpcore.AsyncNetworkBackend):
    """Every address and port leads to one site; what was connected to is remembered, and some addresses are dead."""

    def __init__(self, site: Site, dead: Iterable[str] = ()) -> None:
        self._site, self._dead = site, frozenset(dead)
        self._network = httpcore.AnyIOBackend()
        self.reached: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.reached.append((host, port))
        if host in self._dead:
            raise httpcore.ConnectError("nobody is there")
        return await self._network.connect_tcp(LOOPBACK, self._site.port, timeout, local_address, socket_options)
