"""Which ledger a database holds: an id of its own and the key of its assets' ids, made when it is first written to."""

from __future__ import annotations

from sqlalchemy import select, text

from infrastructure.clock import new_id, new_secret
from infrastructure.store.database import Database
from infrastructure.store.schema import LEDGER

MAKE = text("INSERT INTO ledger (one, id, asset_key) VALUES (1, :id, :key) ON CONFLICT (one) DO NOTHING")


def ledger_id(database: Database) -> str | None:
    """The ledger's id; None if it was never opened for writing. Raises StoreUnavailable."""
    with database.connect() as connection:
        id: str | None = connection.execute(select(LEDGER.c.id)).scalar()
    return id


def established_id(database: Database) -> str:
    """The ledger's id, made if it has none yet; of several that make it at once, one does. Raises StoreUnavailable."""
    known = ledger_id(database)
    if known is not None:
        return known
    with database.transaction() as connection:
        connection.execute(MAKE, {"id": new_id(), "key": new_secret()})
        return str(connection.execute(select(LEDGER.c.id)).scalar_one())


def asset_key(database: Database) -> bytes:
    """The key of the ids of the ledger's assets; empty if it was never opened for writing, and so has no asset.

    Raises StoreUnavailable.
    """
    rows = database.rows(select(LEDGER.c.asset_key))
    return bytes(rows[0][0]) if rows else b""
