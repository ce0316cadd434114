"""Ctrl-C, again and again: what each does, whenever it comes."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Hearing = Callable[[int, FrameType | None], object]
ENOUGH = 4096


@contextmanager
def interruptible() -> Iterator[None]:
    """The first Ctrl-C cancels the main task, which ends in order; the second ends the loop; a third, whatever runs.

    The second is raised between two steps of the loop. If it were raised within one, the task would take it for a
    failure of its own, and leave in order once more. The running loop must be an `asyncio.Runner`'s.
    """
    before, loop = signal.getsignal(signal.SIGINT), asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, _InTurn(before, loop))
    try:
        with _woken(loop):
            yield
    finally:
        signal.signal(signal.SIGINT, before)


class _InTurn:
    """Each Ctrl-C does at once whatever it did before, but for the second, which waits for the step in hand."""

    def __init__(self, before: Hearing, loop: asyncio.AbstractEventLoop) -> None:
        self._before, self._loop = before, loop
        self._heard = 0
        self._end: asyncio.Handle | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._heard += 1
        if self._heard == 2:
            self._end = self._loop.call_soon_threadsafe(self._before, number, None)
            return
        if self._end is not None:
            self._end.cancel()
        self._before(number, frame)


@contextmanager
def _woken(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """A signal is an event that asyncio's own loop waits for; others see to it themselves.

    Python hears a signal between two of its own steps. One that comes as the loop is about to sleep is heard after the
    sleep.
    """
    if not isinstance(loop, asyncio.SelectorEventLoop):
        yield
        return
    woken, waker = socket.socketpair()
    with woken, waker:
        woken.setblocking(False)
        waker.setblocking(False)
        loop.add_reader(woken, woken.recv, ENOUGH)
        before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(woken)
