"""The fake in a process of its own: scripted from outside, killed, started again, and nothing forgotten."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.wire.clients import client_for, outputs, poll, submit
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake
from tests.wire.loops import DEADLINE, listener

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with listener() as bound:
        return int(bound.getsockname()[1])


@contextmanager
def running(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.wire.fake", "--state", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE)


def answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/v1/models", verify=False).status_code == 401
    return False


def test_jobs_scripts_and_counts_survive_a_kill(tmp_path: Path) -> None:
    port = free_port()
    with Fake(tmp_path, f"http://127.0.0.1:{port}") as fake, client_for(fake, "wavespeed", "/api/v3") as client:
        fake.next("wavespeed", Behaviour(polls=1))
        fake.next("wavespeed", Behaviour(status=503))
        with running(tmp_path, port) as process:
            fake.wait_for(lambda: answers(fake.url))
            id = submit(client)
            process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE)
        with running(tmp_path, port):
            fake.wait_for(lambda: answers(fake.url))
            assert poll(client, id)["status"] == "processing"
            assert [file.status_code for file in outputs(client, id)] == [200]
            assert client.post("/wavespeed-ai/flux-kontext-pro/text-to-image", json={"prompt": "x"}).status_code == 503
        assert [(one.status, one.job) for one in fake.submissions()] == [(200, id), (503, None)]
        assert [job.id for job in fake.jobs()] == [id]
