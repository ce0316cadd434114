"""The mark of a shard: a row in its own schema says of which directory it is, and under which name.

Whoever opens a database to write to it looks for the mark. A process that comes by the directory goes on; one that was
given the address of the shard alone is refused, as its accounts and jobs would be in no directory. Backups do not have
the mark: what is restored elsewhere is a ledger of its own.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from domain.advice import Advice
from domain.errors import InvalidInput
from infrastructure.store.database import Database

TABLE: Final = "this_shard"
THERE: Final = "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = :table"


def shard_in(database: Database) -> tuple[str, str] | None:
    """The name and the directory of the shard that a database is, None if it is none. Raises StoreUnavailable."""
    if database.is_sqlite or not database.rows(text(THERE), {"table": TABLE}):
        return None
    rows = database.rows(text(f"SELECT name, directory FROM {TABLE}"))
    return (rows[0][0], rows[0][1]) if rows else None


def mark(connection: Connection, name: str, directory: str, *, take_over: bool = False) -> None:
    """Mark the schema of a connection. Raises InvalidInput if it is another shard already, unless to `take_over`."""
    connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {TABLE} (name text PRIMARY KEY, directory text NOT NULL)")
    if take_over:
        connection.exec_driver_sql(f"DELETE FROM {TABLE}")
    made = f"INSERT INTO {TABLE} SELECT :name, :directory WHERE NOT EXISTS (SELECT 1 FROM {TABLE})"
    connection.execute(text(made), {"name": name, "directory": directory})
    known = connection.execute(text(f"SELECT name, directory FROM {TABLE}")).one()
    if tuple(known) != (name, directory):
        whose = "" if known.directory == directory else " of another directory"
        raise InvalidInput("url", f"that is shard {known.name!r}{whose}", hint=Advice("shards.marked"))


def check_shard(database: Database, shard: str) -> None:
    """Whether who writes came as they should: by the directory to a shard. Raises InvalidInput."""
    found = shard_in(database)
    if found is not None and found[0] != shard:
        told = f"is shard {found[0]!r}: whatever is written there by its own address is in no directory"
        raise InvalidInput("database", told, hint=Advice("shards.open"))
