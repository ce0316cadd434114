"""Fetches files by their address, in pieces and within limits of size and time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx

from application.ports import DownloadFailed, DownloadGone

GONE: Final = frozenset({404, 410})


class HttpDownloads:
    """Implements Downloads on one HTTP client."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @asynccontextmanager
    async def open(self, url: str, limit: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """The content in pieces; what goes wrong is told without the address, which may hold a secret."""
        try:
            async with self._client.stream("GET", url) as response:
                if response.status_code in GONE:
                    raise DownloadGone(f"the server answers {response.status_code}")
                if response.status_code != httpx.codes.OK:
                    raise DownloadFailed(f"the server answers {response.status_code}")
                yield _within(response.aiter_bytes(), limit)
        except httpx.HTTPError as error:
            raise DownloadFailed(f"the connection failed: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._client.aclose()


async def _within(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    taken = 0
    async for piece in pieces:
        taken += len(piece)
        if taken > limit:
            raise DownloadGone(f"it has more than {limit} bytes, the most accepted")
        yield piece
