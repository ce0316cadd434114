"""Behind a real PgBouncer, which hands out sessions by the transaction or by the connection: all works, limits hold."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from application.ledger.transaction import TooSlow
from domain.errors import StoreError, StoreUnavailable
from infrastructure.store.database import Database
from infrastructure.store.migrations import HEAD, current, upgrade_schema
from infrastructure.store.opening import check_opening
from infrastructure.store.order import BY_MARK
from infrastructure.store.reader import SqlReader
from infrastructure.store.tables import SqlLeases
from infrastructure.store.transactions import PostgresTransaction, SqlStore
from infrastructure.store.writes import postgres_script
from infrastructure.storecheck.trial import add_entries
from projections.engine.comparison import compare
from projections.engine.database import FactSource
from projections.engine.projector import Projector
from projections.engine.rebuild import rebuild
from projections.views import ALL
from tests.application.studios import SYNC, studio_on
from tests.infrastructure.store.driven import driven_ledger
from tests.infrastructure.store.marking import entries_of, marked_ledger
from tests.infrastructure.store.test_postgres import OURS, in_force, with_options
from tests.pgbouncer import NO_FILES, pooled
from tests.postgres import execute

MODES = ("transaction", "session")


@pytest.fixture(params=MODES)
def pooled_url(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[str]:
    """A migrated database of this test alone, through a pooler that has two sessions for everybody."""
    size = 2 if request.param == "transaction" else 20
    with pooled(postgres_url, request.param, size=size) as url:
        yield url


@contextmanager
def transacting(url: str, size: int = 2, **settings: str) -> Iterator[str]:
    with pooled(url, "transaction", size=size, files=NO_FILES, **settings) as through:
        yield through


def test_the_limits_hold_in_every_transaction(pooled_url: str) -> None:
    with closing(Database(pooled_url)) as database:
        check_opening(database)
        assert set(in_force(database)) == {OURS}


def test_the_limits_stop_what_is_too_slow(pooled_url: str) -> None:
    with closing(Database(pooled_url, statement_seconds=0.1)) as database, pytest.raises(TooSlow):
        database.rows(text("SELECT pg_sleep(10)"))


def test_nothing_stays_in_a_session_that_another_client_gets_next(postgres_url: str) -> None:
    with transacting(postgres_url) as url, closing(Database(url)) as database:
        in_force(database)
        [(timeout,)] = execute(url, "SHOW statement_timeout")
        assert timeout == "0"


def test_marks_are_seen_through_it(pooled_url: str) -> None:
    with closing(marked_ledger(pooled_url)) as database:
        store, reader = SqlStore(database), SqlReader(database)
        add_entries(store, "a")
        with store.begin() as held:
            beside = entries_of(held, "b")
            assert isinstance(held, PostgresTransaction)
            held.session.run(*postgres_script(held.rows(), beside, BY_MARK))
            add_entries(store, "a")
            assert (reader.end(), reader.written()) == (1, 3)
        assert (reader.end(), [one.position for one in reader.read(0, 9)]) == (3, [1, 3])


def test_an_upgrade_works(empty_postgres_url: str) -> None:
    for mode in MODES:
        with pooled(empty_postgres_url, mode) as url:
            upgrade_schema(url)
            assert current(url) == HEAD


async def test_a_studio_works_from_opening_to_closing(pooled_url: str, tmp_path: Path) -> None:
    async with studio_on(pooled_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        results = [
            await studio.operations.generate(f"lake {number}", account="acme", model=SYNC) for number in range(5)
        ]
        assert {result.status for result in results} == {"charged"}
        assert not [*studio.audit.verify()]


def test_many_writers_and_readers_share_few_sessions(postgres_url: str) -> None:
    with transacting(postgres_url) as url, closing(Database(url)) as database, ThreadPoolExecutor(8) as pool:
        store, reader = SqlStore(database), SqlReader(database)
        read = [pool.submit(reader.end) for _ in range(40)]
        [*pool.map(lambda number: add_entries(store, f"account-{number}"), range(40))]
        assert all(done.result() <= 40 for done in read)
        positions = [entry.position for entry in reader.read(0, 100)]
        assert len(positions) == len(set(positions)) == 40
        assert reader.end() >= 40


def test_views_are_advanced_rebuilt_and_audited(postgres_url: str) -> None:
    """An audit's place tables live in one transaction, so in one session, and are gone with it."""
    with transacting(postgres_url) as url, driven_ledger(url) as opened:
        opened.open("acme")
        opened.run("acme", *(f"op-{number}" for number in range(5)))
        source = FactSource(opened.reader, opened.codec)
        Projector(opened.database, source, ALL).advance()
        for _ in range(4):
            assert compare(opened.database, source, ALL).equal
        rebuild(opened.database, source, ALL)
        assert compare(opened.database, source, ALL).equal
        assert SqlLeases(opened.database).renew(["op-9"], "tests", 1) == set()
        left = "SELECT relname FROM pg_class WHERE relname LIKE '%__replayed'"
        assert [*opened.database.rows(text(left))] == []


# What the pooler does with the URL's settings


def test_a_setting_that_the_pooler_refuses_is_told_with_the_way_out(postgres_url: str) -> None:
    with transacting(postgres_url) as url:
        database = Database(with_options(url, "-c work_mem=8MB"))
        with closing(database), pytest.raises(StoreUnavailable, match="does not know a setting") as refused:
            SqlReader(database).end()
    assert "ALTER ROLE" in refused.value.hint


def test_a_setting_that_the_pooler_drops_is_noticed_at_opening(postgres_url: str) -> None:
    with transacting(postgres_url, ignore_startup_parameters="options") as url:
        dropped, set_by_us = (Database(with_options(url, f"-c {one}")) for one in ("jit=off", "lock_timeout=7s"))
        with closing(dropped), pytest.raises(StoreError, match="jit of the database URL is not in force"):
            check_opening(dropped)
        with closing(set_by_us):
            check_opening(set_by_us)
            assert set(in_force(set_by_us)) == {("7s", *OURS[1:])}


def test_ledgers_in_schemas_of_their_own_share_a_pooler_and_its_sessions(postgres_url: str) -> None:
    execute(postgres_url, "CREATE SCHEMA a", "CREATE SCHEMA b")
    with transacting(postgres_url, size=1) as url:
        inside = [Database(with_options(url, f"-c search_path={name}")) for name in ("a", "b")]
        for opened in inside:
            upgrade_schema(opened.url.render_as_string(hide_password=False))
            check_opening(opened)
        told = [opened.rows(text("SELECT current_schema()"))[0][0] for opened in (*inside, *inside)]
        for opened in inside:
            opened.close()
    assert told == ["a", "b", "a", "b"]


def test_a_pooler_that_pools_by_statement_is_refused_with_the_reason(postgres_url: str) -> None:
    with pooled(postgres_url, "statement") as url:
        database = Database(url)
        with closing(database), pytest.raises(StoreError) as refused:
            check_opening(database)
    assert "by transaction or by session" in refused.value.hint


def test_a_database_that_the_pooler_does_not_lead_to_is_told(postgres_url: str) -> None:
    with transacting(postgres_url) as url:
        missing = make_url(url).set(database="nowhere").render_as_string(hide_password=False)
        with closing(Database(missing)) as database, pytest.raises(StoreUnavailable, match="no such database"):
            SqlReader(database).end()


# What the pooler does when it is tired


def test_a_pooler_that_has_no_session_free_is_told(postgres_url: str) -> None:
    with (
        pooled(postgres_url, "transaction", size=1, query_wait_timeout="1") as url,
        closing(Database(url)) as database,
        closing(Database(url)) as other,
    ):
        with database.transaction(), pytest.raises(StoreUnavailable):
            SqlReader(other).end()
        assert SqlReader(other).end() == 0


def test_sessions_that_the_pooler_ends_between_two_uses_are_nothing_to_anybody(postgres_url: str) -> None:
    with transacting(postgres_url) as url, closing(Database(url)) as database:
        for number in range(3):
            add_entries(SqlStore(database), "acme")
            assert SqlReader(database).end() == number + 1
            ended = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            execute(postgres_url, f"{ended} AND datname = current_database()")
            assert SqlReader(database).end() == number + 1


def test_one_log_serves_two_poolers(postgres_url: str) -> None:
    """And programs that go round them."""
    with pooled(postgres_url, "transaction") as one, pooled(postgres_url, "session") as two:
        for url in (one, two, postgres_url, one):
            with driven_ledger(url) as opened:
                opened.open(f"account-{opened.reader.end()}")
        with driven_ledger(postgres_url) as opened:
            positions = [entry.position for entry in opened.reader.read(0, 100)]
    assert positions == sorted(set(positions))
    assert len(positions) == 4
