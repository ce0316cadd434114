"""Overwrites what was deleted from a SQLite file, so that none of its bytes tells of it; PostgreSQL has its own ways.

    a row is deleted ─────── secure_delete: its bytes become zero ──────────────┐
    words are unindexed ──── merged: until then FTS5 keeps what it has deleted ─┴─ the log beside the file is cut off

Merging goes in small steps, between which others write. If somebody reads meanwhile, the log is cut off by a later
checkpoint, or when the last connection closes.
"""

from __future__ import annotations

from typing import Final

from infrastructure.store.database import Database
from infrastructure.store.tables import small_write

PAGES: Final = 500
"""Written by one step of merging; below zero, as the first is said, all parts of the index are to become one."""
LEAST_WORK: Final = 2
"""Changes of a step that did something, by the documentation of FTS5."""
PATIENCE_MS: Final = 200

_MERGE: Final = "INSERT INTO asset_search (asset_search, rank) VALUES ('merge', ?)"


def scrub(database: Database, *, index: bool = False) -> None:
    """Leave no trace of deleted rows, nor of unindexed words if the `index` has changed. Raises StoreUnavailable."""
    if not database.is_sqlite:
        return
    if index:
        pages = -PAGES
        while _merged(database, pages):
            pages = PAGES
    _cut_off(database)


def _merged(database: Database, pages: int) -> bool:
    with small_write(database) as connection:
        before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        connection.exec_driver_sql(_MERGE, (pages,))
        return bool(connection.exec_driver_sql("SELECT total_changes()").scalar_one() - before >= LEAST_WORK)


def _cut_off(database: Database) -> None:
    with database.turn(), database.connect() as connection:
        usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(usual)}")
