"""An event loop of its own in a thread, for servers that a test needs beside it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager

from tests import patience

DEADLINE = patience.SECONDS
"""Seconds after which a server that should have started or ended has not."""

TURNS = 8
"""Turns of the loop: four at least, of which one accepts, one makes the transport, one the task, and one begins it."""

Work = Callable[[], AbstractAsyncContextManager[None]]


def listener() -> socket.socket:
    """A socket that listens on a free port of 127.0.0.1.

    It says that it is TCP, which `socket.create_server` does not: only then does asyncio turn off Nagle's algorithm,
    which makes every second write of an answer wait for 40 ms.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


async def all_begun() -> None:
    """Let every connection begin that was accepted: from there to its first line it takes several turns of the loop.

    What has begun can be ended; what has not leaves its socket open.
    """
    for _ in range(TURNS):
        await asyncio.sleep(0)


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
            await all_begun()
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
