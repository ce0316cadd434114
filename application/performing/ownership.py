"""Which open operations this process works on, each under a lease that others see end when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from application.ledger.timekeeping import Believe, believe_all
from application.ledger.transaction import Conflict
from application.ledger.writer import Clock
from application.ports import Lease, Leases
from domain.errors import OperationPending, StoreUnavailable
from domain.turns import Queued

Line = Callable[[int, str, int, int], list[Queued]]
"""Claims at most so many for an owner: the number, the owner, now, and when their leases end; blocking."""


@dataclass(slots=True)
class Ownership:
    """The operations this process works on, and until when each is leased to it (epoch microseconds).

    A lease by a clock that may not be believed would end long after its owner.
    """

    owner: str
    lease: int
    leases: Leases
    clock: Clock
    held: dict[str, int] = field(default_factory=dict)
    believe: Believe = believe_all

    def take(self, operations: Iterable[str]) -> None:
        """They were opened or claimed by this process just now."""
        expires = self.clock() + self.lease
        self.held.update(dict.fromkeys(operations, expires))

    def drop(self, *operations: str) -> None:
        """They are settled, or not this process's after all."""
        for operation in operations:
            self.held.pop(operation, None)

    async def renew(self) -> None:
        """Extend every lease; an operation whose lease was lost is another process's now. Raises StoreUnavailable."""
        operations = list(self.held)
        if not operations:
            return
        expires = await asyncio.to_thread(self._end)
        try:
            kept = await asyncio.to_thread(self.leases.renew, operations, self.owner, expires)
        except Conflict as error:
            raise StoreUnavailable(f"the leases could not be renewed: {error}", hint="try again shortly") from error
        # An operation that was settled meanwhile is not held again.
        self.held.update((operation, expires) for operation in kept if operation in self.held)

    def _end(self) -> int:
        """When a lease ends that begins now. Raises ClockAhead."""
        now = self.clock()
        self.believe(now)
        return now + self.lease

    async def claim(self, lease: Lease) -> bool:
        """Take over an expired lease; False if another process was faster, or it cannot be done now.

        Raises ClockAhead.
        """
        expires = await asyncio.to_thread(self._end)
        try:
            won = await asyncio.to_thread(self.leases.claim, lease, self.owner, expires)
        except Conflict:
            return False
        if won:
            self.take([lease.operation])
        return won

    async def draw(self, line: Line, most: int) -> list[Queued]:
        """Claim up to so many of what waits in the queue. Raises ClockAhead, StoreUnavailable."""

        def drawn() -> list[Queued]:
            expires = self._end()
            return line(most, self.owner, self.clock(), expires)

        claimed = await asyncio.to_thread(drawn)
        self.take(one.operation for one in claimed)
        return claimed

    async def check(self, operation: str) -> None:
        """Just before sending: a process that slept past its lease must not send what others may have recovered."""
        if self.held.get(operation, 0) > self.clock():
            return
        await self.renew()
        if self.held.get(operation, 0) <= self.clock():
            raise OperationPending(operation, "the lease was lost before sending; recovery decides what becomes of it")
