"""An admitted operation, carried through: sent at most once, its outputs safe before it is charged, its end a fact."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field

from application.batch import Decision, Outcome
from application.ports import (
    Asset,
    AssetStore,
    Delivery,
    Job,
    Lease,
    Leases,
    MediaReader,
    Progress,
    Provider,
    ProviderError,
    ProviderFailed,
    ProviderUnknown,
    Task,
)
from application.store import Conflict
from application.writer import Clock, LedgerWriter
from domain import settlement
from domain.admission import left_of
from domain.errors import InvalidInput, OperationPending, StoreUnavailable, UnknownModel
from domain.ledger import Decide, Fact, Ledger
from domain.operation import Closed, Operation, State
from domain.records import made_often

UNDELIVERED = "nothing_delivered"
UNREADABLE = "unreadable_output"


@made_often
@dataclass(frozen=True, slots=True)
class Settlement:
    """How an operation ended: the facts this process appended (none where another was faster), and what is left.

    `message` is the provider's explanation; it is told to the caller and kept nowhere;
    `contents` are the delivered bytes by digest.
    """

    operation: Operation
    facts: tuple[Fact, ...]
    state: State
    left: Mapping[str, int | None]
    metadata: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Ownership:
    """The operations this process works on, and until when each is leased to it (epoch microseconds)."""

    owner: str
    lease: int
    leases: Leases
    clock: Clock
    held: dict[str, int] = field(default_factory=dict)

    def take(self, operations: Iterable[str]) -> None:
        """They were opened or claimed by this process just now."""
        expires = self.clock() + self.lease
        self.held.update(dict.fromkeys(operations, expires))

    def drop(self, *operations: str) -> None:
        """They are settled, or not this process's after all."""
        for operation in operations:
            self.held.pop(operation, None)

    async def renew(self) -> None:
        """Extend every lease; one that was lost meanwhile is somebody else's operation now. Raises StoreUnavailable."""
        operations, expires = list(self.held), self.clock() + self.lease
        if not operations:
            return
        try:
            kept = await asyncio.to_thread(self.leases.renew, operations, self.owner, expires)
        except Conflict as error:
            raise StoreUnavailable(f"the leases could not be renewed: {error}", hint="try again shortly") from error
        # What was settled meanwhile is not held again.
        self.held.update((operation, expires) for operation in kept if operation in self.held)

    async def claim(self, lease: Lease) -> bool:
        """Take over an expired lease; False where another process was faster, or it cannot be done now."""
        try:
            won = await asyncio.to_thread(self.leases.claim, lease, self.owner, self.clock() + self.lease)
        except Conflict:
            return False
        if won:
            self.take([lease.operation])
        return won

    async def check(self, operation: str) -> None:
        """Just before sending: a process that slept past its lease must not send what others may have recovered."""
        if self.held.get(operation, 0) > self.clock():
            return
        await self.renew()
        if self.held.get(operation, 0) <= self.clock():
            raise OperationPending(operation, "the lease was lost before sending; recovery decides what becomes of it")


@dataclass(frozen=True, slots=True)
class Performer:
    """Runs tasks at their providers and records what came of them."""

    writer: LedgerWriter
    providers: Mapping[str, Provider]
    assets: AssetStore
    read_media: MediaReader
    ownership: Ownership

    async def perform(self, operation: Operation, task: Task, progress: Progress) -> Settlement:
        """Send once and settle. Raises OperationPending where the outcome is unknown: the hold then stays."""
        await self.ownership.check(operation.id)
        provider = self.provider_of(operation)
        return await self._settle(operation, self._send(provider, operation, task, progress))

    async def resume(self, operation: Operation, task: Task, job: Job, progress: Progress) -> Settlement:
        """Wait for a job that was submitted before, here or elsewhere."""
        provider = self.provider_of(operation)
        return await self._settle(operation, provider.collect(task, job, progress))

    async def look_up(self, operation: Operation, task: Task, progress: Progress) -> Settlement | None:
        """Ask the provider what became of a submission; None where it knows of none."""
        provider = self.provider_of(operation)
        try:
            answer = await provider.find(task)
        except ProviderError as error:
            return await self._fail(operation, error)
        if answer is None:
            return None
        return await self._settle(operation, self._finish(provider, operation, task, answer, progress))

    def provider_of(self, operation: Operation) -> Provider:
        """Raises UnknownModel where the operation's provider is no longer there."""
        if operation.provider not in self.providers:
            raise UnknownModel(
                f"there is no provider {operation.provider!r}", hint="open the studio with it, and recover again"
            )
        return self.providers[operation.provider]

    async def release(self, operation: Operation, reason: str) -> Settlement:
        """Void the hold of an operation that nothing more can be learned about."""

        def release(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.release(ledger, operation.id, reason, now)

        return _settlement(operation, await self.append(operation, release), {})

    async def append(self, operation: Operation, decide: Decide) -> Outcome:
        """Record a decision about an operation that has begun; it is retried until it is written."""

        def left(ledger: Ledger, now: int) -> dict[str, int | None]:
            return left_of(ledger, operation.user, operation.project, now)

        decision = Decision(operation.account, decide, operations=(operation.id,), patient=True, look=left)
        outcome = await self.writer.append_async(decision)
        if isinstance(outcome.states[operation.id], Closed):
            self.ownership.drop(operation.id)
        return outcome

    async def _send(self, provider: Provider, operation: Operation, task: Task, progress: Progress) -> Delivery:
        answer = await provider.submit(task, progress)
        return await self._finish(provider, operation, task, answer, progress)

    async def _finish(
        self, provider: Provider, operation: Operation, task: Task, answer: Delivery | Job, progress: Progress
    ) -> Delivery:
        """A job's id is a fact before anything waits for it."""
        if isinstance(answer, Delivery):
            return answer
        job = answer.id
        await self.append(operation, lambda ledger, now: settlement.submit(ledger, operation.id, job, now))
        return await provider.collect(task, answer, progress)

    async def _settle(self, operation: Operation, delivering: Awaitable[Delivery]) -> Settlement:
        try:
            delivery = await delivering
            kept = await self._keep(operation, delivery)
        except ProviderError as error:
            return await self._fail(operation, error)
        stored = tuple(asset for asset, _ in kept)

        def complete(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.complete(ledger, operation.id, stored, delivery.cost, now)

        outcome = await self.append(operation, complete)
        contents = {asset.digest: content for asset, content in kept}
        return _settlement(operation, outcome, delivery.metadata, contents=contents)

    async def _fail(self, operation: Operation, error: ProviderError) -> Settlement:
        if isinstance(error, ProviderUnknown):
            raise OperationPending(
                operation.id, f"the provider's answer is unknown ({error.code}); the hold stays", hint=RECOVER
            ) from error
        cost = error.cost if isinstance(error, ProviderFailed) else 0

        def fail(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.fail(ledger, operation.id, error.code, cost, now)

        outcome = await self.append(operation, fail)
        return _settlement(operation, outcome, {}, error.message)

    async def _keep(self, operation: Operation, delivery: Delivery) -> list[tuple[Asset, bytes]]:
        """Outputs are sniffed and durable before their delivery is a fact."""
        cost = delivery.cost or 0
        if not delivery.outputs:
            raise ProviderFailed(UNDELIVERED, "the provider delivered nothing", cost=cost)
        try:
            outputs = [await self.read_media(output.content, field="output") for output in delivery.outputs]
        except InvalidInput as error:
            raise ProviderFailed(UNREADABLE, f"the provider delivered no media: {error}", cost=cost) from error
        return [(await self.assets.save(operation.account, output), output.content) for output in outputs]


RECOVER = "it is settled as soon as the truth is known; to look now: imagestudio recover"


def _settlement(
    operation: Operation,
    outcome: Outcome,
    metadata: Mapping[str, str],
    message: str = "",
    contents: Mapping[str, bytes] | None = None,
) -> Settlement:
    state = outcome.states[operation.id]
    return Settlement(operation, outcome.facts, state, outcome.seen, metadata, message, contents or {})
