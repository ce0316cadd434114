"""The milestones of the past, in the ledger's own database: a shortcut, from which nothing is decided."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Executable, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.errors import StoreError
from infrastructure.store.database import Database
from infrastructure.store.schema import MILESTONES
from infrastructure.store.tables import small_write
from projections.engine.milestones import Milestone

LOGGER = logging.getLogger("imagestudio")


@dataclass(frozen=True, slots=True)
class SqlMilestones:
    """Reads them from a database, and keeps new ones through whichever connection may write."""

    database: Database
    writer: Callable[[], AbstractContextManager[Database]]

    def nearest(self, scope: str, position: int) -> Milestone | None:
        query = select(MILESTONES).where(MILESTONES.c.scope == scope, MILESTONES.c.position <= position)
        rows = self.database.rows(query.order_by(MILESTONES.c.position.desc()).limit(1))
        return next((Milestone(row[0], row[1], bytes(row[2]), row[3], bytes(row[4])) for row in rows), None)

    def keep(self, made: Milestone) -> None:
        told = {"hash": made.hash, "shape": made.shape, "body": made.body}
        insert = (sqlite if self.database.is_sqlite else postgresql).insert(MILESTONES)
        key = {"scope": made.scope, "position": made.position}
        self._write(insert.values(**key, **told).on_conflict_do_update(index_elements=list(key), set_=told))

    def forget(self, scope: str | None = None) -> None:
        every = delete(MILESTONES)
        self._write(every if scope is None else every.where(MILESTONES.c.scope == scope))

    def _write(self, statement: Executable) -> None:
        try:
            with self.writer() as database, small_write(database) as connection:
                connection.execute(statement)
        except StoreError as error:
            LOGGER.debug("milestones of the past stay as they are: %s", error)
