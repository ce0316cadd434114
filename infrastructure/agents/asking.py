"""Tools that ask for work: held before anything is sent, told on the way, and going on when nobody waits any more.

submit ── ApprovalNeeded ─ the person before the client? ─┐
   └── held: told with its id ── progress ── the end, or so many seconds ── the result as it stands
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mcp_types import InputRequiredResult

from application.asking.requests import Begun, Request, Result
from domain.approvals import ApprovalNeeded
from domain.errors import OperationPending
from infrastructure.agents import answers, people
from infrastructure.agents.callers import AgentCaller
from infrastructure.agents.shapes import EstimateAny
from infrastructure.agents.toolbox import Answer, Context, Params, Toolbox
from infrastructure.gateway.native.quoting import as_estimated, quote_of
from infrastructure.service import Studio
from infrastructure.showing.documents import estimate_document

MOST_NAMED: Final = 6
TOLD: Final = (
    *("model", "provider", "class", "price", "price_source", "held", "operations", "needs_approval", "refused", "left"),
    *("warnings", "notes"),
)
"""Fields of an estimate that an agent decides by."""
PAUSE: Final = 0.2
"""Seconds between two tellings of progress at least."""


@dataclass(slots=True)
class ToldProgress:
    """The progress as far as it is known, told to a client that asked for it; it never goes back."""

    loop: asyncio.AbstractEventLoop
    news: asyncio.Event = field(default_factory=asyncio.Event)
    done: float = 0.0
    words: str = ""

    def __call__(self, fraction: float, message: str) -> None:
        """From any thread."""
        self.loop.call_soon_threadsafe(self._hear, fraction, message)

    def _hear(self, fraction: float, message: str) -> None:
        if fraction > self.done:
            self.done, self.words = fraction, message
            self.news.set()

    async def to(self, context: Context, ended: asyncio.Task[Any]) -> None:
        """Until it has ended."""
        while not ended.done():
            hearing = asyncio.ensure_future(self.news.wait())
            try:
                await asyncio.wait([ended, hearing], return_when=asyncio.FIRST_COMPLETED)
            finally:
                hearing.cancel()
            if self.news.is_set() and not ended.done():
                self.news.clear()
                await context.session.report_progress(self.done, 1.0, self.words)
                await asyncio.sleep(PAUSE)


async def do(tools: Toolbox, caller: AgentCaller, asked: Any, context: Context, params: Params) -> Answer:
    """Ask for work, and tell what became of it. Raises what the one entry raises."""
    own = asked.as_asked()
    request = own.request(caller, {}, asked.idempotency_key)
    request = await as_estimated(tools.quotes, caller.account, own, {}, request)
    telling = ToldProgress(asyncio.get_running_loop())
    begun = await _begun(tools.studio, caller, request, telling, context, params)
    if isinstance(begun, InputRequiredResult):
        return begun
    await context.session.report_progress(0.0, 1.0, f"operation {begun.operation} is held")
    result = await _ended(tools.studio, caller, begun.operation, asked.wait, context, telling)
    return await answers.made(tools.studio, caller, result, repeated=begun.repeated or result.repeated)


async def estimate(
    tools: Toolbox, caller: AgentCaller, asked: EstimateAny, _context: Context, _params: Params
) -> Answer:
    """Say what it would cost, and whether it would be admitted; the quote holds model and price for a while."""
    own = asked.as_asked()
    found = await tools.studio.operations.estimate(own.request(caller, {}))
    told = estimate_document(found)
    chain = [one for one in found.chain if not one.skipped][:MOST_NAMED]
    alternatives = [{"model": one.model, "class": one.model_class, "price": one.price} for one in chain]
    wanted = {name: told[name] for name in TOLD}
    return answers.reply(
        caller, {**wanted, "alternatives": alternatives, **await quote_of(tools.quotes, caller.account, own, {}, found)}
    )


async def _begun(
    studio: Studio,
    caller: AgentCaller,
    request: Request,
    telling: ToldProgress,
    context: Context,
    params: Params,
) -> Begun | InputRequiredResult:
    said = people.answer_in(params)
    if said is None:
        try:
            return await studio.operations.submit(request, telling)
        except ApprovalNeeded as error:
            found = await people.ask_person(context, caller, error)
        if isinstance(found, InputRequiredResult):
            return found
        said = found
    if said.agrees:
        await studio.approvals.give(caller.account, said.quote, by=caller.actor, in_client=True)
    try:
        return await studio.operations.submit(replace(request, quote=said.quote), telling)
    except ApprovalNeeded as error:
        told = f"{error.message}; the person before the client did not agree"
        raise ApprovalNeeded(told, waiting=error.waiting, hint="do not ask again unless they say so") from error


async def _ended(
    studio: Studio, caller: AgentCaller, operation: str, seconds: int, context: Context, telling: ToldProgress
) -> Result:
    """The result once it has ended, or as it stands after so many seconds. Raises OperationFailed."""
    waiting = asyncio.create_task(studio.operations.wait(operation, account=caller.account))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await telling.to(context, waiting)
        if waiting.done() and not isinstance(waiting.exception(), OperationPending):
            return waiting.result()
        return await studio.operations.look(operation, account=caller.account)
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])
