"""A place of its own on a database: a schema, or a file beside the one that is named, with the ledger's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.engine import URL

from application.ledger.log import GENESIS, Head, Link, link_hash
from application.ledger.transaction import AccountRow, Beside, Transaction
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema
from infrastructure.store.options import SEARCH_PATH, options_of, with_settings
from infrastructure.store.transactions import SqlReadings, SqlStore
from infrastructure.store.urls import SQLITE, parse_url, sqlite_file

AT = 1
STATE = b'{"at":1}'
ACTOR = "studio:storecheck"
PATIENCE = 20.0
"""Seconds in which any single step is over."""


class NotKept(Exception):
    """A rule is not kept, for this reason."""


@dataclass(frozen=True, slots=True)
class TrialPlace:
    """The place by its URL, and how it is written to."""

    url: str
    is_server: bool
    store: Callable[[Database], SqlStore] = SqlStore
    readings: Callable[[Database], SqlStore] = SqlReadings

    @contextmanager
    def open(
        self, *, lock_seconds: float = PATIENCE, statement_seconds: float = PATIENCE, name: str = ""
    ) -> Iterator[Database]:
        """A process's own way to it; a server knows its sessions by a name."""
        url = self.url if not name else _named(self.url, name)
        database = Database(url, lock_seconds=lock_seconds, statement_seconds=statement_seconds)
        with closing(database):
            yield database


@contextmanager
def trial_on(url: str) -> Iterator[TrialPlace]:
    """The place, made and taken away again. Raises StoreUnavailable, StoreError."""
    parsed, name = parse_url(url), f"imagestudio_check_{uuid4().hex[:12]}"
    if parsed.get_backend_name() == SQLITE:
        with _file_beside(parsed, name) as at:
            yield at
    else:
        with _schema(parsed, name) as at:
            yield at


@contextmanager
def _file_beside(url: URL, name: str) -> Iterator[TrialPlace]:
    file = sqlite_file(url).with_name(name)
    missing = [folder for folder in file.parents if not folder.exists()]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield _made(URL.create(SQLITE, database=str(file)), is_server=False)
    finally:
        for one in file.parent.glob(f"{name}*"):
            one.unlink()
        for folder in missing:
            folder.rmdir()


@contextmanager
def _schema(url: URL, name: str) -> Iterator[TrialPlace]:
    with closing(Database(url.render_as_string(hide_password=False))) as database:
        with database.transaction() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        try:
            yield _made(with_settings(url, {**options_of(url), SEARCH_PATH: name}), is_server=True)
        finally:
            with database.transaction() as connection:
                connection.execute(text(f"DROP SCHEMA {name} CASCADE"))


def _named(url: str, name: str) -> str:
    return parse_url(url).update_query_dict({"application_name": name}).render_as_string(hide_password=False)


def _made(url: URL, *, is_server: bool) -> TrialPlace:
    told = url.render_as_string(hide_password=False)
    upgrade_schema(told)
    return TrialPlace(told, is_server)


# Appending through bare transactions, without the writer


def locked(transaction: Transaction, account: str) -> AccountRow:
    """The account's row, made if it is missing."""
    rows = transaction.lock([account], [account])
    return rows.get(account) or AccountRow.of(account, 0, "", Head(0, GENESIS), Head(0, GENESIS))


def append(transaction: Transaction, row: AccountRow) -> Beside:
    """Put one more entry into the account's stream; what must be written beside it."""
    stream, version = f"ledger:{row.id}:0", row.period_head.version + 1
    topic = "note" if version > 1 else "ledger.period_opened"
    hash = link_hash(row.period_head.hash, stream, version, topic, None, ACTOR, STATE)
    transaction.append([Link(stream, version, topic, STATE, None, ACTOR, hash)])
    return Beside(accounts=[AccountRow.of(row.id, row.revision + 1, stream, Head(version, hash), row.account_head, AT)])


def add_entries(store: SqlStore, *accounts: str) -> None:
    """One entry of each account, in one transaction. Raises Conflict, StoreUnavailable."""
    with store.begin() as transaction:
        beside = [append(transaction, locked(transaction, account)) for account in sorted(accounts)]
        transaction.commit(Beside(accounts=[row for one in beside for row in one.accounts]))
