"""Requests that are sent once: each on a connection of its own, and of every failure whether it can have been sent.

connect ─┬─ failed ────────── ConnectError, ConnectTimeout: nothing was sent
         └─ send, answered ── anything that breaks from here on is ReadError or ReadTimeout: it may have arrived

aiohttp makes a connection and reads an answer in half the time of httpx's own transport (decision 50). Its errors are
told apart here, and not by a ready transport: who takes a server that hangs up for one that was never reached sends
again what is paid for.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import aiohttp
import httpx
import yarl

NEVER_CONNECTED: Final = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)
OWN: Final = ("connection", "transfer-encoding")
"""Headers that aiohttp writes itself, as only it knows how it sends."""
UNASKED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that it would add."""


class OnceTransport(httpx.AsyncBaseTransport):
    """For small requests: at most `connections` at a time, through a `proxy` if that is not empty."""

    def __init__(self, certificates: ssl.SSLContext, connections: int, proxy: str) -> None:
        connector = aiohttp.TCPConnector(
            force_close=True, limit=connections, ssl=certificates, resolver=aiohttp.ThreadedResolver()
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=UNASKED,
            trust_env=False,
        )
        self._proxy = proxy or None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with _told_apart(request):
            answer = await self._session.request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=_headers(request),
                data=request.content or None,
                allow_redirects=False,
                timeout=_timeout(request.extensions.get("timeout", {})),
                proxy=self._proxy,
            )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Answer(request, answer))

    async def aclose(self) -> None:
        await self._session.close()


class _Answer(httpx.AsyncByteStream):
    """The body as it comes."""

    def __init__(self, request: httpx.Request, answer: aiohttp.ClientResponse) -> None:
        self._request = request
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told_apart(self._request):
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        self._answer.close()


def _headers(request: httpx.Request) -> list[tuple[str, str]]:
    """As they were written, in any letters."""
    coded = request.headers.encoding
    written = [(name.decode(coded), text.decode(coded)) for name, text in request.headers.raw]
    return [(name, text) for name, text in written if name.lower() not in OWN]


def _timeout(seconds: Mapping[str, float | None]) -> aiohttp.ClientTimeout:
    connect, pool = seconds.get("connect"), seconds.get("pool")
    both = None if connect is None or pool is None else connect + pool
    return aiohttp.ClientTimeout(total=None, connect=both, sock_connect=connect, sock_read=seconds.get("read"))


@contextmanager
def _told_apart(request: httpx.Request) -> Iterator[None]:
    """aiohttp's errors as httpx has them; what is not known to be about a connection that never was is about an answer.

    Their own words may name the address, and are left out.
    """
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout("no connection in time", request=request) from error
    except NEVER_CONNECTED as error:
        raise httpx.ConnectError(type(error).__name__, request=request) from error
    except aiohttp.InvalidURL as error:
        raise httpx.UnsupportedProtocol("it is not an http or https address", request=request) from error
    except aiohttp.ServerTimeoutError as error:
        raise httpx.ReadTimeout("no answer in time", request=request) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(type(error).__name__, request=request) from error
