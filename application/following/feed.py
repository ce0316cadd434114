"""The one feed of a process: it hears that the log has grown, reads what is new once, and tells all who follow.

this process's commits ─┐               ┌─ listeners, each in a thread of its own: the projector
others', if they tell ──┼─ one thread ──┼─ followers, each with an inbox: they cost no query
now and then a look ────┘               └─ other processes: that there is something
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from application.following.audience import Audience
from application.following.follower import USUAL, Follower, FollowerLimits
from application.following.inbox import Inbox
from application.ledger.log import Link, Positioned
from application.ledger.reader import EVERYTHING, LogFilter, LogReader
from domain.errors import StoreUnavailable

MOST = 64
"""Commits of this process that wait to be told; if there are more, the log is read."""

REST = 0.02
ALONE = 0.05
"""Seconds between two rounds, with followers here and with none: commits that come together are told together."""

Told = Callable[[int | None, Sequence[Link]], None]
"""The news of one commit: the entries of one commit of this process and the last one's position, if it is known."""

log = logging.getLogger("imagestudio")


class Growth(Protocol):
    """How a process hears of others' commits, and tells them of its own."""

    tells: bool
    """Whether others are to be told."""

    def wait(self) -> bool:
        """Until others may have committed, or `wake`, but not for long; whether to look into the log."""

    def wake(self) -> None:
        """End the wait; cheap, and from any thread."""

    def tell(self) -> None:
        """Let other processes know that this one has committed."""

    def close(self) -> None: ...


class Feed:
    """Tells of every commit; its thread begins with the first who listens or follows, and rests when all have left."""

    def __init__(
        self, reader: LogReader, growth: Growth, limits: FollowerLimits = USUAL, *, threaded: bool = True
    ) -> None:
        """If it is not `threaded`, whoever opened it calls `turn`."""
        self._threaded = threaded
        self._reader, self._growth, self._limits = reader, growth, limits
        self.read = reader.read
        self._audience = Audience()
        self._listeners: tuple[Told, ...] = ()
        self._end = 0
        """The log's end, as it was last seen or written by this process."""
        self._own: deque[tuple[int | None, Sequence[Link]]] = deque(maxlen=MOST)
        self._untold = False
        """Whether this process has committed what it has told no other of."""
        self._unread = False
        """Whether there may be entries that will not be heard of."""
        self._changing = threading.Lock()
        self._needed, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._audience)

    def follow(self, after: int | None = None, filter: LogFilter = EVERYTHING) -> Follower:
        """The entries after a position, else from now on, that the filter lets through; in the running loop."""
        return Follower(self, after, filter, self._limits)

    @contextmanager
    def listening(self, told: Told) -> Iterator[None]:
        """Tell a function of each commit: of this process's at once, in its thread; of others' that they were."""
        with self._changing:
            self._listeners = (*self._listeners, told)
        self._begin()
        try:
            yield
        finally:
            with self._changing:
                self._listeners = tuple(one for one in self._listeners if one is not told)

    def appended(self, position: int | None, links: Sequence[Link]) -> None:
        """This process has committed; called by its writer, quickly."""
        for told in self._listeners:
            told(position, links)
        self._untold = True
        if position is not None:
            self._end = max(self._end, position)
        if self._audience.position is not None:
            self._own.append((position, links))
            self._growth.wake()
        elif self._growth.tells:
            self._growth.wake()

    async def join(self, inbox: Inbox) -> int:
        """See `Source`."""
        while (begun := self._audience.add(inbox)) is None:
            self._audience.begin(await asyncio.to_thread(self._reader.end))
            self._unread = True
            self._begin()
            self._growth.wake()
        return begun

    def leave(self, inbox: Inbox) -> None:
        """See `Source`."""
        self._audience.remove(inbox)

    def turn(self) -> None:
        """Look into the log for those who follow, and tell them. Raises StoreUnavailable."""
        if self._listeners or self._audience.position is not None:
            self._round(look=True)

    def forget(self, inbox: Inbox) -> None:
        """See `Source`."""
        self._audience.forget(inbox)

    def close(self) -> None:
        """End every follower with what it was told so far, and tell other processes for the last time."""
        self._closing.set()
        self._needed.set()
        self._growth.wake()
        if self._thread.ident is not None:
            self._thread.join()
        self._audience.close()
        self._tell_others()
        self._growth.close()

    def _begin(self) -> None:
        self._needed.set()
        with self._changing:
            if self._threaded and self._thread.ident is None and not self._closing.is_set():
                self._thread.start()

    def _run(self) -> None:
        """Outlives a database that is locked or gone; what was committed meanwhile is told when it is back."""
        failing = ""
        while not self._closing.is_set():
            self._rest()
            try:
                self._round(self._growth.wait())
                failing = ""
            except StoreUnavailable as error:
                self._unread = True
                if failing != (failing := str(error)):
                    log.warning("the log cannot be followed for now: %s", error)
                self._closing.wait(self._limits.again)
            self._closing.wait(ALONE if self._audience.position is None else REST)

    def _rest(self) -> None:
        """Wait until somebody listens or follows, or it is closed."""
        self._needed.clear()
        if not self._listeners and self._audience.position is None and not self._closing.is_set():
            self._needed.wait()

    def _round(self, look: bool) -> None:
        self._audience.sweep()
        self._tell_others()
        if self._audience.position is None:
            if look:
                self._notice(self._reader.end())
        elif self._tell_own() or look or self._unread:
            self._unread = False
            self._tell_read()

    def _tell_others(self) -> None:
        if self._untold and self._growth.tells:
            self._untold = False
            self._growth.tell()

    def _tell_own(self) -> bool:
        """Tell of this process's commits; whether others' stand between, or their positions are not known."""
        gap = False
        while self._own:
            end, links = self._own.popleft()
            told = self._audience.position
            if end is None or told is None or end - len(links) > told:
                gap = True
            else:
                self._audience.give(Positioned(at, link) for at, link in enumerate(links, end - len(links) + 1))
        return gap

    def _tell_read(self) -> None:
        """Tell of all that is new in the log."""
        position, full = self._audience.position, True
        while full and position is not None and not self._closing.is_set():
            page = self._reader.read(position, self._limits.page)
            self._audience.give(page)
            if page:
                self._notice(page[-1].position)
            position, full = self._audience.position, len(page) == self._limits.page

    def _notice(self, end: int) -> None:
        """Tell listeners that others have written."""
        if end > self._end:
            self._end = end
            for told in self._listeners:
                told(None, ())
