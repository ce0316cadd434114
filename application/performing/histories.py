"""Rebuilds an operation and its task from the log, for recovery, callbacks and reconciliation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from application.ledger.contents import Body, Fallbacks
from application.ledger.facts import OperationFacts, state_of
from application.ledger.transaction import keyed_digest
from application.performing.recording import Alternative
from application.ports import Asset, AssetStore, Contents, Media, Task
from application.providing.tasks import facts_of_media, place_in_batch, task_of
from domain.admission import Leeway
from domain.advice import Advice
from domain.catalogue import Catalogue, Model
from domain.errors import AssetDamaged, AssetMissing
from domain.ledger import Fact
from domain.operation import Dispatched, Dropped, Held, Operation, Requested, Running, Sent, State, Substituted
from domain.pricing import PriceBook, Quote, quote
from domain.turns import USUAL_PLACE


@dataclass(frozen=True, slots=True)
class History:
    """An operation as its facts tell it, with how often, when last and when `first` it was allowed to be sent.

    `digest` is what the log has of its content; `substituted`: the account's terms put another model in its place.
    """

    state: State
    attempts: int
    dispatched: int
    first: int
    digest: str
    substituted: bool = False


@dataclass(frozen=True, slots=True)
class Histories:
    """Reads operations from the log, and what they were asked with from beside it."""

    facts: OperationFacts
    contents: Contents
    catalogue: Catalogue
    assets: AssetStore
    price_book: PriceBook

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

    async def others(self, opened: History) -> list[Alternative]:
        """The models that may follow the present one after a definite refusal, as they were found when it was asked.

        One that is gone from the catalogue, or has become dearer since, is none; nor is any after a substitution.
        """
        operation, held = opened.state.operation, _quote(opened.state)
        content = await asyncio.to_thread(self.contents.load, operation.batch)
        body = None if content is None else Body.from_json(content.body)
        if body is None or held is None or body.fallbacks is None or opened.substituted:
            return []
        media = {name: await self._load(operation.account, assets) for name, assets in body.media.items()}
        facts = {name: tuple(map(facts_of_media, files)) for name, files in media.items()}
        place, found = place_in_batch(operation.id, operation.batch), []
        before = place if body.each else 0
        for model, prices in self._following(body.fallbacks, place, operation.model):
            inputs, most = body.inputs_at(place, model.id), prices.get(held.outputs, -1)
            wish = quote(model, self.price_book, inputs, held.outputs, body.fallbacks.at, facts)
            if isinstance(wish, Quote) and wish.price <= most:
                task = task_of(operation, 1, model, held.outputs, inputs, media, opened.dispatched, before=before)
                bounded = body.fallbacks.bounded and held.sale is None
                leeway = Leeway(frozenset(body.fallbacks.allowed), wish.price if bounded else None)
                found.append(Alternative(wish, task, leeway))
        return found

    def _following(self, told: Fallbacks, place: int, model: str) -> Iterator[tuple[Model, Mapping[int, int]]]:
        for id, prices in told.after(place, model).items():
            if id in self.catalogue:
                yield self.catalogue.get(id), prices

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
    substituted = any(isinstance(fact, Substituted) for fact in facts)
    return History(state_of(facts), attempts, dispatched, first, digest, substituted)


def _quote(state: State) -> Quote | None:
    """The quote that is or was held."""
    return state.quote if isinstance(state, Held | Sent | Running | Dropped) else None
