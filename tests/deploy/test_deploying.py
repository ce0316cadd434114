"""The container, the compose file and the unit, without an engine: what they run is run here as they say it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests import patience
from tests.wire.loops import listener

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROGRAM = [sys.executable, "-c", "from infrastructure.cli import main; raise SystemExit(main())"]


def lines_of(name: str) -> list[str]:
    """The instructions of a file, those that go on over lines as one."""
    text = (DEPLOY / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def listed(name: str, word: str) -> list[str]:
    """The words of the last instruction of a Dockerfile with this name, in its JSON form."""
    (last,) = [line.removeprefix(word) for line in lines_of(name) if line.startswith(f"{word} ")][-1:]
    found: list[str] = json.loads(last)
    return found


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESTUDIO_", "PYTHON"))}
    return {**kept, "IMAGESTUDIO_HOME": str(home), "PYTHONPATH": str(ROOT)}


def steps() -> list[list[str]]:
    """The commands that the compose file says to run first."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    return [shlex.split(found) for found in re.findall(r"run --rm studio (.+)", text)]


@contextmanager
def running(home: Path, command: list[str]) -> Iterator[str]:
    """What a container runs, on a free port; its address."""
    with listener() as taken:
        port = taken.getsockname()[1]
    process = subprocess.Popen([*PROGRAM, *command, "--port", str(port)], cwd=home, env=environment(home))
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + patience.SECONDS
    try:
        while True:
            try:
                httpx.get(f"{url}/healthz")
            except httpx.TransportError:
                assert process.poll() is None
                assert time.monotonic() < end, "the service did not start"
                time.sleep(0.05)
            else:
                break
        yield url
        process.terminate()
        assert process.wait(patience.SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def test_the_steps_before_the_first_start_make_a_service_that_can_be_reached(tmp_path: Path) -> None:
    said = [
        subprocess.run([*PROGRAM, *step], cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=True)
        for step in steps()
    ]
    assert len(said) == 2
    (key,) = re.findall(r"isk_\w+", said[-1].stdout.decode())
    assert listed("Dockerfile", "ENTRYPOINT") == ["imagestudio"]
    with running(tmp_path, listed("Dockerfile", "CMD")) as url:
        probe = re.findall(r"http://127\.0\.0\.1:8700(/\w+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
        assert [httpx.get(f"{url}{path}").status_code for path in probe] == [200]
        opened = httpx.post(f"{url}/v1/accounts", json={"id": "acme"}, headers={"authorization": f"Bearer {key}"})
    assert opened.status_code == 200, opened.text


def test_what_the_container_installs_is_what_the_project_offers() -> None:
    (extras,) = re.findall(r"/src\[([\w,]+)\]", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    offered = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(re.search(rf"^{extra} = \[", offered, re.MULTILINE) for extra in extras.split(","))


def test_every_command_of_the_compose_file_is_one() -> None:
    commands = re.findall(r"command: (\[.*\])", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert len(commands) == 2
    for command in map(json.loads, commands):
        done = subprocess.run([*PROGRAM, *command, "--help"], capture_output=True, text=True, check=True, cwd=ROOT)
        assert all(word in done.stdout for word in command if word.startswith("--"))


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "imagestudio.service"
    text = (DEPLOY / unit.name).read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/imagestudio/bin/imagestudio", sys.executable))
    done = subprocess.run([found, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert unit.name not in done.stderr, done.stderr
