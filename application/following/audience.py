"""All followers of one process, told up to one position: who joins is told what comes after it.

join ─ the position is known? ── no: it is read first ── given everything after it, until they leave
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from application.following.inbox import Inbox, Inboxes
from application.ledger.log import Positioned


class Audience:
    """Safe from any thread; nothing is waited for under its lock."""

    def __init__(self) -> None:
        self.position: int | None = None
        """Up to here all were told; None if there are no followers, and so nothing is told."""
        self._lock = threading.Lock()
        self._inboxes = Inboxes()
        self._gone: deque[Inbox] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._inboxes)

    def begin(self, position: int) -> None:
        """Tell from here on, unless it has begun already."""
        with self._lock:
            if self.position is None:
                self.position = position

    def add(self, inbox: Inbox) -> int | None:
        """Tell it from now on; the position after which, None if nothing is told yet."""
        with self._lock:
            inbox.closed |= self._closed
            if inbox.closed:
                return 0
            if self.position is not None:
                inbox.since = self.position
                self._inboxes.add(inbox)
            return self.position

    def remove(self, inbox: Inbox) -> None:
        """Tell it no more, and its follower that it has ended."""
        with self._lock:
            inbox.closed = True
            self._inboxes.remove(inbox)
            if not self._inboxes:
                self.position = None
        _wake([inbox])

    def forget(self, inbox: Inbox) -> None:
        """As `remove`, a little later: memory is given back at any moment, also while the lock is held."""
        inbox.closed = True
        self._gone.append(inbox)

    def sweep(self) -> None:
        """Remove what was to be forgotten."""
        while self._gone:
            self.remove(self._gone.popleft())

    def give(self, entries: Iterable[Positioned]) -> None:
        """Tell entries that follow each other to whom they are for, but those that were told before."""
        given: dict[Inbox, None] = {}
        with self._lock:
            for entry in entries:
                if self.position is not None and entry.position > self.position:
                    given.update(dict.fromkeys(self._inboxes.put(entry)))
                    self.position = entry.position
        _wake(given)

    def close(self) -> None:
        """End all, with what they were told."""
        with self._lock:
            self._closed = True
            left = [*self._inboxes]
        for inbox in left:
            self.remove(inbox)


def _wake(inboxes: Collection[Inbox]) -> None:
    """Once a loop, however many follow in it."""
    loops: dict[asyncio.AbstractEventLoop, list[Inbox]] = {}
    for inbox in inboxes:
        loops.setdefault(inbox.loop, []).append(inbox)
    for loop, some in loops.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_hear, some)


def _hear(inboxes: Sequence[Inbox]) -> None:
    for inbox in inboxes:
        inbox.heard.set()
