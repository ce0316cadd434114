"""Workers of an open studio: beside whatever else it does, it performs what waits in the queue.

async with open_studio() as studio, working(studio, places=16):
    ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from application.performing.worker import Worker
from infrastructure.service import Studio

PLACES = 16
"""Operations that a worker performs at a time, unless it is told."""


@asynccontextmanager
async def working(
    studio: Studio, *, places: int = PLACES, seconds: float = 60.0, leave: asyncio.Event | None = None
) -> AsyncIterator[Worker]:
    """Perform what waits in the queue meanwhile, so many at a time.

    In the end nothing more is claimed, and what was begun has so many seconds to end, or until it is to be left; what
    has not ended then keeps its hold, and is another process's once its lease ends.
    """
    worker = studio.make_worker(places)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.end(seconds, leave or asyncio.Event())
        await running
