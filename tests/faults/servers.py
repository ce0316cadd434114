"""A PostgreSQL of one test alone, which it may crash, stop and start again: it keeps what it said it has written."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep

from infrastructure.store.migrations import upgrade_schema
from tests import patience
from tests.postgres import Cluster, initialised, private_directory, serving_cluster, stop_server, unprivileged


@dataclass
class OwnServer:
    """Its directory, its port, and the process that serves it."""

    cluster: Cluster
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"

    def crash_and_come_back(self) -> None:
        """As a machine does whose power was gone: every session is lost at once."""
        self.crash()
        self.come_back()

    def crash(self) -> None:
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(patience.SECONDS)

    def stop(self) -> None:
        """As an administrator does: every transaction is broken off, and all that was committed is written."""
        stop_server(self.process)

    def come_back(self) -> None:
        """Serve again, at the same port, once all that was committed is there."""
        self.process = self.cluster.start(self.port, "on")
        deadline = monotonic() + patience.SECONDS
        while not self.cluster.is_ready():
            assert self.process.poll() is None, self.cluster.log.read_text(errors="replace")[-2000:]
            assert monotonic() < deadline, "the server never came back"
            sleep(0.05)


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """With the studio's schema, and with fsync; gone afterwards."""
    identity = unprivileged()
    directory = private_directory(identity)
    running: OwnServer | None = None
    try:
        cluster = initialised(directory, identity)
        process, port = serving_cluster(cluster, "on")
        running = OwnServer(cluster, port, process)
        upgrade_schema(running.url)
        yield running
    finally:
        if running is not None:
            stop_server(running.process)
        shutil.rmtree(directory, ignore_errors=True)
