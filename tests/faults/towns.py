"""A service as it is run: processes of `serve` and `worker` on one database, and a fake provider in one of its own.

    customers ── HTTP ──> serve, …, serve ──┬── PostgreSQL, or a file ──┬── worker, …, worker
                                            └───── fake provider ───────┘

Any of ours may be killed, or stopped and continued, at any moment, and is started again at the same port.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import monotonic, sleep

import httpx

from infrastructure.cli import main
from tests import patience
from tests.faults.processes import ended, forks
from tests.postgres import free_port
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

ROOT = Path(__file__).parents[2]
LEASE = 2
"""Seconds; recovery looks as often, and gives up after as long what nobody can tell about."""

POND, MILL = "pond", "mill"
"""A model whose jobs can be found again, and one of which nothing can be learned once an answer is lost."""

PRICE = 50_000
"""Micro-units, for a picture of either."""

MODELS = f"""
currency = "USD"

[[model]]
id = "{POND}"
provider = "wavespeed"
route = "wavespeed-ai/qwen-image/text-to-image"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
prices = [{{ rate = "0.05" }}]
inputs.prompt = {{ type = "text", required = true }}

[[model]]
id = "{MILL}"
provider = "openai"
route = "gpt-image-2"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
prices = [{{ rate = "0.05" }}]
inputs.prompt = {{ type = "text", required = true }}
"""


@dataclass(frozen=True)
class Town:
    """The processes by name, and where they listen; each writes what it has to say into a file of its home."""

    home: Path
    environment: Mapping[str, str]
    ports: Mapping[str, int]
    workers: Sequence[str]
    running: dict[str, ForkServerProcess] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports.values()]

    @property
    def names(self) -> list[str]:
        return [*self.ports, *self.workers]

    def start(self, name: str) -> None:
        """Start it, or start it again."""
        what = ["serve", "--port", str(self.ports[name])] if name in self.ports else ["worker", "--concurrency", "4"]
        process = forks().Process(target=command, args=(what, self.environment, self._said(name)), daemon=True)
        process.start()
        self.running[name] = process

    def kill(self, name: str) -> None:
        """As the kernel does that has no memory left: not a line more of it runs."""
        self.running[name].kill()
        self.running[name].join(patience.SECONDS)

    def revive(self) -> None:
        """Start again whatever has ended by itself, as a service manager does: none starts without its database."""
        for name in [name for name, process in self.running.items() if not process.is_alive()]:
            self.start(name)

    def freeze(self, name: str) -> None:
        """As a machine does that is put to sleep."""
        os.kill(self.running[name].pid or 0, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.kill(self.running[name].pid or 0, signal.SIGCONT)

    def end(self) -> list[int]:
        """Tell all to stop, and wait; their exit codes."""
        for process in self.running.values():
            process.terminate()
        return [ended(process) for process in self.running.values()]

    def said(self) -> str:
        """All that its processes have written."""
        return "".join(self._said(name).read_text(errors="replace") for name in self.running)

    def until_open(self) -> None:
        """Wait until every one that serves may be sent requests."""
        deadline = monotonic() + patience.SECONDS
        for url in self.urls:
            while not _is_ready(url):
                assert monotonic() < deadline, self.said()
                sleep(0.05)

    def _said(self, name: str) -> Path:
        return self.home / f"{name}.said"


def command(words: Sequence[str], environment: Mapping[str, str], said: Path) -> None:
    """What a process of a town does: the command line, as anybody starts it in a folder of the town's own."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(said.parent)
    with said.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.argv = ["imagestudio", *words]
    raise SystemExit(main())


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def town_on(url: str, home: Path, fake: Fake, *, serves: int, workers: int) -> Iterator[Town]:
    """All of them started, and every one killed that still runs afterwards."""
    models = home / "models.toml"
    models.write_text(MODELS)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMAGESTUDIO_")}
    settings = {
        "home": home,
        "database_url": url,
        "catalogues": models,
        "lease_seconds": LEASE,
        "grace_seconds": LEASE,
        "wait_seconds": 10,
        "wavespeed_key": fake.key("wavespeed"),
        "wavespeed_url": f"{fake.url}/api/v3",
        "wavespeed_concurrency": 6,
        "openai_key": fake.key("openai"),
        "openai_url": f"{fake.url}/v1",
    }
    own = {f"IMAGESTUDIO_{name.upper()}": str(value) for name, value in settings.items()}
    ports = {f"serve-{number}": free_port() for number in range(serves)}
    names = [f"worker-{number}" for number in range(workers)]
    town = Town(home, {**kept, **own}, ports, names)
    try:
        for name in town.names:
            town.start(name)
        town.until_open()
        yield town
    finally:
        for process in town.running.values():
            process.kill()
            process.join(patience.SECONDS)


@contextmanager
def provider_apart(folder: Path) -> Iterator[Fake]:
    """A fake of all providers in a process of its own, which counts what it is asked for and what it bills."""
    port = free_port()
    command = [sys.executable, "-m", "tests.wire.fake", "--state", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        with Fake(folder, f"http://127.0.0.1:{port}") as fake:
            fake.next("wavespeed", Behaviour(delay=0.02, polls=1), times=None)
            fake.next("openai", Behaviour(delay=0.1), times=None)
            _until_answers(fake.url, process)
            yield fake
    finally:
        process.kill()
        process.wait(patience.SECONDS)


def _until_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + patience.SECONDS
    while True:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            assert process.poll() is None, "the fake provider ended"
            assert monotonic() < deadline, "the fake provider never answered"
            sleep(0.05)
