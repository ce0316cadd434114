"""The contenders, each in processes of its own: started, awaited, driven by a load and ended."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from domain.keys import KeyScope, KeyTerms
from infrastructure.bootstrap import open_studio
from infrastructure.settings import Settings

MODELS = Path(__file__).parent / "models.toml"
ROUTE = "/v1/images/generations"
UVICORN = ("-m", "uvicorn", "--log-level", "warning", "--no-access-log", "--http", "httptools", "--loop", "uvloop")
PATIENCE = 120
LITELLM = """
model_list:
  - model_name: small
    litellm_params: {{model: openai/small, api_base: {upstream}/v1, api_key: sk-x}}
    model_info: {{mode: image_generation}}
general_settings: {{master_key: sk-bench}}
"""


@dataclass(frozen=True)
class Contender:
    """A name, where its processes listen, the keys that the load uses, and the processes."""

    name: str
    urls: tuple[str, ...]
    keys: tuple[str, ...]
    pids: tuple[int, ...] = ()

    def memory(self) -> int:
        """Bytes that its processes have in memory, as the kernel counts them."""
        texts = [Path(f"/proc/{pid}/status").read_text() for pid in self.pids]
        return 1024 * sum(int(text.split("VmRSS:")[1].split()[0]) for text in texts)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def process(command: Sequence[str], port: int, **environment: str) -> Iterator[tuple[str, int]]:
    """A server that is started, awaited and ended: its address, and its process."""
    running = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url, end = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(url, timeout=5)
            except httpx.TransportError:
                if running.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{' '.join(command)} did not start") from None
                time.sleep(0.1)
            else:
                break
        yield url, running.pid
    finally:
        running.terminate()
        running.wait(PATIENCE)


@contextmanager
def plain(module: str, **environment: str) -> Iterator[str]:
    """An application of ours under uvicorn."""
    port = free_port()
    command = (sys.executable, *UVICORN, f"benchmarks.gateway.{module}:app", "--port", str(port))
    with process(command, port, **environment) as (url, _):
        yield url


@contextmanager
def ours(home: Path, upstream: str, accounts: int, database: str, processes: int = 1) -> Iterator[Contender]:
    """The service as anybody starts it, in so many processes on one database, with keys of so many accounts."""
    own = {
        "IMAGESTUDIO_HOME": str(home),
        "IMAGESTUDIO_CATALOGUES": str(MODELS),
        "IMAGESTUDIO_OPENAI_KEY": "sk-x",
        "IMAGESTUDIO_OPENAI_URL": f"{upstream}/v1",
        **({"IMAGESTUDIO_DATABASE_URL": database} if database else {}),
    }
    keys = asyncio.run(_keys(home, accounts, database))
    with ExitStack() as stack:
        begun = []
        for _ in range(processes):
            port = free_port()
            command = (sys.executable, "-m", "imagestudio", "serve", "--port", str(port))
            begun.append(stack.enter_context(process(command, port, **own)))
        yield Contender("ours", tuple(f"{url}{ROUTE}" for url, _ in begun), keys, tuple(pid for _, pid in begun))


async def _keys(home: Path, accounts: int, database: str) -> tuple[str, ...]:
    settings = Settings(home=home, database_url=database, catalogues=(MODELS,))
    found = []
    async with open_studio(settings, serve=False) as studio:
        await studio.keys.ensure_first_key()
        for number in range(accounts):
            account = f"account-{number}"
            await studio.accounts.open(account, plan="enterprise")
            for measure in ("images", "spend"):
                await studio.accounts.change_limit(account, measure, 10**12)
            found.append((await studio.keys.issue(account, KeyTerms((KeyScope.OPERATE,)))).secret)
    return tuple(found)


@contextmanager
def litellm(folder: Path, home: Path, upstream: str) -> Iterator[Contender]:
    """LiteLLM's proxy, one worker, no database, as its documentation has it for production."""
    config, port = home / "litellm.yaml", free_port()
    config.write_text(LITELLM.format(upstream=upstream))
    command = (str(folder / "bin" / "litellm"), "--config", str(config), "--port", str(port), "--num_workers", "1")
    with process(command, port, LITELLM_MODE="PRODUCTION", LITELLM_LOG="ERROR") as (url, pid):
        yield Contender("LiteLLM", (f"{url}{ROUTE}",), ("sk-bench",), (pid,))


def driven(contender: Contender, connections: int, seconds: float, rate: float = 0) -> dict[str, float]:
    """One measurement: as fast as it answers, or at so many requests a second, whether it answers or not."""
    arguments = (",".join(contender.urls), ",".join(contender.keys), str(connections), str(seconds), str(rate))
    command = (sys.executable, "-m", "benchmarks.gateway.load", *arguments)
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    if found["failed"]:
        raise SystemExit(f"{contender.name}: {found['failed']:.0f} requests failed")
    return found
