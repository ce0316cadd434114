"""The watch over the log, as all processes know it: one row, whose turn one of them has for a while.

log_watch   owner and until when ── position, verified, problems ── the walk that the next one goes on from
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text

from application.keeping.watch import WatchStanding
from infrastructure.clock import SECOND
from infrastructure.store.database import Database
from infrastructure.store.tables import small_write

LEASE: Final = 120 * SECOND
"""A process that said nothing for so long has lost its turn."""
BEGIN: Final = """INSERT INTO log_watch (one, owner, until, position, verified, problems, at)
    VALUES (1, '', 0, 0, 0, '[]', 0) ON CONFLICT DO NOTHING"""

TAKE: Final = """UPDATE log_watch SET owner = :owner, until = :until WHERE (until < :now OR owner = :owner)
    AND (walk IS NOT NULL OR at + :pause <= :now OR at = 0)"""
NOTE: Final = """UPDATE log_watch SET position = :position, until = :until, walk = coalesce(:walk, walk)
    WHERE owner = :owner"""
END: Final = """UPDATE log_watch SET owner = '', until = 0, at = :now, walk = NULL, problems = :problems,
    verified = coalesce(:verified, verified), position = coalesce(:verified, position) WHERE owner = :owner"""
LEAVE: Final = "UPDATE log_watch SET owner = '', until = 0 WHERE owner = :owner"
SHOWN: Final = "SELECT position, verified, problems, owner, until, at FROM log_watch"


@dataclass(frozen=True, slots=True)
class SqlWatchBook:
    """Implements WatchBook on one database, for the process `owner`; `clock` tells epoch microseconds."""

    database: Database
    owner: str
    clock: Callable[[], int]

    def standing(self) -> WatchStanding:
        for position, verified, problems, owner, until, at in self.database.read(SHOWN):
            reads = owner if until >= self.clock() else ""
            return WatchStanding(int(position), int(verified), tuple(json.loads(problems)), reads, int(at))
        return WatchStanding()

    def take(self, pause: int) -> bool:
        with small_write(self.database) as connection:
            connection.execute(text(BEGIN))
            told = {**self._told(), "pause": pause * SECOND}
            return bool(connection.execute(text(TAKE), told).rowcount)

    def walk(self) -> bytes:
        found = self.database.read("SELECT walk FROM log_watch")
        return bytes(found[0][0] or b"") if found else b""

    def note(self, position: int, walk: bytes | None) -> bool:
        return self._write(NOTE, position=position, walk=walk)

    def end(self, verified: int | None, problems: Sequence[str]) -> None:
        self._write(END, verified=verified, problems=json.dumps([*problems]))

    def leave(self) -> None:
        self._write(LEAVE)

    def _write(self, statement: str, **told: Any) -> bool:
        with small_write(self.database) as connection:
            return bool(connection.execute(text(statement), {**self._told(), **told}).rowcount)

    def _told(self) -> dict[str, Any]:
        now = self.clock()
        return {"owner": self.owner, "now": now, "until": now + LEASE}
