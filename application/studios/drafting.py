"""A draft that a service made of a brief, performed at the one entry, or estimated there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from application.asking.requests import File, Request, Result
from application.ports import Progress, silent
from application.studios.advising import recommended
from application.studios.desk import Advised, Served, ServiceDesk
from domain.catalogue import Model
from domain.footage import lasting
from domain.inputs import plain
from domain.value import value


@value
class Drafted:
    """A request and what was made of its brief; `first` is the request for better words, if a model writes them."""

    request: Request
    notes: tuple[str, ...] = ()
    first: Request | None = None


@dataclass(frozen=True, slots=True)
class Retouching(ABC):
    """A service that changes one picture or film by one request."""

    desk: ServiceDesk

    @abstractmethod
    def draft(self, image: File, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request. Raises InvalidInput."""

    async def __call__(self, image: File, *, account: str, progress: Progress = silent, **options: Any) -> Served:
        """Do it. Options: those of its brief and of `Caller`, and inputs of the model. Raises as `run` does."""
        return await perform(self.desk, self.draft(image, account, options), progress)

    async def estimate(self, image: File, *, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done."""
        return await advise(self.desk, self.draft(image, account, options))


async def perform(desk: ServiceDesk, drafted: Drafted, progress: Progress) -> Served:
    """Do it. Raises as `run` does."""
    if drafted.first is None:
        return Served(await desk.operations.run(drafted.request, progress), drafted.notes)
    better = await desk.operations.run(drafted.first)
    request, note = _reworded(drafted.request, better)
    return Served(await desk.operations.run(request, progress), (*drafted.notes, note), (better,))


async def advise(desk: ServiceDesk, drafted: Drafted) -> Advised:
    """The estimate: what it would cost, at which model and why; nothing is recorded. Raises as `estimate` does."""
    found = await desk.operations.estimate(drafted.request)
    before = () if drafted.first is None else (await desk.operations.estimate(drafted.first),)
    notes = (*drafted.notes, *_longer(drafted.request, desk.catalogue.get(found.model)))
    return Advised(found, recommended(found, desk.catalogue, drafted.request.model), notes, before)


def _longer(request: Request, model: Model) -> tuple[str, ...]:
    """A note if the model makes no film of exactly the length that is asked for."""
    wanted = None if request.wishes is None else request.wishes.seconds
    if wanted is None or "duration" in request.inputs:
        return ()
    made = lasting(model, wanted)["duration"]
    return () if Decimal(str(made)) == wanted else (f"{plain(wanted)} s asked: {model.id} makes {made} s",)


def _reworded(request: Request, better: Result) -> tuple[Request, str]:
    """The request with the words that a model wrote; as it was if it wrote none."""
    text = better.assets[0].content.decode("utf-8", "replace").strip() if better.assets else ""
    if not text:
        return request, f"{better.model} wrote no other prompt"
    return replace(request, inputs={**request.inputs, "prompt": text}), f"{better.model} wrote the prompt"
