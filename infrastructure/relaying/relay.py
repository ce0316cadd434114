"""Tells one target the books, from where it was told before: beside a service, or alone.

something new? ── the turn ── open ── batch after batch ── leave ──┬─ all told
                                                                   └─ away, refused: noted, tried again
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from application.following.feed import Feed
from application.keeping.books import Booked, BookLog, BookReading
from application.notifying.woken import WokenWork
from domain.errors import ImageStudioError, InvalidInput, ProviderUnavailable, StoreUnavailable
from infrastructure.relaying.address import RelayAddress
from infrastructure.relaying.broker import Broker, Message
from infrastructure.store.relays import RelayMark, RelayTable

LOGGER = logging.getLogger("imagestudio")

MOST: Final = 500
"""Messages of a batch."""
LOOK: Final = 1.0
"""Seconds after which it looks by itself, and after which what failed is tried again."""
TOGETHER: Final = 0.05
"""Seconds in which more may happen before it looks."""
STANDS: Final = (ProviderUnavailable, InvalidInput)


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """How far a target was told, how many positions of the log are behind that, and why it stands, if it does."""

    target: str
    address: str
    position: int
    lag: int
    at: int
    error: str


@dataclass(slots=True, kw_only=True)
class Relay:
    """`make` makes a broker that is not open yet; one is open from the first batch until something goes wrong."""

    address: RelayAddress
    table: RelayTable
    log: BookLog
    feed: Feed
    make: Callable[[], Broker]
    clock: Callable[[], int]
    owner: str
    lease: int
    """For so many microseconds the turn is kept after a batch, so that another begins so long after a process died."""
    most: int = MOST
    told: int = 0
    """Facts that this process told."""
    _broker: Broker | None = field(default=None, init=False)
    _reading: BookReading | None = field(default=None, init=False)
    _now: int = field(init=False)
    """Messages of the next batch."""
    _work: WokenWork = field(init=False)

    def __post_init__(self) -> None:
        self._now = self.most
        self._work = WokenWork(
            feed=self.feed,
            step=self.advance,
            concerns=lambda _links: True,
            failing=f"facts cannot be told to {self.address} for now",
            look=LOOK,
            together=TOGETHER,
        )

    async def run(self) -> None:
        """Until it is stopped."""
        await self._work.run()

    async def drain(self) -> None:
        """Tell all there is now, waiting for another process that has the turn; then disconnect.

        Raises as `advance`.
        """
        end = await asyncio.to_thread(self.log.end)
        try:
            while True:
                await self.advance()
                if (await asyncio.to_thread(self.table.mark)).position >= end:
                    return
                await asyncio.sleep(LOOK)
        finally:
            await self.close()

    def stop(self) -> None:
        """Begin nothing more."""
        self._work.stop()

    def status(self) -> RelayStatus:
        """As the table says it, whichever process tells; blocks. Raises StoreUnavailable."""
        mark, end = self.table.mark(), self.log.end()
        lag = max(0, end - mark.position)
        return RelayStatus(self.address.target, str(self.address), mark.position, lag, mark.at, mark.error)

    async def advance(self) -> None:
        """Tell all that is new, if it is this process's turn.

        Raises ProviderUnavailable, InvalidInput, LogCorrupted, StoreUnavailable.
        """
        end = await asyncio.to_thread(self.log.end)
        if end <= (await asyncio.to_thread(self.table.mark)).position:
            return
        now = self.clock()
        mark = await asyncio.to_thread(self.table.take, self.owner, now, now + self.lease)
        if mark is None:
            return
        try:
            await self._tell(mark, end)
        except ImageStudioError as error:
            await self._fail(error)
            raise
        await asyncio.to_thread(self.table.leave, self.owner)

    async def _tell(self, mark: RelayMark, end: int) -> None:
        if self._broker is None or self._reading is None or self._reading.position != mark.position:
            await self._let_go()
            self._broker, self._reading = self.make(), self.log.reading(mark.position)
            await self._broker.open(mark, end)
        new = self._reading.upto(end)
        while mark.position < end and not self._work.stopping:
            most = self._now
            some = await asyncio.to_thread(_batch, new, most)
            sequence = await self._broker.send(some) if some else mark.sequence
            upto = some[-1].position if len(some) == most else end
            if sequence is None:
                continue
            mark = RelayMark(upto, sequence, self.clock())
            if not await asyncio.to_thread(self.table.move, self.owner, mark, mark.at + self.lease):
                raise ProviderUnavailable(f"another process tells {self.address} by now")
            self.told += len(some)
            self._now = min(self.most, self._now * 2)
        self._reading.position = mark.position

    async def _fail(self, error: ImageStudioError) -> None:
        """Forget what is open; after a refusal, go on one by one, so that all before it is told."""
        if isinstance(error, InvalidInput):
            self._now = 1
        await self._let_go()
        with suppress(StoreUnavailable):
            if isinstance(error, STANDS):
                await asyncio.to_thread(self.table.stand, self.owner, error.message)
            await asyncio.to_thread(self.table.leave, self.owner)

    async def _let_go(self) -> None:
        broker, self._broker, self._reading = self._broker, None, None
        if broker is not None:
            await broker.close()

    async def close(self) -> None:
        """Disconnect."""
        await self._let_go()


def _batch(new: Iterator[Booked], most: int) -> list[Message]:
    return [Message.of(one) for one in islice(new, most)]
