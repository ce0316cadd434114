"""How a process hears that others have written to the log, and lets them hear of itself.

SQLite      it looks, many times a second: nothing tells of other processes
PostgreSQL  LISTEN on a connection of its own, and a look now and then as the net;
            if it cannot listen, at a standby or behind a pooler, it looks as on SQLite
"""

from __future__ import annotations

import threading

from application.following.feed import Growth
from infrastructure.store.database import Database

LOOK = 0.05
"""Seconds between two looks of who is told nothing."""


def growth_of(database: Database) -> Growth:
    """How the growth of this database's log is heard of."""
    if database.is_sqlite:
        return Looking()
    from infrastructure.store.listening import Listening

    return Listening(database)


class Looking:
    """Looks, as nothing tells."""

    tells = False

    def __init__(self) -> None:
        self._woken = threading.Event()

    def wait(self) -> bool:
        woken = self._woken.wait(LOOK)
        self._woken.clear()
        return not woken

    def wake(self) -> None:
        self._woken.set()

    def tell(self) -> None:
        """Others look."""

    def close(self) -> None:
        """Nothing is open."""
