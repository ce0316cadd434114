"""When the database fails: one clear error with what to do, and nothing half-written."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url

from application.keeping.chains import verify_chains
from application.ledger.transaction import Conflict
from domain.errors import StoreError, StoreUnavailable
from infrastructure.showing.hints import in_shell
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema
from infrastructure.store.reader import SqlReader
from infrastructure.store.transactions import SqlStore
from infrastructure.store.urls import parse_url
from infrastructure.storecheck.trial import add_entries, append, locked
from tests.infrastructure.store.driven import driven_ledger
from tests.postgres import beside, execute, running_postgres
from tests.wire.proxy import Fault, proxied

ROOT = Path(__file__).parents[3]
LOST_ANSWER = Fault("after", when=b"COMMIT")


def file_of(url: str) -> Path:
    return Path(str(make_url(url).database))


def whole(url: str, entries: int) -> None:
    """The log holds so many entries, and every row agrees with it."""
    with closing(Database(url)) as database:
        reader = SqlReader(database)
        assert len(reader.read(0, 10_000)) == entries
        assert list(verify_chains(reader)) == []


def refused(action: Callable[[], object], message: str, hint: str) -> None:
    with pytest.raises(StoreUnavailable, match=message) as error:
        action()
    assert hint in in_shell(error.value.advice)
    assert "\n" not in str(error.value)


# SQLite: locked, read-only, full, missing, damaged


def test_a_file_that_another_process_keeps_locked_is_unavailable(sqlite_url: str) -> None:
    program = (
        "import sqlite3, sys; other = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "other.execute('BEGIN IMMEDIATE'); sys.stdout.write('locked'); sys.stdout.flush(); sys.stdin.read(1)"
    )
    command = [sys.executable, "-c", program, str(file_of(sqlite_url))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.read(6) == b"locked"
        with closing(Database(sqlite_url, lock_seconds=0.01)) as database:
            refused(lambda: add_entries(SqlStore(database), "acme"), "locked", "another process")
            assert SqlReader(database).end() == 0, "readers go on"
            other.communicate(b"!")
            add_entries(SqlStore(database), "acme")
    whole(sqlite_url, 1)


def test_a_read_only_database_can_be_read_and_not_written(sqlite_url: str) -> None:
    with closing(Database(sqlite_url)) as database:
        add_entries(SqlStore(database), "acme")
    read_only = f"sqlite:///file:{file_of(sqlite_url)}?mode=ro&uri=true"
    with closing(Database(read_only)) as database:
        assert SqlReader(database).end() == 1
        refused(lambda: add_entries(SqlStore(database), "acme"), "readonly", "writable")
    whole(sqlite_url, 1)


WRITE_AS_NOBODY = """
import os, sys
from domain.errors import StoreUnavailable
from infrastructure.showing.hints import in_shell
from infrastructure.store.database import Database
from infrastructure.store.transactions import SqlStore
from infrastructure.storecheck.trial import add_entries

database = Database(sys.argv[1])  # loads its driver, which that user may not be able to read
if os.geteuid() == 0:
    os.setuid(65534)
try:
    add_entries(SqlStore(database), "acme")
except StoreUnavailable as error:
    sys.stdout.write(in_shell(error.advice))
"""


@pytest.mark.parametrize(("file", "directory"), [(0o444, 0o755), (0o444, 0o555), (0o000, 0o755), (0o644, 0o000)])
def test_a_file_that_may_not_be_written_is_unavailable(sqlite_url: str, file: int, directory: int) -> None:
    with TemporaryDirectory() as place:
        path = shutil.copy(file_of(sqlite_url), place)
        Path(path).chmod(file)
        Path(place).chmod(directory)
        command = [sys.executable, "-c", WRITE_AS_NOBODY, f"sqlite:///{path}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        Path(place).chmod(0o755)
        Path(path).chmod(0o644)
        assert "with --db" in done.stdout, done.stderr
        whole(f"sqlite:///{shutil.copy(path, file_of(sqlite_url))}", 0)


@pytest.mark.parametrize("spare", range(8))
def test_a_full_disk_keeps_everything_out_or_lets_everything_in(sqlite_url: str, spare: int) -> None:
    with closing(sqlite3.connect(file_of(sqlite_url))) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    with closing(Database(sqlite_url)) as database:

        @event.listens_for(database.engine, "connect")
        def limit(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages + spare}").close()

        def fill() -> None:
            for _ in range(400):
                add_entries(SqlStore(database), "acme")

        refused(fill, "full", "space")
        written = SqlReader(database).end()
        refused(lambda: add_entries(SqlStore(database), "acme"), "full", "space")
    whole(sqlite_url, written)
    with closing(Database(sqlite_url)) as roomy:
        add_entries(SqlStore(roomy), "acme")
    whole(sqlite_url, written + 1)


def test_a_directory_that_is_missing_is_unavailable(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/nowhere/studio.db")) as database:
        refused(SqlReader(database).end, "unable to open", "directory")


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "studio.db").write_bytes(b"This is a letter, and a long one at that. " * 100)
    with closing(Database(f"sqlite:///{tmp_path}/studio.db")) as database:
        refused(SqlReader(database).end, "not a database", "--db")


def test_a_file_with_a_torn_page_is_unavailable(sqlite_url: str) -> None:
    with closing(Database(sqlite_url)) as database:
        add_entries(SqlStore(database), "acme")
    with file_of(sqlite_url).open("r+b") as file:
        for page in range(1, 60):
            file.seek(page * 4096)
            file.write(b"\xff" * 200)
    with closing(Database(sqlite_url)) as database:
        refused(lambda: SqlReader(database).read(0, 10), "malformed", "backup")


def test_a_database_without_a_schema_names_the_command_that_makes_it(empty_sqlite_url: str) -> None:
    with closing(Database(empty_sqlite_url)) as database:
        refused(SqlReader(database).end, "no such table", "imagestudio db upgrade")


# PostgreSQL: gone before, in the middle and at the commit


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    with closing(Database(postgres_url)) as database:
        yield database


def terminate(url: str) -> None:
    """End all other sessions of this database, as an administrator or a failover would."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    execute(url, f"SELECT pg_terminate_backend(pid, 10000) {others}")


def test_a_database_without_a_schema_on_postgres_names_the_command_too(empty_postgres_url: str) -> None:
    with closing(Database(empty_postgres_url)) as database:
        refused(SqlReader(database).end, "does not exist", "imagestudio db upgrade")


def test_a_connection_killed_between_two_uses_costs_one_conflict(postgres: Database, postgres_url: str) -> None:
    add_entries(SqlStore(postgres), "acme")
    terminate(postgres_url)
    with pytest.raises(Conflict):
        add_entries(SqlStore(postgres), "acme")
    add_entries(SqlStore(postgres), "acme")
    whole(postgres_url, 2)


def test_a_connection_killed_between_two_readings_is_nothing_to_the_reader(
    postgres: Database, postgres_url: str
) -> None:
    reader = SqlReader(postgres)
    assert reader.end() == 0
    terminate(postgres_url)
    assert reader.end() == 0
    terminate(postgres_url)
    assert list(reader.states(0, 10, 10)) == []


def test_a_connection_killed_while_reading_is_asked_again_once(postgres: Database, postgres_url: str) -> None:
    """The second answer is what counts; two killed in a row are told."""
    asked = text("SELECT count(*), pg_backend_pid() FROM log")
    killing = text("SELECT count(*), pg_terminate_backend(pg_backend_pid()) FROM log")
    assert postgres.rows(asked)[0][0] == 0
    refused(lambda: postgres.rows(killing), "lost while reading", "again")
    assert postgres.rows(asked)[0][0] == 0


def test_a_connection_killed_before_the_commit_is_a_conflict_and_writes_nothing(
    postgres: Database, postgres_url: str
) -> None:
    with pytest.raises(Conflict):
        kill_before_commit(postgres, postgres_url)
    whole(postgres_url, 0)
    add_entries(SqlStore(postgres), "acme")
    whole(postgres_url, 1)


def kill_before_commit(database: Database, url: str) -> None:
    with SqlStore(database).begin() as transaction:
        beside = append(transaction, locked(transaction, "acme"))
        terminate(url)
        transaction.commit(beside)


def test_a_connection_killed_at_the_commit_is_a_conflict_and_writes_nothing(
    postgres: Database, postgres_url: str
) -> None:
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1))
        gatekeeper = stack.enter_context(closing(Database(postgres_url)))
        gate = stack.enter_context(gatekeeper.transaction())
        gate.execute(text("LOCK TABLE log IN EXCLUSIVE MODE"))
        posting = pool.submit(add_entries, SqlStore(postgres), "acme")
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'log'::regclass"
        while not gate.execute(text(waiting)).all():
            assert not posting.done()
        gate.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted"))
        with pytest.raises(Conflict):
            posting.result()
    whole(postgres_url, 0)


def test_an_answer_lost_after_the_commit_is_a_conflict_and_the_entry_is_there_once(postgres_url: str) -> None:
    url = make_url(postgres_url)
    with proxied(str(url.host), int(url.port or 0)) as proxy:
        through = url.set(port=proxy.port).render_as_string(hide_password=False)
        with closing(Database(through)) as database:
            add_entries(SqlStore(database), "acme")
            proxy.next(LOST_ANSWER)
            with pytest.raises(Conflict):
                add_entries(SqlStore(database), "acme")
            whole(postgres_url, 2)
            add_entries(SqlStore(database), "acme")
    whole(postgres_url, 3)


def test_an_answer_lost_after_the_commit_is_nothing_to_the_caller(postgres_url: str) -> None:
    """The writer reads again under the locks, finds its own facts, and charges nothing twice."""
    url = make_url(postgres_url)
    with ExitStack() as stack:
        proxy = stack.enter_context(proxied(str(url.host), int(url.port or 0)))
        opened = stack.enter_context(driven_ledger(url.set(port=proxy.port).render_as_string(hide_password=False)))
        opened.open("acme")
        proxy.next(LOST_ANSWER)
        opened.accept("acme", "a")
        proxy.next(LOST_ANSWER)
        opened.complete("acme", "a")
        opened.complete("acme", "a")
        topics = [entry.link.topic for entry in opened.reader.read(0, 100)]
    assert topics.count("operation.requested") == topics.count("operation.charged") == 1
    whole(postgres_url, 7)


def test_a_server_that_stops_in_the_middle_is_unavailable_until_it_is_back() -> None:
    with ExitStack() as running, ExitStack() as opened:
        server = running.enter_context(running_postgres(fsync=False))
        url = beside(server, "template1")
        upgrade_schema(url)
        database = opened.enter_context(closing(Database(url)))
        add_entries(SqlStore(database), "acme")
        with pytest.raises(Conflict):
            stop_before_commit(database, running)
        refused(lambda: add_entries(SqlStore(database), "acme"), "refused", "running")
        refused(SqlReader(database).end, "refused", "running")


def stop_before_commit(database: Database, running: ExitStack) -> None:
    with SqlStore(database).begin() as transaction:
        beside_it = append(transaction, locked(transaction, "acme"))
        running.close()
        transaction.commit(beside_it)


def test_nobody_listens_where_a_server_should_be() -> None:
    with closing(Database("postgresql://postgres@127.0.0.1:1/studio")) as database:
        refused(SqlReader(database).end, "refused", "running")


def test_a_database_that_does_not_exist_is_unavailable(postgres_server: str) -> None:
    missing = make_url(postgres_server).set(database="nowhere").render_as_string(hide_password=False)
    with closing(Database(missing)) as database:
        refused(SqlReader(database).end, "does not exist", "create the database")


def test_a_replica_that_may_not_be_written_is_unavailable(postgres: Database, postgres_url: str) -> None:
    execute(postgres_url, f'ALTER DATABASE "{postgres.url.database}" SET default_transaction_read_only = on')
    refused(lambda: add_entries(SqlStore(postgres), "acme"), "read-only", "primary")
    assert SqlReader(postgres).end() == 0


# Addresses


@pytest.mark.parametrize("url", ["", "studio.db", "mysql://localhost/studio", "sqlite://", "sqlite:///:memory:", "://"])
def test_an_address_that_cannot_hold_a_ledger_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(StoreError) as refusal:
        parse_url(url)
    assert "sqlite:///FILE" in in_shell(refusal.value.advice)


@pytest.mark.parametrize("url", ["postgresql://h/n", "postgresql+psycopg2://h/n", "postgresql+psycopg://h/n"])
def test_postgres_is_always_reached_by_the_driver_that_is_installed(url: str) -> None:
    assert parse_url(url).drivername == "postgresql+psycopg2"


# Each cause in its own words, from a real server


@pytest.fixture
def stranger(postgres_url: str) -> Iterator[str]:
    """A role that may log in and nothing else."""
    name = f"stranger_{secrets.token_hex(4)}"
    execute(postgres_url, f"CREATE ROLE {name} LOGIN")
    try:
        yield name
    finally:
        execute(postgres_url, f"DROP ROLE {name}")


def told(url: URL) -> StoreUnavailable:
    database = Database(url.render_as_string(hide_password=False))
    with closing(database), pytest.raises(StoreUnavailable) as error:
        SqlReader(database).end()
    return error.value


def test_a_user_that_may_do_nothing_is_told_so(postgres_url: str, stranger: str) -> None:
    assert "may not do this" in told(make_url(postgres_url).set(username=stranger)).message


def test_a_user_with_no_connection_left_is_told_so(postgres_url: str, stranger: str) -> None:
    execute(postgres_url, f"ALTER ROLE {stranger} CONNECTION LIMIT 0")
    assert "no connection to spare" in told(make_url(postgres_url).set(username=stranger)).message


def test_a_user_that_may_not_log_in_is_told_so(postgres_url: str, stranger: str) -> None:
    execute(postgres_url, f"ALTER ROLE {stranger} NOLOGIN")
    assert "let this user in" in told(make_url(postgres_url).set(username=stranger)).message


def test_a_user_that_does_not_exist_is_told_so(postgres_url: str) -> None:
    assert "let this user in" in told(make_url(postgres_url).set(username="nobody-of-this-name")).message


def test_a_server_that_does_not_encrypt_is_told_so(postgres_url: str) -> None:
    assert "does not encrypt" in told(make_url(postgres_url).update_query_dict({"sslmode": "require"})).message


def test_a_schema_that_has_no_ledger_is_told_so(postgres_url: str) -> None:
    elsewhere = make_url(postgres_url).update_query_dict({"options": "-c search_path=pg_catalog"})
    assert "search_path" in in_shell(told(elsewhere).advice)


def test_a_setting_of_the_url_that_nobody_knows_is_told_so(postgres_url: str) -> None:
    assert "cannot be read" in told(make_url(postgres_url).update_query_dict({"serach_path": "studio"})).message
