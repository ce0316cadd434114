"""A ledger whose commits are ordered by marks, and writers that are held between drawing their positions and COMMIT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.context import ForkServerProcess

from application.ledger.transaction import Beside, Transaction
from infrastructure.store.database import Database
from infrastructure.store.order import BY_LOCK, CommitOrder, LogWay
from infrastructure.store.reordering import choose_order
from infrastructure.store.transactions import PostgresTransaction, SqlStore
from infrastructure.store.urls import parse_url
from infrastructure.storecheck.trial import append, locked
from tests.faults.processes import started
from tests.patience import wait_until
from tests.postgres import execute

HELD = "held"
HOLDING = f"""
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('application_name') = '{HELD}' THEN PERFORM pg_advisory_xact_lock_shared(7); END IF;
        RETURN NULL; END $$;
    CREATE TRIGGER hold AFTER INSERT ON log EXECUTE FUNCTION hold()"""
"""A process of this name waits with its positions drawn until nobody has the lock of this number."""
WAITS = """SELECT pid FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid = 7 AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class LockAlone(CommitOrder):
    """The memory of a process that knows nothing of marks."""

    def way(self, *, marked: bool) -> LogWay:
        return BY_LOCK


def by_lock_alone(database: Database) -> SqlStore:
    """The way of such a process to write."""
    database.order = LockAlone()
    return SqlStore(database)


def marked_ledger(url: str) -> Database:
    """Opened, with its commits ordered by marks."""
    database = Database(url, lock_seconds=30)
    choose_order(database, "mark")
    return database


def entries_of(transaction: Transaction, *accounts: str) -> Beside:
    """One more entry of each account; what must be written beside them."""
    beside = [append(transaction, locked(transaction, account)) for account in sorted(accounts)]
    return Beside(accounts=[row for one in beside for row in one.accounts])


UNSEEN = "key.changed"
"""Of facts that no view looks at."""


async def written_by(url: str, accounts: Sequence[str]) -> None:
    """What a process does that writes one group."""
    with closing(Database(url, lock_seconds=60)) as database, SqlStore(database).begin() as transaction:
        beside = entries_of(transaction, *accounts)
        assert isinstance(transaction, PostgresTransaction)
        transaction.links[:] = [link._replace(topic=UNSEEN) for link in transaction.links]
        transaction.commit(beside)


@contextmanager
def held_writer(database: Database, *accounts: str) -> Iterator[tuple[ForkServerProcess, int]]:
    """A process that has drawn its positions, and its session's number at the server; it goes on at the end."""
    url = database.url.render_as_string(hide_password=False)
    named = parse_url(url).update_query_dict({"application_name": HELD}).render_as_string(hide_password=False)
    if not execute(url, "SELECT 1 FROM pg_trigger WHERE tgname = 'hold'"):
        execute(url, HOLDING)
    with database.transaction() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7)")
        process = started(written_by, named, accounts)
        wait_until(lambda: len(execute(url, WAITS)) == 1, "the writer never drew its positions")
        [(session,)] = database.read(WAITS)
        yield process, session
