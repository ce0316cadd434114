"""A locked, read-only, full or damaged database: one clear error, nothing half recorded, and then it goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, make_url

from application.asking.requests import Request
from domain.advice import Advice
from domain.errors import (
    AssetDamaged,
    AssetMissing,
    ImageStudioError,
    LogCorrupted,
    OperationPending,
    SchemaMismatch,
    StoreError,
    StoreUnavailable,
)
from infrastructure.service import Studio
from infrastructure.showing.hints import in_shell
from infrastructure.store.guarding import TRIGGER_NAMES
from tests.application.studios import SYNC, Pause, database_of, facts_of, is_sound, later, studio_on, submissions
from tests.postgres import execute


@pytest.fixture
async def prepared(database_url: str, tmp_path: Path) -> str:
    """A database with an account and an operation."""
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await generate(studio)
    return database_url


async def generate(studio: Studio) -> str:
    return (await studio.operations.generate("a lake", account="acme", model=SYNC)).operation


def file_of(url: str) -> str:
    path = make_url(url).database
    assert path is not None
    return path


async def refused(studio: Studio, home: Path) -> ImageStudioError:
    """The error of a request that changed nothing and sent nothing."""
    before, sent = facts_of(studio), submissions(home)
    with pytest.raises(ImageStudioError) as raised:
        await generate(studio)
    assert facts_of(studio) == before
    assert submissions(home) == sent
    return raised.value


# Locked


async def test_a_locked_sqlite_file_is_waited_for_and_then_refused(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, lock_seconds=1) as studio:
        await studio.accounts.open("acme", plan="pro")
        with closing(sqlite3.connect(file_of(sqlite_url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            error = await refused(studio, tmp_path)
            other.execute("ROLLBACK")
        assert type(error) is StoreUnavailable
        assert "locked" in error.message
        assert "another process is writing" in error.hint
        assert await generate(studio)


async def test_a_lock_that_ends_in_time_is_not_noticed(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        with closing(sqlite3.connect(file_of(sqlite_url), isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(generate(studio))
            await asyncio.sleep(0)
            other.execute("ROLLBACK")
            assert await waiting


# Read-only


@contextmanager
def every_connection(*statements: str) -> Iterator[None]:
    """New connections of this process start with these statements."""

    def start(connection: Any, _record: Any) -> None:
        for statement in statements:
            connection.execute(statement)

    event.listen(Engine, "connect", start)
    try:
        yield
    finally:
        event.remove(Engine, "connect", start)


async def test_a_read_only_sqlite_file_is_read_and_not_written(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await generate(studio)
    with every_connection("PRAGMA query_only = ON"):
        async with studio_on(sqlite_url, tmp_path) as studio:
            error = await refused(studio, tmp_path)
            assert type(error) is StoreUnavailable
            assert "readonly" in error.message
            assert "writable" in error.hint
            assert (await studio.operations.results.of(operation)).status == "charged"


async def test_a_read_only_server_is_read_and_not_written(postgres_url: str, tmp_path: Path) -> None:
    async with studio_on(postgres_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
    name = make_url(postgres_url).database
    execute(postgres_url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    async with studio_on(postgres_url, tmp_path) as studio:
        error = await refused(studio, tmp_path)
    assert type(error) is StoreUnavailable
    assert "read-only" in error.message
    assert "primary" in error.hint


# Full, gone, damaged


async def test_a_full_disk_refuses_and_loses_nothing(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
    with closing(sqlite3.connect(file_of(sqlite_url))) as file:
        [pages] = file.execute("PRAGMA page_count").fetchone()
    with every_connection(f"PRAGMA max_page_count = {pages + 4}"):
        async with studio_on(sqlite_url, tmp_path) as studio:
            error = await filled(studio)
            assert type(error) is StoreUnavailable
            assert "full" in error.message
            assert "free some space" in error.hint
            before, sent = facts_of(studio), submissions(tmp_path)
    async with studio_on(sqlite_url, tmp_path) as studio:
        assert facts_of(studio) == before
        assert await generate(studio)
        assert len(submissions(tmp_path)) == len(sent) + 1
        assert not [*studio.audit.verify()]


async def filled(studio: Studio) -> ImageStudioError:
    """What is told when there is no page left; new accounts fill them, so that nothing is left unsettled."""
    for number in range(1_000):
        try:
            await studio.accounts.open(f"account-{number}", plan="pro")
        except ImageStudioError as error:
            return error
    raise AssertionError("the file never filled up")


async def test_what_is_recorded_is_pending_when_the_database_fails_before_its_end(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Nobody may take it for what was not recorded, and ask again under another key."""
    pause = Pause()
    async with studio_on(sqlite_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        asked = Request("text-to-image", "acme", {"prompt": "a lake", "delay_ms": 1}, model=SYNC)
        waiting = asyncio.create_task(studio.operations.run(asked))
        await pause.until_reached()
        with database_of(studio).transaction() as connection:
            connection.exec_driver_sql("ALTER TABLE operations RENAME TO elsewhere")
        pause.go_on.set()
        with pytest.raises(
            OperationPending, match=r"it is recorded, and its end could not be: the ledger's tables are not here"
        ) as told:
            await waiting
        with database_of(studio).transaction() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO operations")
    async with studio_on(sqlite_url, tmp_path, clock=later()) as studio:
        [recovered] = await studio.upkeep.recover()
        assert (recovered.operation, recovered.phase) == (told.value.operation, "charged")
        assert await is_sound(studio)


async def test_a_file_that_is_no_database_is_refused_on_opening(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(StoreUnavailable, match="not a database") as error:
        async with studio_on(f"sqlite:///{path}", tmp_path):
            pass
    assert "--db" in in_shell(error.value.advice)


async def test_a_server_that_is_not_there_is_refused_on_opening(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as error:
        async with studio_on("postgresql://nobody@127.0.0.1:1/nothing", tmp_path):
            pass
    assert "running" in error.value.hint


async def test_a_database_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        async with studio_on("mysql://nobody@127.0.0.1/nothing", tmp_path):
            pass
    assert "sqlite:///FILE" in error.value.hint


async def test_a_newer_schema_is_refused_on_opening(prepared: str, tmp_path: Path) -> None:
    async with studio_on(prepared, tmp_path) as studio:
        with database_of(studio).transaction() as connection:
            connection.exec_driver_sql("UPDATE imagestudio_schema SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="9999, newer than"):
        async with studio_on(prepared, tmp_path):
            pass


async def test_a_changed_byte_in_the_log_stops_its_account_and_is_named(prepared: str, tmp_path: Path) -> None:
    async with studio_on(prepared, tmp_path) as studio:
        await studio.accounts.open("beta", plan="pro")
        change_a_price(studio)
    async with studio_on(prepared, tmp_path) as studio:
        error = await refused(studio, tmp_path)
        assert type(error) is LogCorrupted
        assert "version 6 is not what was written" in error.message
        assert error.advice == Advice("log.audit")
        assert (await studio.operations.generate("a lake", account="beta", model=SYNC)).status == "charged"
        [problem, *_] = studio.audit.verify()
        assert problem.version == 6


def change_a_price(studio: Studio) -> None:
    """One digit of one charge, by someone who knows how."""
    on = "" if database_of(studio).is_sqlite else " ON log"
    with database_of(studio).transaction() as connection:
        for name in TRIGGER_NAMES[database_of(studio).dialect]:
            connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")
        changed = connection.exec_driver_sql(
            "UPDATE log SET state = replace(state, '\"price\":40000', '\"price\":10000')"
            " WHERE topic = 'operation.charged'"
        )
        assert changed.rowcount == 1


# Files


async def test_a_lost_or_changed_file_is_told_and_the_ledger_goes_on(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await generate(studio)
        [asset] = (await studio.operations.wait(operation, account="acme")).assets
        assert asset.path is not None
        Path(asset.path).write_bytes(b"something else")
        with pytest.raises(AssetDamaged) as damaged:
            await studio.operations.wait(operation, account="acme")
        assert "backup" in damaged.value.hint
        Path(asset.path).unlink()
        with pytest.raises(AssetMissing) as missing:
            await studio.operations.wait(operation, account="acme")
        assert missing.value.hint
        assert await generate(studio)
        assert await is_sound(studio)
