"""A primary with a hot standby that has every commit before it is answered, and what an operator does in a failover."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.engine import make_url

from tests.patience import wait_until
from tests.postgres import (
    Cluster,
    beside,
    execute,
    find_binaries,
    private_directory,
    runnable,
    running_postgres,
    serving_cluster,
    stop_server,
    unprivileged,
)

MISSED = "the servers did not get there"


@dataclass(frozen=True, slots=True)
class Pair:
    """The URLs of one database on both servers; what is committed on the first can be read on the second."""

    primary: str
    standby: str

    @property
    def addresses(self) -> tuple[tuple[str, int], tuple[str, int]]:
        first, second = make_url(self.primary), make_url(self.standby)
        return (str(first.host), int(first.port or 0)), (str(second.host), int(second.port or 0))

    def demote(self) -> None:
        """The primary takes no new writing; who is connected stays connected."""
        execute(self.primary, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        writing = "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
        settled = "SELECT current_setting('default_transaction_read_only')"
        wait_until(lambda: execute(self.primary, settled) == [("on",)], MISSED)
        wait_until(lambda: execute(self.primary, writing) == [(0,)], MISSED)

    def promote(self) -> None:
        """The standby becomes a primary; it waits for nobody."""
        execute(self.standby, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_promote(true, 60)")
        execute(self.standby, "SELECT pg_reload_conf()")
        wait_until(lambda: execute(self.standby, "SHOW transaction_read_only") == [("off",)], MISSED)


@contextmanager
def replicated(database: str = "ledger") -> Iterator[Pair]:
    """Two servers of their own; an empty database of this name is on both."""
    with running_postgres(fsync=False) as server, _standby_of(server) as port:
        follower = make_url(server).set(port=port).render_as_string(hide_password=False)
        execute(server, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        execute(server, "ALTER SYSTEM SET synchronous_commit = remote_apply", "SELECT pg_reload_conf()")
        wait_until(lambda: execute(server, "SELECT sync_state FROM pg_stat_replication") == [("sync",)], MISSED)
        execute(server, f"CREATE DATABASE {database}")
        yield Pair(beside(server, database), beside(follower, database))


@contextmanager
def _standby_of(server: str) -> Iterator[int]:
    """A copy of the server that follows it; its port."""
    url, identity = make_url(server), unprivileged()
    directory = private_directory(identity)
    running = None
    try:
        cluster = Cluster(runnable(find_binaries(), directory, identity), directory, identity)
        source = ("-h", str(url.host), "-p", str(url.port), "-U", str(url.username))
        copying = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-D", cluster.data)
        identity.run(cluster.binaries / "pg_basebackup", *source, *copying, cwd=directory)
        running, port = serving_cluster(cluster, "off")
        yield port
    finally:
        if running is not None:
            stop_server(running)
        shutil.rmtree(directory, ignore_errors=True)
