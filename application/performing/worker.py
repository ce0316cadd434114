"""A worker: it performs operations of the queue, whoever accepted them, as many at a time as it has places.

commit ─ the feed ─ woken ─ what waits ─ whose turn it is ─ claimed ─ performed, its lease renewed ─ settled
             └── now and then it looks by itself

Recovery settles what it dies with, once its leases end. The log decides who may send: of two who believe that an
operation is theirs, one is dispatched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from application.following.feed import Feed
from application.ledger.log import Link
from application.performing.recovery import Recoverer
from application.ports import Queue
from domain.errors import StoreUnavailable
from domain.turns import Queued, choose

LOGGER = logging.getLogger("imagestudio")

LOOK = 2.0
"""Seconds after which it looks by itself."""
AGAIN = 1.0
"""Seconds until a database that could not be used is tried again."""
FOREVER = 2**62
BESIDE = 4
"""Chosen beside each that is wanted, in case that others claim it first."""


@dataclass(slots=True, eq=False)
class Worker:
    """Claims and performs until it is stopped; `places` is how many at a time, `topics` are names of facts by which
    something is queued."""

    queue: Queue
    recoverer: Recoverer
    feed: Feed
    places: int
    topics: frozenset[str]
    performed: int = field(default=0, init=False)
    """Operations that it carried on as far as can be."""
    left: int = field(default=0, init=False)
    """Operations that it left to recovery in the end."""
    _idle: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _claimed: dict[str, Queued] = field(default_factory=dict, init=False)
    _woken: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _asked_idle: bool = field(default=False, init=False)
    _stopping: bool = field(default=False, init=False)

    @property
    def working(self) -> int:
        """How many operations it performs now."""
        return len(self._tasks)

    async def run(self) -> None:
        """Until `stop`; what it performs then goes on."""
        loop = asyncio.get_running_loop()

        def told(_position: int | None, links: Sequence[Link]) -> None:
            if not links or any(link.topic in self.topics for link in links):
                with suppress(RuntimeError):  # the loop was closed: nobody works any more
                    loop.call_soon_threadsafe(self._woken.set)

        failing, gates = "", self.recoverer.performer.gates
        gates.entered = self._woken.set
        with self.feed.listening(told):
            while not self._stopping:
                self._woken.clear()
                try:
                    full = await self._claim()
                    failing, pause = "", 0.0 if full and self.working < self.places else LOOK
                except StoreUnavailable as error:
                    if failing != (failing := str(error)):
                        LOGGER.warning("nothing can be claimed for now: %s", error)
                    pause = AGAIN
                await self._rest(pause)

    def stop(self) -> None:
        """Claim no more."""
        self._stopping = True
        self._woken.set()

    async def until_idle(self) -> None:
        """Wait until nothing waits in the queue, and nothing is performed here."""
        self._asked_idle = True
        self._woken.set()
        await self._idle.wait()

    async def _give_back(self) -> None:
        """Hand over to others whatever waits here for room at its provider."""
        outside = [one for one in self._claimed.values() if one.operation in self.recoverer.performer.gates.outside]
        tasks = [self._tasks[one.operation] for one in outside]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in outside:
            await asyncio.to_thread(self.queue.give_back, one, self.recoverer.performer.ownership.owner)

    async def end(self, seconds: float, leave: asyncio.Event) -> None:
        """Stop, and wait for what it performs, so long or until it is to leave it; that is left to recovery then."""
        self.stop()
        await self._give_back()
        left = asyncio.create_task(leave.wait())
        until = asyncio.get_running_loop().time() + seconds
        while self._tasks and not left.done() and (more := until - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait([left, *self._tasks.values()], timeout=more, return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
        await self._give_back()
        open_still = list(self._tasks.values())
        self.left = len(open_still)
        for task in open_still:
            task.cancel()
        await asyncio.gather(*open_still, return_exceptions=True)

    async def _claim(self) -> bool:
        """Claim as many as there are places, and begin them; whether there may be more to claim."""
        free = self.places - self.working
        if free <= 0:
            return False
        claimed = await self.recoverer.performer.ownership.draw(self._draw, free)
        for one in claimed:
            self._claimed[one.operation] = one
            self._tasks[one.operation] = asyncio.create_task(self._perform(one))
        if self._asked_idle and not self._tasks and not await asyncio.to_thread(self.queue.waiting, 1, (), FOREVER):
            self._idle.set()
        return bool(claimed)

    def _draw(self, most: int, owner: str, now: int, expires: int) -> list[Queued]:
        rooms = self._rooms()
        full = [provider for provider, room in rooms.items() if not room]
        wanted = choose(self.queue.waiting(most, full, now), BESIDE * most, rooms)
        return self.queue.claim(wanted, most, owner, now, expires) if wanted else []

    def _rooms(self) -> dict[str, int]:
        """How many more may be claimed for each provider that cannot take any number: one, when none waits for room."""
        gates = self.recoverer.performer.gates
        outside = {one.provider for one in self._claimed.values() if one.operation not in gates.inside}
        full = {one for one in outside if one in gates.limits} | set(gates.outside.values())
        return {**dict.fromkeys(gates.limits, 1), **dict.fromkeys(full, 0)}

    async def _perform(self, one: Queued) -> None:
        ownership = self.recoverer.performer.ownership
        try:
            done = await self.recoverer.carry_on(one.operation, one.account)
            self.performed += 1
            LOGGER.info("performed: %s, now %s", done.action, done.phase, extra={"operation": done.operation})
        finally:
            ownership.drop(one.operation)
            del self._tasks[one.operation], self._claimed[one.operation]
            self._woken.set()

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
