"""The driver's own cursor: the same connection, listeners and errors as SQLAlchemy's, with less in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from application.ledger.transaction import Conflict
from domain.errors import StoreRefused, StoreUnavailable
from infrastructure.showing.hints import in_shell
from infrastructure.store.database import Database
from infrastructure.store.session import Session
from tests.postgres import beside, execute

KEY = "INSERT INTO keys (account, key, reference, fingerprint) VALUES ({0}, {0}, {0}, {0})"
KEYS = "SELECT key FROM keys ORDER BY key"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as database:
        yield database


def insert(database: Database) -> str:
    return KEY.format("?" if database.is_sqlite else "%s")


def key(name: str) -> tuple[str, ...]:
    return ("acme", name, "op-1", "print")


def begin(database: Database) -> str:
    return "BEGIN IMMEDIATE" if database.is_sqlite else "BEGIN"


def kill_others(url: str) -> None:
    """Every connection of the test's database is ended by the server."""
    name = make_url(url).database
    execute(beside(url, "postgres"), f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def begin_and_fail(database: Database) -> None:
    with database.session(begin(database)) as session:
        session.run(insert(database), key("a"))
        raise ZeroDivisionError


def lose_the_connection(database: Database, url: str) -> None:
    with database.session("BEGIN") as session:
        session.run(insert(database), key("a"))
        kill_others(url)
        session.run("COMMIT")


def test_what_is_committed_is_there(database: Database) -> None:
    with database.session(begin(database)) as session:
        session.run(insert(database), key("a"))
        session.many(insert(database), [key("b"), key("c%s?")])
        session.run("COMMIT")
    assert [tuple(row) for row in database.read(KEYS)] == [("a",), ("b",), ("c%s?",)]


def test_a_transaction_that_fails_leaves_nothing_and_a_clean_connection(database: Database) -> None:
    for _ in range(12):  # more often than there are connections
        with pytest.raises(ZeroDivisionError):
            begin_and_fail(database)
    assert list(database.read(KEYS)) == []


def test_a_unique_violation_is_a_conflict_of_its_statement(database: Database) -> None:
    with database.session(begin(database)) as session:
        session.run(insert(database), key("a"))
        with pytest.raises(Conflict):
            session.run(insert(database), key("a"))
        session.roll_back()
        assert list(session.rows(KEYS)) == []


@pytest.mark.parametrize("bad", [None, "half a pair \ud800"])
def test_what_can_never_be_stored_is_refused_for_good(database: Database, bad: str | None) -> None:
    """Whether the database says so, or the driver before it."""
    with database.session(begin(database)) as session:
        with pytest.raises(StoreRefused, match="will never take this") as error:
            session.run(insert(database), ("acme", "a", "op-1", bad))
        session.roll_back()
        assert list(session.rows(KEYS)) == []
    assert "imagestudio recover" in in_shell(error.value.advice)


def test_what_the_database_does_not_know_is_unavailable_with_a_hint(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere") as error:
        database.read("SELECT 1 FROM nowhere")
    assert "imagestudio db upgrade" in in_shell(error.value.advice)


def test_who_listens_to_the_engine_hears_it(database: Database) -> None:
    heard: list[tuple[str, str, int]] = []

    def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(("before", statement, 0))

    def after(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(("after", statement, cursor.rowcount))

    event.listen(database.engine, "before_cursor_execute", before)
    event.listen(database.engine, "after_cursor_execute", after)
    with closing(Session(database.engine)) as session:
        session.many(insert(database), [key("a"), key("b")])
    event.remove(database.engine, "before_cursor_execute", before)
    event.remove(database.engine, "after_cursor_execute", after)
    with closing(Session(database.engine)) as session:
        session.rows(KEYS)
    assert [name for name, statement, _ in heard if statement == insert(database)] == ["before", "after"]
    assert len(heard) == 2


def test_a_lost_connection_takes_the_waiting_ones_with_it(postgres_url: str) -> None:
    """Whoever is at work meets one conflict; whoever comes later meets none."""
    with closing(Database(postgres_url)) as database:
        with closing(Session(database.engine)) as one, closing(Session(database.engine)) as other:
            assert [tuple(row) for row in (*one.rows("SELECT 1"), *other.rows("SELECT 2"))] == [(1,), (2,)]
            kill_others(postgres_url)
            with pytest.raises(Conflict):
                one.rows(KEYS)
        assert list(database.read(KEYS)) == []


def test_a_connection_lost_inside_a_transaction_is_a_conflict(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        with pytest.raises(Conflict):
            lose_the_connection(database, postgres_url)
        assert list(database.read(KEYS)) == []
