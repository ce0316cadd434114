"""The queue as whoever runs the studio looks at it: what waits for whom, since when, and who works on what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infrastructure.store.database import Database
from infrastructure.store.queues import lines_waiting, room_at_providers, waiting_by_provider, work_under_way

MILLISECONDS: Final = 12
"""Hexadecimal digits of an id that tell when it was made."""


@dataclass(frozen=True, slots=True)
class ProviderQueue:
    """The line before a provider: so many operations, the first since an instant (epoch microseconds).

    Of its `places` some are `taken`; 0 places are as many as there are. Until `rests` it asked to be left alone.
    """

    provider: str
    waiting: int
    since: int | None
    places: int
    taken: int
    rests: int | None


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One account's operations that wait for a provider."""

    account: str
    provider: str
    waiting: int
    since: int


@dataclass(frozen=True, slots=True)
class WorkingProcess:
    """A process that works on operations under leases; of `over` the lease has ended, so recovery takes them."""

    owner: str
    operations: int
    over: int
    until: int


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """All of it at one moment."""

    providers: tuple[ProviderQueue, ...]
    lines: tuple[QueueLine, ...]
    processes: tuple[WorkingProcess, ...]

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.providers)

    @property
    def since(self) -> int | None:
        """The instant since which the first of all waits."""
        return min((one.since for one in self.providers if one.since is not None), default=None)


@dataclass(frozen=True, slots=True)
class Queues:
    """Reads it; `clock` tells epoch microseconds. The places at providers are counted in `room`."""

    database: Database
    clock: Callable[[], int]
    room: Database

    def standing(self) -> QueueStanding:
        """How the queue stands now. Raises StoreUnavailable."""
        now = self.clock()
        waits = {name: (count, made_at(first)) for name, count, first in waiting_by_provider(self.database)}
        room = room_at_providers(self.room, now)
        providers = [self._provider(name, waits, room) for name in sorted(waits.keys() | room.keys())]
        lines = [
            QueueLine(account, provider, count, made_at(first))
            for account, provider, count, first in lines_waiting(self.database)
        ]
        processes = [WorkingProcess(*row) for row in work_under_way(self.database, now)]
        return QueueStanding(tuple(providers), tuple(lines), tuple(processes))

    def _provider(
        self, name: str, waits: dict[str, tuple[int, int]], room: dict[str, tuple[int, int, int | None]]
    ) -> ProviderQueue:
        waiting, since = waits.get(name, (0, None))
        places, taken, rests = room.get(name, (0, 0, None))
        return ProviderQueue(name, waiting, since, places, taken, rests)


def made_at(id: str) -> int:
    """The instant that an id begins with, epoch microseconds."""
    return int(id.replace("-", "")[:MILLISECONDS], 16) * 1_000
