"""Customers of the simulated world: they ask, are cut off, ask again, change their minds, and hold what they are told
against the log."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from application.asking.requests import Request, Result
from domain.errors import (
    AssetMissing,
    IllegalTransition,
    ImageStudioError,
    KeyReused,
    OperationFailed,
    OperationPending,
    OperationRefused,
    Overloaded,
    ShuttingDown,
    StoreUnavailable,
    UnknownModel,
    UnknownOperation,
)
from infrastructure.service import Studio
from infrastructure.simulation.model import CHARGED, OPEN, REFUSED, RELEASED, NaiveLedger
from infrastructure.simulation.processes import CutOff, Process
from infrastructure.simulation.purses import BrokenPromise, agree

T = TypeVar("T")
MODELS = ("swift", "swift", "depot", "depot", "murky", "bench", "cheapest", "riddle")
TRIES = 6
NOT_NOW = (StoreUnavailable, Overloaded, ShuttingDown, CutOff, TimeoutError)
PERHAPS = "may have been recorded"


@dataclass(slots=True)
class Town:
    """All that customers share: the processes that answer, the log as the model follows it, and chance."""

    processes: list[Process]
    model: NaiveLedger
    chance: random.Random
    cuts: float = 0.02
    erases: bool = False
    """Whether anything was erased."""
    asked: int = 0
    told: int = 0
    made: dict[str, list[str]] = field(default_factory=dict)
    """Operations that each account was told of."""

    def anyone(self) -> Process:
        """Whoever answers now."""
        return self.chance.choice(self.processes)


@dataclass(slots=True)
class Customer:
    """One user of an account."""

    town: Town
    account: str
    user: str
    name: str
    number: int = 0
    known: list[tuple[str, Request]] = field(default_factory=list)
    """Keys that were used, each with what was asked under it."""

    async def act(self) -> None:
        """Do one thing of those that customers do."""
        drawn = self.town.chance.random()
        if drawn < 0.80:
            await self.ask(self.new_request())
        elif drawn < 0.86 and self.known:
            _, request = self.town.chance.choice(self.known)
            await self.ask(request)
        elif drawn < 0.89 and self.known:
            await self.ask_otherwise()
        elif drawn < 0.96:
            await self.cancel()
        else:
            await self.look()

    def new_request(self) -> Request:
        chance = self.town.chance
        self.number += 1
        key = f"{self.name}-{self.number}" if chance.random() < 0.75 else None
        inputs = {"prompt": f"number {self.number} of {self.name}"}
        n = chance.choice((1, 1, 1, 1, 2, 3))
        project = chance.choice((None, None, "red"))
        model = chance.choice(MODELS)
        return Request(
            "text-to-image", self.account, inputs, user=self.user, project=project, model=model, n=n, key=key
        )

    async def ask(self, request: Request) -> None:
        """Until there is an answer, under the same key; without a key only once, as nobody repeats that."""
        self.town.asked += request.n
        tries = TRIES if request.key is not None else 1
        asked_before = any(request is known for _, known in self.known)
        for attempt in range(tries):
            try:
                await self._once(request, first=not attempt and not asked_before)
            except NOT_NOW:
                await asyncio.sleep(self.town.chance.random() * 10)
            else:
                break
        if request.key is not None:
            self.known = [*self.known[-20:], (request.key, request)]

    async def _once(self, request: Request, *, first: bool) -> None:
        chance = self.town.chance
        queued = chance.random() < 0.25
        try:
            async with asyncio.timeout(chance.choice((5, 60, 900, 900))):
                if queued:
                    begun = await self._through(lambda studio: studio.operations.submit(request, queued=True))
                    self._note(begun.operations)
                    return
                self._judge(await self._through(lambda studio: studio.operations.run(request)))
        except OperationRefused as error:
            self._expect(error.operation, {REFUSED}, "was refused")
        except OperationFailed as error:
            self._note(self.town.model.batches.get(error.operation, [error.operation]))
            self._expect(error.operation, {RELEASED, CHARGED}, "failed")
        except OperationPending as error:
            self._expect(error.operation, OPEN | {CHARGED, RELEASED}, "is open")
        except (Overloaded, ShuttingDown):
            raise
        except UnknownModel:
            agree(that=request.model == "riddle", invariant="I10", told=f"{request.model} is not known")
        except StoreUnavailable as error:
            silent = first and PERHAPS not in str(error) and request.key is not None
            recorded = silent and self._batch_of(request.key) is not None
            told = f"{request.key} of {self.account} was said not to be recorded, and is: {error}"
            if recorded:
                raise BrokenPromise(f"I7: {told}") from error
            raise
        except AssetMissing:
            agree(that=self.town.erases, invariant="I7", told="an output is gone that nobody erased")
        except ImageStudioError as error:
            unpriced = request.model == "riddle" or "price" in str(error)
            agree(that=unpriced, invariant="I7", told=f"{type(error).__name__} for a plain request: {error}")

    def _judge(self, result: Result) -> None:
        """I7: what a caller is told is what the log holds."""
        self.town.told += 1
        for one in result.operations:
            deed = self.town.model.deeds.get(one.operation)
            agree(that=deed is not None, invariant="I7", told=f"{one.operation} was told, and is not in the log")
            assert deed is not None
            told = f"{one.operation} was told as {one.status}, {one.price}; the log has {deed.phase}, {deed.charged}"
            same = one.status == deed.phase and (deed.phase != CHARGED or one.price.micros == deed.charged)
            same |= one.status in OPEN and deed.phase in {CHARGED, RELEASED}  # it has ended since it was looked at
            agree(that=same or bool(deed.references), invariant="I7", told=told)
        self._note([one.operation for one in result.operations])

    async def ask_otherwise(self) -> None:
        """Another request under a key that was used: refused, unless that was not recorded."""
        key, before = self.town.chance.choice(self.known)
        other = Request("text-to-image", self.account, {"prompt": "other"}, user=self.user, model="bench", key=key)
        batch = self._batch_of(key)
        if batch is None or self.town.model.deeds[batch].phase == REFUSED:
            return
        try:
            async with asyncio.timeout(600):
                await self.town.anyone().call(lambda studio: studio.operations.run(other))
        except KeyReused:
            return
        except NOT_NOW:
            return
        except AssetMissing:
            agree(that=self.town.erases, invariant="I7", told="an output is gone that nobody erased")
            return
        told = f"key {key} of {self.account} took another request than {before.inputs}"
        agree(that=self.town.model.deeds[batch].erased, invariant="I7", told=told)

    async def cancel(self) -> None:
        """F10: one of what is open, or was, whoever works on it."""
        mine = self.town.made.get(self.account) or self._open_ones()
        if not mine:
            return
        operation = self.town.chance.choice(mine[-8:])
        try:
            async with asyncio.timeout(600):
                await self._through(lambda studio: studio.operations.cancel(operation, account=self.account))
        except (IllegalTransition, OperationPending, OperationFailed, UnknownOperation, AssetMissing, *NOT_NOW):
            return
        self._expect(operation, {RELEASED}, "was cancelled")

    async def look(self) -> None:
        """At the account."""
        try:
            async with asyncio.timeout(600):
                await self._through(lambda studio: studio.accounts.show(self.account))
        except NOT_NOW:
            return

    async def _through(self, make: Callable[[Studio], Coroutine[Any, Any, T]]) -> T:
        """Over a network that is cut now and then, before or after."""
        chance, town = self.town.chance, self.town
        await asyncio.sleep(chance.random() * 0.05)
        if chance.random() < town.cuts:
            raise CutOff
        answer = await town.anyone().call(make)
        if chance.random() < town.cuts:
            raise CutOff
        return answer

    def _batch_of(self, key: str | None) -> str | None:
        if key is None:
            return None
        batch = self.town.model.purses[self.account].keys.get(key)
        return None if batch is None else self.town.model.batches[batch][0]

    def _open_ones(self) -> list[str]:
        return [id for id in self.town.model.open if self.town.model.deeds[id].account == self.account]

    def _note(self, operations: Iterable[str]) -> None:
        made = self.town.made.setdefault(self.account, [])
        made.extend(operations)
        del made[:-40]

    def _expect(self, operation: str, phases: frozenset[str] | set[str], told: str) -> None:
        """I7: an operation, or some of a batch, is in one of these."""
        model = self.town.model
        ids = model.batches.get(operation, [operation])
        known = [model.deeds[id].phase for id in ids if id in model.deeds]
        right = bool(known) and any(phase in phases for phase in known)
        agree(that=right, invariant="I7", told=f"{operation} {told}, and the log has {known}")
