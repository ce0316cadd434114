"""An open operation is cancelled, or its provider calls back.

Both are decided against the ledger's state, so that a cancellation and a completion that race have one outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

from application.performing.histories import Histories, History
from application.performing.performer import RECOVER, Performer
from application.performing.recording import Performed, Stopping
from application.ports import Job, Task, Wakeable, silent
from domain.advice import Advice
from domain.errors import AssetMissing, IllegalTransition, OperationPending
from domain.ids import check_reason
from domain.operation import CANCELLED, PHASES, POLICY, Dropped, Held, Running, Sent, Settled


@dataclass(frozen=True, slots=True)
class Intervention:
    """Cancels operations, and settles those whose provider says that they are done."""

    performer: Performer
    operations: Histories

    async def cancel(self, operation: str, order: Stopping) -> None:
        """Stop it at its provider and release its hold; nothing is charged. Cancelled again it stays as it is.

        Raises UnknownOperation, and IllegalTransition if it has ended otherwise, or its provider cannot stop it.
        """
        check_reason(order.reason)
        opened = await self.operations.read(operation)
        state = opened.state
        if isinstance(state, Held):
            state = (await self.performer.recording.release(state.operation, CANCELLED, order)).state
        elif isinstance(state, Sent | Running):
            state = (await self._stop(opened, order)).state
        if not isinstance(state, Dropped) or state.reason != CANCELLED:
            what = f"operation {operation} is {PHASES[type(state)]}: there is nothing to cancel"
            raise IllegalTransition(what, hint=Advice("operation.refund"))

    async def notified(self, operation: str, job: str, attempt: int) -> Performed | None:
        """A provider says that a job of an attempt has ended: what became of it is asked of the provider itself.

        If this process waits for its answer or its end, the waiter settles it. None if there is
        nothing to do, or another does it. Raises UnknownOperation, and OperationPending if the job is not the
        operation's, or an earlier attempt's that was refused, or cannot be settled now.
        """
        if self.performer.called_back(operation, attempt, job):
            return None
        opened = await self.operations.read(operation)
        state = opened.state
        waiting: object = self.performer.provider_of(state.operation)
        is_known = isinstance(state, Running) and state.job == job
        if is_known and isinstance(waiting, Wakeable) and waiting.notify(job):
            return None
        if isinstance(state, Settled) or (isinstance(state, Dropped) and (state.late or state.reason != POLICY)):
            return None
        if attempt != opened.attempts and not is_known:
            raise OperationPending(operation, "the job is of another attempt at it; the hold stays", hint=RECOVER)
        return await self.performer.adopt(state.operation, await self._task(opened), Job(job), silent)

    async def _stop(self, opened: History, order: Stopping) -> Performed:
        state = opened.state
        job = Job(state.job) if isinstance(state, Running) else None
        stopped = await self.performer.cancel(state.operation, await self._task(opened), job, order)
        if stopped is None:
            what = f"operation {state.operation.id} cannot be stopped at its provider"
            raise IllegalTransition(what, hint="it goes on, and is settled when it ends")
        return stopped

    async def _task(self, opened: History) -> Task:
        task = await self.operations.task(opened)
        if task is None:
            id = opened.state.operation.id
            raise AssetMissing(f"the content of operation {id} was erased", hint=Advice("operation.release"))
        return task
