"""Fetches files by their address, in pieces, from the public internet only, within limits of size and time.

    check the address ── connect under the guard ─┬─ 200: pieces, counted as they are after decoding
              ▲                                   ├─ moved: at most three times
              └───────────────────────────────────┘

With a proxy the guard sees addresses and ports, but it is the proxy that resolves names and connects: it must itself
refuse what is private.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from application.ports import DownloadFailed, DownloadGone, DownloadKeptOut, DownloadRefused
from infrastructure.guard import Origin, Wires, check_literal, check_url, guarded_pool, origin_of, read_url
from infrastructure.wire.quiet import hushed, listen_again, listen_no_more

OK: Final = 200
IDENTITY: Final = "identity"
MOVED: Final = frozenset({301, 302, 303, 307, 308})
PASSING: Final = frozenset({407, 408, 425, 429})
"""Refusals that another try may not meet."""

MOST_MOVES: Final = 3
MOST_CONNECTIONS: Final = 20
IDLE_SECONDS: Final = 15
"""How long a connection is kept for the next file from the same server."""

INFLATED: Final = 64 * 1024
GZIP: Final = 31
"""zlib's number for a gzip header and trailer around the window of 32 KiB."""


@dataclass(frozen=True, slots=True)
class DownloadPatience:
    """Seconds for a whole file, for a pause within it, and for connecting."""

    total: float = 600
    idle: float = 30
    connect: float = 10


USUAL = DownloadPatience()


class HttpDownloads:
    """Implements Downloads. `own` are origins, such as a provider's, that may be anywhere and on any port."""

    def __init__(
        self,
        own: Iterable[str] = (),
        *,
        patience: DownloadPatience = USUAL,
        proxy: str = "",
        wires: Wires | None = None,
    ) -> None:
        self._own: Collection[Origin] = frozenset(origin_of(read_url(one)) for one in own)
        self._patience = patience
        self._proxy = httpcore.Proxy(proxy) if proxy else None
        self._wires = wires or Wires()
        self._pool: httpcore.AsyncConnectionPool | None = None

    @asynccontextmanager
    async def open(self, url: str, limit: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """The content in pieces, at most `limit` bytes together; its reader's time counts too.

        A failure is told by the server's name alone, since the rest of an address may hold a secret.
        """
        try:
            async with asyncio.timeout(self._patience.total) as whole:
                with _explained():
                    async with (
                        self._get(read_url(url), MOST_MOVES) as response,
                        aclosing(_pieces(response, limit)) as pieces,
                    ):
                        yield pieces
        except TimeoutError as error:
            if not whole.expired():
                raise
            raise DownloadFailed(f"it takes longer than {self._patience.total} seconds") from error

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None
            listen_again()

    def _connections(self) -> httpcore.AsyncConnectionPool:
        """Made when they are first needed: to read whom TLS believes takes longer than most commands."""
        if self._pool is None:
            listen_no_more()
            self._pool = guarded_pool(self._own, self._wires, self._proxy, MOST_CONNECTIONS, IDLE_SECONDS)
        return self._pool

    @asynccontextmanager
    async def _get(self, url: httpx.URL, moves: int) -> AsyncIterator[httpcore.Response]:
        """The answer at the end of all redirects, each judged as if it were the first address."""
        check_url(url, self._own)
        if self._proxy:
            check_literal(url, self._own)
        asking = self._connections().stream("GET", _target(url), headers=_headers(url), extensions=self._extensions)
        async with AsyncExitStack() as opened:
            with hushed():
                answer = await opened.enter_async_context(asking)
            location = _header(answer, b"location") if answer.status in MOVED else None
            if location is None:
                _check_status(answer.status, url.host)
                yield answer
                return
        if not moves:
            raise DownloadRefused(f"{url.host} redirects too often")
        async with self._get(_joined(url, location), moves - 1) as answer:
            yield answer

    @property
    def _extensions(self) -> dict[str, object]:
        patience = self._patience
        return {"timeout": {"connect": patience.connect, "read": patience.idle, "write": patience.idle}}


def _target(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _headers(url: httpx.URL) -> list[tuple[bytes, bytes]]:
    """Uncompressed, since media are compressed already and what is not can be a bomb."""
    return [
        (b"Host", url.netloc),
        (b"Accept", b"*/*"),
        (b"Accept-Encoding", b"identity"),
        (b"User-Agent", b"imagestudio"),
    ]


def _joined(url: httpx.URL, location: str) -> httpx.URL:
    try:
        return url.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise DownloadRefused(f"{url.host} redirects to something that is not an address") from error


def _check_status(status: int, host: str) -> None:
    if status == OK:
        return
    # A signed address that has run out is answered with 400 or 403, not only with 404 or 410.
    if 400 <= status < 500 and status not in PASSING:
        raise DownloadGone(f"{host} answers {status}")
    raise DownloadFailed(f"{host} answers {status}")


async def _pieces(response: httpcore.Response, limit: int) -> AsyncGenerator[bytes, None]:
    length = _header(response, b"content-length")
    if length is not None and length.isdecimal() and int(length) > limit:
        raise _too_large(f"it has {length} bytes; at most {limit} are accepted")
    taken = 0
    async for piece in _decoded(response):
        taken += len(piece)
        if taken > limit:
            raise _too_large(f"it has more than {limit} bytes, the most accepted")
        yield piece


def _too_large(message: str) -> DownloadKeptOut:
    return DownloadKeptOut(message, setting="IMAGESTUDIO_LARGEST_OUTPUT", reason="too_large")


async def _decoded(response: httpcore.Response) -> AsyncIterator[bytes]:
    """A file is asked for as it is; some servers have only a compressed copy and send that all the same."""
    coding = (_header(response, b"content-encoding") or IDENTITY).strip().lower()
    if coding not in (IDENTITY, "gzip"):
        raise DownloadRefused("it is sent in a coding that was not asked for")
    gzip = Gzip() if coding == "gzip" else None
    with _explained():
        async for piece in response.aiter_stream():
            for part in (piece,) if gzip is None else gzip.inflate(piece):
                yield part
    if gzip is not None:
        gzip.end()


class Gzip:
    """A stream decompressed in small parts, so that no few bytes become many at once."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(GZIP)

    def inflate(self, piece: bytes) -> Iterator[bytes]:
        """The parts that a piece decompresses to. Raises DownloadFailed where it is damaged or does not end."""
        if self._stream.eof:
            raise DownloadFailed("its compression is damaged")
        try:
            while part := self._stream.decompress(piece, INFLATED):
                yield part
                piece = self._stream.unconsumed_tail
        except zlib.error as error:
            raise DownloadFailed("its compression is damaged") from error

    def end(self) -> None:
        """Raises DownloadFailed where the stream is not whole."""
        if not self._stream.eof or self._stream.unused_data:
            raise DownloadFailed("its compression is damaged")


def _header(response: httpcore.Response, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), None)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        raise DownloadFailed("the server is silent") from error
    except httpcore.ConnectError as error:
        raise DownloadFailed(f"the server cannot be reached: {error}") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
        raise DownloadFailed(f"the connection failed: {type(error).__name__}") from error
