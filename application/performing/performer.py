"""An admitted operation, carried through: sent at most once, its outputs safe before it is charged, its end a fact.

room at the provider, the attempt a fact
submit ─┬─ Delivery ─────────────────────────┬─ keep ── complete ── charged
        ├─ Job ── its id is a fact ── collect ┘
        ├─ refused ── rerouted to the next model, sent there ── or sent again when it asks to wait ── or released
        └─ unknown ── the job that it called back about meanwhile ── or the hold stays, for recovery
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from application.performing.gates import SECOND, Gates
from application.performing.outputs import Outputs
from application.performing.ownership import Ownership
from application.performing.recording import (
    BY_ITSELF,
    Alternative,
    Arrived,
    Performed,
    Recording,
    Stopping,
    can_be_kept,
    performed,
)
from application.ports import (
    Delivery,
    Index,
    Job,
    OutputWithheld,
    Progress,
    Provider,
    ProviderError,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    Task,
    TaskFailed,
)
from application.providing.answers import check_answer, check_delivery, check_found, check_submitted, said_of
from application.providing.mistakes import MistakesOf, ProviderMistaken
from domain.advice import Advice
from domain.charging import NOTHING_LOST, LostOutputs
from domain.counts import counted
from domain.errors import IllegalTransition, OperationPending, UnknownModel
from domain.fallback import WHOLE_PROVIDER
from domain.ledger import Fact
from domain.money import Money
from domain.operation import CANCELLED, Operation, Sent, State
from domain.pricing import Quote
from domain.value import maker

TAKEN = "job_of_another"
SHORTEST_WAIT = 1.0
"""Seconds before the same is sent again, if a provider asks for less."""


_make_arrived = maker(Arrived)


@dataclass(frozen=True, slots=True)
class FromQueue:
    """An operation of the queue: its place there and the models that may follow, asked for once a provider refuses."""

    place: Callable[[], Awaitable[int]]
    others: Callable[[], Awaitable[Sequence[Alternative]]]


@dataclass(frozen=True, slots=True)
class Performer:
    """Runs tasks at their providers and records what came of them; `charge_lost` is the policy for lost outputs.

    `off` are the providers that are switched off: they are sent nothing, but what they were sent is still settled.
    `sending` are the attempts at operations whose submission is not answered yet, each with the job that a callback
    named: a process that slept past its lease may find a later one beside an earlier.
    """

    recording: Recording
    providers: Mapping[str, Provider]
    outputs: Outputs
    index: Index
    gates: Gates
    charge_lost: bool = False
    off: Mapping[str, str] = field(default_factory=dict)
    sending: dict[tuple[str, int], Job | None] = field(default_factory=dict)

    @property
    def ownership(self) -> Ownership:
        """Which operations this process works on."""
        return self.recording.ownership

    async def perform(
        self,
        operation: Operation,
        task: Task,
        progress: Progress,
        others: Sequence[Alternative] = (),
        held: Quote | None = None,
    ) -> Performed:
        """Send once and settle; after a definite refusal the next of `others` is sent instead, within the limits.

        `held` is what is held for it, and is told if that changes.
        Raises OperationPending if the outcome is unknown, also by a mistake of the provider's: the hold then stays.
        """
        return await self._carry(operation, task, progress, others, held)

    async def begin(
        self,
        operation: Operation,
        task: Task,
        progress: Progress,
        others: Sequence[Alternative] = (),
        held: Quote | None = None,
        queued: FromQueue | None = None,
    ) -> Performed:
        """As `perform`, for an attempt that is not dispatched yet: it is once its provider has room for it.

        Without a fact if another process was faster, or the operation has ended. If the provider asks to wait, no other
        model may follow, and it was `queued`, it is put back into the queue, and open still.
        """
        return await self._carry(operation, task, progress, others, held, dispatching=True, queued=queued)

    async def _carry(
        self,
        operation: Operation,
        task: Task,
        progress: Progress,
        others: Sequence[Alternative],
        held: Quote | None,
        *,
        dispatching: bool = False,
        queued: FromQueue | None = None,
    ) -> Performed:
        until = None if dispatching or not task.since else task.since + task.deadline * SECOND
        dispatched: tuple[Fact, ...] = ()
        try:
            async with self.gates.through(operation.provider, operation.id, until):
                if dispatching:
                    receipt = await self.recording.dispatch(operation, task.attempt)
                    if not self._is_ours(receipt.states[operation.id], task.attempt):
                        return performed(operation, replace(receipt, facts=()), {})
                    dispatched = receipt.facts
                    task = task if task.since else replace(task, since=self.ownership.clock())
                return _after(dispatched, await self._carry_inside(operation, task, progress))
        except ProviderRefused as refusal:
            others = await queued.others() if queued is not None else others
            if left := _left(operation, others, refusal):
                return _after(dispatched, await self._reroute(operation, task, refusal, progress, left, held))
            if await self._is_to_wait(operation, task, refusal, progress):
                if queued is not None and dispatched:
                    return _after(dispatched, await self._postpone(operation, task, refusal, await queued.place()))
                again = replace(task, attempt=task.attempt + (not dispatching or bool(dispatched)))
                carried = self._carry(operation, again, progress, others, held, dispatching=True)
                return _after(dispatched, await carried)
            return _after(dispatched, await self._fail(operation, refusal))

    async def _carry_inside(self, operation: Operation, task: Task, progress: Progress) -> Performed:
        """Send and settle. Raises ProviderRefused if it was definitely not accepted."""
        await self.ownership.check(operation.id)
        provider = self.provider_of(operation)
        try:
            answer = await self._send(provider, operation, task, progress)
        except ProviderRefused:
            raise
        except ProviderError as error:
            return await self._fail(operation, error)
        job = answer if isinstance(answer, Job) else None
        return await self._settle(operation, task, self._finish(provider, operation, task, answer, progress), job)

    async def _is_to_wait(self, operation: Operation, task: Task, refusal: ProviderRefused, progress: Progress) -> bool:
        """Whether the provider asks to wait, and there is the time; in either case nobody here asks it before."""
        if refusal.retry_after is None:
            return False
        seconds = max(refusal.retry_after, SHORTEST_WAIT)
        await self.gates.hold_off(operation.provider, seconds)
        left = task.since + task.deadline * SECOND - self.ownership.clock()
        if seconds * SECOND > left:
            refusal.message += f"; it asks to wait {counted(round(seconds), 'second')}, longer than the operation has"
            return False
        progress(0.0, f"{operation.provider} asks to wait {counted(round(seconds), 'second')}")
        return True

    async def _postpone(self, operation: Operation, task: Task, refusal: ProviderRefused, place: int) -> Performed:
        until = self.gates.held_off(operation.provider)
        receipt = await self.recording.postpone(operation, task.attempt, refusal, until, place)
        return performed(operation, receipt, {})

    def _is_ours(self, state: State, attempt: int) -> bool:
        return isinstance(state, Sent) and (state.attempts, state.sender) == (attempt, self.ownership.owner)

    def called_back(self, operation: str, attempt: int, job: str) -> bool:
        """Keep the job for the caller who waits here for that submission's answer; False if there is none."""
        if (operation, attempt) not in self.sending:
            return False
        self.sending[operation, attempt] = Job(job)
        return True

    async def resume(self, operation: Operation, task: Task, job: Job, progress: Progress) -> Performed:
        """Wait for a job that was submitted before, here or elsewhere."""
        provider = self.provider_of(operation)
        return await self._settle(operation, task, _collected(provider, task, job, progress), job)

    async def look_up(self, operation: Operation, task: Task, progress: Progress) -> Performed | None:
        """Ask the provider what became of a submission; None if it knows of none that is not another's."""
        provider = self.provider_of(operation)
        try:
            with MistakesOf(operation.provider, operation.id):
                found = await provider.find(task)
                check_found(found)
        except ProviderError as error:
            return await self._fail(operation, _asked(error))
        if isinstance(found, Delivery):
            return await self._settle(operation, task, _at_once(found))
        for job in await self._free(operation, found):
            if await self.recording.claim(operation, job):
                return await self.resume(operation, task, job, progress)
        return None

    async def adopt(self, operation: Operation, task: Task, job: Job, progress: Progress) -> Performed:
        """Settle by a job that its provider says is this operation's. Raises OperationPending if it is not."""
        if not await self.recording.claim(operation, job):
            return await self._fail(operation, ProviderUnknown(TAKEN, "the job is another operation's"))
        return await self.resume(operation, task, job, progress)

    async def cancel(self, operation: Operation, task: Task, job: Job | None, order: Stopping) -> Performed | None:
        """Stop it at its provider and release its hold; None if the provider cannot, or not any more."""
        provider = self.provider_of(operation)
        try:
            with MistakesOf(operation.provider, operation.id):
                stopped = await provider.cancel(task, job)
                check_answer(stopped, bool)
        except ProviderError as error:
            return await self._fail(operation, _asked(error))
        if not stopped:
            return None
        return await self._fail(operation, TaskFailed(CANCELLED, CANCELLED), order)

    def provider_of(self, operation: Operation) -> Provider:
        """Raises UnknownModel if the operation's provider is no longer there."""
        if operation.provider not in self.providers:
            raise UnknownModel(
                f"there is no provider {operation.provider!r}", hint="open the studio with it, and recover again"
            )
        return self.providers[operation.provider]

    async def _send(self, provider: Provider, operation: Operation, task: Task, progress: Progress) -> Delivery | Job:
        """The provider's answer; if that is lost, the job that was called back about while it was waited for."""
        attempt = (operation.id, task.attempt)
        self.sending[attempt] = None
        try:
            with MistakesOf(operation.provider, operation.id):
                answer = await provider.submit(task, progress)
                check_submitted(answer)
        except ProviderUnknown:
            job = self.sending[attempt]
            if job is None:
                raise
            return job
        finally:
            del self.sending[attempt]
        return answer

    async def _finish(
        self, provider: Provider, operation: Operation, task: Task, answer: Delivery | Job, progress: Progress
    ) -> Delivery:
        """A job's id is a fact before anything waits for it."""
        if isinstance(answer, Delivery):
            return answer
        if not await self.recording.claim(operation, answer):
            raise ProviderUnknown(TAKEN, "the job is another operation's")
        return await provider.collect(task, answer, progress)

    async def _free(self, operation: Operation, found: Sequence[Job]) -> list[Job]:
        """Those of the jobs found that are this operation's or nobody's."""
        found = [job for job in found if can_be_kept(job)]
        jobs = [job.id for job in found]
        owners = await asyncio.to_thread(self.index.jobs, operation.provider, jobs) if jobs else {}
        return [job for job in found if owners.get(job.id, operation.id) == operation.id]

    async def _reroute(
        self,
        operation: Operation,
        task: Task,
        refusal: ProviderRefused,
        progress: Progress,
        others: Sequence[Alternative],
        held: Quote | None,
    ) -> Performed:
        """Hold for the next model and dispatch, in one append; if that may not be held it is released instead."""
        offer, attempt, words = others[0], task.attempt + 1, said_of(operation, refusal)
        receipt = await self.recording.reroute(operation, offer, refusal.code, attempt, words)
        state = receipt.states[operation.id]
        if not isinstance(state, Sent) or not self._is_ours(state, attempt):
            return performed(operation, receipt, {}, words.said)
        progress(0.0, _moved(refusal.code, operation, held, state))
        task = replace(offer.task, attempt=attempt)
        return _after(receipt.facts, await self.perform(state.operation, task, progress, others[1:], state.quote))

    async def _settle(
        self, operation: Operation, task: Task, delivering: Awaitable[Delivery], job: Job | None = None
    ) -> Performed:
        """Keep what comes and charge it. A job that was not a fact before, as after a release, is claimed with it."""
        try:
            with MistakesOf(operation.provider, operation.id):
                delivery = await delivering
                check_delivery(delivery)
                again = job is not None or self.provider_of(operation).recovery is Recovery.FINDABLE
                kept = await self.outputs.keep(operation.account, task, delivery, again=again)
        except ProviderError as error:
            return await self._fail(operation, _asked(error))
        stored, unlike = tuple(kept.stored), task.promised.unlike(kept.stored)
        lost = LostOutputs(kept.lost, self.charge_lost, kept.losses) if kept.lost else NOTHING_LOST
        try:
            receipt = await self.recording.complete(operation, _make_arrived(stored, lost, unlike), delivery, job)
        except IllegalTransition:
            if job is None:
                raise
            return await self._fail(operation, ProviderUnknown(TAKEN, "the job is another operation's"))
        return performed(operation, receipt, delivery.metadata, contents=kept.contents)

    async def _fail(self, operation: Operation, error: ProviderError, order: Stopping = BY_ITSELF) -> Performed:
        if isinstance(error, ProviderMistaken):
            message = f"{error.message} while it worked on operation {operation.id}; the hold stays"
            raise OperationPending(operation.id, message, hint=MISTAKEN) from error.__cause__
        if isinstance(error, OutputWithheld):
            hint = Advice("setting.change", setting=error.setting)
            raise OperationPending(operation.id, f"{error.message}; the hold stays", hint=hint) from error
        if isinstance(error, ProviderUnknown):
            message = f"the provider's answer is unknown ({error.code}); the hold stays"
            raise OperationPending(operation.id, message, hint=RECOVER) from error
        failed = error if isinstance(error, TaskFailed) else TaskFailed(error.code, error.message)
        return await self.recording.fail(operation, failed, said_of(operation, error), order)


def _after(earlier: Sequence[Fact], settled: Performed) -> Performed:
    """The end of an operation with the facts that led to it; with none if another was faster."""
    return replace(settled, facts=(*earlier, *settled.facts)) if earlier and settled.facts else settled


def _left(operation: Operation, others: Sequence[Alternative], refusal: ProviderRefused) -> Sequence[Alternative]:
    """Whom it makes sense to ask after this refusal: nobody if it is final, else of a dead provider no other."""
    if refusal.final:
        return ()
    if refusal.code not in WHOLE_PROVIDER:
        return others
    return [other for other in others if other.quote.provider != operation.provider]


def _moved(code: str, operation: Operation, held: Quote | None, state: Sent) -> str:
    """The model that it goes to instead, and the hold for that, in words."""
    before = f", {Money(held.price, held.currency)} held" if held is not None else ""
    now, quote = state.operation, state.quote
    after = f"{now.model} ({now.provider}) instead, {Money(quote.price, quote.currency)} held"
    return f"{code} at {operation.model} ({operation.provider}{before}): {after}"


RECOVER, MISTAKEN = Advice("operation.look"), Advice("provider.mend")


def _asked(error: ProviderError) -> ProviderError:
    """The meaning of an answer to a question: a refusal of it says nothing about what was sent before."""
    return ProviderUnknown(error.code, error.message) if isinstance(error, ProviderRefused) else error


async def _at_once(delivery: Delivery) -> Delivery:
    return delivery


async def _collected(provider: Provider, task: Task, job: Job, progress: Progress) -> Delivery:
    """Called only if it is awaited, since a provider may break before it has anything to wait for."""
    return await provider.collect(task, job, progress)
