"""Bodies that are too large, too slow, cut off or of another shape: one clear answer, and nothing is recorded."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infrastructure.gateway.gateways import Gateway, before, gateway_on
from tests.wire.fake.server import Fake

MOST = 200_000
URL = "/v1/images/generations"


@pytest.fixture(scope="module")
def gateway(fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = tmp_path_factory.mktemp("studio")
    bounds: dict[str, Any] = {"largest_body": MOST, "body_seconds": 1}
    with gateway_on(f"sqlite:///{home / 'ledger.db'}", home, **before(fake), **bounds) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_recorded(gateway: Gateway) -> Iterator[None]:
    end = gateway.studio.log.reader.end()
    yield
    assert gateway.studio.log.reader.end() == end


def raw(gateway: Gateway, head: str, body: bytes, *, close: bool = False) -> bytes:
    """What comes to bytes that are sent as they are; the connection is shut for sending if `close`."""
    host, port = gateway.url.removeprefix("http://").split(":")
    lines = [f"POST {URL} HTTP/1.1", "Host: x", f"Authorization: Bearer {gateway.secret}", head, "Connection: close"]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        if close:
            connection.shutdown(socket.SHUT_WR)
        found = b""
        while piece := connection.recv(65_536):
            found += piece
    return found


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "unreadable"),
        (b"", 400, "unreadable"),
        (b"[1]", 400, "unreadable"),
        (b"null", 400, "unreadable"),
        (b'{"prompt": "a"', 400, "unreadable"),
        (b"\xff\xfe", 400, "unreadable"),
        (b'{"a":' * 5_000, 400, "unreadable"),
        (b'{"prompt": "' + b"a" * MOST + b'"}', 413, "too_large"),
    ],
)
def test_what_is_no_json_object_is_told(gateway: Gateway, content: bytes, status: int, code: str) -> None:
    with gateway.client(**{"content-type": "application/json"}) as client:
        answer = client.post(URL, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
def test_a_body_of_another_type_is_told(gateway: Gateway, type: str) -> None:
    with gateway.client(**{"content-type": type}) as client:
        answer = client.post(URL, content=b"prompt=a")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media")


@pytest.mark.parametrize(
    ("type", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b""),
        ("multipart/form-data; boundary=a", b"--a\r\nno header\r\n\r\n"),
        ("multipart/form-data; boundary=a", b'--a\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nx'),
    ],
)
def test_a_form_that_cannot_be_read_is_told(gateway: Gateway, type: str, content: bytes) -> None:
    with gateway.client(**{"content-type": type}) as client:
        answer = client.post("/v1/images/edits", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("unreadable", "invalid_input")


def test_a_form_with_too_many_files_is_told(gateway: Gateway) -> None:
    files: list[tuple[str, Any]] = [("image[]", ("a.png", b"x", "image/png"))] * 65
    with gateway.client() as client:
        answer = client.post("/v1/images/edits", data={"prompt": "x"}, files=files)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unreadable")


def test_a_text_in_place_of_a_picture_is_told(gateway: Gateway) -> None:
    with gateway.client() as client:
        form = {"model": "gpt-image-2", "prompt": "x"}
        answer = client.post("/v1/images/edits", data=form, files={"image": ("a.png", b"words", "image/png")})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "image")


def test_a_body_that_says_that_it_is_too_large_is_not_waited_for(gateway: Gateway) -> None:
    answer = raw(gateway, f"Content-Type: application/json\r\nContent-Length: {MOST + 1}", b"{")
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_without_a_length_is_counted_as_it_comes(gateway: Gateway) -> None:
    piece = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    answer = raw(gateway, "Content-Type: application/json\r\nTransfer-Encoding: chunked", piece * 4 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_go_on_is_not_waited_for(gateway: Gateway) -> None:
    answer = raw(gateway, "Content-Type: application/json\r\nContent-Length: 100", b'{"prompt":')
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"too_slow"' in answer


def test_a_connection_that_ends_too_early_leaves_nothing(gateway: Gateway) -> None:
    raw(gateway, "Content-Type: application/json\r\nContent-Length: 100", b'{"prompt":', close=True)


@pytest.mark.parametrize("head", ["GET / HTTP/9.9", "nonsense", "POST /v1/images/generations HTTP/1.1\r\nbad header"])
def test_what_is_no_http_is_answered_and_closed(gateway: Gateway, head: str) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", URL), ("DELETE", "/v1/usage"), ("PUT", "/healthz"), ("POST", "/")]
)
def test_another_method_is_told(gateway: Gateway, method: str, path: str) -> None:
    with gateway.client() as client:
        answer = client.request(method, path)
    assert answer.status_code == 405
    assert "not_allowed" in answer.text
    assert answer.headers["allow"]


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/nothing", "/v2/images/generations", "/v1/images/variations"])
def test_an_address_that_leads_nowhere_is_told(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        answer = client.post(path)
    assert answer.status_code == 404
    assert "no_such_route" in answer.text
