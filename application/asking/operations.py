"""Image Studio's one entry point: every operation is checked and held here, performed, and charged exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from application.asking.intake import Accepted, Admitted, Intake, Repeat
from application.asking.lasting import LastingWork
from application.asking.options import request_of
from application.asking.preparing import Prepared
from application.asking.progress import heard, parts_of
from application.asking.refusals import judged
from application.asking.requests import Begun, Estimate, File, OperationResult, Request, Result
from application.asking.results import Results
from application.asking.tagging import retagging
from application.asking.waiting import Elsewhere, are_closed
from application.following.feed import Feed
from application.performing.intervention import Intervention
from application.performing.performer import RECOVER, Performer
from application.performing.recording import Stopping
from application.ports import Indexed, Progress, silent
from application.scope import account_of_operation, operations_of
from domain.actor import Actor
from domain.errors import ImageStudioError, OperationPending, ShuttingDown, StoreUnavailable
from domain.operation import PHASES, Refused
from domain.tags import TagChange
from domain.value import maker

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
REFUSED: Final = PHASES[Refused]


_make_result = maker(Result)


@dataclass(slots=True, kw_only=True)
class Operations:
    """Generates, edits, upscales and everything else, for accounts; nothing is paid that was not held before.

    `wait_seconds` is how long to wait for an operation that is open elsewhere, `operator` for whom this process works.
    """

    intake: Intake
    performer: Performer
    results: Results
    intervention: Intervention
    feed: Feed
    operator: Actor
    wait_seconds: float = 60.0
    _work: LastingWork = field(default_factory=LastingWork, init=False)
    _open: dict[str, asyncio.Task[Any]] = field(default_factory=dict, init=False)
    _closing: bool = field(default=False, init=False)

    async def generate(self, prompt: str, *, account: str, progress: Progress = silent, **options: Any) -> Result:
        """An image from words. Options: user, project, model, n, key, allow, max_price, and the model's inputs."""
        return await self.run(request_of("text-to-image", account, {"prompt": prompt}, {}, options), progress)

    async def edit(
        self, image: File, prompt: str, *, account: str, progress: Progress = silent, **options: Any
    ) -> Result:
        """An image changed as the words say; options as in `generate`."""
        request = request_of("image-edit", account, {"prompt": prompt}, {"image": [image]}, options)
        return await self.run(request, progress)

    async def upscale(self, image: File, *, account: str, progress: Progress = silent, **options: Any) -> Result:
        """An image with more pixels; options as in `generate`."""
        return await self.run(request_of("upscale", account, {}, {"image": [image]}, options), progress)

    async def run(self, request: Request, progress: Progress = silent) -> Result:
        """Do what is asked and return the result; of a batch, all that was delivered.

        Raises InvalidRequest if nothing was recorded, OperationRefused if a limit refused it, OperationFailed
        if no output came, OperationPending if the provider's answer is unknown; the latter three are recorded.
        A caller that is cancelled stops waiting; what was put to the ledger goes on and is settled all the same.
        """
        prepared = await self._prepare(request)
        return await self._work.begin(self._carry(prepared, progress))

    async def submit(self, request: Request, progress: Progress = silent, *, queued: bool = False) -> Begun:
        """Admit it, and return while it goes on. Raises what `run` raises before anything is sent, a refusal at each
        repeat as at first.

        If it is `queued`, it is held until some worker on the same database performs it, and nobody is told its
        progress. Otherwise this process performs it, as long as it lives.
        """
        prepared = await self._prepare(request, queued=queued)
        accepted = await self._work.begin(self._enqueue(prepared) if queued else self._admit(prepared, progress))
        if isinstance(accepted, Begun):
            return accepted
        if isinstance(accepted, Repeat):
            known = await operations_of(self.results.index, accepted.account, accepted.batch)
            if known[0].phase == REFUSED:
                judged(await self._settled(accepted.account, accepted.batch))
            return Begun(accepted.batch, tuple(one.operation for one in known), repeated=True)
        operations = tuple(admitted.operation.id for admitted in accepted.admitted)
        return Begun(accepted.batch, operations, repeated=False)

    async def wait(self, operation: str, *, account: str) -> Result:
        """The result of an operation or a whole batch, once settled, here or elsewhere. Raises as `run` does.

        Raises UnknownOperation for one that is not the account's.
        """
        return judged(await self._settled(account, operation))

    async def look(self, operation: str, *, account: str, as_of: int | None = None) -> Result:
        """An operation or a whole batch as it stands now, whatever became of it or of its files.

        Or as it stood at a position of the log, without what is left of limits. Raises UnknownOperation, also if it
        was not asked for then.
        """
        known = await operations_of(self.results.index, account, operation)
        results = [await self.results.of(one.operation, held=False, upto=as_of) for one in known]
        if as_of is not None:
            return self._result(operation, tuple(results), {}, {})
        left = await self.intake.left(results[-1].account, results[-1])
        tags = await asyncio.to_thread(self.results.contents.tags, operation)
        return self._result(operation, tuple(results), left, tags)

    async def cancel(self, operation: str, *, account: str, by: Actor | None = None, reason: str = "") -> Result:
        """Stop an operation, or every one of a batch, at its provider; nothing is charged for it.

        The log names `by` for it, or else the operator for whom this process works.

        Raises UnknownOperation, and IllegalTransition if one has ended otherwise or cannot be stopped; what of a
        batch can be is stopped all the same.
        """
        order = Stopping(by or self.operator, reason)
        known = await operations_of(self.results.index, account, operation)
        cancelling = [self.intervention.cancel(one.operation, order) for one in known]
        for ended in await asyncio.gather(*cancelling, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended
        return await self._settled(account, operation)

    async def tag(
        self,
        operation: str,
        tags: Mapping[str, str] = NOTHING,
        *,
        remove: Sequence[str] = (),
        account: str,
        by: Actor | None = None,
    ) -> Mapping[str, str]:
        """Give an operation, or all of a batch, tags in place of others of their names, and take others away.

        The log names `by`, and how many were changed, but no tag. All tags there are now come back. Raises
        UnknownOperation, InvalidInput, and IllegalTransition for what was refused or whose tags were erased.
        """
        change = TagChange(dict(tags), tuple(remove))
        change.check()
        known = await operations_of(self.results.index, account, operation)
        ids = tuple(one.operation for one in known)
        await self.intake.writer.put(retagging(account, ids, change, str(by or self.operator)))
        return await asyncio.to_thread(self.results.contents.tags, operation)

    async def untag(self, operation: str, *names: str, account: str, by: Actor | None = None) -> Mapping[str, str]:
        """Take tags away from an operation, or all of a batch; the rest comes back. Raises as `tag`."""
        return await self.tag(operation, remove=names, account=account, by=by)

    async def notified(self, operation: str, job: str, attempt: int = 1) -> None:
        """A provider calls back that a job of an attempt at the operation has ended: settle it, unless that is done.

        A caller that waits for it then finds it settled. Raises UnknownOperation, and OperationPending if the job is
        not the operation's, or another attempt's, or cannot be settled now.
        """
        await self.intervention.notified(operation, job, attempt)

    async def answered(self, key: str, *, account: str) -> str | None:
        """The operation or batch by which a key answers now; None if a request under it would be put to the ledger."""
        known = await asyncio.to_thread(self.results.index.key, account, key)
        return None if known is None or known.refused else known.reference

    async def estimate(self, request: Request) -> Estimate:
        """The price, the hold, and whether a request would be admitted now; records nothing, saves nothing."""
        return await self.intake.estimate(request)

    async def account_of(self, operation: str) -> str:
        """Whose an operation is, for those who run the studio. Raises UnknownOperation."""
        return await account_of_operation(self.results.index, operation)

    async def close(self) -> None:
        """Take no more; let what was begun end, for a while; what does not is left to recovery, with its hold."""
        self._closing = True
        await self._work.end(self.wait_seconds)

    async def _prepare(self, request: Request, *, queued: bool = False) -> Prepared | Repeat:
        prepared = await self.intake.prepare(request, queued=queued)
        if self._closing:
            raise ShuttingDown("the studio is closing", hint="repeat the request, under the same key, elsewhere")
        return prepared

    async def _carry(self, prepared: Prepared | Repeat, progress: Progress) -> Result:
        accepted = prepared if isinstance(prepared, Repeat) else await self.intake.accept(prepared)
        return await (self._repeat(accepted) if isinstance(accepted, Repeat) else self._finish(accepted, progress))

    async def _admit(self, prepared: Prepared | Repeat, progress: Progress) -> Accepted | Repeat:
        accepted = prepared if isinstance(prepared, Repeat) else await self.intake.accept(prepared)
        if isinstance(accepted, Accepted):
            self._work.begin(self._finish(accepted, progress))
        return accepted

    async def _enqueue(self, prepared: Prepared | Repeat) -> Begun | Repeat:
        return prepared if isinstance(prepared, Repeat) else await self.intake.enqueue(prepared)

    async def _finish(self, accepted: Accepted, progress: Progress) -> Result:
        """Perform what was admitted; what stays open when this ends is recovery's."""
        task = asyncio.current_task()
        assert task is not None
        here = dict.fromkeys([one.operation.id for one in accepted.admitted], task)
        self._open.update(here)
        try:
            return await self._perform_all(accepted, heard(progress))
        finally:
            for id in here:
                del self._open[id]
            self.performer.ownership.drop(*here)

    async def _perform_all(self, accepted: Accepted, progress: Progress) -> Result:
        admitted = accepted.admitted
        if len(admitted) == 1:
            return judged(await self._perform(accepted, admitted[0], progress))
        parts = parts_of(progress, len(admitted))
        performing = [self._perform(accepted, one, part) for one, part in zip(admitted, parts, strict=True)]
        return await self._combined(accepted, await asyncio.gather(*performing, return_exceptions=True))

    async def _perform(self, accepted: Accepted, admitted: Admitted, progress: Progress) -> Result:
        """The result of one operation alone, with what only the process that performed it knows."""
        try:
            return await self._performed_here(accepted, admitted, progress)
        except StoreUnavailable as error:  # it is recorded, and nobody may take it for what was not
            told = f"it is recorded, and its end could not be: {error.outer}"
            raise OperationPending(admitted.operation.id, told, hint=RECOVER) from error

    async def _performed_here(self, accepted: Accepted, admitted: Admitted, progress: Progress) -> Result:
        settled = await self.performer.perform(
            admitted.operation, admitted.task, progress, admitted.others, admitted.held
        )
        if settled.facts:
            facts = [*admitted.facts, *settled.facts]
            result = await self.results.build(facts, settled.message, settled.contents, settled.state)
        else:
            result = await self.results.of(admitted.operation.id)
        return self._result(accepted.batch, (result,), settled.left, accepted.tags, settled.metadata)

    async def _combined(self, accepted: Accepted, ended: Sequence[Result | BaseException]) -> Result:
        """The deliveries, beside what ended otherwise; if there are none, the first reason is raised."""
        for one in ended:
            if isinstance(one, BaseException) and not isinstance(one, ImageStudioError):
                raise one
        done = [one for one in ended if isinstance(one, Result)]
        errors = [one for one in ended if isinstance(one, ImageStudioError)]
        if errors and not any(one.assets for one in done):
            raise errors[0]
        results = [
            one.operations[0] if isinstance(one, Result) else await self.results.of(admitted.operation.id)
            for admitted, one in zip(accepted.admitted, ended, strict=True)
        ]
        left, told = done[-1].left, done[0].metadata
        return judged(self._result(accepted.batch, tuple(results), left, accepted.tags, told))

    def _result(
        self,
        batch: str,
        operations: tuple[OperationResult, ...],
        left: Mapping[str, int | None],
        tags: Mapping[str, str],
        metadata: Mapping[str, str] = NOTHING,
        *,
        repeated: bool = False,
    ) -> Result:
        warnings = self.intake.warnings([one.model for one in operations])
        return _make_result(batch, operations, left, metadata, repeated, warnings, tags)

    async def _repeat(self, repeat: Repeat) -> Result:
        result = await self._settled(repeat.account, repeat.batch)
        return judged(self._result(repeat.batch, result.operations, result.left, result.tags, repeated=True))

    async def _settled(self, account: str, operation: str) -> Result:
        deadline = asyncio.get_running_loop().time() + self.wait_seconds
        known = await self._performed(account, operation)
        if not are_closed(known):
            elsewhere = Elsewhere(self.results.index, self.results.facts.codec, self.feed)
            known = await elsewhere.until_ended(account, operation, known, deadline)
        results = [await self.results.of(one.operation) for one in known]
        left = await self.intake.left(results[-1].account, results[-1])
        tags = await asyncio.to_thread(self.results.contents.tags, operation)
        return self._result(operation, tuple(results), left, tags)

    async def _performed(self, account: str, operation: str) -> list[Indexed]:
        """The operation, or all of a batch, as it stands once nothing of it is performed here."""
        while True:
            known = await operations_of(self.results.index, account, operation)
            here = [self._open[one.operation] for one in known if one.operation in self._open]
            if not here:
                return known
            await asyncio.wait(here)
