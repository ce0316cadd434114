"""One process of the simulated world: a studio of the real parts, that lives, stops, goes on, ends or is killed.

Its code runs in a context that names it. The loop does for it whatever threads would do; its database is on a disk
of its own that fails; the providers and the clock are the world's.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack, suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, TypeVar

from sqlalchemy import event

from application.following.feed import Feed
from application.ledger.group import LeaseTerms
from application.ledger.transaction import Store
from application.ledger.turning import Turn
from application.ledger.writer import LedgerWriter
from application.ports import Provider
from domain.errors import ImageStudioError
from infrastructure.assembly import Assembly, Parts
from infrastructure.chores import paying_plans, recovering, renewing
from infrastructure.clock import SECOND
from infrastructure.files.shelf import Shelf
from infrastructure.files.where import place_of
from infrastructure.opening import Access
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.simulation.disk import Disk
from infrastructure.simulation.loop import PROCESS, Killed, Living, SimulatedLoop
from infrastructure.store.database import Database
from infrastructure.store.growth import growth_of
from infrastructure.store.transactions import SqlStore
from infrastructure.supplies import looking, writer_options
from infrastructure.telemetry.around import NOTHING
from projections.engine.recent import Recent

T = TypeVar("T")
MANY = 500


class CutOff(Exception):
    """The caller's connection broke: whether anything was done is not known to it."""


@dataclass(frozen=True, slots=True)
class Tampering:
    """Parts that somebody broke on purpose, to see that it is found; usually none is."""

    store: Callable[[Database], Store] = SqlStore
    provider: Callable[[Provider], Provider] = lambda usual: usual
    parts: Callable[[Assembly], None] = lambda _made: None


HONEST = Tampering()


class LoopTurns:
    """Gives turns in the loop, as a thread would take them: a little later."""

    def __init__(self, loop: SimulatedLoop, _name: str, turn: Turn) -> None:
        self._loop, self._turn, self._due = loop, turn, False

    def wake(self) -> None:
        """See `TurnGiver`."""
        self._again(0.0)

    def end(self) -> None:
        """See `TurnGiver`."""
        while self._turn() is not None:
            pass

    def _again(self, rest: float) -> None:
        if not self._due:
            self._due = True
            self._loop.call_later(rest + self._loop.pause(), self._take)

    def _take(self) -> None:
        self._due = False
        rest = self._turn()
        if rest is not None:
            self._again(rest)


class LoopExecutor(Executor):
    """Does in the loop what threads of a pool would do."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def submit(self, work: Callable[..., T], /, *args: Any, **more: Any) -> Future[T]:
        """See `Executor`; nobody may wait for it in this very thread."""
        self._loop.call_later(self._loop.pause(), partial(work, *args, **more))
        return Future()


class SimulatedAssembly(Assembly):
    """The parts of a studio as ever, but for what would be a thread."""

    loop: SimulatedLoop

    @cached_property
    def feed(self) -> Feed:
        return Feed(self.reader, growth_of(self.database), threaded=False)

    @cached_property
    def pool(self) -> Executor:
        return LoopExecutor(self.loop)

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(place_of(self.settings), self.pool, looking(self.settings))

    @cached_property
    def writer(self) -> LedgerWriter:
        terms = LeaseTerms(self.owner, self.settings.lease_seconds * SECOND, self.settings.snapshot_every)
        options = replace(writer_options(self.settings, self.selling), timer=self.loop.time)
        store, believe, turns = self.parts.store(self.database), self.timekeeper.believe, partial(LoopTurns, self.loop)
        writer = LedgerWriter(store, self.log, self.clock, terms, options, believe, turns)
        writer.after_commit = self.feed.appended
        return writer


class Process(Living):
    """One process; `skew` is how far its clock is ahead of the true time, in microseconds."""

    def __init__(self, loop: SimulatedLoop, name: str, true: Callable[[], int], skew: int = 0) -> None:
        super().__init__()
        self.name, self.skew = name, skew
        self.disk: Disk | None = None
        self._loop, self._true = loop, true
        self._context = copy_context()
        self._context.run(PROCESS.set, self)
        self._tasks: list[asyncio.Task[Any]] = []
        self._calls: dict[asyncio.Future[Any], None] = {}
        self._stack = ExitStack()
        self._forget: Callable[[], object] = _nothing
        """Leave the engine, which its pool keeps for ever, without a way back to this process."""
        self.made: SimulatedAssembly

    def clock(self) -> int:
        """Its clock on the wall."""
        return self._true() + self.skew

    @property
    def studio(self) -> Studio:
        return self.made.studio

    def open(
        self, settings: Settings, providers: Mapping[str, Provider], disk: Disk | None, tampering: Tampering = HONEST
    ) -> None:
        """Open its studio. Raises as the studio does."""
        honest = {name: tampering.provider(one) for name, one in providers.items()}
        parts = Parts(clock=self.clock, steady=lambda: self._loop.micros, providers=honest, store=tampering.store)
        self._context.copy().run(self._open, settings, parts, disk, tampering)

    def _open(self, settings: Settings, parts: Parts, disk: Disk | None, tampering: Tampering) -> None:
        made = SimulatedAssembly(settings, parts, Access.MAKE, self._stack, NOTHING)
        made.loop, made.owner, self.made = self._loop, self.name, made
        tampering.parts(made)
        _ = made.studio
        if disk is not None:
            self.disk = disk
            engine = made.database.engine
            connect = _connecting(disk)
            event.listen(engine, "do_connect", connect)
            self._forget = partial(event.remove, engine, "do_connect", connect)
            made.database.close()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let it do something."""
        context = self._context.copy()
        task: asyncio.Task[T] = context.run(self._loop.create_task, work, context=context)
        self._tasks.append(task)
        if len(self._tasks) > MANY:
            self._tasks = [one for one in self._tasks if not one.done()]
        return task

    async def call(self, make: Callable[[Studio], Coroutine[Any, Any, T]]) -> T:
        """Ask it, as a caller over a network does. Raises what it answers with, CutOff if it dies meanwhile."""
        if not self.alive:
            raise CutOff
        answer: asyncio.Future[asyncio.Task[T]] = self._loop.create_future()
        self._calls[answer] = None
        task = self.begin(make(self.studio))
        task.add_done_callback(lambda done: None if answer.done() else answer.set_result(done))
        try:
            done = await answer
        finally:
            self._calls.pop(answer, None)
        if done.cancelled() or isinstance(done.exception(), Killed):
            raise CutOff
        return done.result()

    def chores(self) -> list[asyncio.Task[None]]:
        """The work that an open studio does by itself."""
        made, seconds = self.made, self.made.settings.lease_seconds
        return [
            self.begin(one)
            for one in (
                renewing(made.ownership, made.gates),
                recovering(made.upkeep, seconds),
                paying_plans(made.renewals, seconds),
                self._keep_views(),
                self._look_round(),
            )
        ]

    async def _keep_views(self) -> None:
        """As the projector's thread does."""
        recent = Recent()
        with self.made.feed.listening(recent.add):
            while True:
                await asyncio.sleep(0.5 + 100 * self._loop.pause())
                with suppress(ImageStudioError):
                    await asyncio.to_thread(self.made.projector.take_turn, lambda: False, recent)

    async def _look_round(self) -> None:
        """As the feed's thread does."""
        while True:
            await asyncio.sleep(1.0)
            with suppress(ImageStudioError):
                await asyncio.to_thread(self.made.feed.turn)

    def kill(self) -> None:
        """Let it die here and now, whatever it is doing; the loop buries it once that is left."""
        self.alive = False

    def bury(self) -> None:
        """Close what it had open, drop what it was doing, and tell whoever waits for it that it is gone."""
        for task in [one for one in self._tasks if not one.done()]:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with suppress(RuntimeError, ValueError, Killed):
                self._context.copy().run(task.get_coro().close)
        self._tasks.clear()
        if self.disk is not None:
            self.disk.close()
        self._forget()
        self._forget = _nothing
        for answer in [*self._calls]:
            if not answer.done():
                answer.set_exception(CutOff())
        self._calls.clear()

    async def end(self) -> None:
        """End it as a service ends: what was begun ends first."""
        await self.call(lambda studio: studio.operations.close())
        self._context.copy().run(self.made.writer.close)
        self.kill()
        self.bury()


def _nothing() -> None:
    """There is nothing to forget."""


def _connecting(disk: Disk) -> Callable[..., sqlite3.Connection]:
    return lambda _dialect, _record, args, more: disk.connect(*args, **more)
