"""Transactions of many writers: one order for every reader, no forks, nothing kept of what was not committed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Event

import pytest
from sqlalchemy import Connection, text

from application.keeping.chains import verify_chains
from application.ledger.log import Head
from application.ledger.transaction import AccountRow, Conflict
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.store.transactions import SqlStore
from infrastructure.storecheck.trial import add_entries, append, locked
from tests.faults.processes import ended, started
from tests.infrastructure.store.posting import posting

GATE = 4711
"""A lock that a test holds to keep a transaction from committing."""

DELAY = f"""
    CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$;
    CREATE TRIGGER wait_at_the_gate AFTER INSERT ON log
        FOR EACH ROW WHEN (NEW.stream = 'ledger:slow:0') EXECUTE FUNCTION wait_at_the_gate()"""
"""After the log's rows have their positions and before the commit: as late as a transaction can be slow."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url, lock_seconds=30)) as opened:
        yield opened


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    with closing(Database(postgres_url, lock_seconds=30)) as opened:
        yield opened


def entries(database: Database) -> list[tuple[int, str, int]]:
    read = SqlReader(database).read(0, 100_000)
    return [(entry.position, str(entry.link.originator_id), entry.link.originator_version) for entry in read]


# Reading order is commit order


def waiting(connection: Connection, *, locks: int) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return connection.execute(text(query)).scalar() == locks


def test_a_fast_transaction_never_commits_above_a_slow_one_that_has_its_positions(postgres: Database) -> None:
    store = SqlStore(postgres)
    with postgres.transaction() as connection:
        connection.exec_driver_sql(DELAY)
    with ThreadPoolExecutor(2) as pool, postgres.connect() as gate, postgres.connect() as observer:
        gate.execute(text(f"SELECT pg_advisory_lock({GATE})"))
        slow = pool.submit(add_entries, store, "slow")
        while not waiting(observer, locks=1):
            assert not slow.done()
        fast = pool.submit(add_entries, store, "fast")
        while not waiting(observer, locks=2):
            assert not fast.done(), "the fast one committed above a position that is still to come"
        assert SqlReader(postgres).end() == 0
        gate.execute(text(f"SELECT pg_advisory_unlock({GATE})"))
        slow.result()
        fast.result()
    assert [stream for _, stream, _ in entries(postgres)] == ["ledger:slow:0", "ledger:fast:0"]


def post_twice_the_same(store: SqlStore) -> None:
    with store.begin() as transaction:
        row = locked(transaction, "acme")
        append(transaction, row)
        transaction.commit(append(transaction, row))


def test_a_transaction_that_is_rolled_back_leaves_at_most_a_hole(postgres: Database) -> None:
    store = SqlStore(postgres)
    add_entries(store, "acme")
    with pytest.raises(Conflict):
        post_twice_the_same(store)
    add_entries(store, "acme")
    assert [(stream, version) for _, stream, version in entries(postgres)] == [
        ("ledger:acme:0", 1),
        ("ledger:acme:0", 2),
    ]
    assert list(verify_chains(SqlReader(postgres))) == []


# No forks


def test_threads_that_append_to_one_account_do_not_fork_it(database: Database) -> None:
    store = SqlStore(database)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: add_entries(store, "acme"), range(64)))
    assert [version for _, _, version in entries(database)] == list(range(1, 65))
    assert list(verify_chains(SqlReader(database))) == []


def test_processes_that_append_to_one_database_do_not_fork_a_stream(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    others = [started(posting, url, account, times) for account, times in (("hot", 40), ("hot", 40), ("cold", 20))]
    store = SqlStore(database)
    for _ in range(20):
        add_entries(store, "hot")
    assert [ended(other) for other in others] == [0, 0, 0]
    versions = {"ledger:hot:0": 100, "ledger:cold:0": 20}
    for stream, last in versions.items():
        assert [version for _, name, version in entries(database) if name == stream] == list(range(1, last + 1))
    assert list(verify_chains(SqlReader(database))) == []


def post_on_nothing(store: SqlStore) -> None:
    """As a writer whose memory is behind would, had it not looked at the locked row."""
    with store.begin() as transaction:
        locked(transaction, "acme")
        transaction.commit(append(transaction, AccountRow.of("acme", 0, "", Head(), Head())))


def test_two_writers_with_the_same_version_cannot_both_append(database: Database) -> None:
    store = SqlStore(database)
    add_entries(store, "acme")
    with pytest.raises(Conflict):
        post_on_nothing(store)
    assert len(entries(database)) == 1
    add_entries(store, "acme")
    assert list(verify_chains(SqlReader(database))) == []


def test_many_first_appends_of_one_account_make_one_row(database: Database) -> None:
    store = SqlStore(database)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: add_entries(store, "new"), range(8)))
    assert [row.revision for row in SqlReader(database).accounts_after("", 10)] == [8]


# Nothing half


def test_a_unit_that_appends_without_committing_leaves_no_trace_and_no_lock(database: Database) -> None:
    store = SqlStore(database)
    with store.begin() as transaction:
        append(transaction, locked(transaction, "acme"))
    assert entries(database) == []
    assert SqlReader(database).accounts_after("", 10) == []
    add_entries(store, "acme")


def fail_in_the_middle(store: SqlStore, *, committed: bool) -> None:
    with store.begin() as transaction:
        beside = append(transaction, locked(transaction, "acme"))
        if committed:
            transaction.commit(beside)
        raise ZeroDivisionError


def test_a_unit_whose_caller_fails_leaves_no_trace_and_no_lock(database: Database) -> None:
    store = SqlStore(database)
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(store, committed=False)
    assert entries(database) == []
    add_entries(store, "acme")


def test_a_caller_that_fails_after_the_commit_undoes_nothing(database: Database) -> None:
    store = SqlStore(database)
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(store, committed=True)
    assert len(entries(database)) == 1
    add_entries(store, "acme")


def test_a_unit_that_decided_nothing_makes_no_account(database: Database) -> None:
    with SqlStore(database).begin() as transaction:
        locked(transaction, "acme")
    assert SqlReader(database).accounts_after("", 10) == []


# Locks


def test_a_deadlock_is_a_conflict_for_one_and_nothing_for_the_other(postgres: Database) -> None:
    store = SqlStore(postgres)
    for account in ("a", "b"):
        add_entries(store, account)
    with postgres.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{postgres.url.database}" SET deadlock_timeout = 10'))
    postgres.engine.dispose()
    holding = {"a": Event(), "b": Event()}

    def cross(first: str, second: str) -> str:
        try:
            with store.begin() as transaction:
                transaction.lock([first], [])
                holding[first].set()
                holding[second].wait()
                transaction.commit(append(transaction, locked(transaction, second)))
        except Conflict:
            return "conflict"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(cross, ("a", "b"), ("b", "a")))
    assert outcomes == ["conflict", "done"]
    assert len(entries(postgres)) == 3
    assert list(verify_chains(SqlReader(postgres))) == []


def test_a_serialization_failure_is_a_conflict(postgres: Database) -> None:
    add_entries(SqlStore(postgres), "acme")
    with pytest.raises(Conflict, match="serialize"):
        update_what_changed_meanwhile(postgres)
    assert len(entries(postgres)) == 2
    assert list(verify_chains(SqlReader(postgres))) == []


def update_what_changed_meanwhile(postgres: Database) -> None:
    with postgres.transaction() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        connection.execute(text("SELECT count(*) FROM accounts"))
        add_entries(SqlStore(postgres), "acme")
        connection.execute(text("UPDATE accounts SET revision = 0"))


def test_an_account_that_somebody_keeps_locked_is_a_conflict_after_a_while_not_for_ever(postgres_url: str) -> None:
    with ExitStack() as stack:
        patient = stack.enter_context(closing(Database(postgres_url)))
        hasty = stack.enter_context(closing(Database(postgres_url, lock_seconds=0.05)))
        add_entries(SqlStore(patient), "acme")
        with SqlStore(patient).begin() as transaction:
            locked(transaction, "acme")
            with pytest.raises(Conflict, match="lock timeout"):
                add_entries(SqlStore(hasty), "acme")
        add_entries(SqlStore(hasty), "acme")
        assert len(entries(hasty)) == 2


def test_accounts_that_differ_do_not_wait_for_each_other(postgres_url: str) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(closing(Database(postgres_url)))
        other = stack.enter_context(closing(Database(postgres_url, lock_seconds=0.05)))
        with SqlStore(one).begin() as transaction:
            beside = append(transaction, locked(transaction, "a"))
            add_entries(SqlStore(other), "b")
            transaction.commit(beside)
