"""Fetching what is elsewhere, and why it could not be fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Downloads(Protocol):
    """Fetches what is elsewhere. Never follows an address into a private network, unless it is a provider's own."""

    def open(self, url: str, limit: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The content in pieces, at most `limit` bytes. Raises DownloadGone if it is not there any more,
        DownloadRefused if it is too large or elsewhere than is allowed, DownloadFailed for everything else, also
        while it is read."""

    async def close(self) -> None: ...


class DownloadFailed(Exception):
    """It could not be fetched, this time; the message names no query and no secret."""


class DownloadGone(DownloadFailed):
    """It is not there, or not any more."""


class DownloadRefused(DownloadGone):
    """It can never be fetched: it is too large, or its address is forbidden."""


class DownloadKeptOut(DownloadRefused):
    """A setting of ours keeps it out; `reason` is "blocked" or "too_large"."""

    def __init__(self, message: str, *, setting: str, reason: str) -> None:
        super().__init__(message)
        self.setting = setting
        self.reason = reason
