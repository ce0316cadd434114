"""PostgreSQL's connections as the ledger needs them: no statement without an end, here or on the server.

    execute ─ nothing is open: limits go ahead, in the same message ─ watched ─ answer
                                                                        └ overdue: the socket is shut, the wait ends

Every limit is set for one transaction. Behind a pooler that hands out sessions by the transaction, whatever is set for
a session is lost, or is somebody else's; and a server or proxy that stands still has no clock at all.
"""

from __future__ import annotations

import os
import socket
import threading
import weakref
from collections.abc import Callable, Sequence
from select import POLLERR, POLLHUP, POLLIN, poll
from time import monotonic
from typing import Any

from psycopg2 import Error, OperationalError
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor

from infrastructure.store.options import GRACE_SECONDS, StatementLimits

QUIET_SECONDS = 30.0
"""A connection unused for longer is asked whether it still works: routers forget it, and tell nobody."""


class Overdue(OperationalError):
    """There was no answer in time, so the connection was cut; what was sent may have been done."""

    overdue = True


class Watch:
    """Cuts connections whose statements are overdue; one thread a database, begun with its first connection."""

    def __init__(self, tick: float) -> None:
        self.running: dict[GuardedConnection, float] = {}
        """When the statement of each connection at work is overdue, by the monotonic clock."""
        self._tick = tick
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()

    def close(self) -> None:
        with self._lock:
            self._closing.set()

    def _run(self) -> None:
        while not self._closing.wait(self._tick) or self.running:
            now = monotonic()
            for late, deadline in self.running.copy().items():
                if deadline < now and self.running.get(late) == deadline:
                    late.cut()
            if self._closing.is_set():
                threading.Event().wait(self._tick)


class GuardedConnection(connection):
    """A connection in autocommit; `limits` go ahead of whatever begins a transaction, or is one."""

    def __init__(self, dsn: str, *, watch: Watch, limits: StatementLimits, quiet_seconds: float) -> None:
        super().__init__(dsn)
        self.cursor_factory = GuardedCursor
        self.running = watch.running
        self.used = 0.0
        self._quiet_seconds = quiet_seconds
        self.overdue = False
        self.limit(limits)
        self._socket = os.dup(self.fileno())  # the library closes its own at any time, and the number may be reused
        self._let_go = weakref.finalize(self, os.close, self._socket)
        watch.begin()

    def limit(self, limits: StatementLimits) -> None:
        """From the next transaction on."""
        self.limits = limits
        self.ahead = limits.sql
        self.patience = limits.patience

    def cut(self) -> None:
        """End the wait of whoever waits for an answer, from any thread."""
        self.overdue = True
        try:
            with socket.socket(fileno=os.dup(self._socket)) as waiting:
                waiting.shutdown(socket.SHUT_RDWR)
        except OSError:  # it has ended meanwhile
            return

    def is_stale(self) -> bool:
        """Whether it should not be used again: closed, left in a transaction, ended by the server, or gone quietly."""
        if self.closed or self.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            return True
        if not self.used:
            return False
        ended = poll()
        ended.register(self.fileno(), POLLIN | POLLERR | POLLHUP)
        if ended.poll(0):  # nobody was asked, so this is a farewell
            return True
        return self.is_quiet() and not self._answers()

    def is_quiet(self) -> bool:
        """Whether it was unused for so long that something between here and the server may have forgotten it."""
        return monotonic() - self.used > self._quiet_seconds

    def _answers(self) -> bool:
        self.patience = GRACE_SECONDS
        try:
            with self.cursor() as asking:
                asking.execute("SELECT 1")
        except Error:
            return False
        finally:
            self.patience = self.limits.patience
        return True

    def close(self) -> None:
        super().close()
        self._let_go()


class GuardedCursor(cursor):
    """Runs each statement under its connection's limits and watch."""

    connection: GuardedConnection

    def execute(self, query: str | bytes, vars: Any = None) -> None:  # type: ignore[override]
        at = self.connection
        if at.get_transaction_status() == TRANSACTION_STATUS_IDLE:
            query = at.ahead + query if isinstance(query, str) else at.ahead.encode() + query
        self._watched(super().execute, query, vars)

    def executemany(self, query: str | bytes, vars_list: Sequence[Any]) -> None:  # type: ignore[override]
        """Inside a transaction, whose beginning has set the limits."""
        self._watched(super().executemany, query, vars_list)

    def _watched(self, run: Callable[..., None], query: str | bytes, values: Any) -> None:
        at = self.connection
        at.used = now = monotonic()
        at.running[at] = now + at.patience
        try:
            run(query, values)
        except Error as error:
            if at.overdue:
                raise Overdue(f"no answer within {at.patience:g} seconds") from error
            raise
        finally:
            at.running.pop(at, None)
