"""Whose turn it is to fold: one projector's of all processes, since what the others fold meanwhile is void.

another has it ── rest; it is told of the same commits ── it seems to stand still: go on beside it, as checkpoints allow

A turn only spares work. The checkpoints see to it that nothing counts twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from projections.engine.database import ViewDatabase, end_without

PATIENCE: Final = 1.0
"""Seconds for which another may have the turn before it is taken to stand still, as a process that was stopped does."""

TAKE: Final = "SELECT pg_try_advisory_xact_lock({}, 'view_checkpoints'::regclass::oid::int)"
"""The lock is of this ledger's table, so that ledgers in schemas of their own do not wait for each other."""

NUMBER: Final = 0x1A6E57D1
"""The advisory lock's first number, of 31 bits."""


class Turns:
    """One projector's way to ask for the turn; from one thread at a time. On SQLite whoever asks has it."""

    def __init__(self, database: ViewDatabase, patience: float = PATIENCE) -> None:
        self._database = database
        self._patience = patience
        self._waiting_since: float | None = None

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Hold the turn meanwhile; false if it is another's. Raises StoreUnavailable."""
        if self._database.is_sqlite:
            yield True
            return
        with self._database.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                mine = connection.exec_driver_sql(TAKE.format(NUMBER)).scalar_one()
                yield self._goes_on(mine=mine)
            finally:
                end_without(connection)

    def _goes_on(self, *, mine: bool) -> bool:
        now = monotonic()
        if not mine and self._waiting_since is None:
            self._waiting_since = now
        if mine or now - (self._waiting_since or now) >= self._patience:
            self._waiting_since = None
            return True
        return False
