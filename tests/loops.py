"""An event loop of its own in a thread, for servers that a test needs beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager

DEADLINE = 30.0
"""Seconds after which a server that should have started or ended has not."""

Work = Callable[[], AbstractAsyncContextManager[None]]


@contextmanager
def in_thread(work: Work) -> Iterator[None]:
    """Keep `work` entered in a loop of its own while the block runs; what is left in the loop then is cancelled."""
    started, stopped = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        try:
            async with work():
                started.set()
                await stopped.wait()
        finally:
            started.set()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(asyncio.run, run())
        assert started.wait(DEADLINE), "the server did not start"
        if running.done():
            running.result()
        try:
            yield
        finally:
            loops[0].call_soon_threadsafe(stopped.set)
            running.result(DEADLINE)
