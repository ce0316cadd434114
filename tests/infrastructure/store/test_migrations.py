"""A schema comes whole or not at all, once, however many ask for it; and its log refuses every change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, event, inspect, text
from sqlalchemy.exc import DBAPIError

from domain.errors import SchemaMismatch, StoreError
from infrastructure.showing.hints import in_shell
from infrastructure.store import migrations
from infrastructure.store.database import Database
from infrastructure.store.guarding import APPEND_ONLY, TRIGGER_NAMES
from infrastructure.store.migrations import HEAD, REVISIONS, check_schema, current, ensure_schema, guard, upgrade_schema
from infrastructure.store.migrations.views import shape_of_views
from infrastructure.store.schema import METADATA, VERSION_TABLE
from projections.engine.tables import schema_of
from projections.views import ALL
from tests.faults.processes import in_processes
from tests.infrastructure.cli.workspaces import call
from tests.infrastructure.store.driven import driven_ledger

ROOT = Path(__file__).parents[3]
AT_ONCE = 6


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """A database without tables, once on each kind."""
    url: str = request.getfixturevalue(f"empty_{request.param}_url")
    return url


@contextmanager
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    try:
        yield opened
    finally:
        opened.close()


INDEX = "asset_search"
"""The index over words, and the tables that FTS5 keeps it in: each database has its own kind."""


def tables(url: str) -> set[str]:
    with database(url) as opened, opened.connect() as connection:
        return set(inspect(connection).get_table_names())


def set_revision(url: str, revision: str) -> None:
    with database(url) as opened, opened.transaction() as connection:
        connection.execute(text("UPDATE imagestudio_schema SET version_num = :new"), {"new": revision})


# What an upgrade makes


def test_an_upgrade_makes_exactly_the_tables_that_the_program_uses(empty_url: str) -> None:
    upgrade_schema(empty_url)
    everything = MetaData()
    for table in (*METADATA.sorted_tables, *schema_of(ALL).sorted_tables):
        table.to_metadata(everything)
    with database(empty_url) as opened, opened.connect() as connection:
        options = {"compare_type": True, "compare_server_default": False, "version_table": VERSION_TABLE}
        options["include_name"] = lambda name, kind, _: kind != "table" or name is None or not name.startswith(INDEX)
        assert compare_metadata(MigrationContext.configure(connection, opts=options), everything) == []


def test_the_first_position_is_one_as_proving_the_triggers_leaves_no_trace(empty_url: str) -> None:
    upgrade_schema(empty_url)
    upgrade_schema(empty_url)
    with driven_ledger(empty_url) as opened:
        assert opened.reader.end() == 0
        opened.open("acme")
        assert opened.reader.end() == 1


def test_an_upgrade_of_what_is_up_to_date_changes_nothing_in_it(database_url: str) -> None:
    with driven_ledger(database_url) as opened:
        opened.open("acme")
        opened.run("acme", "a")
        before = opened.reader.read(0, 100)
    upgrade_schema(database_url)
    with driven_ledger(database_url) as opened:
        assert opened.reader.read(0, 100) == before


def test_rows_that_are_updated_in_place_have_room_on_their_pages(empty_postgres_url: str) -> None:
    upgrade_schema(empty_postgres_url)
    with database(empty_postgres_url) as opened, opened.connect() as connection:
        filled = connection.execute(text("SELECT relname FROM pg_class WHERE 'fillfactor=70' = ANY (reloptions)"))
        assert {"accounts", "leases"} <= set(filled.scalars())


def test_the_named_revisions_are_alembics_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", migrations.SCRIPTS)
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == REVISIONS


def test_views_that_changed_have_a_new_revision() -> None:
    recorded = [
        module.views
        for path in sorted((Path(migrations.__file__).parent / "versions").glob("v*.py"))
        if hasattr(module := import_module(f"infrastructure.store.migrations.versions.{path.stem}"), "views")
    ]
    todo = "copy the newest v…_views.py under the next number, name that in REVISIONS, and write into it: views ="
    assert recorded[-1] == (shape := shape_of_views()), f'{todo} "{shape}" (docs/views.md)'


# Once, however many


def upgrade_in_threads(url: str) -> None:
    start = Barrier(AT_ONCE)

    def run(_: int) -> None:
        start.wait()
        upgrade_schema(url)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run, range(AT_ONCE)))


def test_many_threads_that_upgrade_at_once_all_succeed(empty_url: str) -> None:
    upgrade_in_threads(empty_url)
    assert current(empty_url) == HEAD


async def upgraded(url: str) -> None:
    """What each process does."""
    upgrade_schema(url)


def test_many_processes_that_upgrade_at_once_all_succeed(empty_url: str) -> None:
    in_processes(upgraded, [(empty_url,)] * 3)
    assert current(empty_url) == HEAD


def test_an_upgrade_waits_for_a_writer_in_its_transaction_and_takes_nothing_it_needs(postgres_url: str) -> None:
    with database(postgres_url) as opened, ThreadPoolExecutor(1) as pool, opened.connect() as observer:
        with opened.transaction() as connection:
            connection.execute(text("SELECT id FROM accounts FOR UPDATE"))
            upgrading = pool.submit(upgrade_schema, postgres_url)
            while not observer.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted AND relation IS NOT NULL")).all():
                assert not upgrading.done()
            connection.execute(
                text("INSERT INTO log (stream, version, topic, actor, state, hash) VALUES ('a', 1, '', '', '', '')")
            )
        upgrading.result()


# Whole or not at all


@contextmanager
def instead(answer: Callable[[str], str]) -> Iterator[None]:
    """Every database of this process is sent what this makes of a statement, or what it raises is raised."""

    def change(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> tuple[str, Any]:
        return answer(statement), values

    event.listen(Engine, "before_cursor_execute", change, retval=True)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", change)


@pytest.mark.parametrize("failing", ["SAVEPOINT proof", "CREATE TRIGGER", "RELEASE SAVEPOINT proof"])
def test_an_upgrade_that_fails_leaves_nothing_behind(empty_url: str, failing: str) -> None:
    def fail(statement: str) -> str:
        if statement.startswith(failing):
            raise StoreError("the disk was pulled out")
        return statement

    with instead(fail), pytest.raises(StoreError, match="pulled out"):
        upgrade_schema(empty_url)
    assert tables(empty_url) == set()
    upgrade_schema(empty_url)
    assert current(empty_url) == HEAD


@pytest.mark.parametrize(
    "missing", ["log_no_update", "log_no_delete", "log_no_replace", "log_append_only", "log_no_loss"]
)
def test_a_log_that_accepts_an_attack_is_not_accepted(empty_url: str, missing: str) -> None:
    def weaken(statement: str) -> str:
        return "SELECT 1" if f"CREATE TRIGGER {missing} " in statement else statement

    with database(empty_url) as opened:
        mine = missing in TRIGGER_NAMES[opened.dialect]
    if mine:
        with instead(weaken), pytest.raises(StoreError, match="does not refuse"):
            upgrade_schema(empty_url)
        assert tables(empty_url) == set()
    else:
        upgrade_schema(empty_url)


def test_an_upgrade_puts_back_the_triggers_that_somebody_dropped(database_url: str) -> None:
    with database(database_url) as opened:
        with opened.transaction() as connection:
            on = "" if opened.is_sqlite else " ON log"
            connection.execute(text(f"DROP TRIGGER {TRIGGER_NAMES[opened.dialect][0]}{on}"))
            with pytest.raises(StoreError, match="does not refuse"):
                guard.prove(connection)
            connection.execute(text("ROLLBACK TO SAVEPOINT proof"))
        upgrade_schema(database_url)
        with opened.transaction() as connection:
            guard.prove(connection)


# Who may use what


def test_opening_a_new_sqlite_file_makes_its_schema(empty_sqlite_url: str) -> None:
    with database(empty_sqlite_url) as opened:
        ensure_schema(opened)
        check_schema(opened)


def test_opening_an_older_sqlite_file_changes_nothing_in_it_and_an_upgrade_keeps_its_facts(sqlite_url: str) -> None:
    with driven_ledger(sqlite_url) as opened:
        opened.open("acme")
        with opened.database.transaction() as connection:
            schema_of(ALL).drop_all(connection)
    set_revision(sqlite_url, REVISIONS[0])
    with database(sqlite_url) as opened, pytest.raises(SchemaMismatch) as refused:
        ensure_schema(opened)
    assert "imagestudio db upgrade --db sqlite" in in_shell(refused.value.advice)
    assert current(sqlite_url) == REVISIONS[0]
    upgrade_schema(sqlite_url)
    assert current(sqlite_url) == HEAD
    assert {table.name for table in schema_of(ALL).sorted_tables} <= tables(sqlite_url)
    with driven_ledger(sqlite_url) as again:
        assert again.reader.end() == 1


@pytest.mark.parametrize("older", [None, REVISIONS[0]])
def test_opening_an_older_postgres_is_refused_with_the_command_that_upgrades_it(
    empty_postgres_url: str, older: str | None
) -> None:
    if older is not None:
        upgrade_schema(empty_postgres_url)
        set_revision(empty_postgres_url, older)
    before = tables(empty_postgres_url)
    with database(empty_postgres_url) as opened, pytest.raises(SchemaMismatch) as refused:
        ensure_schema(opened)
    assert "imagestudio db upgrade --db postgresql" in in_shell(refused.value.advice)
    assert tables(empty_postgres_url) == before


def test_a_password_is_not_shown_in_a_hint(empty_postgres_url: str) -> None:
    secret = empty_postgres_url.replace("postgres@", "postgres:s3cret@", 1)
    with database(secret) as opened, pytest.raises(SchemaMismatch) as refused:
        check_schema(opened)
    told = in_shell(refused.value.advice)
    assert told.startswith("make it with: imagestudio db upgrade --db postgresql://"), "there is nothing to back up yet"
    assert "s3cret" not in f"{refused.value} {told}"


def test_a_newer_schema_is_refused_and_left_alone(database_url: str) -> None:
    set_revision(database_url, "9999")
    with pytest.raises(SchemaMismatch, match="newer than this program"):
        upgrade_schema(database_url)
    with database(database_url) as opened, pytest.raises(SchemaMismatch, match="newer than this program"):
        ensure_schema(opened)
    assert current(database_url) == "9999"
    if database_url.startswith("sqlite"):
        status = call("db", "status", "--db", database_url).out
        assert "newer one" in status
        assert "db upgrade" not in status


def test_another_programs_database_is_refused_and_left_alone(empty_url: str) -> None:
    with database(empty_url) as opened, opened.transaction() as connection:
        connection.execute(text("CREATE TABLE log (line TEXT)"))
    with pytest.raises(SchemaMismatch, match="another program"):
        upgrade_schema(empty_url)
    assert tables(empty_url) == {"log"}


def test_a_database_that_was_never_upgraded_has_no_revision(empty_url: str) -> None:
    assert current(empty_url) is None


# Append only

COLUMNS = "(position, stream, version, topic, actor, state, hash)"
ATTACKS = {
    "update": "UPDATE log SET state = '{}'",
    "update of nothing but the position": "UPDATE log SET position = position + 1000",
    "delete": "DELETE FROM log WHERE version = 1",
    "on conflict do update": f"INSERT INTO log {COLUMNS} SELECT position + 1000, stream, version, topic, actor, '{{}}',"
    " hash FROM log WHERE version = 1 ON CONFLICT (stream, version) DO UPDATE SET state = excluded.state",
}
SQLITE_ATTACKS = {
    "insert or replace": f"INSERT OR REPLACE INTO log {COLUMNS} SELECT position + 1000, stream, version, topic, actor,"
    " '{}', hash FROM log WHERE version = 1",
    "replace by position": f"REPLACE INTO log {COLUMNS} SELECT position, 'x', 1, topic, actor, '{{}}', hash"
    " FROM log LIMIT 1",
    "update or replace": "UPDATE OR REPLACE log SET version = 1",
    "insert or ignore": f"INSERT OR IGNORE INTO log {COLUMNS} SELECT position, 'x', 1, topic, actor, '', hash FROM log",
}
POSTGRES_ATTACKS = {
    "truncate": "TRUNCATE log",
    "truncate cascade": "TRUNCATE accounts, log RESTART IDENTITY CASCADE",
    "merge": "MERGE INTO log USING log AS other ON log.position = other.position"
    " WHEN MATCHED THEN UPDATE SET state = '{}'",
    "update in a CTE": "WITH changed AS (UPDATE log SET state = '{}' RETURNING *) SELECT * FROM changed",
}


def attack(url: str, statement: str) -> None:
    with driven_ledger(url) as opened:
        opened.open("acme")
        before = opened.reader.read(0, 10)
        with opened.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA recursive_triggers = OFF" if opened.database.is_sqlite else "SELECT 1")
            with pytest.raises(DBAPIError, match=APPEND_ONLY):
                connection.exec_driver_sql(statement)
        assert opened.reader.read(0, 10) == before


@pytest.mark.parametrize("statement", ATTACKS.values(), ids=list(ATTACKS))
def test_the_log_refuses(database_url: str, statement: str) -> None:
    attack(database_url, statement)


@pytest.mark.parametrize("statement", SQLITE_ATTACKS.values(), ids=list(SQLITE_ATTACKS))
def test_the_log_refuses_on_sqlite(sqlite_url: str, statement: str) -> None:
    attack(sqlite_url, statement)


@pytest.mark.parametrize("statement", POSTGRES_ATTACKS.values(), ids=list(POSTGRES_ATTACKS))
def test_the_log_refuses_on_postgres(postgres_url: str, statement: str) -> None:
    attack(postgres_url, statement)
