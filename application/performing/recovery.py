"""Recovery of what a dead process left open: sent, looked up, run again, settled or released, each by a fact.

Only expired leases are claimed, and none of what this very process still works on, however long it slept: that is
renewed, or a blind submission could be given up while it is being answered. Whatever recovery and a former owner that
comes back decide is decided against the ledger's state, so neither can send what the other sent, nor settle twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial

from application.performing.histories import Histories, History
from application.performing.performer import FromQueue, Performer
from application.performing.recording import Alternative, Performed
from application.ports import Job, Lease, Recovery, Task, silent
from application.providing.lacking import missing_here
from domain.errors import ImageStudioError, OperationPending, UnknownModel
from domain.operation import PHASES, POLICY, Held, Open, Running

ERASED = "content_erased"
OFF = "switched_off"
AT_ONCE = 8
"""Operations recovered at the same time."""
UNREADABLE = "unreadable"
HURRY = 30
"""Seconds for which recovery waits for one job, so that others get their turn."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """One operation that was open, what was done about it, and where it stands now."""

    operation: str
    account: str
    action: str
    phase: str


@dataclass(frozen=True, slots=True)
class Recoverer:
    """Settles operations whose owner is gone.

    `grace` and `abandon` are in microseconds: that long after its last dispatch an operation of unknown outcome may be
    released, and that long after its first also one whose job the provider never finishes or never tells of, and one
    that breaks whenever it is run again.
    """

    performer: Performer
    operations: Histories
    grace: int
    abandon: int

    async def run(self) -> list[Recovered]:
        """Claim every expired lease and settle what can be settled; what cannot keeps its hold for the next time."""
        ownership = self.performer.ownership
        expired = await asyncio.to_thread(ownership.leases.expired, ownership.clock())
        left = [lease for lease in expired if lease.operation not in ownership.held]
        if len(left) < len(expired):
            await ownership.renew()
        places = asyncio.Semaphore(AT_ONCE)
        recovered = await asyncio.gather(*[self._claim(lease, places) for lease in left])
        return [one for one in recovered if one is not None]

    async def _claim(self, lease: Lease, places: asyncio.Semaphore) -> Recovered | None:
        """Recover it, unless somebody else does; one that takes long holds up few others."""
        ownership = self.performer.ownership
        async with places:
            if not await ownership.claim(lease):
                return None
            try:
                return await self._recover(lease.operation, lease.account)
            finally:
                ownership.drop(lease.operation)

    async def carry_on(self, operation: str, account: str) -> Recovered:
        """Bring an operation that is leased to this process as far as can be; it never raises."""
        return await self._recover(operation, account)

    async def _recover(self, operation: str, account: str) -> Recovered:
        """One operation; what goes wrong with it, such as content that is damaged, keeps no other from its end."""
        phase = UNREADABLE
        try:
            opened = await self.operations.read(operation)
            phase = PHASES[type(opened.state)]
            action, settled = await self._settle(opened)
            phase = PHASES[type(settled.state)] if settled is not None else phase
        except ImageStudioError as error:
            action = f"left open: {error}"
        except Exception as error:  # noqa: BLE001 - others wait, whatever is wrong here; its text may hold inputs
            action = f"left open: {type(error).__name__} came up"
        return Recovered(operation, account, action, phase)

    async def _settle(self, opened: History) -> tuple[str, Performed | None]:
        state = opened.state
        if not isinstance(state, Open):
            return "already settled", None
        try:
            task = await self.operations.task(opened)
            if isinstance(state, Running):
                return await self._resume(opened, state, task or self.operations.bare(opened))
            if task is not None and isinstance(state, Held):
                return await self._begin(opened, state, task)
            if task is not None:
                return await self._resolve_sent(opened, state, task)
        except UnknownModel:
            if not self._is_abandoned(opened):
                raise
            return "released by policy", await self._release(state, POLICY)
        return await self._without_content(opened, state)

    async def _without_content(self, opened: History, state: Open) -> tuple[str, Performed | None]:
        """An operation that was never sent cannot be any more; one that may have been keeps its hold."""
        if isinstance(state, Held):
            return "released, its content was erased", await self._release(state, ERASED)
        if self.performer.ownership.clock() < opened.dispatched + self.grace:
            return "left open: within its grace, and its content is gone", None
        return "released by policy", await self._release(state, POLICY)

    async def _resume(self, opened: History, state: Running, task: Task) -> tuple[str, Performed | None]:
        """Its job is looked at for a moment: if that is not enough, it is looked at again in the next round."""
        hurried = replace(task, deadline=min(task.deadline, HURRY))
        try:
            return "found its job", await self.performer.resume(state.operation, hurried, Job(state.job), silent)
        except OperationPending:
            if not self._is_abandoned(opened):
                raise
        return "released by policy", await self._release(state, POLICY)

    async def _resolve_sent(self, opened: History, state: Open, task: Task) -> tuple[str, Performed | None]:
        """It may have reached the provider: what may be done about that is the provider's to say."""
        recovery = self.performer.provider_of(state.operation).recovery
        if recovery is Recovery.REPEATABLE and not self._is_off(state):
            return await self._run_again(opened, state, task)
        if recovery is Recovery.FINDABLE:
            settled = await self._look_up(opened, state, task)
            if settled is not None:
                return "found at the provider", settled
        if self.performer.ownership.clock() < opened.dispatched + self.grace:
            return "left open: within its grace", None
        return "released by policy", await self._release(state, POLICY)

    async def _begin(self, opened: History, state: Held, task: Task) -> tuple[str, Performed | None]:
        """It was held and never sent; whose provider is switched off by now never is."""
        if self._is_off(state):
            return "released, its provider is switched off", await self._release(state, OFF)
        queued = FromQueue(partial(self.operations.place, state.operation), partial(self._others, opened))
        return await self._send(state, task, "sent", queued)

    async def _others(self, opened: History) -> list[Alternative]:
        """Those of the models that may follow which can be asked here."""
        providers, off = self.performer.providers, self.performer.off
        found, models = await self.operations.others(opened), self.operations.catalogue
        return [one for one in found if not missing_here(models.get(one.quote.model), providers, off)]

    def _is_off(self, state: Open) -> bool:
        return state.operation.provider in self.performer.off

    async def _run_again(self, opened: History, state: Open, task: Task) -> tuple[str, Performed | None]:
        """Try once even after `abandon`, because the service may have been down; give up only if this try fails too."""
        try:
            return await self._send(state, task, "run again")
        except OperationPending:
            if not self._is_abandoned(opened):
                raise
        return "released by policy", await self._release(state, POLICY)

    async def _look_up(self, opened: History, state: Open, task: Task) -> Performed | None:
        """The provider's knowledge of it; None if that is nothing, or has not been told for so long."""
        hurried = replace(task, deadline=min(task.deadline, HURRY))
        try:
            return await self.performer.look_up(state.operation, hurried, silent)
        except OperationPending:
            if not self._is_abandoned(opened):
                raise
        return None

    def _is_abandoned(self, opened: History) -> bool:
        return self.performer.ownership.clock() >= opened.first + self.abandon

    async def _send(
        self, state: Open, task: Task, action: str, queued: FromQueue | None = None
    ) -> tuple[str, Performed | None]:
        task = replace(task, attempt=task.attempt + 1)
        settled = await self.performer.begin(state.operation, task, silent, held=state.quote, queued=queued)
        if isinstance(settled.state, Held):
            return "put back, as its provider asks to wait", settled
        return (action, settled) if settled.facts else ("left open: another process sends it", None)

    async def _release(self, state: Open, reason: str) -> Performed:
        return await self.performer.recording.release(state.operation, reason)
