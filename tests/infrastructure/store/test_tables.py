"""Every table from which something is decided is compared with the log, column by column, and made anew from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from application.keeping.tables import MADE, TABLES, TableStanding, columns_of
from infrastructure.store.guarding import ARCHIVE_TABLES
from infrastructure.store.schema import METADATA
from projections.engine.tables import schema_of
from projections.views import ALL
from tests.infrastructure.store.histories import Ledger, forge, ledger_at, write

SCHEMA = "imagestudio_schema"
"""The migrations' own: compared with the program's whenever a database is opened."""

LATER = "9000000000000000"

LOG_BESIDE = [name for name, table in TABLES.items() if table.standing in (TableStanding.MADE, TableStanding.COMPARED)]
TOLD = [(name, column) for name in LOG_BESIDE for column in (*TABLES[name].key, *TABLES[name].told)]
"""All columns that the log tells; keys too, as a changed key is a row lost and a stranger."""

UNTOLD = {
    "keys": "reference NOT IN (SELECT batch FROM operation_log WHERE state = 'rejected')",
}
"""Rows whose told columns can be compared: of a refusal, no content is kept, and so no fingerprint."""


@pytest.fixture(scope="module")
def written(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("written")
    path = home / "studio.db"
    shutil.copyfile(sqlite_template, path)
    write(f"sqlite:///{path}", home)
    with ledger_at(f"sqlite:///{path}") as told:
        told.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def told(written: Path, tmp_path: Path) -> Iterator[Ledger]:
    """The history, on a copy of this test alone."""
    path = tmp_path / "copy.db"
    shutil.copyfile(written, path)
    with ledger_at(f"sqlite:///{path}") as opened:
        yield opened


def test_every_table_of_the_database_is_declared_with_all_its_columns(told: Ledger) -> None:
    tables = told.tables()
    assert set(tables) == {*TABLES, *schema_of(ALL).tables, SCHEMA}
    assert set(TABLES) == set(METADATA.tables)
    for name in TABLES:
        assert sorted(tables[name]) == sorted(columns_of(name))
        assert all(TABLES[name].free.values())


def test_a_true_history_has_no_differences_and_rows_in_every_table(told: Ledger) -> None:
    assert told.audit() == []
    assert [name for name in TABLES if not told.rows(f"SELECT 1 FROM {name}")] == [*ARCHIVE_TABLES]  # of no file here
    assert told.mend() == []


def some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Four of them, from the first to the last."""
    return rows[:: max(1, len(rows) // 4)]


def other(column: str, value: Any) -> Any:
    """Another value of the same type."""
    if column == "expires":
        return int(LATER)
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return value + 1 if isinstance(value, int) else f"{value}x"


@pytest.mark.parametrize(("table", "column"), TOLD)
def test_a_changed_value_is_found_in_every_row_and_mended(told: Ledger, table: str, column: str) -> None:
    rows = told.rows(f"SELECT * FROM {table} WHERE {UNTOLD.get(table, '1 = 1')}")
    assert rows
    for row in some(rows):
        key = " AND ".join(f"{name} = :key_{name}" for name in TABLES[table].key)
        values = {f"key_{name}": row[name] for name in TABLES[table].key}
        put = {"put": other(column, row[column])}
        assert told.run(f"UPDATE {table} SET {column} = :put WHERE {key}", **values, **put) == 1
        found = told.audit()
        assert any(table[:-1] in one for one in found), (row, found)
        if table in MADE:
            assert told.mend()
        else:
            where = " AND ".join(f"{name} = :key_{name}" for name in TABLES[table].key)
            values |= {f"key_{column}": put["put"]} if column in TABLES[table].key else {}
            told.run(f"UPDATE {table} SET {column} = :back WHERE {where}", back=row[column], **values)
        assert told.audit() == []


@pytest.mark.parametrize("table", MADE)
def test_a_lost_row_is_found_and_made_anew(told: Ledger, table: str) -> None:
    for row in some(told.rows(f"SELECT * FROM {table}")):
        here = " AND ".join(f"{name} = :{name}" for name in TABLES[table].key)
        told.run(f"DELETE FROM {table} WHERE {here}", **{name: row[name] for name in TABLES[table].key})
        if table == "snapshots":  # they are disposable: without one a period is folded from its stream
            assert told.audit() == []
            continue
        assert any(table[:-1] in one for one in told.audit())
        assert [(one.table, dict(one.key)) for one in told.mend(table)] == [
            (table, {name: row[name] for name in TABLES[table].key})
        ]
        assert told.audit() == []
    if table not in ("snapshots", "leases"):
        told.run(f"DELETE FROM {table}")
        assert told.audit() != []
        assert told.mend(table)
        assert told.audit() == []


@pytest.mark.parametrize("table", [name for name in LOG_BESIDE if name != "accounts"])
def test_a_strangers_row_is_found_and_taken_away(told: Ledger, table: str) -> None:
    row = told.rows(f"SELECT * FROM {table} ORDER BY 1 LIMIT 1")[0]
    for column in TABLES[table].key:
        row[column] = 2**40 if isinstance(row[column], int) else f"stranger-{row[column]}"
    if table == "leases":
        row["operation"] = "stranger"
    marks = ", ".join(f":{name}" for name in row)
    told.run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", **row)
    assert [one for one in told.audit() if one.startswith(table)]
    if table in MADE:
        assert [one.table for one in told.mend()] == [table]
        assert told.audit() == []


def test_a_lease_of_what_is_closed_is_taken_away(told: Ledger) -> None:
    closed = told.rows("SELECT id, account FROM operations WHERE phase = 'charged' LIMIT 1")[0]
    told.run("INSERT INTO leases VALUES (:id, :account, 'nobody', 1, 0)", **closed)
    assert len(told.audit()) == 1
    assert len(told.mend()) == 1
    assert told.audit() == []


def test_a_forged_book_whose_digest_fits_is_found_and_mended(told: Ledger) -> None:
    for row in told.rows("SELECT * FROM snapshots"):
        forged = forge(row["state"], usage={})
        key = {"stream": row["stream"], "version": row["version"]}
        told.run(
            "UPDATE snapshots SET state = :state WHERE stream = :stream AND version = :version", state=forged, **key
        )
        assert told.audit() == [f"snapshots stream={row['stream']!r} version={row['version']}: {OTHERWISE}"]
        told.mend()
        assert told.audit() == []


OTHERWISE = "is not what the log makes of its stream"


def test_nothing_is_changed_by_a_dry_run(told: Ledger) -> None:
    wrong = told.run("DELETE FROM keys") + told.run("UPDATE accounts SET last = last + 1")
    before = told.audit()
    assert len(told.mend(told=True)) == wrong
    assert told.audit() == before
    assert len(told.mend()) == wrong


def test_only_the_tables_that_were_named_are_mended(told: Ledger) -> None:
    told.run("DELETE FROM keys")
    told.run("DELETE FROM jobs")
    assert {one.table for one in told.mend("jobs")} == {"jobs"}
    assert {one.table for one in told.mend()} == {"keys"}


def test_what_is_asked_with_an_erased_prompt_keeps_its_blank_fingerprint(told: Ledger) -> None:
    batch = told.rows("SELECT reference FROM keys WHERE key = 'order-1'")[0]["reference"]
    told.run("DELETE FROM contents WHERE batch = :batch", batch=batch)
    assert [one for one in told.audit() if one.startswith("keys")]  # lost, not erased
    told.mend()
    assert told.rows("SELECT fingerprint FROM keys WHERE key = 'order-1'") == [{"fingerprint": ""}]
    told.run("DELETE FROM keys")
    told.mend()
    assert told.rows("SELECT fingerprint FROM keys WHERE key = 'order-1'") == [{"fingerprint": ""}]
    assert told.audit() == []


def test_no_secret_and_no_prompt_is_in_what_is_found(told: Ledger) -> None:
    told.run("UPDATE contents SET body = replace(body, 'a lake', 'a sea')")
    found = " ".join(told.audit())
    assert "is not what was asked" in found
    assert "a sea" not in found


# On PostgreSQL, a sample of the same


SAMPLE = (
    "DELETE FROM keys",
    "DELETE FROM leases",
    "DELETE FROM jobs",
    "DELETE FROM operations",
    "DELETE FROM accounts WHERE id = 'acme'",
    "UPDATE keys SET reference = 'other'",
    "UPDATE keys SET key = key || 'x'",
    "UPDATE jobs SET operation = 'other'",
    "UPDATE leases SET expires = 9000000000000000",
    "UPDATE leases SET account = 'zeta'",
    "UPDATE operations SET phase = 'charged' WHERE phase <> 'charged'",
    "UPDATE operations SET charged = charged + 1",
    "UPDATE accounts SET last = last + 1, terms_hash = hash",
    "UPDATE accounts SET revision = 0, stream = '', version = 0",
    'UPDATE snapshots SET state = replace(state, \'"posted":{"images":\', \'"posted":{"videos":\')',
    "UPDATE snapshots SET topic = 'other'",
    "INSERT INTO keys VALUES ('acme', 'credit:x', 'credit:x', '1'), ('acme', 'y', 'nobody', '')",
    "INSERT INTO operations VALUES ('ghost', 'acme', 'ledger:acme:1', 'charged', 5, 0)",
    "INSERT INTO accounts VALUES ('ghost', 1, '', 0, '', 0, '', 0)",
)


def test_a_sample_of_damages_is_found_and_mended_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    write(postgres_url, tmp_path)
    with ledger_at(postgres_url) as told:
        assert (told.audit(), told.mend()) == ([], [])
        for statement in SAMPLE:
            assert told.run(statement), statement
            assert told.audit(), statement
            assert told.mend(), statement
            assert (told.audit(), told.mend()) == ([], []), statement


def test_a_page_is_read_in_one_moment_on_postgresql(postgres_url: str) -> None:
    with ledger_at(postgres_url) as told, told.ground.desks.moment() as desk:
        assert desk.places("keys", (), 1) == []
        with told.database.transaction() as connection:
            connection.execute(text("INSERT INTO keys VALUES ('acme', 'k', 'r', '')"))
        assert desk.places("keys", (), 1) == []


def test_what_is_claimed_and_not_dispatched_yet_is_leased_and_not_in_the_queue(told: Ledger) -> None:
    [waiting, *_] = told.rows("SELECT operation, account FROM queue ORDER BY operation")
    told.run("DELETE FROM queue WHERE operation = :operation", operation=waiting["operation"])
    told.run("INSERT INTO leases VALUES (:operation, :account, 'worker', 1, 0)", **waiting)
    assert told.audit() == []
    told.run("INSERT INTO queue VALUES (:operation, :account, 'scripted', 0)", **waiting)
    assert len(told.audit()) == 1
    assert [one.table for one in told.mend()] == ["queue"]
    assert told.audit() == []


def test_a_lost_queue_is_made_anew_with_its_priorities(told: Ledger) -> None:
    before = told.rows("SELECT * FROM queue ORDER BY operation")
    assert {row["place"] for row in before} == {0, 2}
    told.run("DELETE FROM queue")
    assert len(told.mend()) == len(before)
    assert told.rows("SELECT * FROM queue ORDER BY operation") == before
