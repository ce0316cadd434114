"""Pages that are worked out from many facts: begun once, and meanwhile a page says what is read and how far it is.

    look ── few facts ── the page
    look ── many ── begun apart ── a page that follows it ── done ── the page, of what was worked out

Whoever asks again waits for the same work. A page that nobody came back for is forgotten after a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from infrastructure.dashboard.page import Reading

LONG: Final = 150_000
"""Facts: of so many or more a page says how far it is; they take half a second at least."""
KEPT: Final = 60.0
"""Seconds that a page is kept which nobody came back for."""
SOON: Final = 0.3
"""Seconds that whoever asks is kept waiting, as it may be remembered."""
PAUSE: Final = 1.0
"""Seconds between two events."""


@dataclass(slots=True, eq=False)
class LongLooks:
    """By whose and which page; of one loop.

    Of `long` facts or more a page says how far it is, unless it is there within `soon` seconds.
    """

    long: int = LONG
    soon: float = SOON
    running: dict[Hashable, asyncio.Future[Any]] = field(default_factory=dict)

    async def begun(
        self, key: Hashable, reading: Reading, make: Callable[[], Awaitable[Any]], *, keep: bool = False
    ) -> asyncio.Future[Any] | None:
        """The work on a page of many facts, begun now if it was not; None if it is of few. Handed over once, unless
        it is to be kept for whoever comes next.
        """
        look = self.running.get(key)
        if look is None:
            if reading.missing < self.long:
                return None
            look = self.running[key] = asyncio.ensure_future(make())
            look.add_done_callback(lambda done: self._ended(key, done))
            await asyncio.wait([look], timeout=self.soon)
        if look.done() and not keep:
            self.running.pop(key, None)
        return look

    async def until_done(self, key: Hashable) -> AsyncIterator[object]:
        """Something every now and then, as long as a page is worked on."""
        look = self.running.get(key)
        while look is not None and not look.done():
            yield look
            await asyncio.wait([look], timeout=PAUSE)

    def _ended(self, key: Hashable, look: asyncio.Future[Any]) -> None:
        if not look.cancelled():
            look.exception()  # whoever comes back is told of it
        look.get_loop().call_later(KEPT, self._forget, key, look)

    def _forget(self, key: Hashable, look: asyncio.Future[Any]) -> None:
        if self.running.get(key) is look:
            del self.running[key]
