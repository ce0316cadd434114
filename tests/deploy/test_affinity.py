"""HAProxy and nginx as `deploy/` has them: a key's requests reach one process, and another one once that is gone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain.keys import KeyScope, KeyTerms
from tests.application.studios import studio_on
from tests.patience import SECONDS, wait_until
from tests.postgres import free_port, fresh_database

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROGRAM = [sys.executable, "-c", "from infrastructure.cli import main; raise SystemExit(main())"]
SMALL = {"prompt": "a lake", "model": "local-canvas", "size": "64x64"}
ROUTE = "/v1/images/generations"
FEWEST_KEYS = 4
MOST_KEYS = 24
"""Keys are made by chance, and a proxy places each by its hash: all of them are at one process once in 2**23."""


def answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    return False


@dataclass
class Processes:
    """Two that serve one PostgreSQL, each at a port of its own."""

    database: str
    home: Path
    keys: list[str]
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def ensure(self) -> None:
        """Start those that are not there."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESTUDIO_", "PYTHON"))}
        own = {"IMAGESTUDIO_HOME": str(self.home), "IMAGESTUDIO_DATABASE_URL": self.database, "PYTHONPATH": str(ROOT)}
        for port in self.ports:
            if port not in self.running:
                command = [*PROGRAM, "serve", "--port", str(port)]
                null = subprocess.DEVNULL
                self.running[port] = subprocess.Popen(
                    command, cwd=self.home, env={**kept, **own}, stdout=null, stderr=null
                )
        for port in self.ports:
            wait_until(lambda port=port: answers(f"http://127.0.0.1:{port}"), "a process did not start")  # type: ignore[misc]

    def kill(self, port: int) -> None:
        process = self.running.pop(port)
        process.kill()
        process.wait(SECONDS)

    def served(self) -> Counter[int]:
        """How many pictures each process was asked for."""
        found: Counter[int] = Counter()
        for port in self.running:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS).text
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if sample.name == "imagestudio_requests_total" and sample.labels["route"] == ROUTE:
                        found[port] += int(sample.value)
        return found


@pytest.fixture(scope="module")
def processes(postgres_server: str, postgres_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    with fresh_database(postgres_server, template=postgres_template) as url:
        made = Processes(url, home, [])
        yield made
        for port in tuple(made.running):
            made.kill(port)


@contextmanager
def proxied(name: str, ports: list[int], directory: Path) -> Iterator[str]:
    """The address of a proxy by its file in `deploy/`, before these ports; the test is skipped where there is none."""
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed; on Debian: apt-get install {name}")
    file, own = directory / CONFIGURATIONS[name], free_port()
    text = (DEPLOY / file.name).read_text(encoding="utf-8")
    for said, used in (("8080", own), ("8701", ports[0]), ("8702", ports[1])):
        text = text.replace(f"127.0.0.1:{said}", f"127.0.0.1:{used}")
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    kept = "".join(f"{one}_temp_path {directory}/{one};" for one in places)
    file.write_text(text.replace("http {", f"http {{ access_log off; {kept}", 1) if name == "nginx" else text)
    nginx = ["-p", str(directory), "-g", f"daemon off; pid {directory}/pid; error_log {directory}/error.log;"]
    command = [program, "-c", str(file), *nginx] if name == "nginx" else [program, "-db", "-f", str(file)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{own}"), f"{name} did not start")
        yield f"http://127.0.0.1:{own}"
    finally:
        running.terminate()
        running.wait(SECONDS)


CONFIGURATIONS = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}


async def keys_of(database: str, home: Path) -> list[str]:
    """One of each of several accounts."""
    found = []
    async with studio_on(database, home) as studio:
        for account in (f"account-{number}" for number in range(MOST_KEYS)):
            await studio.accounts.open(account, plan="pro")
            found.append((await studio.keys.issue(account, KeyTerms((KeyScope.OPERATE,)))).secret)
    return found


def draw(client: httpx.Client, key: str, repeat: str) -> str:
    """The operation of a picture, asked for under an idempotency key."""
    headers = {"authorization": f"Bearer {key}", "idempotency-key": repeat}
    done = client.post(ROUTE, json=SMALL, headers=headers)
    assert done.status_code == 200, done.text
    return done.headers["x-imagestudio-operation"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
async def test_a_key_reaches_one_process_and_another_once_that_is_gone(
    processes: Processes, name: str, tmp_path: Path
) -> None:
    if not processes.keys:
        processes.keys = await keys_of(processes.database, processes.home)
    processes.ensure()
    places: dict[str, int] = {}
    with proxied(name, processes.ports, tmp_path) as url, httpx.Client(base_url=url, timeout=SECONDS) as client:
        for key in processes.keys:
            if len(places) >= FEWEST_KEYS and set(places.values()) == set(processes.ports):
                break
            before = processes.served()
            first = {draw(client, key, f"{name}-{number}") for number in (1, 2, 3)}
            assert len(first) == 3
            moved = processes.served() - before
            assert list(moved.values()) == [3], "a key's requests are at one process"
            places[key] = next(iter(moved))
        assert set(places.values()) == set(processes.ports), "both have work"
        told = {key: draw(client, key, f"{name}-1") for key in places}
        processes.kill(places[processes.keys[0]])
        for key in places:
            assert draw(client, key, f"{name}-1") == told[key], "a repeat is the same picture, whoever answers"
            assert draw(client, key, f"{name}-4") not in told.values()


def test_both_files_say_the_same_ports() -> None:
    ports = [re.findall(r"127\.0\.0\.1:(\d+)", (DEPLOY / file).read_text()) for file in CONFIGURATIONS.values()]
    assert ports[0] == ["8080", "8701", "8702"]
    assert sorted(ports[0]) == sorted(ports[1])
