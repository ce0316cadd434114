"""The parts by which an operation goes, each with a span around what it does; they do nothing else.

A part is made of the usual one, whose fields it takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Final, TypeVar

import httpx
from opentelemetry.trace import SpanKind

from application.asking.intake import Accepted, Intake, Repeat
from application.asking.preparing import Prepared
from application.asking.requests import Begun, Request
from application.ledger.group import Receipt
from application.ledger.transaction import WordsRow
from application.performing.outputs import Kept, Outputs
from application.performing.performer import FromQueue, Performer
from application.performing.recording import BY_ITSELF, Alternative, Arrived, Performed, Recording, Stopping
from application.ports import Delivery, Job, Progress, Provider, Recovery, Task, TaskFailed
from domain.operation import Charged, Operation, Released
from domain.pricing import Quote
from infrastructure.telemetry import naming
from infrastructure.telemetry.around import Around
from infrastructure.telemetry.requests import TracedRequests
from infrastructure.telemetry.tracing import HEADER, Attributes, Tracing, amount, context_now, link_to, present, tracing

T = TypeVar("T")
REQUEST: Final[ContextVar[str]] = ContextVar("request", default="")
"""The context in which a request was made, while it is prepared."""


def traced() -> Around:
    """The surroundings by which all of them are traced."""
    one = tracing()
    return Around(
        intake=partial(_taken_over, TracedIntake, one),
        outputs=partial(_taken_over, TracedOutputs, one),
        recording=partial(_taken_over, TracedRecording, one),
        performer=partial(_taken_over, TracedPerformer, one),
        providers=partial(_providers, one),
        requests=partial(TracedRequests, tracing=one),
        hook=_pass_on,
        context=REQUEST.get,
        close=one.close,
    )


@dataclass(frozen=True, kw_only=True)
class TracedIntake(Intake):
    """Spans of checking and of holding."""

    tracing: Tracing

    async def prepare(self, request: Request, *, queued: bool = False) -> Prepared | Repeat:
        around = context_now()
        with self.tracing.span("prepare", naming.asked(request)) as span:
            token = REQUEST.set(around or context_now())
            try:
                prepared = await Intake.prepare(self, request, queued=queued)
            finally:
                REQUEST.reset(token)
            if isinstance(prepared, Prepared):
                span.set_attribute("imagestudio.operation", list(prepared.ask.operations))
            return prepared

    async def accept(self, prepared: Prepared) -> Accepted | Repeat:
        with self.tracing.span("admit", {"imagestudio.account": prepared.ask.account}) as span:
            accepted = await Intake.accept(self, prepared)
            if isinstance(accepted, Accepted) and accepted.admitted:
                span.set_attributes(present(naming.held(accepted.admitted)))
            span.set_attribute("imagestudio.repeat", isinstance(accepted, Repeat))
            return accepted

    async def enqueue(self, prepared: Prepared) -> Begun | Repeat:
        about: Attributes = {"imagestudio.account": prepared.ask.account, "imagestudio.queued": True}
        with self.tracing.span("admit", about, kind=SpanKind.PRODUCER) as span:
            begun = await Intake.enqueue(self, prepared)
            if isinstance(begun, Begun):
                span.set_attribute("imagestudio.operation", list(begun.operations))
            span.set_attribute("imagestudio.repeat", isinstance(begun, Repeat))
            return begun


@dataclass(frozen=True, kw_only=True)
class TracedPerformer(Performer):
    """A span of what another request accepted, linked to that: of a worker, of recovery, of a callback."""

    tracing: Tracing

    async def begin(
        self,
        operation: Operation,
        task: Task,
        progress: Progress,
        others: Sequence[Alternative] = (),
        held: Quote | None = None,
        queued: FromQueue | None = None,
    ) -> Performed:
        with self._linked("perform", operation, task):
            return await Performer.begin(self, operation, task, progress, others, held, queued)

    async def resume(self, operation: Operation, task: Task, job: Job, progress: Progress) -> Performed:
        with self._linked("resume", operation, task):
            return await Performer.resume(self, operation, task, job, progress)

    async def look_up(self, operation: Operation, task: Task, progress: Progress) -> Performed | None:
        with self._linked("look up", operation, task):
            return await Performer.look_up(self, operation, task, progress)

    def _linked(self, name: str, operation: Operation, task: Task) -> Any:
        return self.tracing.span(
            name, naming.about(operation), kind=SpanKind.CONSUMER, links=link_to(task.trace) if task.trace else ()
        )


@dataclass(frozen=True, kw_only=True)
class TracedOutputs(Outputs):
    """A span of making outputs safe, from their fetching on."""

    tracing: Tracing

    async def keep(self, account: str, task: Task, delivery: Delivery, *, again: bool) -> Kept:
        about = {"imagestudio.account": account, "imagestudio.operation": task.operation}
        with self.tracing.span("save", about) as span:
            kept = await Outputs.keep(self, account, task, delivery, again=again)
            span.set_attribute("imagestudio.outputs", len(kept.stored))
            span.set_attribute("imagestudio.bytes", sum(asset.size for asset in kept.stored))
            span.set_attribute("imagestudio.lost", kept.lost)
            return kept


@dataclass(frozen=True, kw_only=True)
class TracedRecording(Recording):
    """Spans of what moves money: the charge, and the release of a hold."""

    tracing: Tracing

    async def complete(self, operation: Operation, arrived: Arrived, delivery: Delivery, job: Job | None) -> Receipt:
        with self.tracing.span("charge", naming.about(operation)) as span:
            receipt = await Recording.complete(self, operation, arrived, delivery, job)
            for fact in receipt.facts:
                if isinstance(fact, Charged):
                    span.set_attributes(present(_posting(fact)))
            return receipt

    async def fail(
        self, operation: Operation, failed: TaskFailed, words: WordsRow, order: Stopping = BY_ITSELF
    ) -> Performed:
        with self._released(operation, failed.code) as span:
            return _release_told(span, await Recording.fail(self, operation, failed, words, order))

    async def release(self, operation: Operation, code: str, order: Stopping = BY_ITSELF) -> Performed:
        with self._released(operation, code) as span:
            return _release_told(span, await Recording.release(self, operation, code, order))

    def _released(self, operation: Operation, code: str) -> Any:
        return self.tracing.span("release", {**naming.about(operation), "imagestudio.reason": code})


@dataclass(frozen=True, slots=True)
class TracedProvider:
    """A provider, with a span around each submission and around each wait for a job.

    `is_remote`: it is asked over HTTP; another works in this process, and need not be a model at all.
    """

    provider: Provider
    tracing: Tracing = field(repr=False)
    is_remote: bool

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def recovery(self) -> Recovery:
        return self.provider.recovery

    def lacks(self, route: str) -> str:
        return self.provider.lacks(route)

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        operation = {"gen_ai.operation.name": naming.GENERATE} if self.is_remote else {}
        name = f"{naming.GENERATE if self.is_remote else task.kind} {task.model}"
        with self.tracing.span(name, {**naming.put(task, self.name), **operation}, kind=self._kind) as span:
            answer = await self.provider.submit(task, progress)
            span.set_attributes(present(naming.answered(answer)))
            return answer

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        about = {**naming.put(task, self.name), **naming.answered(job)}
        with self.tracing.span(f"collect {task.model}", about, kind=self._kind) as span:
            delivery = await self.provider.collect(task, job, progress)
            span.set_attributes(present(naming.answered(delivery)))
            return delivery

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        with self.tracing.span(f"find {task.model}", naming.put(task, self.name), kind=self._kind):
            return await self.provider.find(task)

    async def cancel(self, task: Task, job: Job | None) -> bool:
        with self.tracing.span(f"cancel {task.model}", naming.put(task, self.name), kind=self._kind):
            return await self.provider.cancel(task, job)

    async def check(self) -> str:
        return await self.provider.check()

    async def close(self) -> None:
        await self.provider.close()

    @property
    def _kind(self) -> SpanKind:
        return SpanKind.CLIENT if self.is_remote else SpanKind.INTERNAL


def _providers(one: Tracing, all: Mapping[str, Provider], remote: Collection[str]) -> Mapping[str, Provider]:
    return {name: TracedProvider(provider, one, name in remote) for name, provider in all.items()}


def _taken_over(kind: Callable[..., T], one: Tracing, part: Any) -> T:
    """The part as one of `kind`, with all its fields."""
    return kind(**{each.name: getattr(part, each.name) for each in fields(part)}, tracing=one)


async def _pass_on(request: httpx.Request) -> None:
    """Let a provider go on with the trace, as W3C has it."""
    context = context_now()
    if context:
        request.headers[HEADER] = context


def _posting(fact: Charged) -> dict[str, Any]:
    return {
        **amount("price", fact.price, fact.currency),
        **amount("cost", fact.cost, fact.cost_currency or fact.currency),
        "imagestudio.cost_source": None if fact.cost_source is None else str(fact.cost_source),
        "imagestudio.outputs": fact.outputs,
    }


def _release_told(span: Any, ended: Performed) -> Performed:
    for fact in ended.facts:
        if isinstance(fact, Released):
            span.set_attributes(present(amount("released", fact.price, fact.currency)))
    return ended
