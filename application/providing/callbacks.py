"""Callbacks of jobs, as a server hands them over: the provider says whether one is its own, and it is settled once.

    submission ── BASE/OPERATION/MAC ──> provider ── POST ──> receive ──> Notification ── notified ──> settled
                                                                └── Unverified

A notification only says that it is time to look: what became of a job is always read from the provider, so that one
that is late, early, repeated or lost changes nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from application.providing.receiving import Callback, Receiving

REMEMBERED: Final = 10_000


class HandledCallbacks:
    """The ids of callbacks that were dealt with, the latest `most`: a repeated one is known again."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._most = most

    def __contains__(self, id: str) -> bool:
        return id in self._ids

    def add(self, id: str) -> None:
        self._ids[id] = None
        self._ids.move_to_end(id)
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)


class Callbacks:
    """Takes in the callbacks of one provider: verified, and what they are about settled, once for each id.

    `notified` is `Operations.notified`; `clock` is in epoch microseconds.
    """

    def __init__(
        self,
        provider: Receiving,
        clock: Callable[[], int],
        notified: Callable[[str, str, int], Awaitable[object]],
    ) -> None:
        self._provider, self._clock, self._notified = provider, clock, notified
        self._seen = HandledCallbacks()

    async def take(self, operation: str, mac: str, headers: Mapping[str, str], raw_body: bytes) -> bool:
        """Settle what a callback to .../OPERATION/MAC is about; whether that was news.

        Raises Unverified, which is to be answered with 401, and what `notified` raises, after which the provider may
        try again. A callback that comes before the end, or once more after it was dealt with, is taken and changes
        nothing; one that comes once more before that is dealt with as well, since the first may yet fail.
        """
        told = await self._provider.receive(Callback(operation, mac, headers, raw_body), self._clock())
        if not told.ended or told.id in self._seen:
            return False
        await self._notified(told.operation, told.job, told.attempt)
        self._seen.add(told.id)
        return True
