"""Awaited facades for code without an event loop: each method runs on a loop in a thread of its own.

class BlockingThings(Blocking[Things]):
    run = without_await(Things.run)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import wraps
from threading import Thread, current_thread
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from domain.errors import ShuttingDown

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")
R = TypeVar("R")


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="studio", daemon=True)
        self._thread.start()
        self._open = True

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """The result of `work`, or its error. Whoever stops waiting, as by Ctrl-C, cancels it."""
        if current_thread() is self._thread:
            work.close()
            raise RuntimeError("a progress callback cannot wait for the studio that called it")
        if not self._open:
            work.close()
            raise ShuttingDown("the studio was closed", hint="work inside the with block")
        future: Future[R] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def close(self) -> None:
        """End the loop, once; what still runs in it is cancelled first."""
        self._open = False
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Blocking(Generic[T_co]):
    """Runs the methods of its subject on the loop, and waits for them."""

    def __init__(self, subject: T_co, loop: Loop) -> None:
        self._subject = subject
        self._loop = loop


def without_await(
    method: Callable[Concatenate[T, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Blocking[T], P], R]:
    """The method without await, of the same arguments."""

    @wraps(method)
    def call(self: Blocking[T], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._loop.run(method(self._subject, *args, **kwargs))

    return call
