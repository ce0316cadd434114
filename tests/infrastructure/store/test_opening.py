"""One look at opening: what a ledger cannot rest on is refused with its reason, what is merely unwise is said."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from domain.errors import SchemaMismatch, StoreError, StoreUnavailable
from infrastructure.clock import SECOND, now
from infrastructure.store.database import Database
from infrastructure.store.migrations import HEAD, check_schema, current, ensure_schema, upgrade_schema
from infrastructure.store.opening import check_opening
from infrastructure.store.reader import SqlReader
from infrastructure.store.transactions import SqlStore
from infrastructure.storecheck.trial import add_entries
from projections.engine import checkpoints
from projections.engine.comparison import compare
from projections.engine.database import FactSource, writing
from projections.engine.rebuild import rebuild
from projections.views import ALL
from tests.infrastructure.store.driven import driven_ledger
from tests.postgres import beside, execute


def opened(url: str) -> None:
    with closing(Database(url)) as database:
        check_opening(database)


def refusal(url: str) -> StoreError:
    with pytest.raises(StoreError) as refused:
        opened(url)
    assert refused.value.hint
    return refused.value


def with_query(url: str, **query: str) -> str:
    return make_url(url).update_query_dict(query).render_as_string(hide_password=False)


@contextmanager
def encoded(server: str, encoding: str) -> Iterator[str]:
    """A database of another encoding, in which somebody made tables like the ledger's."""
    name = f"test_{secrets.token_hex(8)}"
    execute(server, f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    try:
        url = beside(server, name)
        execute(url, "CREATE TABLE log (position bigint)", "CREATE TABLE view_checkpoints (position bigint)")
        yield url
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")


# Refused


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_a_database_that_cannot_keep_every_text_is_refused(postgres_server: str, encoding: str) -> None:
    with encoded(postgres_server, encoding) as url:
        error = refusal(url)
        assert encoding in error.message
        assert "ENCODING 'UTF8'" in error.hint
        with pytest.raises(StoreError, match=f"{encoding}, the ledger needs UTF8"):
            upgrade_schema(url)


def test_a_connection_that_cannot_carry_every_text_is_refused(postgres_url: str) -> None:
    assert "LATIN1" in refusal(with_query(postgres_url, client_encoding="latin1")).message


def test_the_databases_own_choice_of_a_clients_encoding_does_not_count(postgres_url: str) -> None:
    execute(postgres_url, f'ALTER DATABASE "{make_url(postgres_url).database}" SET client_encoding = latin1')
    opened(postgres_url)


@pytest.mark.parametrize(
    "setting", ["synchronous_commit = off", "session_replication_role = replica", "array_nulls = off"]
)
def test_a_setting_under_which_facts_are_not_safe_is_refused_by_name(postgres_url: str, setting: str) -> None:
    execute(postgres_url, f'ALTER DATABASE "{make_url(postgres_url).database}" SET {setting}')
    name, _, value = setting.split()
    assert f"{name} is {value}" in refusal(postgres_url).message
    opened(with_query(postgres_url, options=f"-c {name}={'origin' if name.startswith('session') else 'on'}"))


@pytest.mark.parametrize("setting", ["default_transaction_isolation = serializable", "statement_timeout = 1"])
def test_a_setting_that_each_transaction_makes_itself_does_not_count(postgres_url: str, setting: str) -> None:
    execute(postgres_url, f'ALTER DATABASE "{make_url(postgres_url).database}" SET {setting}')
    opened(postgres_url)


def test_limits_that_something_on_the_way_drops_are_refused(postgres_url: str) -> None:
    """As a pooler that pools by statement would, if it let the transaction pass at all."""
    with closing(Database(postgres_url)) as database:

        @event.listens_for(database.engine, "checkout")
        def drop(connection: object, *_: object) -> None:
            connection.ahead = ""  # type: ignore[attr-defined]

        with pytest.raises(StoreError, match="lock_timeout is 0"):
            check_opening(database)


def test_a_setting_of_the_url_that_is_not_in_force_is_refused(postgres_url: str) -> None:
    url = with_query(postgres_url, options="-c search_path=public -c jit=off")
    opened(url)
    with closing(Database(url)) as database:

        @event.listens_for(database.engine, "checkout")
        def drop(connection: object, *_: object) -> None:
            with connection.cursor() as cursor:  # type: ignore[attr-defined]
                cursor.execute("SET jit = on")

        with pytest.raises(StoreError, match="jit of the database URL is not in force") as refused:
            check_opening(database)
    assert "ALTER ROLE" in refused.value.hint


def test_a_file_whose_journal_is_not_ahead_is_refused(sqlite_url: str) -> None:
    with closing(Database(sqlite_url)) as database:

        @event.listens_for(database.engine, "connect")
        def otherwise(connection: object, _record: object) -> None:
            connection.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]

        with pytest.raises(StoreError, match="other settings"):
            check_opening(database)


# Warned of


def test_a_server_that_may_only_be_read_is_said_and_can_be_read(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    execute(postgres_url, f'ALTER DATABASE "{make_url(postgres_url).database}" SET default_transaction_read_only = on')
    with caplog.at_level(logging.WARNING, "imagestudio"):
        opened(postgres_url)
    assert "may only be read" in caplog.text
    assert "primary" in caplog.text


def test_a_server_that_does_not_wait_for_its_disk_is_said(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "imagestudio"):
        opened(postgres_url)
    assert "fsync is off" in caplog.text


# Views ahead of the log


def test_a_view_that_has_read_further_than_the_log_reaches_is_stopped_until_it_is_rebuilt(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        add_entries(SqlStore(database), "acme")
        with writing(database) as connection:
            checkpoints.begin(connection, ["usage_summary", "model_cost"])
            connection.execute(text("UPDATE view_checkpoints SET position = 9 WHERE view = 'usage_summary'"))
        check_opening(database)
        with database.connect() as connection:
            marks = checkpoints.marks(connection, ["usage_summary", "model_cost"])
    assert marks["usage_summary"].failed_at == 9
    assert "facts that this view counts were lost" in str(marks["usage_summary"].error)
    assert marks["model_cost"].error is None


def test_what_is_as_it_should_be_is_opened_in_one_look(database_url: str) -> None:
    """On PostgreSQL in one transaction, which ends in a round trip of its own."""
    asked: list[str] = []
    with closing(Database(database_url)) as database:
        SqlReader(database).end()
        event.listen(database.engine, "before_cursor_execute", lambda *_: asked.append(_[2]))
        check_opening(database)
    assert asked[1:] in ([], ["COMMIT"])


# A schema of its own, and a table of its own


def test_the_schema_of_the_url_is_used_for_everything(empty_postgres_url: str) -> None:
    """Beside another ledger in the usual schema, whose tables are in the path."""
    upgrade_schema(empty_postgres_url)
    execute(empty_postgres_url, "CREATE SCHEMA studio")
    inside = with_query(empty_postgres_url, options=r"-c search_path=studio,\ public")
    assert current(inside) is None
    upgrade_schema(inside)
    assert current(inside) == HEAD
    with driven_ledger(inside) as ours, driven_ledger(empty_postgres_url) as others:
        ours.open("acme")
        ours.run("acme", "op-1")
        check_opening(ours.database)
        execute(empty_postgres_url, "CREATE TABLE usage_summary__next (being_rebuilt int)")
        rebuild(ours.database, FactSource(ours.reader, ours.codec), ALL)
        assert execute(empty_postgres_url, "SELECT count(*) FROM usage_summary__next") == [(0,)], "is not ours"
        execute(empty_postgres_url, "DROP TABLE usage_summary__next")
        assert compare(ours.database, FactSource(ours.reader, ours.codec), ALL).equal
        assert (ours.reader.end() > 0, others.reader.end()) == (True, 0)
    places = "SELECT DISTINCT relname, nspname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
    tables = execute(empty_postgres_url, f"{places} WHERE relkind = 'r' AND nspname IN ('public', 'studio')")
    assert {name for name, where in tables if where == "studio"} == {
        name for name, where in tables if where == "public"
    }


def test_a_schema_that_does_not_exist_is_named(empty_postgres_url: str) -> None:
    missing = with_query(empty_postgres_url, options="-c search_path=nowhere")
    with pytest.raises(StoreUnavailable, match="no such schema") as refused:
        upgrade_schema(missing)
    assert "search_path" in refused.value.hint


def test_the_shared_table_of_another_program_is_nothing_to_a_new_ledger(empty_postgres_url: str) -> None:
    execute(empty_postgres_url, "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    execute(empty_postgres_url, "INSERT INTO alembic_version VALUES ('0003')", "CREATE TABLE orders (id int)")
    assert current(empty_postgres_url) is None
    with closing(Database(empty_postgres_url)) as database, pytest.raises(SchemaMismatch, match="missing"):
        check_schema(database)
    upgrade_schema(empty_postgres_url)
    assert current(empty_postgres_url) == HEAD
    assert execute(empty_postgres_url, "SELECT version_num FROM alembic_version") == [("0003",)]


def test_a_newer_program_of_somebody_else_is_not_a_newer_ledger(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        with database.transaction() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"))
            connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
        ensure_schema(database)


def test_a_clock_that_is_behind_the_databases_is_told(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "imagestudio"), closing(Database(postgres_url)) as database:
        check_opening(database, lambda: now() - 3_600 * SECOND)
    assert "seconds behind the database's" in caplog.text
