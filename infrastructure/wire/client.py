"""One HTTP client an API: its time-outs, its connections and its proxy, all said here and nowhere else.

Submissions never reuse a connection: the server may close an idle one at the very moment it is used, and then nobody
knows whether the submission arrived. Reads do, as they may be repeated.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import cached_property, lru_cache
from typing import Any, Final

import httpx

from infrastructure.wire.quiet import hushed, listen_again, listen_no_more

CONNECT_SECONDS: Final = 10.0
CONNECTIONS: Final = 100
IDLE_CONNECTIONS: Final = 20
IDLE_SECONDS: Final = 15.0
SMALL: Final = 64 * 1024
"""Bytes of a body."""
ONCE: Final = "once"
"""The extension of a request that wants a connection of its own."""


def open_client(
    *, proxy: str = "", hook: Callable[[httpx.Request], Awaitable[None]] | None = None
) -> httpx.AsyncClient:
    """A client that follows no redirects and reads no environment; `proxy` is the address of one, or empty.

    `hook` is called with each request before it goes.

    Its first request opens the certificates, so that making one costs nothing.
    """
    timeout = httpx.Timeout(60.0, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
    hooks = {"request": [hook]} if hook is not None else {}
    return _Quiet(transport=_Pools(proxy), timeout=timeout, trust_env=False, headers=PLAIN, event_hooks=hooks)


class _Quiet(httpx.AsyncClient):
    """Writes nothing of its requests to the libraries' loggers, which stay the host's for its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        listen_no_more()

    async def send(self, *args: Any, **options: Any) -> httpx.Response:
        with hushed():
            return await super().send(*args, **options)

    async def aclose(self) -> None:
        if not self.is_closed:
            listen_again()
        await super().aclose()


PLAIN: Final = {"Accept-Encoding": "identity"}
"""Answers are taken as they are, within limits that compression would hide."""


class _Pools(httpx.AsyncBaseTransport):
    """Three ways: one that keeps connections for reads, and two that keep none, for what is sent only once."""

    def __init__(self, proxy: str) -> None:
        self._proxy = proxy

    @cached_property
    def _reads(self) -> httpx.AsyncBaseTransport:
        return self._pool(IDLE_CONNECTIONS)

    @cached_property
    def _large(self) -> httpx.AsyncBaseTransport:
        return self._pool(0)

    @cached_property
    def _small(self) -> httpx.AsyncBaseTransport:
        from infrastructure.wire.once import OnceTransport  # loaded by who sends something

        return OnceTransport(_certificates(), CONNECTIONS, self._proxy)

    def _pool(self, idle: int) -> httpx.AsyncBaseTransport:
        limits = httpx.Limits(
            max_connections=CONNECTIONS, max_keepalive_connections=idle, keepalive_expiry=IDLE_SECONDS
        )
        return httpx.AsyncHTTPTransport(verify=_certificates(), limits=limits, proxy=self._proxy or None)

    def _way(self, request: httpx.Request) -> httpx.AsyncBaseTransport:
        if not request.extensions.get(ONCE):
            return self._reads
        return self._small if is_small(request) else self._large

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._way(request).handle_async_request(request)

    async def aclose(self) -> None:
        for name in ("_reads", "_large", "_small"):
            if name in self.__dict__:
                await getattr(self, name).aclose()


def is_small(request: httpx.Request) -> bool:
    """Whether all of a request is in memory, and goes out with its head.

    Of a longer one a server may refuse the rest, as it does with a wrong key: aiohttp would then tell that the sending
    broke, and not what was answered.
    """
    try:
        return len(request.content) <= SMALL
    except httpx.RequestNotRead:
        return False


@lru_cache(1)
def _certificates() -> ssl.SSLContext:
    """Whom to trust; loading it takes longer than a request, and it may be shared."""
    return httpx.create_ssl_context(trust_env=False)
