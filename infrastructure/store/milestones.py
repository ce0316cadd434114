"""The milestones of the past, in the ledger's own database: a shortcut, from which nothing is decided.

keep ── the table's lock ── as many erased users as when it was folded? ── kept
erasure ── the erased users ── the table's lock ── the account's milestones deleted
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from domain.errors import StoreError
from infrastructure.store.database import Database
from infrastructure.store.schema import ERASED_USERS, MILESTONES
from infrastructure.store.tables import small_write
from projections.engine.milestones import Milestone

LOGGER = logging.getLogger("imagestudio")
LOCK: Final = text("LOCK TABLE milestones IN SHARE ROW EXCLUSIVE MODE")
"""On PostgreSQL, until the transaction ends; on SQLite, whoever writes is alone."""


@dataclass(frozen=True, slots=True)
class SqlMilestones:
    """Reads them from a database, and keeps new ones through whichever connection may write."""

    database: Database
    writer: Callable[[], AbstractContextManager[Database]]

    def nearest(self, scope: str, position: int) -> Milestone | None:
        query = select(MILESTONES).where(MILESTONES.c.scope == scope, MILESTONES.c.position <= position)
        rows = self.database.rows(query.order_by(MILESTONES.c.position.desc()).limit(1))
        return next((Milestone(row[0], row[1], bytes(row[2]), row[3], bytes(row[4])) for row in rows), None)

    def keep(self, made: Milestone, erased: int) -> None:
        told = {"hash": made.hash, "shape": made.shape, "body": made.body}
        insert = (sqlite if self.database.is_sqlite else postgresql).insert(MILESTONES)
        key = {"scope": made.scope, "position": made.position}
        kept = insert.values(**key, **told).on_conflict_do_update(index_elements=list(key), set_=told)

        def write(connection: Connection) -> None:
            _lock(connection)
            if connection.execute(select(func.count()).select_from(ERASED_USERS)).scalar_one() == erased:
                connection.execute(kept)

        self._write(write)

    def forget(self, scope: str | None = None) -> None:
        every = delete(MILESTONES)
        some = every if scope is None else every.where(MILESTONES.c.scope == scope)
        self._write(lambda connection: connection.execute(some))

    def _write(self, write: Callable[[Connection], object]) -> None:
        try:
            with self.writer() as database, small_write(database) as connection:
                write(connection)
        except StoreError as error:
            LOGGER.debug("milestones of the past stay as they are: %s", error)


def delete_milestones(connection: Connection, scopes: Sequence[str]) -> None:
    """Delete all of these scopes, in a transaction after whose end none is kept that was folded before it."""
    _lock(connection)
    connection.execute(delete(MILESTONES).where(MILESTONES.c.scope.in_(scopes)))


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(LOCK)
