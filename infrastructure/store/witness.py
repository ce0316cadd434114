"""A database's knowledge of the time: its own clock, if it is another machine's, and the newest fact."""

from __future__ import annotations

import json

from infrastructure.store.database import Database

CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
NEWEST = "SELECT state FROM log ORDER BY position DESC LIMIT 1"


class SqlWitness:
    """Implements Witness; every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def clock(self) -> int | None:
        return None if self._database.is_sqlite else int(self._database.read(CLOCK)[0][0])

    def newest(self) -> int | None:
        rows = self._database.read(NEWEST)
        return int(json.loads(rows[0][0])["at"]) if rows else None
