"""An admitted operation, carried through: sent at most once, its outputs safe before it is charged, its end a fact.

submit ─┬─ Delivery ─────────────────────────┬─ keep ── complete ── charged
        ├─ Job ── its id is a fact ── collect ┘
        ├─ refused ── rerouted to the next model, sent there ── or released
        └─ unknown ── the job that it called back about meanwhile ── or the hold stays, for recovery
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from application.ledger.group import Proposal, Receipt
from application.ledger.looking import left_to
from application.ledger.transaction import JobRow, WordsRow
from application.ledger.writer import LedgerWriter
from application.performing.outputs import Outputs
from application.performing.ownership import Ownership
from application.ports import (
    Delivery,
    Index,
    Job,
    OutputWithheld,
    Progress,
    Provider,
    ProviderError,
    ProviderFailed,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    Task,
)
from application.providing.answers import check_delivery, check_found, check_kind, check_submitted, said_of
from application.providing.mistakes import MistakesOf, ProviderMistaken
from domain import settlement
from domain.admission import AS_HELD, Leeway, reroute
from domain.advice import Advice
from domain.charging import NOTHING_LOST, LostOutputs
from domain.errors import IllegalTransition, OperationPending, UnknownModel
from domain.fallback import WHOLE_PROVIDER
from domain.ledger import Decide, Fact, Ledger
from domain.money import Money
from domain.operation import Closed, Operation, Sent, State
from domain.pricing import Quote, Unpriced
from domain.records import made_often

TAKEN = "job_of_another"


@made_often
@dataclass(frozen=True, slots=True)
class Offer:
    """Another model that would do it after a definite refusal: what it costs, its task, and what its hold may be."""

    quote: Quote | Unpriced
    task: Task
    leeway: Leeway = AS_HELD


@made_often
@dataclass(frozen=True, slots=True)
class Settlement:
    """How an operation ended: the facts this process appended (none where another was faster), and what is left.

    `message` is the provider's explanation, which is kept beside the log and erased with what was asked;
    `contents` are the delivered bytes by digest.
    """

    operation: Operation
    facts: tuple[Fact, ...]
    state: State
    left: Mapping[str, int | None]
    metadata: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Performer:
    """Runs tasks at their providers and records what came of them; `charge_lost` is the policy for lost outputs.

    `off` are the providers that are switched off: they are sent nothing, but what they were sent is still settled.
    `sending` are the attempts at operations whose submission is not answered yet, each with the job that a callback
    named: a process that slept past its lease may find a later one beside an earlier.
    """

    writer: LedgerWriter
    providers: Mapping[str, Provider]
    outputs: Outputs
    ownership: Ownership
    index: Index
    charge_lost: bool = False
    off: Mapping[str, str] = field(default_factory=dict)
    sending: dict[tuple[str, int], Job | None] = field(default_factory=dict)

    async def perform(
        self,
        operation: Operation,
        task: Task,
        progress: Progress,
        others: Sequence[Offer] = (),
        held: Quote | None = None,
    ) -> Settlement:
        """Send once and settle; after a definite refusal the next of `others` is sent instead, within the limits.

        `held` is what is held for it, to be told where that changes.
        Raises OperationPending where the outcome is unknown, also by a mistake of the provider's: the hold then stays.
        """
        await self.ownership.check(operation.id)
        provider = self.provider_of(operation)
        try:
            answer = await self._send(provider, operation, task, progress)
        except ProviderRefused as refusal:
            if left := _left(operation, others, refusal):
                return await self._reroute(operation, task, refusal, progress, left, held)
            return await self._fail(operation, refusal)
        except ProviderError as error:
            return await self._fail(operation, error)
        job = answer if isinstance(answer, Job) else None
        return await self._settle(operation, task, self._finish(provider, operation, task, answer, progress), job)

    def called_back(self, operation: str, attempt: int, job: str) -> bool:
        """Keep the job for whoever waits here for the answer to that submission; False where nobody does."""
        if (operation, attempt) not in self.sending:
            return False
        self.sending[operation, attempt] = Job(job)
        return True

    async def resume(self, operation: Operation, task: Task, job: Job, progress: Progress) -> Settlement:
        """Wait for a job that was submitted before, here or elsewhere."""
        provider = self.provider_of(operation)
        return await self._settle(operation, task, _collected(provider, task, job, progress), job)

    async def look_up(self, operation: Operation, task: Task, progress: Progress) -> Settlement | None:
        """Ask the provider what became of a submission; None where it knows of none that is not another's."""
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
            if await self._claim(operation, job):
                return await self.resume(operation, task, job, progress)
        return None

    async def adopt(self, operation: Operation, task: Task, job: Job, progress: Progress) -> Settlement:
        """Settle by a job that its provider says is this operation's. Raises OperationPending where it is not."""
        if not await self._claim(operation, job):
            return await self._fail(operation, ProviderUnknown(TAKEN, "the job is another operation's"))
        return await self.resume(operation, task, job, progress)

    async def cancel(self, operation: Operation, task: Task, job: Job | None) -> Settlement | None:
        """Stop it at its provider and release its hold; None where the provider cannot, or not any more."""
        provider = self.provider_of(operation)
        try:
            with MistakesOf(operation.provider, operation.id):
                stopped = await provider.cancel(task, job)
                check_kind(stopped, bool)
        except ProviderError as error:
            return await self._fail(operation, _asked(error))
        if not stopped:
            return None
        return await self._fail(operation, ProviderFailed(CANCELLED, CANCELLED))

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

    async def append(
        self,
        operation: Operation,
        decide: Decide,
        job: JobRow | None = None,
        words: WordsRow | None = None,
        *,
        look: Callable[[Ledger, int], Any] | None = None,
    ) -> Receipt:
        """Record a decision about an operation that has begun; it is retried until it is written, and `look` sees it.

        Raises StoreRefused where it never can be: the operation then stays open, with its hold, for recovery.
        """

        proposal = Proposal(operation.account, decide, (operation.id,), job=job, words=words, patient=True, look=look)
        receipt = await self.writer.append_async(proposal)
        if isinstance(receipt.states[operation.id], Closed):
            self.ownership.drop(operation.id)
        return receipt

    async def _send(self, provider: Provider, operation: Operation, task: Task, progress: Progress) -> Delivery | Job:
        """The provider's answer; where that is lost, the job that was called back about while it was waited for."""
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
        if not await self._claim(operation, answer):
            raise ProviderUnknown(TAKEN, "the job is another operation's")
        return await provider.collect(task, answer, progress)

    async def _claim(self, operation: Operation, job: Job) -> bool:
        """Record that the job is this operation's; False where it is another's, another is this operation's, or its id
        cannot be kept.
        """
        if not _can_be_kept(job):
            return False

        def submit(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.record_job(ledger, operation.id, job.id, now)

        try:
            await self.append(operation, submit, self._row(operation, job))
        except IllegalTransition:
            return False
        return True

    def _row(self, operation: Operation, job: Job | None) -> JobRow | None:
        return None if job is None else JobRow(operation.provider, job.id, operation.id)

    async def _free(self, operation: Operation, found: Sequence[Job]) -> list[Job]:
        """Those of the jobs found that are this operation's or nobody's."""
        found = [job for job in found if _can_be_kept(job)]
        jobs = [job.id for job in found]
        owners = await asyncio.to_thread(self.index.jobs, operation.provider, jobs) if jobs else {}
        return [job for job in found if owners.get(job.id, operation.id) == operation.id]

    async def _reroute(
        self,
        operation: Operation,
        task: Task,
        refusal: ProviderRefused,
        progress: Progress,
        others: Sequence[Offer],
        held: Quote | None,
    ) -> Settlement:
        """Hold for the next model and dispatch, in one append; where that may not be held it is released instead."""
        offer, attempt, sender = others[0], task.attempt + 1, self.ownership.owner

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return reroute(ledger, operation.id, offer.quote, refusal.code, attempt, sender, now, offer.leeway)

        words = said_of(operation, refusal)
        receipt = await self.append(operation, decide, words=words, look=left_to(operation))
        state = receipt.states[operation.id]
        if not isinstance(state, Sent) or (state.attempts, state.sender) != (attempt, sender):
            return _settlement(operation, receipt, {}, words.said)
        progress(0.0, _moved(refusal.code, operation, held, state))
        task = replace(offer.task, attempt=attempt)
        settled = await self.perform(state.operation, task, progress, others[1:], state.quote)
        return replace(settled, facts=(*receipt.facts, *settled.facts)) if settled.facts else settled

    async def _settle(
        self, operation: Operation, task: Task, delivering: Awaitable[Delivery], job: Job | None = None
    ) -> Settlement:
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

        def complete(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.complete(
                ledger,
                operation.id,
                stored,
                delivery.cost,
                now,
                usage=delivery.usage,
                rough=delivery.rough,
                lost=lost,
                unlike=unlike,
                job=None if job is None else job.id,
            )

        try:
            receipt = await self.append(operation, complete, self._row(operation, job), look=left_to(operation))
        except IllegalTransition:
            if job is None:
                raise
            return await self._fail(operation, ProviderUnknown(TAKEN, "the job is another operation's"))
        return _settlement(operation, receipt, delivery.metadata, contents=kept.contents)

    async def _fail(self, operation: Operation, error: ProviderError) -> Settlement:
        if isinstance(error, ProviderMistaken):
            message = f"{error.message} while it worked on operation {operation.id}; the hold stays"
            raise OperationPending(operation.id, message, hint=MISTAKEN) from error.__cause__
        if isinstance(error, OutputWithheld):
            hint = Advice("setting.change", setting=error.setting)
            raise OperationPending(operation.id, f"{error.message}; the hold stays", hint=hint) from error
        if isinstance(error, ProviderUnknown):
            message = f"the provider's answer is unknown ({error.code}); the hold stays"
            raise OperationPending(operation.id, message, hint=RECOVER) from error
        failed = error if isinstance(error, ProviderFailed) else ProviderFailed(error.code, error.message)

        def fail(ledger: Ledger, now: int) -> list[Fact]:
            counted, rough = failed.usage, failed.rough
            return settlement.fail(ledger, operation.id, failed.code, failed.cost, now, usage=counted, rough=rough)

        words = said_of(operation, error)
        receipt = await self.append(operation, fail, words=words, look=left_to(operation))
        return _settlement(operation, receipt, {}, words.said)


def _left(operation: Operation, others: Sequence[Offer], refusal: ProviderRefused) -> Sequence[Offer]:
    """Whom it makes sense to ask after this refusal: nobody where it is final, else of a dead provider no other."""
    if refusal.final:
        return ()
    if refusal.code not in WHOLE_PROVIDER:
        return others
    return [other for other in others if other.quote.provider != operation.provider]


def _moved(code: str, operation: Operation, held: Quote | None, state: Sent) -> str:
    """Where it goes instead, and what is held for that, in words."""
    before = f", {Money(held.price, held.currency)} held" if held is not None else ""
    now, quote = state.operation, state.quote
    after = f"{now.model} ({now.provider}) instead, {Money(quote.price, quote.currency)} held"
    return f"{code} at {operation.model} ({operation.provider}{before}): {after}"


CANCELLED = "cancelled"
RECOVER, MISTAKEN = Advice("operation.look"), Advice("provider.mend")


def _asked(error: ProviderError) -> ProviderError:
    """What an answer to a question means: that it was refused says nothing about what was sent before."""
    return ProviderUnknown(error.code, error.message) if isinstance(error, ProviderRefused) else error


LONGEST_JOB = 512
"""Characters of a job's id; more is no id, and no database could index it."""


def _can_be_kept(job: Job) -> bool:
    """Whether the id can stand in the log and in an index; printable text always has a UTF-8."""
    return 0 < len(job.id) <= LONGEST_JOB and job.id.isprintable()


async def _at_once(delivery: Delivery) -> Delivery:
    return delivery


async def _collected(provider: Provider, task: Task, job: Job, progress: Progress) -> Delivery:
    """Called only where it is awaited, since a provider may break before it has anything to wait for."""
    return await provider.collect(task, job, progress)


def _settlement(
    operation: Operation,
    receipt: Receipt,
    metadata: Mapping[str, str],
    message: str = "",
    contents: Mapping[str, bytes] | None = None,
) -> Settlement:
    state = receipt.states[operation.id]
    return Settlement(operation, receipt.facts, state, receipt.seen or {}, metadata, message, contents or {})
