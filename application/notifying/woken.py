"""Work that follows the log: done anew when a commit concerns it, and now and then by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from application.following.feed import Feed
from application.ledger.log import Link
from domain.errors import ImageStudioError

LOGGER = logging.getLogger("imagestudio")


@dataclass(slots=True, kw_only=True)
class WokenWork:
    """`look` seconds pass between two looks of its own, `together` after a commit, so that those near it are one look.

    `concerns` is asked of each commit, from any thread; `failing` says in the service log what cannot be done.
    """

    feed: Feed
    step: Callable[[], Awaitable[object]]
    concerns: Callable[[Sequence[Link]], bool]
    failing: str
    look: float
    together: float
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False

    async def run(self) -> None:
        """Until it is stopped."""
        loop, told_of = asyncio.get_running_loop(), ""

        def told(_position: int | None, links: Sequence[Link]) -> None:
            if self.concerns(links):
                with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                    loop.call_soon_threadsafe(self.woken.set)

        with self.feed.listening(told):
            while not self.stopping:
                self.woken.clear()
                try:
                    await self.step()
                    told_of = ""
                except ImageStudioError as error:
                    if told_of != (told_of := str(error)):
                        LOGGER.warning("%s: %s", self.failing, error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.look):
                        await self.woken.wait()
                        await asyncio.sleep(self.together)

    def stop(self) -> None:
        """Begin nothing more."""
        self.stopping = True
        self.woken.set()
