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
    """Two pools: one that keeps connections for reads, and one that keeps none, for what is sent only once."""

    def __init__(self, proxy: str) -> None:
        self._proxy = proxy

    @cached_property
    def _reads(self) -> httpx.AsyncHTTPTransport:
        return self._pool(IDLE_CONNECTIONS)

    @cached_property
    def _submissions(self) -> httpx.AsyncHTTPTransport:
        return self._pool(0)

    def _pool(self, idle: int) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(
            max_connections=CONNECTIONS, max_keepalive_connections=idle, keepalive_expiry=IDLE_SECONDS
        )
        return httpx.AsyncHTTPTransport(verify=_certificates(), limits=limits, proxy=self._proxy or None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pool = self._submissions if request.extensions.get(ONCE) else self._reads
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        for name in ("_reads", "_submissions"):
            if name in self.__dict__:
                await getattr(self, name).aclose()


@lru_cache(1)
def _certificates() -> ssl.SSLContext:
    """Whom to trust; loading it takes longer than a request, and it may be shared."""
    return httpx.create_ssl_context(trust_env=False)
