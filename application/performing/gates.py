"""Before a provider is asked for work: a free slot and its turn by the pace, over all processes, if there are limits.

perform ── held off? ── in line ── a slot, an instant ── submit … settle ── the slot is free
           a provider without limits is asked at once, and no query is made

One of a process asks at a time for each provider; the others wait in line for that one, and cost no query.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from application.ledger.writer import Clock
from application.ports import ProviderRefused
from application.ports.slots import Slots, Throughput

LOOK = 0.1
"""Seconds until a slot that another process holds is asked for again."""
BUSY = "busy"
SECOND = 1_000_000


def _nothing() -> None:
    """Nobody is told."""


@dataclass(slots=True, eq=False)
class Gates:
    """The gates of all providers, as one process goes through them; `lease` in microseconds."""

    limits: Mapping[str, Throughput]
    slots: Slots
    owner: str
    lease: int
    clock: Clock
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    outside: dict[str, str] = field(default_factory=dict, init=False)
    """Operations that wait to go through, and their providers."""
    inside: set[str] = field(default_factory=set, init=False)
    """Operations that went through, and have not left."""
    entered: Callable[[], object] = field(default=_nothing, init=False)
    """Called when one has gone through; quickly."""
    _held_off: dict[str, int] = field(default_factory=dict, init=False)
    _held: Counter[str] = field(default_factory=Counter, init=False)
    _prepared: set[str] = field(default_factory=set, init=False)
    _lines: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock), init=False)
    _freed: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event), init=False)

    def through(self, provider: str, operation: str, until: int | None) -> Passage:
        """Inside, a submission may be made. Raises ProviderRefused if that would be after an instant, `until`."""
        return Passage(self, provider, operation, until)

    async def enter(self, provider: str, operation: str, until: int | None) -> int:
        """Wait for room; the number of the slot, 0 if none was needed."""
        slot = 0
        if provider in self.limits or provider in self._held_off:
            slot = await self._enter(provider, operation, until)
        self.inside.add(operation)
        self.entered()
        return slot

    async def leave(self, provider: str, operation: str, slot: int) -> None:
        """Make room for another."""
        self.inside.discard(operation)
        if slot:
            await asyncio.shield(self._leave(provider, slot))

    async def hold_off(self, provider: str, seconds: float) -> None:
        """Nobody submits to the provider for so long, as it has asked; all processes learn it that look."""
        until = self.clock() + int(seconds * SECOND)
        self._held_off[provider] = max(until, self._held_off.get(provider, 0))
        await asyncio.to_thread(self.slots.hold_off, provider, until)

    def held_off(self, provider: str) -> int:
        """The instant before which this process sends nothing to the provider."""
        return self._held_off.get(provider, 0)

    async def renew(self) -> None:
        """Extend the leases of the slots that are held here. Raises StoreUnavailable."""
        if self._held.total():
            await asyncio.to_thread(self.slots.renew, self.owner, self.clock() + self.lease)

    async def _enter(self, provider: str, operation: str, until: int | None) -> int:
        self.outside[operation] = provider
        try:
            if provider not in self.limits:
                await self._wait(provider, self._held_off.get(provider, 0), until)
                return 0
            async with self._lines[provider]:
                return await self._ask(provider, until)
        finally:
            del self.outside[operation]

    async def _ask(self, provider: str, until: int | None) -> int:
        limit = self.limits[provider]
        if provider not in self._prepared:
            await asyncio.to_thread(self.slots.prepare, provider, limit.at_once)
            self._prepared.add(provider)
        while True:
            self._freed[provider].clear()
            now = self.clock()
            found = await asyncio.to_thread(self.slots.enter, provider, limit, self.owner, now, now + self.lease)
            if found.slot is not None:
                return await self._begin(provider, found.slot, found.at, until)
            if found.at > now:
                await self._wait(provider, found.at, until)
                continue
            self._check(provider, now, until)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._freed[provider].wait()

    async def _begin(self, provider: str, slot: int, at: int, until: int | None) -> int:
        self._held[provider] += bool(slot)
        begun = False
        try:
            await self._wait(provider, at, until)
            begun = True
        finally:
            if slot and not begun:
                await asyncio.shield(self._leave(provider, slot))
        return slot

    async def _leave(self, provider: str, slot: int) -> None:
        self._held[provider] -= 1
        await asyncio.to_thread(self.slots.leave, provider, slot, self.owner)
        self._freed[provider].set()

    async def _wait(self, provider: str, at: int, until: int | None) -> None:
        self._check(provider, at, until)
        pause = at - self.clock()
        if pause > 0:
            await self.sleep(pause / SECOND)

    def _check(self, provider: str, at: int, until: int | None) -> None:
        if until is not None and at > until:
            message = f"there was no room at {provider} in time: its limits of concurrency and rate, or its own"
            raise ProviderRefused(BUSY, message)


class Passage:
    """The way of one operation through its provider's gate, and back; a generator would cost as much as the way."""

    __slots__ = ("_gates", "_operation", "_provider", "_slot", "_until")

    def __init__(self, gates: Gates, provider: str, operation: str, until: int | None) -> None:
        self._gates, self._provider, self._operation, self._until = gates, provider, operation, until
        self._slot = 0

    async def __aenter__(self) -> None:
        self._slot = await self._gates.enter(self._provider, self._operation, self._until)

    async def __aexit__(self, *ended: object) -> None:
        await self._gates.leave(self._provider, self._operation, self._slot)
