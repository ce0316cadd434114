"""One follower of the log: it reads what is past, then is told what comes, without a gap and nothing twice.

follow(after) ── reads what is past ── joins ── is told ── too slow: reads on by itself ── is told …
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

from application.following.inbox import Inbox
from application.ledger.log import Positioned
from application.ledger.reader import LogFilter
from domain.errors import StoreUnavailable


@dataclass(frozen=True, slots=True)
class FollowerLimits:
    """Bytes of facts that wait for one follower, entries that are read at a time, and seconds until what failed is
    tried again.
    """

    waiting: int = 256 * 1024
    page: int = 500
    again: float = 1.0


USUAL = FollowerLimits()


class FollowedFeed(Protocol):
    """The feed, as a follower needs it."""

    def join(self, inbox: Inbox) -> Awaitable[int]:
        """Fill the inbox from now on; the position after which it is filled. Raises StoreUnavailable."""

    def leave(self, inbox: Inbox) -> None:
        """Fill it no more."""

    def forget(self, inbox: Inbox) -> None:
        """As `leave`, at any moment at which the memory of a follower is given back; it may wait for nothing."""

    def read(self, after: int, limit: int, filter: LogFilter) -> Sequence[Positioned]:
        """Entries of the log; blocking. Raises StoreUnavailable."""


class Follower:
    """An iterator over committed entries, in their one order, that ends when it or its feed is closed.

    async with feed.follow(position, filter) as entries:   # from here on nothing is missed
        async for entry in entries: ...

    One that is dropped instead of closed leaves nothing behind either, nor does one that still waits and whose feed is
    dropped with it.
    """

    _open = False

    def __init__(
        self, source: FollowedFeed, after: int | None, filter: LogFilter, limits: FollowerLimits = USUAL
    ) -> None:
        self._source, self._after, self._limits = source, after, limits
        self._inbox = Inbox(filter, asyncio.get_running_loop(), limits.waiting)
        self._open = True
        self._joined = False
        self._read: deque[Positioned] = deque()
        self._cursor = 0
        """All that is wanted up to here was read or told."""

    async def __aenter__(self) -> Self:
        await self._join()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Positioned:
        await self._join()
        inbox = self._inbox
        while not self._read:
            inbox.heard.clear()
            upto = inbox.since
            if inbox.closed and self._cursor < upto:
                raise StopAsyncIteration
            if self._cursor < upto:
                await self._read_on(upto)
            elif (entry := inbox.take(self._cursor)) is not None:
                self._cursor = entry.position
                return entry
            elif inbox.closed:
                raise StopAsyncIteration
            else:
                await inbox.heard.wait()
        return self._read.popleft()

    def close(self) -> None:
        """End here; who waits for the next entry is told that there is none."""
        if self._open:
            self._open = False
            self._source.leave(self._inbox)

    def __del__(self) -> None:
        # No weakref.finalize: its registry would keep the inbox for ever, and with it whatever task waits there.
        if self._open:
            self._source.forget(self._inbox)

    async def aclose(self) -> None:
        """As `close`, for `contextlib.aclosing`."""
        self.close()

    async def _join(self) -> None:
        if not self._joined:
            begun = await self._source.join(self._inbox)
            self._cursor = begun if self._after is None else self._after
            self._joined = True

    async def _read_on(self, upto: int) -> None:
        wanted = replace(self._inbox.filter, upto=upto)
        try:
            page = await asyncio.to_thread(self._source.read, self._cursor, self._limits.page, wanted)
        except StoreUnavailable:
            await asyncio.sleep(self._limits.again)
            return
        self._read.extend(page)
        self._cursor = page[-1].position if len(page) == self._limits.page else upto
