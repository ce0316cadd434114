"""The queue as whoever runs the studio looks at it, and an account at its own part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from application.performing.standing import ProviderQueue, QueueLine, QueueStanding, WorkingProcess
from infrastructure.store.database import Database
from infrastructure.store.queues import (
    lines_running,
    lines_waiting,
    room_at_providers,
    waiting_by_provider,
    work_under_way,
)

MILLISECONDS: Final = 12
"""Hexadecimal digits of an id that tell when it was made."""
NONE: Final[tuple[int, None]] = (0, None)


@dataclass(frozen=True, slots=True)
class Queues:
    """Reads it; `clock` tells epoch microseconds. The places at providers are counted in `room`."""

    database: Database
    clock: Callable[[], int]
    room: Database

    def standing(self, account: str | None = None) -> QueueStanding:
        """How the queue stands now, or of it what is an account's: its own lines. Raises StoreUnavailable."""
        lines = tuple(self._lines(account))
        if account is not None:
            return QueueStanding((), lines, ())
        now = self.clock()
        waits = {name: (count, made_at(first)) for name, count, first in waiting_by_provider(self.database)}
        room = room_at_providers(self.room, now)
        providers = [self._provider(name, waits, room) for name in sorted(waits.keys() | room.keys())]
        processes = [WorkingProcess(*row) for row in work_under_way(self.database, now)]
        return QueueStanding(tuple(providers), lines, tuple(processes))

    def _lines(self, account: str | None) -> Iterator[QueueLine]:
        """The longest first."""
        waiting = {row[:2]: row[2:] for row in lines_waiting(self.database, account)}
        running = {row[:2]: row[2:] for row in lines_running(self.database, account)}
        for whose, provider in [*waiting, *(one for one in running if one not in waiting)]:
            count, first = waiting.get((whose, provider), NONE)
            worked, oldest = running.get((whose, provider), NONE)
            yield QueueLine(whose, provider, count, _made(first), worked, _made(oldest))

    def _provider(
        self, name: str, waits: dict[str, tuple[int, int]], room: dict[str, tuple[int, int, int | None]]
    ) -> ProviderQueue:
        waiting, since = waits.get(name, (0, None))
        places, taken, rests = room.get(name, (0, 0, None))
        return ProviderQueue(name, waiting, since, places, taken, rests)


def made_at(id: str) -> int:
    """The instant that an id begins with, epoch microseconds."""
    return int(id.replace("-", "")[:MILLISECONDS], 16) * 1_000


def _made(id: str | None) -> int | None:
    return None if id is None else made_at(id)
