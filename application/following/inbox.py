"""Entries that wait for one follower, and which entries are for whom."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator

from application.ledger.log import Link, Positioned
from application.ledger.reader import LogFilter
from domain.streams import account_of

Key = tuple[str, str | None]
EVERYTHING: Key = ("everything", None)


class Inbox:
    """Every entry after `since` that its follower wants and has not taken, in order."""

    def __init__(self, filter: LogFilter, loop: asyncio.AbstractEventLoop, most: int) -> None:
        """`most` bytes of facts wait for its follower; a slower one reads them from the log."""
        self.filter, self.loop = filter, loop
        self.since = 0
        self.closed = False
        self.heard = asyncio.Event()
        """Set in its loop if there may be something new."""
        self._lock = threading.Lock()
        self._waiting: deque[Positioned] = deque()
        self._size, self._most = 0, most

    def wants(self, link: Link, account: str | None) -> bool:
        """Whether its follower asked for such an entry."""
        filter = self.filter
        return (
            (filter.account is None or filter.account == account)
            and (not filter.operations or link.operation in filter.operations)
            and (not filter.topics or link.topic in filter.topics)
        )

    def put(self, entry: Positioned) -> None:
        """Add an entry, or drop all if there is no room: then the log has to be read from `since` on."""
        with self._lock:
            self._waiting.append(entry)
            self._size += len(entry.link.state)
            if self._size > self._most:
                self._waiting.clear()
                self._size, self.since = 0, entry.position

    def take(self, after: int) -> Positioned | None:
        """The first entry after a position; None if there is none, or the log has to be read first."""
        with self._lock:
            while self._waiting and after >= self.since:
                entry = self._waiting.popleft()
                self._size -= len(entry.link.state)
                if entry.position > after:
                    return entry
        return None


class Inboxes:
    """All of a feed, found by what they ask for: an entry costs as much for one as for a thousand it is not for.

    Each is told in the order in which they joined.
    """

    def __init__(self) -> None:
        self._at: dict[Key, dict[Inbox, None]] = {}
        self._all: dict[Inbox, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Inbox]:
        return iter(self._all)

    def add(self, inbox: Inbox) -> None:
        self._all[inbox] = None
        for key in _keys(inbox.filter):
            self._at.setdefault(key, {})[inbox] = None

    def remove(self, inbox: Inbox) -> None:
        self._all.pop(inbox, None)
        for key in _keys(inbox.filter):
            some = self._at.get(key, {})
            some.pop(inbox, None)
            if not some:
                self._at.pop(key, None)

    def put(self, entry: Positioned) -> list[Inbox]:
        """Give an entry to whom it is for."""
        link = entry.link
        account = account_of(str(link.originator_id))
        keys: tuple[Key, ...] = (("operation", link.operation), ("account", account), EVERYTHING)
        given = [inbox for key in keys for inbox in self._at.get(key, ()) if inbox.wants(link, account)]
        for inbox in given:
            inbox.put(entry)
        return given


def _keys(filter: LogFilter) -> list[Key]:
    if filter.operations:
        return [("operation", id) for id in filter.operations]
    return [EVERYTHING if filter.account is None else ("account", filter.account)]
