"""Rules of the log and of what stands beside it: only added to, everything there once, and read as of one moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from application.ledger.transaction import Conflict
from infrastructure.store.database import Database
from infrastructure.store.migrations.guard import is_refused
from infrastructure.store.reader import SqlReader
from infrastructure.storecheck.trial import NotKept, TrialPlace, add_entries, append, locked

NEW = "INSERT INTO log (stream, version, topic, actor, state, hash)"
OLD = f"{NEW} SELECT stream, version, topic, actor, state, hash FROM log WHERE true"
CHANGES = (
    "UPDATE log SET state = '{}'",
    "DELETE FROM log",
    f"{OLD} ON CONFLICT (stream, version) DO UPDATE SET state = '{{}}'",
)
OF_SERVERS = ("TRUNCATE log",)
OF_FILES = (OLD.replace("INSERT", "INSERT OR REPLACE"), "UPDATE OR REPLACE log SET version = version + 1")

ONCE = {
    "operations": "INSERT INTO operations (id, account, stream, phase, charged, adjusted)"
    " VALUES ('op-1', 'a', 'ledger:a:0', 'open', 0, 0)",
    "keys": "INSERT INTO keys (account, key, reference, fingerprint) VALUES ('a', 'key-1', 'op-1', '')",
    "jobs": "INSERT INTO jobs (provider, job, operation) VALUES ('p', 'job-1', 'op-1')",
}


def _rows(database: Database) -> Sequence[Any]:
    return database.rows(text("SELECT position, stream, version, topic, actor, state FROM log ORDER BY position"))


def refuses_changes(at: TrialPlace) -> None:
    """Every way to change rows that are there: a guard may be seen, and do nothing."""
    with at.open() as database:
        add_entries(at.store(database), "a", "b")
        before = _rows(database)
        for attack in (*CHANGES, *(OF_SERVERS if at.is_server else OF_FILES)):
            with database.transaction() as connection:
                refused = is_refused(connection, attack)
            if not refused or _rows(database) != before:
                raise NotKept(f"it took: {attack}")


def keeps_what_is_unique(at: TrialPlace) -> None:
    with at.open() as database:
        for table, insert in ONCE.items():
            with database.transaction() as connection:
                connection.execute(text(insert))
            if _is_taken(database, insert):
                raise NotKept(f"the same row is twice in {table}")
        store = at.store(database)
        add_entries(store, "unique")
        stream = "SELECT 'ledger:unique:0', 1, 'note', '', '{}', hash FROM log WHERE stream = 'ledger:unique:0'"
        if _is_taken(database, f"{NEW} {stream}"):
            raise NotKept("one version is twice in a stream")


def _is_taken(database: Database, statement: str) -> bool:
    try:
        with database.transaction() as connection:
            connection.execute(text(statement))
    except Conflict:
        return False
    return True


def leaves_nothing_abandoned(at: TrialPlace) -> None:
    with at.open() as database, at.open() as other:
        before = SqlReader(database).end()
        with at.store(other).begin() as transaction:
            append(transaction, locked(transaction, "abandoned"))
        if SqlReader(database).end() != before:
            raise NotKept("entries are in the log that nobody committed")
        add_entries(at.store(database), "abandoned")


def shows_one_moment(at: TrialPlace) -> None:
    with at.open() as database, at.open() as other:
        add_entries(at.store(database), "moment")
        with at.readings(database).begin() as reading:
            first = reading.lock(["moment"], [])["moment"].period_head
            add_entries(at.store(other), "moment")
            if reading.head("ledger:moment:0") != first:
                raise NotKept("a reader saw what was committed after it had begun")
