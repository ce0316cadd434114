"""Sends messages to webhooks: to the public internet only, within limits of time and size, and never to elsewhere.

    check the address ── connect under the guard ── POST ─┬─ the status is the answer; of the rest little is read
                                                          └─ moved: a failure as any other, nobody is followed

An address is judged each time, as what a name stands for may change. With a proxy it is that which resolves and
connects, so that it must itself refuse what is private.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing, suppress
from typing import Final

import httpcore
import httpx

from application.ports import DownloadRefused
from domain.counts import counted
from domain.errors import InvalidInput
from domain.retrying import OK, HookAnswer
from infrastructure.guard import (
    Origin,
    Wires,
    check_literal,
    check_url,
    guarded_pool,
    origin_of,
    read_url,
)
from infrastructure.wire.answers import asked_pause
from infrastructure.wire.quiet import hushed, listen_again, listen_no_more

LONGEST_URL: Final = 2_000
READ: Final = 64 * 1024
"""Bytes of an answer that are read, so that its connection can be used again; of a longer one it is closed."""
READING_SECONDS: Final = 1.0
"""Seconds within which they come."""
CONNECTIONS: Final = 64
IDLE_SECONDS: Final = 15
AGENT: Final = b"imagestudio-webhooks"


class HookPost:
    """Implements Post, and CheckUrl. `own` are origins that may be anywhere, on any port, and without TLS."""

    def __init__(self, own: Iterable[str] = (), *, seconds: int, proxy: str = "", wires: Wires | None = None) -> None:
        self._own: Collection[Origin] = frozenset(origin_of(read_url(one)) for one in own)
        self._seconds = seconds
        self._proxy = httpcore.Proxy(proxy) if proxy else None
        self._wires = wires or Wires()
        self._pool: httpcore.AsyncConnectionPool | None = None

    def check(self, url: str) -> None:
        """Raises InvalidInput for what is no address, or one that is never sent to."""
        hint = "give an https address on the public internet; others have to be allowed by whoever runs the studio"
        if not 1 <= len(url) <= LONGEST_URL or not url.isprintable() or " " in url:
            raise InvalidInput("url", f"is no address of at most {LONGEST_URL} characters", hint=hint)
        try:
            self._checked(url)
        except DownloadRefused as error:
            raise InvalidInput("url", str(error), hint=hint) from error

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> HookAnswer:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(self._checked(url), headers, body)
        except TimeoutError:
            return HookAnswer(None, f"no answer within {counted(self._seconds, 'second')}")
        except DownloadRefused as error:
            return HookAnswer(None, str(error))
        except httpcore.TimeoutException:
            return HookAnswer(None, "the server is silent")
        except httpcore.ConnectError as error:
            return HookAnswer(None, f"the server cannot be reached: {error}")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
            return HookAnswer(None, f"the connection failed: {type(error).__name__}")

    async def close(self) -> None:
        """End all connections."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None
            listen_again()

    def _checked(self, url: str) -> httpx.URL:
        """Raises DownloadRefused."""
        read = read_url(url)
        check_url(read, self._own)
        if read.scheme != "https" and origin_of(read) not in self._own:
            raise DownloadRefused("it is not an https address")
        check_literal(read, self._own)
        return read

    async def _post(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> HookAnswer:
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        told = [(b"Host", url.netloc), (b"User-Agent", AGENT), (b"Content-Length", str(len(body)).encode())]
        sent = [*told, *((name.encode(), one.encode()) for name, one in headers.items())]
        with hushed():
            async with self._connections().stream("POST", target, headers=sent, content=body) as answer:
                await _read(answer)
        status = answer.status
        pause = asked_pause(httpx.Headers(answer.headers))
        said = "" if status in OK else f"it answers {status}"
        return HookAnswer(status, said, None if pause is None else int(pause))

    def _connections(self) -> httpcore.AsyncConnectionPool:
        """Made when they are first needed: to read whom TLS believes takes longer than most commands."""
        if self._pool is None:
            listen_no_more()
            self._pool = guarded_pool(self._own, self._wires, self._proxy, CONNECTIONS, IDLE_SECONDS)
        return self._pool


async def _read(answer: httpcore.Response) -> None:
    """The beginning of what follows the status: it says nothing to us, so it is waited for a moment alone."""
    taken = 0
    with suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(READING_SECONDS), aclosing(_pieces(answer)) as pieces:
            async for piece in pieces:
                taken += len(piece)
                if taken > READ:
                    return


async def _pieces(answer: httpcore.Response) -> AsyncGenerator[bytes, None]:
    async for piece in answer.aiter_stream():
        yield piece
