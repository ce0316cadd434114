"""Facts of what becomes of an admitted operation: each verb is one append, retried until it is written.

    claim ─ (reroute) ─ complete | fail | release

The performer asks the provider; here its answer is recorded, decided against the ledger as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from application.ledger.group import Proposal, Receipt
from application.ledger.ledgers import Ledgers
from application.ledger.looking import left_to
from application.ledger.transaction import JobRow, WordsRow
from application.performing.ownership import Ownership
from application.ports import Delivery, Job, ProviderRefused, Task, TaskFailed
from domain import settlement
from domain.actor import Actor
from domain.admission import AS_HELD, Leeway, reroute
from domain.charging import LostOutputs
from domain.errors import IllegalTransition
from domain.ledger import Decide, Fact, Ledger
from domain.operation import Closed, Held, Operation, State, Stored
from domain.pricing import Quote, Unpriced
from domain.turns import USUAL_PLACE
from domain.value import maker, value

LONGEST_JOB = 512
"""Characters of a job's id; more is not an id, and no database could index it."""


@value
class Alternative:
    """Another model that would do it after a definite refusal: what it costs, its task, and what its hold may be."""

    quote: Quote | Unpriced
    task: Task
    leeway: Leeway = AS_HELD


@dataclass(frozen=True, slots=True)
class Stopping:
    """Who wants an operation to end, and why in their words; nobody but this process, if `by` is None."""

    by: Actor | None = None
    reason: str = ""


BY_ITSELF = Stopping()


@value
class Arrived:
    """A delivery that was stored: its outputs, those that are lost, and how many are not as they were promised."""

    stored: tuple[Stored, ...]
    lost: LostOutputs
    unlike: int


@value
class Performed:
    """How an operation ended: the facts this process appended (none if another was faster), and what is left.

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


_make_performed = maker(Performed)
_make_proposal = maker(Proposal)


def performed(
    operation: Operation,
    receipt: Receipt,
    metadata: Mapping[str, str],
    message: str = "",
    contents: Mapping[str, bytes] | None = None,
) -> Performed:
    """How the operation stands after an append."""
    state = receipt.states[operation.id]
    return _make_performed(operation, receipt.facts, state, receipt.seen or {}, metadata, message, contents or {})


@dataclass(frozen=True, slots=True)
class Recording:
    """Appends what came of operations that have begun; an operation that is closed is this process's no more."""

    writer: Ledgers
    ownership: Ownership

    async def dispatch(self, operation: Operation, attempt: int) -> Receipt:
        """Allow this process to send one attempt; nothing is appended if another was faster."""
        sender = self.ownership.owner

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.dispatch(ledger, operation.id, attempt, sender, now)

        return await self._append(operation, decide)

    async def claim(self, operation: Operation, job: Job) -> bool:
        """Record that the job is this operation's; False if it is another's, another is this operation's, or its id
        cannot be kept.
        """
        if not can_be_kept(job):
            return False

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.record_job(ledger, operation.id, job.id, now)

        try:
            await self._append(operation, decide, job=_row(operation, job))
        except IllegalTransition:
            return False
        return True

    async def postpone(
        self, operation: Operation, attempt: int, refusal: ProviderRefused, until: int, place: int
    ) -> Receipt:
        """Put it back into the queue at its place, to be sent again from an instant on."""

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.postpone(ledger, operation.id, attempt, refusal.code, until, now)

        return await self._append(operation, decide, place=place)

    async def reroute(
        self, operation: Operation, offer: Alternative, code: str, attempt: int, words: WordsRow
    ) -> Receipt:
        """Hold for the offered model and dispatch, in one append; if that may not be held, release instead."""
        sender = self.ownership.owner

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return reroute(ledger, operation.id, offer.quote, code, attempt, sender, now, offer.leeway)

        return await self._append(operation, decide, words=words, look=left_to(operation))

    async def complete(
        self,
        operation: Operation,
        arrived: Arrived,
        delivery: Delivery,
        job: Job | None,
    ) -> Receipt:
        """Charge what was delivered and kept. Raises IllegalTransition if the job is another operation's."""

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.complete(
                ledger,
                operation.id,
                arrived.stored,
                delivery.cost,
                now,
                usage=delivery.usage,
                rough=delivery.rough,
                lost=arrived.lost,
                unlike=arrived.unlike,
                job=job.id if job is not None else None,
            )

        return await self._append(operation, decide, job=_row(operation, job), look=left_to(operation))

    async def fail(
        self, operation: Operation, failed: TaskFailed, words: WordsRow, order: Stopping = BY_ITSELF
    ) -> Performed:
        """Record a definite failure, which voids the hold."""

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.fail(
                ledger,
                operation.id,
                failed.code,
                failed.cost,
                now,
                usage=failed.usage,
                rough=failed.rough,
                why=order.reason,
            )

        receipt = await self._append(operation, decide, words=words, look=left_to(operation), by=order.by)
        return performed(operation, receipt, {}, words.said)

    async def release(self, operation: Operation, code: str, order: Stopping = BY_ITSELF) -> Performed:
        """Void the hold of an operation that nothing more can be learned about."""

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.release(ledger, operation.id, code, now, order.reason)

        return performed(operation, await self._append(operation, decide, by=order.by), {})

    async def _append(
        self,
        operation: Operation,
        decide: Decide,
        *,
        job: JobRow | None = None,
        words: WordsRow | None = None,
        look: Callable[[Ledger, int], Any] | None = None,
        by: Actor | None = None,
        place: int = USUAL_PLACE,
    ) -> Receipt:
        """Record a decision; `look` sees the ledger after it, and `by` decides it, None this process.

        Raises StoreRefused if it can never be written: the operation then stays open, with its hold, for recovery.
        """
        proposal = _make_proposal(
            operation.account,
            decide,
            (operation.id,),
            job=job,
            words=words,
            patient=True,
            look=look,
            actor=None if by is None else str(by),
            place=place,
        )
        receipt = await self.writer.put(proposal)
        if isinstance(receipt.states[operation.id], Closed | Held):
            self.ownership.drop(operation.id)
        return receipt


def can_be_kept(job: Job) -> bool:
    """Whether the id can stand in the log and in an index; printable text always has a UTF-8."""
    return 0 < len(job.id) <= LONGEST_JOB and job.id.isprintable()


def _row(operation: Operation, job: Job | None) -> JobRow | None:
    return None if job is None else JobRow(operation.provider, job.id, operation.id)
