"""What a dead process left open: sent, looked up, run again, settled or released, each by a fact.

Only expired leases are claimed. Whatever recovery and a former owner that comes back decide is decided against the
ledger's state, so neither can send what the other sent, nor settle twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from application.admission import Body
from application.performer import Performer, Settlement
from application.ports import Asset, Contents, Job, Lease, Media, Recovery, Task, silent
from application.results import Results
from application.tasks import task_of
from domain import settlement
from domain.catalogue import Catalogue
from domain.errors import AssetMissing, ImageStudioError
from domain.ledger import Fact, Ledger
from domain.operation import (
    PHASES,
    POLICY,
    Delivered,
    Dispatched,
    Held,
    Open,
    OperationFact,
    Running,
    Sent,
    State,
    evolve,
)

ERASED = "content_erased"
AT_ONCE = 8
"""Operations recovered at the same time."""
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Recovered:
    """One operation that was open, what was done about it, and where it stands now."""

    operation: str
    account: str
    action: str
    phase: str


@dataclass(frozen=True, slots=True)
class OpenOperation:
    """An operation as its facts tell it, with the instant it was last allowed to be sent."""

    state: State
    dispatched: int


@dataclass(frozen=True, slots=True)
class Recoverer:
    """Settles operations whose owner is gone. `grace` is in microseconds since the dispatch."""

    performer: Performer
    results: Results
    contents: Contents
    catalogue: Catalogue
    grace: int

    async def run(self) -> list[Recovered]:
        """Claim every expired lease and settle what can be settled; what cannot keeps its hold for the next time."""
        ownership = self.performer.ownership
        expired = await asyncio.to_thread(ownership.leases.expired, ownership.clock())
        places = asyncio.Semaphore(AT_ONCE)
        recovered = await asyncio.gather(*[self._claim(lease, places) for lease in expired])
        return [one for one in recovered if one is not None]

    async def _claim(self, lease: Lease, places: asyncio.Semaphore) -> Recovered | None:
        """Recover it, unless somebody else does; one that takes long holds up few others."""
        ownership = self.performer.ownership
        async with places:
            if not await ownership.claim(lease):
                return None
            try:
                return await self._recover(lease)
            finally:
                ownership.drop(lease.operation)

    async def _recover(self, lease: Lease) -> Recovered:
        """One operation; what goes wrong with it, such as a model that is gone, keeps no other from its end."""
        phase = UNREADABLE
        try:
            open = _fold(await asyncio.to_thread(self.results.facts, lease.operation))
            phase = PHASES[type(open.state)]
            action, settled = await self._settle(open)
            phase = PHASES[type(settled.state)] if settled is not None else phase
        except ImageStudioError as error:
            action = f"left open: {error}"
        return Recovered(lease.operation, lease.account, action, phase)

    async def _settle(self, open: OpenOperation) -> tuple[str, Settlement | None]:
        state = open.state
        if not isinstance(state, Open):
            return "already settled", None
        task = await self._task(open)
        if task is None:
            return "released, its content was erased", await self._release(state, ERASED)
        if isinstance(state, Running):
            job = Job(state.job)
            return "found its job", await self.performer.resume(state.operation, task, job, silent)
        if isinstance(state, Held):
            return await self._send(state, task, "sent")
        return await self._resolve_sent(open, task)

    async def _resolve_sent(self, open: OpenOperation, task: Task) -> tuple[str, Settlement | None]:
        """It may have reached the provider: what may be done about that is the provider's to say."""
        state = open.state
        assert isinstance(state, Open)
        recovery = self.performer.provider_of(state.operation).recovery
        if recovery is Recovery.REPEATABLE:
            return await self._send(state, task, "run again")
        if recovery is Recovery.FINDABLE:
            settled = await self.performer.look_up(state.operation, task, silent, self.results.index.jobs)
            if settled is not None:
                return "found at the provider", settled
        if self.performer.ownership.clock() < open.dispatched + self.grace:
            return "left open: within its grace", None
        return "released by policy", await self._release(state, POLICY)

    async def _send(self, state: Open, task: Task, action: str) -> tuple[str, Settlement | None]:
        attempt, sender = task.attempt + 1, self.performer.ownership.owner
        operation, task = state.operation, replace(task, attempt=attempt)

        def dispatch(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.dispatch(ledger, operation.id, attempt, sender, now)

        outcome = await self.performer.append(operation, dispatch)
        sent = outcome.states[operation.id]
        if not isinstance(sent, Sent) or (sent.attempts, sent.sender) != (attempt, sender):
            return "left open: another process sends it", None
        return action, await self.performer.perform(operation, task, silent)

    async def _release(self, state: Open, reason: str) -> Settlement:
        return await self.performer.release(state.operation, reason)

    async def _task(self, open: OpenOperation) -> Task | None:
        """The task from the stored content, as it was last sent, or None where it was erased."""
        state = open.state
        assert isinstance(state, Open)
        operation = state.operation
        content = await asyncio.to_thread(self.contents.load, operation.batch)
        if content is None:
            return None
        body = Body.from_json(content.body)
        try:
            media = {name: await self._load(operation.account, assets) for name, assets in body.media.items()}
        except AssetMissing:
            return None
        model = self.catalogue.get(operation.model)
        attempts = 0 if isinstance(state, Delivered) else state.attempts
        inputs = body.inputs[model.id]
        return task_of(operation, attempts, model, state.quote.outputs, inputs, media, open.dispatched)

    async def _load(self, account: str, assets: list[Asset]) -> tuple[Media, ...]:
        return tuple([await self.performer.outputs.assets.load(account, asset) for asset in assets])


def _fold(facts: list[Fact]) -> OpenOperation:
    state: State | None = None
    dispatched = 0
    for fact in facts:
        if isinstance(fact, OperationFact):
            state = evolve(state, fact)
        if isinstance(fact, Dispatched):
            dispatched = fact.at
    assert state is not None
    return OpenOperation(state, dispatched)
