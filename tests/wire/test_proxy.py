"""The proxy spoils exactly what it is told to, and is a plain wire before and after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import httpx
import pytest

from tests.wire.fake.server import serving
from tests.wire.loops import in_thread
from tests.wire.proxy import DROP, Fault, Proxy, proxied

BODY = bytes(range(256)) * 40


class Server:
    """Answers each request with BODY, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.asked.append((await reader.readuntil(b"\r\n")).strip())
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
            await writer.drain()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    with in_thread(running.serving):
        yield running


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with proxied("127.0.0.1", server.port) as running:
        yield running


def fetch(proxy: Proxy, path: str = "/") -> bytes:
    return httpx.get(f"{proxy.url}{path}", timeout=30).content


def test_without_a_fault_it_is_a_wire(proxy: Proxy) -> None:
    assert fetch(proxy) == BODY


def test_a_reset_before_the_request_leaves_the_server_unasked(proxy: Proxy, server: Server) -> None:
    proxy.next(Fault("before"))
    with pytest.raises(httpx.TransportError):
        fetch(proxy)
    assert server.asked == []


def test_a_reset_after_the_request_loses_the_answer_to_what_was_asked(proxy: Proxy, server: Server) -> None:
    proxy.next(Fault("after"))
    with pytest.raises(httpx.TransportError):
        fetch(proxy)
    assert server.asked == [b"GET / HTTP/1.1"]


def test_a_truncated_answer_ends_in_its_middle(proxy: Proxy) -> None:
    proxy.next(Fault("truncate", passed=1_000))
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        fetch(proxy)


@pytest.mark.parametrize("kind", ["drip", "delay"])
def test_a_slow_answer_is_whole(proxy: Proxy, kind: str) -> None:
    proxy.next(Fault("drip" if kind == "drip" else "delay", seconds=0.01))
    assert fetch(proxy) == BODY
    assert len(BODY) > 100 * DROP


def test_a_fault_waits_for_a_request_that_fits_and_happens_as_often_as_it_is_told(proxy: Proxy) -> None:
    proxy.next(Fault("before", when=b"/submit"), times=2)
    assert fetch(proxy, "/poll") == BODY
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            fetch(proxy, "/submit")
    assert proxy.waiting == 0
    assert fetch(proxy, "/submit") == BODY


def test_nobody_behind_it_is_a_lost_connection() -> None:
    with proxied("127.0.0.1", 1) as proxy, pytest.raises(httpx.TransportError):
        fetch(proxy)


def test_a_server_that_cannot_start_says_why(server: Server) -> None:
    with pytest.raises(OSError, match="in use"), in_thread(lambda: taken(server.port)):
        pass


@asynccontextmanager
async def taken(port: int) -> AsyncIterator[None]:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", port)
    yield
    server.close()


def test_a_connection_that_lives_on_is_normal_after_a_fault(tmp_path: Path) -> None:
    with serving(tmp_path) as fake, proxied("127.0.0.1", fake.port) as proxy, httpx.Client() as client:
        for fault in (Fault("drip", seconds=0.01), Fault("delay", seconds=0.01)):
            proxy.next(fault)
            assert client.post(f"{proxy.url}/api/v3/balance").status_code == 401
        assert proxy.waiting == 0
        assert client.post(f"{proxy.url}/api/v3/balance").status_code == 401
