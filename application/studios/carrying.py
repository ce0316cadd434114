"""One item of a batch on its way through the steps, each asked under a key of its own.

key  NAME/ITEM/STEP          a step that a killed process had done answers under it, and is not done again
     NAME/ITEM/STEP.FILE     the same step for the second file and those after it
     NAME/ITEM/STEP+TRY      the same once more, because what is recorded has failed and a retry was asked for
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from application.asking.operations import Operations
from application.asking.requests import Output, Result
from application.studios.desk import Advised, Served
from application.studios.finishing import AdvisedSet, FinishedSet
from application.studios.purse import Purse
from application.studios.recipes import Item, Order
from domain.errors import ImageStudioError, OperationFailed, OperationPending, OperationRefused
from domain.meaning import Kind
from domain.money import Money
from domain.value import value

DONE, FAILED, REFUSED, PENDING, WAITING = "done", "failed", "refused", "pending", "waiting"
STOPPING = frozenset({Kind.UNAVAILABLE, Kind.OVERLOADED})
"""Errors that the next item would meet as well."""


class Service(Protocol):
    """A studio service, as `studio.services` has them: something is done to a subject, in the way of a brief."""

    async def __call__(self, *subject: Any, **options: Any) -> Served | FinishedSet: ...

    async def estimate(self, *subject: Any, **options: Any) -> Advised | AdvisedSet: ...


def held_by(found: Advised | AdvisedSet) -> int | None:
    """The most that all of it can be charged, in micro-units; None if some part of it may not be held."""
    held = [one.held for one in found.estimates]
    known = [amount.micros for amount in held if amount is not None]
    return sum(known) if len(known) == len(held) else None


@value
class Outcome:
    """The state of one item: done, failed, refused, pending (open elsewhere), or waiting (not begun, or not all of it).

    `results` are those of all its steps; `outputs` the files of the last, if it is done.
    """

    number: int
    state: str
    results: tuple[Result, ...]
    outputs: tuple[Output, ...] = ()
    error: ImageStudioError | None = None


class Exhausted(Exception):
    """The budget has no room for a step, or nobody knows what that costs."""


@dataclass(slots=True)
class Carrier:
    """Carries items through their steps. `stopped` says why no more are begun, and is empty until then."""

    services: Mapping[str, Service]
    operations: Operations
    order: Order
    purse: Purse
    stopped: str = ""
    broken: ImageStudioError | None = None

    async def carry(self, number: int, item: Item) -> Outcome:
        """One item as far as it goes; if no more are begun, as far as it went before.

        Raises nothing that is the item's own fault.
        """
        results: list[Result] = []
        try:
            outputs = await self._through(number, item, results, begins=not self.stopped)
        except Exhausted as why:
            self.stopped = str(why)
            return Outcome(number, WAITING, tuple(results))
        except ImageStudioError as error:
            return self._ended(number, results, error)
        return Outcome(number, DONE, tuple(results), outputs)

    def _ended(self, number: int, results: list[Result], error: ImageStudioError) -> Outcome:
        if error.kind in STOPPING:
            self.stopped, self.broken = error.message, error
            return Outcome(number, WAITING, tuple(results), error=error)
        if isinstance(error, OperationRefused):
            self.stopped = error.message
            return Outcome(number, REFUSED, tuple(results), error=error)
        state = PENDING if isinstance(error, OperationPending) else FAILED
        return Outcome(number, state, tuple(results), error=error)

    async def _through(self, number: int, item: Item, results: list[Result], *, begins: bool) -> tuple[Output, ...]:
        subjects: list[Path | str | bytes] = [item.subject]
        outputs: list[Output] = []
        for place, step in enumerate(self.order.recipe.steps):
            outputs = []
            for branch, subject in enumerate(subjects):
                key = self.order.key(number, place, branch)
                served = await self._do(step.service, subject, self.order.options(place, item), key, begins=begins)
                results.extend(map(_light, served.results))
                outputs.extend(served.outputs)
            subjects = [await asyncio.to_thread(given_on, output) for output in outputs]
        return tuple(replace(output, held=None) for output in outputs)

    async def _do(
        self, name: str, subject: Any, options: Mapping[str, Any], key: str, *, begins: bool
    ) -> Served | FinishedSet:
        for attempt in count(1):
            own = key if attempt == 1 else f"{key}+{attempt}"
            known = await self.operations.answered(own, account=self.order.account)
            if known is None and not begins:
                raise Exhausted(self.stopped)
            try:
                return await self._within_budget(self.services[name], subject, {**options, "key": own}, known)
            except OperationFailed:
                if not self.order.retry or known is None:
                    raise
        raise AssertionError("there is always another attempt")

    async def _within_budget(
        self, service: Service, subject: Any, options: dict[str, Any], known: str | None
    ) -> Served | FinishedSet:
        held = 0 if known is not None else await self._hold(service, subject, options)
        try:
            served = await service(subject, **options)
        except OperationPending:
            raise  # it may be charged yet, so its hold stands
        except ImageStudioError:
            self.purse.settle(held)
            raise
        self.purse.settle(held, [one.price for one in served.results])
        return served

    async def _hold(self, service: Service, subject: Any, options: dict[str, Any]) -> int:
        if self.purse.budget is None:
            return 0
        held = held_by(await service.estimate(subject, **options))
        if held is None:
            raise Exhausted("the price of the next step is not known, and there is a budget to be kept")
        if not self.purse.hold(held):
            needed = Money(held, self.purse.budget.currency)
            raise Exhausted(f"the budget of {self.purse.budget} has no room for the {needed} of the next step")
        return held


def given_on(output: Output) -> Path | bytes:
    """An output as the file of another request: its path, or its bytes if it has none."""
    return Path(output.path) if output.path is not None else output.content


def _light(result: Result) -> Result:
    """Without the bytes, as a batch may be long."""
    operations = tuple(
        replace(one, outputs=tuple(replace(output, held=None) for output in one.outputs)) for one in result.operations
    )
    return replace(result, operations=operations)
