"""SQLite under a process, on a disk that fails as disks do: full, slow to answer, with an fsync that fails, or cut off.

statement ─┬─ refused before it was done: locked, full, an error of the disk
           ├─ done, and its answer lost
           └─ the process dies before it, or after it
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from infrastructure.simulation.loop import Killed, Living

LOCKED, DISK, FULL, FSYNC = 5, 10, 13, 1034
BEFORE = ((LOCKED, "database is locked"), (DISK, "disk I/O error"), (FULL, "database or disk is full"))
WRITING = ("INSERT", "UPDATE", "DELETE", "COMMIT", "BEGIN IM")


@dataclass(slots=True)
class Disk:
    """The disk of one process. Each chance is that of one statement: of an error, of a lost answer to a commit, and of
    the death of the process at one."""

    process: Living
    chance: random.Random
    kill: Callable[[], None]
    committed: Callable[[], None]
    errors: float = 0.0
    lost: float = 0.0
    deaths: float = 0.0
    seen: dict[str, int] = field(default_factory=dict)
    _open: set[FaultyConnection] = field(default_factory=set)

    def connect(self, *args: Any, **settings: Any) -> sqlite3.Connection:
        """A connection over this disk."""
        connection = FaultyConnection(*args, **settings)
        connection.disk = self
        self._open.add(connection)
        return connection

    def close(self) -> None:
        """As the death of a process ends its transactions; whoever still refers to a connection can do nothing more."""
        for connection in self._open:
            with suppress(sqlite3.ProgrammingError):  # its pool has closed it
                connection.rollback()
            connection.disk = GONE  # whoever keeps the connection would keep the process, and with it the world
        self._open.clear()

    def before(self, sql: str) -> None:
        """Raises sqlite3.OperationalError, Killed."""
        if not self.process.alive:
            raise Killed
        commits = sql.startswith("COMMIT")
        if commits and self.chance.random() < self.deaths:
            self._die("killed before a commit")
        if self.errors and sql.startswith(WRITING) and self.chance.random() < self.errors:
            code, text = self.chance.choice(BEFORE)
            self._note(f"{text} at {sql[:6].split(maxsplit=1)[0]}")
            raise _error(code, text)

    def after(self, sql: str) -> None:
        """Raises sqlite3.OperationalError, Killed."""
        if not sql.startswith("COMMIT"):
            return
        self.committed()
        drawn = self.chance.random()
        if drawn < self.deaths:
            self._die("killed after a commit")
        if drawn < self.deaths + self.lost:
            self._note("fsync failed after a commit")
            raise _error(FSYNC, "disk I/O error")

    def _die(self, how: str) -> None:
        self._note(how)
        self.kill()
        raise Killed

    def _note(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1


def _error(code: int, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


class Gone:
    """The disk of a process that is dead."""

    def before(self, _sql: str) -> None:
        """Raises Killed."""
        raise Killed

    def after(self, _sql: str) -> None:
        """Nothing was done."""


GONE = Gone()


class FaultyConnection(sqlite3.Connection):
    """Asks its disk before and after each statement."""

    disk: Disk | Gone | None = None

    def cursor(self, *_factory: Any) -> sqlite3.Cursor:  # type: ignore[override]
        return super().cursor(FaultyCursor)


class FaultyCursor(sqlite3.Cursor):
    """Asks its connection's disk."""

    connection: FaultyConnection

    def execute(self, sql: str, *values: Any) -> FaultyCursor:
        disk = self.connection.disk
        if disk is None:
            super().execute(sql, *values)
            return self
        disk.before(sql)
        super().execute(sql, *values)
        disk.after(sql)
        return self

    def executemany(self, sql: str, *values: Any) -> FaultyCursor:
        disk = self.connection.disk
        if disk is not None:
            disk.before(sql)
        super().executemany(sql, *values)
        return self
