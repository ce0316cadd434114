"""PostgreSQL's LISTEN and NOTIFY: one connection a process that hears of others' commits.

commit ─ answered ─ NOTIFY, in a transaction of its own ─ … ─ a listener wakes ─ looks into the log

NOTIFY inside the writer's transaction would put the commits of all processes in one queue. A commit that is not heard
of is found by the look that every listener takes now and then, so nothing rests on it but how soon.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from select import POLLIN, poll
from time import monotonic
from typing import Any

from psycopg2 import Error
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from application.ledger.transaction import Conflict
from domain.errors import StoreRefused, StoreUnavailable
from infrastructure.clock import new_id
from infrastructure.store.database import Database
from infrastructure.store.growth import LOOK
from infrastructure.store.postgres import GuardedConnection

CHANNEL = "imagestudio"
"""Other ledgers in the same database are heard, too: that costs a look."""

NET = 1.0
"""Seconds between two looks of who listens."""

AGAIN = 10.0
"""Seconds until it is tried again to listen."""


class Listening:
    """For one thread that waits, and any others that wake it."""

    tells = True

    def __init__(self, database: Database, net: float = NET, again: float = AGAIN) -> None:
        self._database, self._net, self._again = database, net, again
        self._name = new_id()
        """By which it knows its own voice."""
        self._line: ListeningConnection | None = None
        self._try_at = 0.0
        self._inner, self._outer = socket.socketpair()
        self._woken = False

    def wait(self) -> bool:
        if self._line is None and self._listens():
            return True  # nobody tells of what was committed before
        woken, told = self._woken_or_told()
        if self._line is None:
            return not woken
        if told:
            return self._others_told(self._line)
        if not woken and self._line.connection.is_stale():
            self._hang_up()
        return not woken

    def wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._outer.send(b".")

    def tell(self) -> None:
        """Whom it does not reach looks; if the server loses it nothing is lost, so it waits for no fsync."""
        told = f"SET LOCAL synchronous_commit TO off; NOTIFY {CHANNEL}, '{self._name}'"
        with suppress(Conflict, StoreUnavailable, StoreRefused), self._database.session("", reading=True) as session:
            session.run(told)

    def close(self) -> None:
        self._woken = True
        self._hang_up()
        self._inner.close()
        self._outer.close()

    def _listens(self) -> bool:
        """Whether it listens from now on; if it cannot, it is not tried at every turn."""
        if monotonic() >= self._try_at:
            self._try_at = monotonic() + self._again
            with suppress(Error, SQLAlchemyError):
                self._line = ListeningConnection.opened(self._database.engine.raw_connection)
        return self._line is not None

    def _woken_or_told(self) -> tuple[bool, bool]:
        """Wait for either, for a while."""
        inner, ready = self._inner.fileno(), poll()
        ready.register(inner, POLLIN)
        if self._line is not None:
            ready.register(self._line.connection.fileno(), POLLIN)
        found = {which for which, _ in ready.poll(1000 * (self._net if self._line is not None else LOOK))}
        if inner in found:
            self._woken = False
            self._inner.recv(4096)
        return inner in found, bool(found - {inner})

    def _others_told(self, line: ListeningConnection) -> bool:
        """Whether another process has told something, or could have, as the line is broken."""
        try:
            return any(voice != self._name for voice in line.voices())
        except Error:
            self._hang_up()
            return True

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line, self._try_at = None, 0.0


class ListeningConnection:
    """A connection that listens, taken from the pool for good."""

    def __init__(self, connection: GuardedConnection) -> None:
        self.connection = connection

    @classmethod
    def opened(cls, connect: Callable[[], PoolProxiedConnection]) -> ListeningConnection | None:
        """None if nothing would be heard: at a standby, or at another session than the server's own.

        A pooler gives a number of its own for the session; if it pools by transaction, what was asked to listen is
        soon another's session.
        """
        pooled = connect()
        connection: Any = pooled.dbapi_connection
        pooled.detach()
        line = cls(connection)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid(), pg_is_in_recovery()")
                if cursor.fetchone() == (connection.info.backend_pid, False):
                    cursor.execute(f"LISTEN {CHANNEL}")
                    return line
        except Error:
            line.close()
            raise
        line.close()
        return None

    def voices(self) -> list[str]:
        """Who has told something since. Raises psycopg2's Error if the connection has ended."""
        self.connection.poll()
        told = [notify.payload for notify in self.connection.notifies]
        self.connection.notifies.clear()
        return told

    def close(self) -> None:
        self.connection.close()
