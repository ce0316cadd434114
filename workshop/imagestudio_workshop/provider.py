"""Does real work on this machine for nothing: pictures, films and models, without a network or a key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imagestudio.plugin import (
    Delivery,
    Job,
    Media,
    Progress,
    ProviderContext,
    ProviderRefused,
    ProviderSettings,
    Recovery,
    Task,
    TaskFailed,
)
from imagestudio_workshop.needs import Weights, lacking
from imagestudio_workshop.routes import ROUTES, Route

if TYPE_CHECKING:
    from imagestudio_workshop.orders import Step

MAX_OUTPUTS: Final = 16


class LocalProvider:
    """The routes of `routes.ROUTES`; the work runs in `executor`, whose size bounds what is in flight."""

    def __init__(self, executor: Executor, weights: Weights | None = None) -> None:
        self._executor = executor
        self._weights = weights or Weights.usual()
        self._running: dict[str, threading.Event] = {}

    @property
    def name(self) -> str:
        return "local"

    @property
    def recovery(self) -> Recovery:
        return Recovery.REPEATABLE

    async def submit(self, task: Task, progress: Progress) -> Delivery:
        route = self._accepted(task)
        loop, abandoned = asyncio.get_running_loop(), threading.Event()
        ends = loop.time() + task.deadline

        def report(fraction: float, message: str) -> None:
            if abandoned.is_set():
                raise _Abandoned
            if loop.time() > ends:
                raise TaskFailed("deadline", f"this machine takes longer than {task.deadline} s for that")
            loop.call_soon_threadsafe(progress, fraction, message)

        self._running[task.operation] = abandoned
        try:
            delivery = await loop.run_in_executor(
                self._executor, lambda: _delivered(task, route, self._weights, report)
            )
        except MemoryError as error:
            raise TaskFailed("out_of_memory", "this machine has not enough memory for that size") from error
        except _Abandoned as stopped:
            raise TaskFailed("cancelled", "it was cancelled") from stopped
        finally:
            abandoned.set()
            self._running.pop(task.operation, None)
        progress(1.0, "done")
        return delivery

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:  # noqa: ARG002
        raise TaskFailed("no_jobs", "local work is finished when it is submitted; there are no jobs")

    async def find(self, task: Task) -> tuple[Job, ...]:  # noqa: ARG002
        """None: local work leaves no trace, and can simply be repeated."""
        return ()

    async def cancel(self, task: Task, job: Job | None) -> bool:  # noqa: ARG002
        """It ends at its next step, where it is this process that runs it; nobody else can stop it."""
        running = self._running.get(task.operation)
        if running is None:
            return False
        running.set()
        return True

    async def preview(self, file: Media, side: int) -> Media:
        """A small picture of a picture, a film or a GLB model. Raises ProviderRefused, TaskFailed."""
        from imagestudio_workshop.previews import preview

        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, preview, file, side)
        except MemoryError as error:
            raise TaskFailed("out_of_memory", "this machine has not enough memory for that file") from error

    async def check(self) -> str:
        return "works on this machine"

    def lacks(self, route: str) -> str:
        known = ROUTES.get(route)
        return f"this machine has no route {route!r}" if known is None else lacking(known.needs, self._weights)

    async def close(self) -> None:
        """The pool belongs to whoever made it."""

    def _accepted(self, task: Task) -> Route:
        route = ROUTES.get(task.route)
        if route is None:
            raise ProviderRefused("unknown_route", f"local routes are: {', '.join(ROUTES)}")
        if missing := lacking(route.needs, self._weights):
            raise ProviderRefused("not_installed", missing)
        if not 1 <= task.outputs <= MAX_OUTPUTS:
            raise ProviderRefused("too_many_outputs", f"at most {MAX_OUTPUTS} outputs at once")
        return route


class Settings(ProviderSettings):
    """`weights` is a folder with the weights of networks that no package brings."""

    weights: Path | None = None


def build(context: ProviderContext[Settings]) -> LocalProvider:
    """The factory that the entry point names."""
    return LocalProvider(context.executor, Weights.usual(context.settings.weights))


class _Abandoned(Exception):
    """Nobody waits for the result any more; ends the work at its next step."""


def _delivered(task: Task, route: Route, weights: Weights, report: Step) -> Delivery:
    """The outputs, and what of the film that was given is not in them."""
    outputs = tuple(_perform(task, route, weights, report))
    films = task.media.get("video", ())
    if not films or not outputs[0].media_type.startswith("video/"):
        return Delivery(outputs, cost=0, metadata={"label": route.label})
    from imagestudio_workshop.film.remaking import left_out

    missing = left_out(films[0], outputs[0])
    return Delivery(outputs, cost=0, metadata={"label": route.label} | ({"left out": missing} if missing else {}))


def _perform(task: Task, route: Route, weights: Weights, report: Step) -> Iterator[Media]:
    from imagestudio_workshop.orders import LabelledTask

    work = route.load()(LabelledTask(task, route.label, weights))
    for variation in range(task.outputs):

        def step(fraction: float, message: str, done: int = variation) -> None:
            report((done + fraction) / task.outputs, message)

        step(0.0, "starting")
        yield work(task.first + variation, step)
        step(0.95, "finished")
