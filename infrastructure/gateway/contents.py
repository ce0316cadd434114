"""Files as answers: whole, or the part that is asked for, without holding them in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from fastapi import Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.concurrency import iterate_in_threadpool

from application.ports import Asset
from domain.errors import InvalidRequest

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class BadRange(InvalidRequest):
    """The file has no such part."""

    code = "bad_range"


async def content_response(
    request: Request, asset: Asset, pieces: Callable[[], Iterator[bytes]], path: str | None
) -> Response:
    """The file of an asset, at `path` or in `pieces`; nothing if the client has it. Raises AssetMissing, BadRange.

    A file that is sent whole ends only if it still has its digest.
    """
    headers = {
        "etag": f'"{asset.digest}"',
        "cache-control": "private, max-age=31536000, immutable",
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range")
    if wanted and path is not None:
        return FileResponse(path, headers=headers, media_type=asset.media_type)
    status, read = 200, pieces()
    headers["content-length"] = str(asset.size)
    if wanted:
        first, last = range_of(wanted, asset.size)
        headers |= {"content-range": f"bytes {first}-{last}/{asset.size}", "content-length": str(last - first + 1)}
        status, read = 206, _between(read, first, last + 1)
    begun = await asyncio.to_thread(next, read, b"")
    return StreamingResponse(iterate_in_threadpool(chain((begun,), read)), status, headers, asset.media_type)


def range_of(wanted: str, size: int) -> tuple[int, int]:
    """The first and the last byte of a range (RFC 9110, 14.1.2). Raises BadRange."""
    found = _RANGE.fullmatch(wanted.replace(" ", ""))
    first, last = (found[1], found[2]) if found else ("", "")
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    elif last:
        start, end = max(size - int(last), 0), size - 1
    else:
        start, end = 1, 0
    if start > end:
        raise BadRange(f"the file has {size:,} bytes", hint="ask for one range within them, such as bytes=0-1023")
    return start, end


def _between(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    at = 0
    for piece in pieces:
        wanted = piece[max(start - at, 0) : max(end - at, 0)]
        at += len(piece)
        if wanted:
            yield wanted
        if at >= end:
            return
