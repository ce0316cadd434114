"""The one feed of a process: it hears that the log has grown, reads what is new once, and tells all who follow.

this process's commits ─┐                      ┌─ listeners, in threads of their own: the projector
others', if they tell ──┼─ one thread, no query ┼─ followers, each with an inbox
now and then a look ────┘  while nothing grows  └─ other processes, told that there is something
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from application.following.follower import Follower
from application.following.inbox import Inbox, Inboxes
from application.ledger.log import Link, Positioned
from application.ledger.reader import EVERYTHING, LogFilter, LogReader
from domain.errors import StoreUnavailable

PAGE = 1_000
MOST = 4_000
"""Entries of this process that wait to be told; with more, the log is read."""

REST = 0.02
"""Seconds between two rounds: commits that come together are told together."""

AGAIN = 1.0
"""Seconds after a round that failed."""

Told = Callable[[int | None, Sequence[Link]], None]
"""What a listener is told: the entries of one commit of this process and the last one's position, if it is known."""

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
    """Tells of every commit; its thread begins with the first who listens or follows."""

    def __init__(self, reader: LogReader, growth: Growth) -> None:
        self._reader, self._growth = reader, growth
        self.read = reader.read
        self._lock = threading.Lock()
        self._inboxes = Inboxes()
        self._listeners: list[Told] = []
        self._position: int | None = None
        """Up to where followers were told; None while there are none."""
        self._end = 0
        """Where the log ended when it was last looked at, or this process has written to it."""
        self._own: deque[tuple[int | None, Sequence[Link]]] = deque(maxlen=MOST)
        self._gone: deque[Inbox] = deque()
        self._untold = False
        self._needed, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, after: int | None = None, filter: LogFilter = EVERYTHING) -> Follower:
        """The entries after a position, else from now on, that the filter lets through; in the running loop."""
        return Follower(self, after, filter)

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._inboxes)

    @contextmanager
    def listening(self, told: Told) -> Iterator[None]:
        """Tell a function of each commit: of this process's at once, in its thread; of others' that they were."""
        with self._lock:
            self._listeners = [*self._listeners, told]
        self._begin()
        try:
            yield
        finally:
            with self._lock:
                self._listeners = [one for one in self._listeners if one is not told]
                self._rest()

    def appended(self, position: int | None, links: Sequence[Link]) -> None:
        """This process has committed; called by its writer, quickly."""
        for told in self._listeners:
            told(position, links)
        self._untold = True
        if position is not None:
            self._end = max(self._end, position)
        if self._position is not None:
            self._own.append((position, links))
        elif not self._growth.tells:
            return
        self._growth.wake()

    def close(self) -> None:
        """End every follower with what it was told so far, and tell other processes for the last time."""
        self._closing.set()
        self._needed.set()
        self._growth.wake()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            left = [*self._inboxes]
            for inbox in left:
                self._end_of(inbox)
        _wake(left)
        self._tell_others()
        self._growth.close()

    async def join(self, inbox: Inbox) -> int:
        """See `Source`."""
        while (begun := self._add(inbox)) is None:
            await asyncio.to_thread(self._take_position)
        return begun

    def leave(self, inbox: Inbox) -> None:
        """See `Source`."""
        with self._lock:
            self._end_of(inbox)
        _wake([inbox])

    def forget(self, inbox: Inbox) -> None:
        """As `leave`, for a follower that is gone: from wherever its memory is given back, so nothing is waited for."""
        inbox.closed = True
        self._gone.append(inbox)

    def _add(self, inbox: Inbox) -> int | None:
        with self._lock:
            inbox.closed |= self._closing.is_set()
            if inbox.closed:
                return 0
            if self._position is not None:
                inbox.since = self._position
                self._inboxes.add(inbox)
            return self._position

    def _take_position(self) -> None:
        """Begin to tell, from the log's end; what is committed meanwhile is found by looking."""
        end = self._reader.end()
        with self._lock:
            if self._position is None:
                self._own.clear()
                self._position = end
        self._begin()
        self._growth.wake()

    def _begin(self) -> None:
        with self._lock:
            self._needed.set()
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()

    def _end_of(self, inbox: Inbox) -> None:
        """Under the lock."""
        inbox.closed = True
        self._inboxes.remove(inbox)
        self._rest()

    def _rest(self) -> None:
        """Under the lock: do nothing where nobody follows, and no more than to hear where somebody listens."""
        if not self._inboxes:
            self._position = None
            if not self._listeners and not self._closing.is_set():
                self._needed.clear()

    def _run(self) -> None:
        """Outlives a database that is locked or gone; what was committed meanwhile is told when it is back."""
        failing = ""
        while not self._closing.is_set():
            self._needed.wait()
            look = self._growth.wait()
            try:
                self._round(look)
                failing = ""
            except StoreUnavailable as error:
                if failing != (failing := str(error)):
                    log.warning("the log cannot be followed for now: %s", error)
                self._closing.wait(AGAIN)
            self._closing.wait(REST)

    def _round(self, look: bool) -> None:
        self._forget_gone()
        self._tell_others()
        if self._position is None:
            if look:
                self._notice(self._reader.end())
        elif self._tell_own() or look:
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
            begun = self._position
            if end is None or begun is None or end - len(links) > begun:
                gap = True
            else:
                self._give(Positioned(at, link) for at, link in enumerate(links, end - len(links) + 1))
        return gap

    def _tell_read(self) -> None:
        """Tell of all that is new in the log."""
        position, full = self._position, True
        while full and position is not None and not self._closing.is_set():
            page = self._reader.read(position, PAGE)
            self._give(page)
            if page:
                self._notice(page[-1].position)
            position, full = self._position, len(page) == PAGE

    def _give(self, entries: Iterable[Positioned]) -> None:
        """Put entries that follow each other where they are wanted, but for those that were told before."""
        given: set[Inbox] = set()
        with self._lock:
            for entry in entries:
                if self._position is not None and entry.position > self._position:
                    given.update(self._inboxes.put(entry))
                    self._position = entry.position
        _wake(given)

    def _notice(self, end: int) -> None:
        """Tell listeners where others have written."""
        if end > self._end:
            self._end = end
            for told in self._listeners:
                told(None, ())

    def _forget_gone(self) -> None:
        while self._gone:
            self.leave(self._gone.popleft())


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
