"""The provider's store of files: outputs under addresses that expire, and uploads."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infrastructure.clock import SECOND
from tests.wire.fake.media import media_type
from tests.wire.fake.state import Served, State
from tests.wire.fake.wires import Lying, Truncated

KEPT = 7 * 86_400 * SECOND
"""Microseconds for which a file can be fetched."""
CHUNK = b"\0" * 65_536
OVERSIZED = 64 * 1024 * 1024
"""Bytes in an oversized output: give the adapter under test a lower limit."""
PAGE = b"<!doctype html><title>Sorry</title><p>This file is not here."


def address(request: Request, name: str) -> str:
    """Where a file is fetched, on whatever address the request came to."""
    return f"{request.base_url}files/{name}"


def routes(state: State) -> list[Route]:
    async def fetch(request: Request) -> Response:
        served = state.served(request.path_params["name"])
        if served is None or not served.uploaded or state.now() - served.created > KEPT:
            return denied(404, "NoSuchKey")
        if "authorization" in request.headers:
            # As a store of signed addresses does: who sends our key to it leaks it.
            return denied(400, "InvalidArgument: only one authorization mechanism is allowed")
        state.fetch(served)
        if served.fetched < len(served.failures):
            return denied(served.failures[served.fetched], "SlowDown")
        return body(served, state)

    async def upload(request: Request) -> Response:
        served = state.served(request.path_params["name"])
        content = await request.body()
        expected = int(request.query_params["size"])
        if served is None or served.uploaded or "authorization" in request.headers:
            return denied(403, "AccessDenied")
        if len(content) != expected:
            return denied(400, "EntityTooLarge" if len(content) > expected else "IncompleteBody")
        state.keep(content, Served(served.name, served.created))
        return Response(status_code=200)

    path = "/files/{name}"
    return [Route(path, fetch, methods=["GET"]), Route(path, upload, methods=["PUT"])]


def body(served: Served, state: State) -> Response:
    content = state.content(served.name)
    kind = media_type(content)
    match served.files:
        case "missing":
            return denied(404, "NoSuchKey")
        case "forbidden":
            return denied(403, "AccessDenied")
        case "empty":
            return Response(b"", media_type=kind)
        case "not media":
            return Response(PAGE, media_type="text/html")
        case "damaged":
            return Response(content[: len(content) // 2], media_type=kind)
        case "truncated":
            return Truncated(Response(content, media_type=kind))
        case "oversized":
            return Lying(kind, CHUNK, OVERSIZED // len(CHUNK))
        case "overlong":
            return Lying(kind, CHUNK, 1, length=10**12)
        case _:
            return Response(content, media_type=kind)


def inline(state: State, name: str) -> bytes | None:
    """An output that is given inside a reply; None where the script says that it is missing."""
    served = state.served(name)
    assert served is not None, f"{name} is no file"
    content = state.content(name)
    match served.files:
        case "missing" | "forbidden":
            return None
        case "empty":
            return b""
        case "not media":
            return PAGE
        case "truncated" | "damaged":
            return content[: len(content) // 2]
        case "oversized" | "overlong":
            return content + bytes(OVERSIZED)
        case _:
            return content


def denied(status: int, code: str) -> Response:
    """An error in the words of an object store."""
    return Response(f"<Error><Code>{code}</Code></Error>", status, media_type="application/xml")
