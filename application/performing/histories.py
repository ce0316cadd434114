"""Rebuilds an operation and its task from the log, for recovery, callbacks and reconciliation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from application.ledger.contents import Body
from application.ledger.facts import OperationFacts, state_of
from application.ledger.transaction import keyed_digest
from application.ports import Asset, AssetStore, Contents, Media, Task
from application.providing.tasks import place_in_batch, task_of
from domain.advice import Advice
from domain.catalogue import Catalogue
from domain.errors import AssetDamaged, AssetMissing
from domain.ledger import Fact
from domain.operation import Dispatched, Dropped, Held, Operation, Requested, Running, Sent, State
from domain.pricing import Quote
from domain.turns import USUAL_PLACE


@dataclass(frozen=True, slots=True)
class History:
    """An operation as its facts tell it, with how often, when last and when `first` it was allowed to be sent.

    `digest` is what the log has of its content.
    """

    state: State
    attempts: int
    dispatched: int
    first: int
    digest: str


@dataclass(frozen=True, slots=True)
class Histories:
    """Reads operations from the log, and what they were asked with from beside it."""

    facts: OperationFacts
    contents: Contents
    catalogue: Catalogue
    assets: AssetStore

    async def read(self, operation: str) -> History:
        """The operation now. Raises UnknownOperation."""
        return _history(await asyncio.to_thread(self.facts.of, operation))

    async def task(self, opened: History) -> Task | None:
        """The task from the stored content, as it was last sent, or None if it was erased.

        Raises UnknownModel if the catalogue has the model no more, AssetDamaged for another content than was asked.
        """
        operation = opened.state.operation
        content = await asyncio.to_thread(self.contents.load, operation.batch)
        quote = _quote(opened.state)
        if content is None or quote is None:
            return None
        if keyed_digest(content.secret, content.body) != opened.digest:
            what = f"what is kept of operation {operation.id} is not what was asked; it is not sent"
            raise AssetDamaged(what, hint=Advice("log.audit"))
        body = Body.from_json(content.body)
        try:
            media = {name: await self._load(operation.account, assets) for name, assets in body.media.items()}
        except AssetMissing:
            return None
        model = self.catalogue.get(operation.model)
        place = place_in_batch(operation.id, operation.batch)
        inputs, before = body.inputs_at(place, model.id), place if body.each else 0
        attempt, since = opened.attempts, opened.dispatched
        task = task_of(operation, attempt, model, quote.outputs, inputs, media, since, before=before)
        return replace(task, trace=body.trace) if body.trace else task

    async def place(self, operation: Operation) -> int:
        """In the queue, as its content says."""
        content = await asyncio.to_thread(self.contents.load, operation.batch)
        return USUAL_PLACE if content is None else Body.from_json(content.body).place

    def bare(self, opened: History) -> Task:
        """A task without what was asked, for a job that only has to be waited for. Raises UnknownModel."""
        operation, quote = opened.state.operation, _quote(opened.state)
        assert quote is not None, "only what was held has a job"
        model = self.catalogue.get(operation.model)
        return task_of(operation, opened.attempts, model, quote.outputs, {}, {}, opened.dispatched)

    async def _load(self, account: str, assets: list[Asset]) -> tuple[Media, ...]:
        return tuple([await self.assets.load(account, asset) for asset in assets])


def _history(facts: Sequence[Fact]) -> History:
    sent = [fact for fact in facts if isinstance(fact, Dispatched)]
    attempts, dispatched, first = (sent[-1].attempt, sent[-1].at, sent[0].at) if sent else (0, 0, 0)
    digest = next((fact.digest for fact in facts if isinstance(fact, Requested)), "")
    return History(state_of(facts), attempts, dispatched, first, digest)


def _quote(state: State) -> Quote | None:
    """The quote that is or was held."""
    return state.quote if isinstance(state, Held | Sent | Running | Dropped) else None
