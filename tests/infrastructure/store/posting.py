"""Appending through bare units, without the writer."""

from __future__ import annotations

from contextlib import closing

from application.ledger.log import GENESIS, Head, Link, link_hash
from application.ledger.transaction import AccountRow, Beside, Transaction
from infrastructure.store.database import Database
from infrastructure.store.transactions import SqlStore

AT = 1
STATE = b'{"at":1}'
ACTOR = "studio:tests"


def locked(transaction: Transaction, account: str) -> AccountRow:
    """The account's row, made where it is missing."""
    rows = transaction.lock([account], [account])
    return rows.get(account) or AccountRow.of(account, 0, "", Head(0, GENESIS), Head(0, GENESIS))


def append(transaction: Transaction, row: AccountRow) -> Beside:
    """Put one more entry into the account's stream; what must be written beside it."""
    stream, version = f"ledger:{row.id}:0", row.period_head.version + 1
    topic = "note" if version > 1 else "ledger.period_opened"
    hash = link_hash(row.period_head.hash, stream, version, topic, None, ACTOR, STATE)
    transaction.append([Link(stream, version, topic, STATE, None, ACTOR, hash)])
    return Beside(accounts=[AccountRow.of(row.id, row.revision + 1, stream, Head(version, hash), row.account_head, AT)])


def post(store: SqlStore, account: str) -> None:
    """One entry in one transaction. Raises Conflict, StoreUnavailable."""
    with store.begin() as transaction:
        transaction.commit(append(transaction, locked(transaction, account)))


async def posting(url: str, account: str, times: int) -> None:
    """What a process does that appends to one account of a database; nothing of it is awaited."""
    with closing(Database(url)) as database:
        for _ in range(times):
            post(SqlStore(database), account)
