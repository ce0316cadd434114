"""Who waits for which job, so that a callback about one ends the pause of whoever polls it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Waiting:
    """The jobs that are waited for in this process, on one event loop."""

    def __init__(self) -> None:
        self._woken: dict[str, asyncio.Event] = {}

    @contextmanager
    def on(self, job: str) -> Iterator[asyncio.Event]:
        """The event that is set when somebody says that the job has ended, as `Api.poll` takes it."""
        woken = self._woken.setdefault(job, asyncio.Event())
        try:
            yield woken
        finally:
            self._woken.pop(job, None)
            woken.set()  # whoever else waits for the same job, as where a callback is settled, need wait no longer

    def notify(self, job: str) -> bool:
        """Somebody says that a job has ended: if it is being waited for, look now. Call it on the event loop."""
        if (woken := self._woken.get(job)) is not None:
            woken.set()
        return woken is not None
