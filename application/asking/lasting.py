"""Work that goes on when the caller who waits for it goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

Answer = TypeVar("Answer")


@dataclass(slots=True)
class LastingWork:
    """The tasks of a studio's own."""

    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def begin(self, work: Coroutine[Any, Any, Answer]) -> asyncio.Future[Answer]:
        """A task of the studio's own, which goes on when the caller, who waits for the answer, goes away."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        task = loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(partial(self._ended, answer))
        return answer

    def _ended(self, answer: asyncio.Future[Answer], task: asyncio.Task[Answer]) -> None:
        """Forget the task; an error that nobody waits for is in the ledger: a refusal, a failure, or an open hold."""
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if answer.done():
            return
        if task.cancelled():
            answer.cancel()
        elif error is not None:
            answer.set_exception(error)
            answer.exception()
        else:
            answer.set_result(task.result())

    async def end(self, seconds: float) -> None:
        """Wait so long for all of it; what has not ended then is cancelled."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while self.tasks and clock() < deadline:
            await asyncio.wait(self.tasks, timeout=deadline - clock())
        left = list(self.tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
