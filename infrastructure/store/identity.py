"""Which ledger a database holds: an id of its own and the key of its assets' ids, made when it is first written to."""

from __future__ import annotations

from time import monotonic
from typing import Final

from sqlalchemy import Connection, select, text

from infrastructure.clock import new_id, new_secret
from infrastructure.store.database import Database
from infrastructure.store.schema import ASSET_KEYS, LEDGER

FRESH: Final = 1.0
"""Seconds after which the keys are read again; an account's is there for longer before the account is."""

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


def key_of_account(connection: Connection, account: str) -> bytes:
    """The key by which an account's assets are named: its own if it came from another ledger, else this ledger's."""
    own = connection.execute(select(ASSET_KEYS.c.key).where(ASSET_KEYS.c.account == account)).scalar()
    return bytes(connection.execute(select(LEDGER.c.asset_key)).scalar_one() if own is None else own)


class ImportedKeys:
    """The keys of accounts that came from other ledgers, by account, read again when they may be others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, bytes] = {}
        self._read = -FRESH

    def __call__(self, account: str) -> bytes | None:
        """The account's own key, if it has one. Raises StoreUnavailable."""
        now = monotonic()
        if now - self._read >= FRESH:
            rows = self._database.rows(select(ASSET_KEYS.c.account, ASSET_KEYS.c.key))
            self._known, self._read = {row[0]: bytes(row[1]) for row in rows}, now
        return self._known.get(account)


def asset_key(database: Database) -> bytes:
    """The key of the ids of the ledger's assets; empty if it was never opened for writing, and so has no asset.

    Raises StoreUnavailable.
    """
    rows = database.rows(select(LEDGER.c.asset_key))
    return bytes(rows[0][0]) if rows else b""
