"""Appending in a process, through bare units, without the writer."""

from __future__ import annotations

from contextlib import closing

from infrastructure.store.database import Database
from infrastructure.store.transactions import SqlStore
from infrastructure.storecheck.trial import add_entries


async def posting(url: str, account: str, times: int) -> None:
    """What a process does that appends to one account of a database; nothing of it is awaited."""
    with closing(Database(url)) as database:
        for _ in range(times):
            add_entries(SqlStore(database), account)
