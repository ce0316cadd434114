"""A server that is fed by logical replication, as for a move to another version of PostgreSQL, and the switch to it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.patience import wait_until
from tests.postgres import (
    Cluster,
    beside,
    execute,
    initialised,
    private_directory,
    serving_cluster,
    stop_server,
    unprivileged,
)

MISSED = "the replication did not get there"
DATABASE = "ledger"


@contextmanager
def publisher() -> Iterator[tuple[Cluster, str]]:
    """A server that may publish, and the URL of an empty database there."""
    identity = unprivileged()
    directory = private_directory(identity)
    running = None
    try:
        cluster = initialised(directory, identity)
        with (cluster.data / "postgresql.conf").open("a") as configuration:
            configuration.write("wal_level = logical\n")
        running, port = serving_cluster(cluster, "off")
        server = f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
        execute(server, f"CREATE DATABASE {DATABASE}")
        yield cluster, beside(server, DATABASE)
    finally:
        if running is not None:
            stop_server(running)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def subscribed(cluster: Cluster, source: str, server: str) -> Iterator[str]:
    """The URL of a database on `server` with the same tables, into which all that is committed at `source` flows."""
    target = beside(server, DATABASE)
    execute(server, f"CREATE DATABASE {DATABASE}")
    with ExitStack() as undo:
        undo.callback(execute, server, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        schema = _run(cluster.binaries / "pg_dump", "--schema-only", "--no-publications", _libpq(source))
        _run(cluster.binaries / "psql", "-q", "-v", "ON_ERROR_STOP=1", _libpq(target), given=schema)
        execute(source, "CREATE PUBLICATION everything FOR ALL TABLES")
        execute(target, f"CREATE SUBSCRIPTION everything CONNECTION '{_libpq(source)}' PUBLICATION everything")
        undo.callback(execute, target, "DROP SUBSCRIPTION IF EXISTS everything")
        yield target


def switch(source: str, target: str) -> None:
    """Wait until everything has arrived, and end the replication; the numbers of sequences stay where they were."""
    arrived = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'"
    wait_until(lambda: execute(target, arrived) == [(0,)], MISSED)
    [(end,)] = execute(source, "SELECT pg_current_wal_lsn()::text")
    behind = f"SELECT count(*) FROM pg_replication_slots WHERE confirmed_flush_lsn < '{end}'::pg_lsn"
    wait_until(lambda: execute(source, behind) == [(0,)], MISSED)
    execute(target, "DROP SUBSCRIPTION everything")


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: Path, *arguments: str, given: bytes | None = None) -> bytes:
    done = subprocess.run([program, *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
