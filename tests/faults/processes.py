"""Real processes for tests: forked from a server that has imported everything and started nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

from tests import patience

DEADLINE = patience.SECONDS
"""Seconds after which a child that should have ended is given up."""

Work = Callable[..., Coroutine[Any, Any, Any]]
"""An async function of some module, which a child can import."""


def forks() -> ForkServerContext:
    """The context whose server is shared by all tests of one process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.faults.preloaded"])
    return context


def in_processes(work: Work, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Run each call in a process of its own, all at once; their answers, in order."""
    with ProcessPoolExecutor(len(calls), mp_context=forks()) as pool:
        waiting = [pool.submit(complete, work, *call) for call in calls]
        return [one.result(DEADLINE) for one in waiting]


def started(work: Work, *arguments: Any) -> ForkServerProcess:
    """A process at work, whose end the caller awaits or brings about."""
    process = forks().Process(target=complete, args=(work, *arguments), daemon=True)
    process.start()
    return process


def ended(process: ForkServerProcess) -> int:
    """Its exit code, negative for a signal."""
    process.join(DEADLINE)
    code = process.exitcode
    process.kill()
    assert code is not None, "the process never ended"
    return code


def complete(work: Work, *arguments: Any) -> Any:
    """What a child does."""
    return asyncio.run(work(*arguments))


def signal_here(number: int) -> None:
    """Send this process a signal that works before the next line: one that is sent to all its threads may stop another
    first, and this one goes on meanwhile."""
    signal.pthread_kill(threading.get_ident(), number)


class Reaper:
    """Kills its own process at step `last`; the steps are whatever it is told of."""

    def __init__(self, last: int) -> None:
        self.left = last
        self.seen: list[str] = []

    def __call__(self, step: str) -> None:
        self.seen.append(step)
        self.left -= 1
        if self.left == 0:
            signal_here(signal.SIGKILL)
