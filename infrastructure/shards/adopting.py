"""A ledger that has accounts becomes a shard: they, and its providers' jobs, are written into the directory.

It may have been a ledger of its own before, or was restored from a backup. The directory changes nothing that it knows
already; an account or a job that is elsewhere by its word is refused, and nothing more is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import select, tuple_

from domain.errors import InvalidInput
from domain.ledger import account_stream
from infrastructure.shards.directory import Directory, Job
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import JOBS

AT_ONCE: Final = 500
"""Accounts, and jobs, that are written at a time."""


def adopt(directory: Directory, name: str, url: str) -> None:
    """Have the directory know all that is in a shard; blocks. Raises InvalidInput, StoreUnavailable."""
    database = Database(url, reading=True)
    try:
        for accounts in _accounts(SqlReader(database)):
            for account, home in directory.settle(accounts, name).items():
                if name not in (home.shard, home.moving_to, home.moved_from):
                    told = f"has account {account!r}, which is in shard {home.shard!r}"
                    raise InvalidInput("url", told, hint="one of the two is a copy: leave that out")
        for jobs in _jobs(database):
            if not directory.claim(jobs):
                raise InvalidInput("url", "has a provider's job of an operation in another shard", hint="is it a copy?")
    finally:
        database.close()


def _accounts(reader: SqlReader) -> Iterator[list[str]]:
    """The accounts that have not gone to another shard."""
    after, gone = "", reader.departed()
    while rows := reader.accounts_after(after, AT_ONCE):
        after = rows[-1].id
        yield [row.id for row in rows if account_stream(row.id) not in gone]


def _jobs(database: Database) -> Iterator[Mapping[Job, str]]:
    after, key = ("", ""), (JOBS.c.provider, JOBS.c.job)
    while True:
        rows = database.rows(select(JOBS).where(tuple_(*key) > after).order_by(*key).limit(AT_ONCE))
        if not rows:
            return
        after = (rows[-1].provider, rows[-1].job)
        yield {(row.provider, row.job): row.operation for row in rows}
