"""`imagestudio serve` as a process: its first start, its next, how it is stopped, and where it refuses to listen."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.gateway.serving import is_loopback
from tests import patience
from tests.infrastructure.cli.workspaces import call, settle

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-c", "from infrastructure.cli import main; raise SystemExit(main())", "serve"]
SMALL = {"prompt": "a lake", "model": "local-canvas", "size": "64x64"}


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESTUDIO_", "PYTHON"))}
    kept["IMAGESTUDIO_PLAN_PRICES"] = "elsewhere"
    return {**kept, "IMAGESTUDIO_HOME": str(home), "PYTHONPATH": str(ROOT)}


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """The service on a free port: what it said, and its process, which has ended when the context does."""
    command = [*COMMAND, "--port", "0", "--json", *options]
    process = subprocess.Popen(
        command, cwd=home, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield json.loads(line), process
    finally:
        process.kill()
        process.communicate(timeout=patience.SECONDS)


def refused(monkeypatch: pytest.MonkeyPatch, home: Path, *options: str) -> tuple[int, dict[str, str]]:
    """The exit code and the error of a service that does not start, asked in this process."""
    settle(monkeypatch, home)
    done = call("serve", "--json", *options)
    return done.code, done.error


def ask(url: str, secret: str, body: dict[str, Any], path: str = "/v1/images/generations") -> httpx.Response:
    return httpx.post(f"{url}{path}", json=body, headers={"authorization": f"Bearer {secret}"}, timeout=60)


def test_its_first_start_makes_keys_that_work_and_its_next_makes_none(tmp_path: Path) -> None:
    with serving(tmp_path) as (said, process):
        keys = said["first_keys"]
        drawn = ask(said["url"], keys["operator"], SMALL)
        opened = ask(said["url"], keys["administrator"], {"id": "acme"}, "/v1/accounts")
        process.send_signal(signal.SIGTERM)
        assert process.wait(patience.SECONDS) == 0
    assert drawn.status_code == 200, drawn.text
    assert opened.json()["id"] == "acme"
    with serving(tmp_path) as (said, _):
        assert said["first_keys"] is None
        assert ask(said["url"], keys["operator"], SMALL).status_code == 200


def test_a_port_that_is_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, error = refused(monkeypatch, tmp_path, "--port", str(taken.getsockname()[1]))
    assert (code, error["code"]) == (2, "invalid_input")
    assert "is taken" in error["message"]


def test_it_does_not_listen_elsewhere_before_there_is_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, error = refused(monkeypatch, tmp_path, "--host", "0.0.0.0", "--port", "0")
    assert (code, error["code"]) == (2, "invalid_input")
    assert "there is no key yet" in error["message"]
    with serving(tmp_path):
        pass
    with serving(tmp_path, "--host", "0.0.0.0") as (said, _):
        assert said["first_keys"] is None


@pytest.mark.parametrize("host", ["no such host", "256.1.1.1"])
def test_what_is_no_address_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    code, error = refused(monkeypatch, tmp_path, "--host", host)
    assert (code, error["code"]) == (2, "invalid_input")


def test_whoever_waits_when_it_is_stopped_gets_an_answer(tmp_path: Path) -> None:
    """The socket closes first, what was begun ends, and then the studio closes."""
    with serving(tmp_path) as (said, process):
        host, port = said["url"].removeprefix("http://").split(":")
        body = json.dumps({**SMALL, "size": "1024x1024", "n": 4}).encode()
        key = said["first_keys"]["operator"]
        head = f"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            follow = httpx.get(f"{said['url']}/healthz", timeout=60)
            process.send_signal(signal.SIGTERM)
            connection.settimeout(patience.SECONDS)
            answer = b""
            while piece := connection.recv(65_536):
                answer += piece
        assert process.wait(patience.SECONDS) == 0
    assert follow.status_code == 200
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("host", "is_here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_loopback_is_this_machine_alone(host: str, is_here: bool) -> None:
    assert is_loopback(host) is is_here
