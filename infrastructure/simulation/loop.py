"""An event loop that owns time, threads and chance: the same seed runs the same callbacks at the same instants.

ready, in order ── the next timer ── time moves to it ── ready …
to_thread, executors ── a job at a drawn instant, in this very thread

Whatever a process of the simulated world does runs in a context that names the process: of one that was killed nothing
runs any more, of one that is stopped nothing until it goes on.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any, TypeVar

MICROS = 1_000_000
T = TypeVar("T")


class Killed(BaseException):
    """The process died here: nothing of it goes on."""


class Stuck(Exception):
    """Nobody has anything to do any more, and somebody waits."""


class Ended(Exception):
    """Whoever had it run wants no more of it."""


def never() -> bool:
    """Whoever had it run waits for the end."""
    return False


class Living:
    """A process as the loop sees it."""

    def __init__(self) -> None:
        self.alive = True
        self.stopped = False
        self.parked: list[Handle] = []
        """Handles that would have run while it was stopped."""


PROCESS: ContextVar[Living | None] = ContextVar("process", default=None)
"""Whose code runs."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """The part of an event loop that our code uses. `micros` is the time since the beginning."""

    def __init__(self, chance: random.Random) -> None:
        self.micros = 0
        self.steps = 0
        self.after_each: Callable[[], None] = lambda: None
        """Called after each callback, as the one who checks."""
        self.ended: Callable[[], bool] = never
        """Whether nobody wants to see any more; asked before each callback."""
        self.failure: BaseException | None = None
        self._chance = chance
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[int, int, TimerHandle]] = []
        self._number = 0
        self._dead = Handle(lambda: None, (), self, Context())

    # What asyncio asks of a loop

    def time(self) -> float:
        return self.micros / MICROS

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        if _is_dead():
            return self._dead
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        handle = TimerHandle(when, callback, args, self, context)
        if not _is_dead():
            self._number += 1
            heapq.heappush(self._timers, (round(when * MICROS), self._number, handle))
        return handle

    def run_in_executor(  # type: ignore[override]
        self, _executor: object, work: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """The work of another thread: done whole, a little later."""
        future: asyncio.Future[T] = self.create_future()
        if not _is_dead():
            self.call_later(self.pause(), self._work, future, work, args)
        return future

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """An error of a callback ends the simulation; that of a task that nobody asks for is nobody's here either."""
        error = context.get("exception")
        if "handle" in context and not isinstance(error, Killed):
            self.failure = error

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """It is passed over when its time comes."""

    # What the simulation asks

    def pause(self) -> float:
        """How long a hand-over takes, in seconds: hardly any time, as a rule."""
        drawn = self._chance.random()
        if drawn < 0.9:
            return drawn * 0.002
        return 0.05 * drawn if drawn < 0.995 else 1.5

    def leap(self, seconds: float) -> None:
        """Let time pass for everybody at once, as if the whole house had slept."""
        self.micros += round(seconds * MICROS)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run until the work is done. Raises what it raises, what a check raised, Stuck, Ended."""
        before = asyncio.events._get_running_loop()
        asyncio.events._set_running_loop(self)
        try:
            task = self.create_task(work)
            while not task.done():
                if self.ended():
                    raise Ended
                self._turn()
                if self.failure is not None:
                    raise self.failure
            return task.result()
        finally:
            asyncio.events._set_running_loop(before)

    def end(self) -> None:
        """Forget all that would still have happened, and whoever looked on: somebody may keep the loop for ever."""
        self._ready.clear()
        self._timers.clear()
        self.after_each = lambda: None

    def _turn(self) -> None:
        if not self._ready:
            if not self._timers:
                raise Stuck("nothing is left to happen, and somebody waits")
            when, _, timer = heapq.heappop(self._timers)
            self.micros = max(self.micros, when)
            self._ready.append(timer)
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        process = handle._context.get(PROCESS)  # type: ignore[attr-defined]
        if process is None or process.alive:
            if process is not None and process.stopped:
                process.parked.append(handle)
                return
            self._run(handle)

    def _run(self, handle: Handle) -> None:
        self.steps += 1
        handle._run()
        self.after_each()

    def go_on(self, process: Living) -> None:
        """Let a stopped process go on."""
        process.stopped = False
        self._ready.extend(process.parked)
        process.parked.clear()

    def _work(self, future: asyncio.Future[T], work: Callable[..., T], args: tuple[Any, ...]) -> None:
        try:
            result = work(*args)
        except Exception as error:  # noqa: BLE001 - as of any executor: whoever waits for the work is told
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(result)


def _is_dead() -> bool:
    process = PROCESS.get()
    return process is not None and not process.alive
