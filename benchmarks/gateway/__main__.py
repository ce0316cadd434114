"""Measures the gateway beside its contenders and prints a table, every figure a ratio within one run.

python -m benchmarks.gateway [--seconds 5] [--rounds 3] [--connections 1 16 64 256] [--accounts 1|16]
    [--database postgresql://…] [--litellm FOLDER]

FOLDER is a virtual environment with `litellm[proxy]`; without it LiteLLM is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from domain.keys import KeyScope, KeyTerms
from infrastructure.bootstrap import open_studio
from infrastructure.settings import Settings

CONSOLE = Console(highlight=False)
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
    """A name, where it listens, and the keys that the load uses."""

    name: str
    url: str
    keys: tuple[str, ...]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def process(command: Sequence[str], port: int, **environment: str) -> Iterator[str]:
    """A server that is started, awaited and ended; its address."""
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
        yield url
    finally:
        running.terminate()
        running.wait(PATIENCE)


@contextmanager
def plain(module: str, **environment: str) -> Iterator[str]:
    """An application of ours under uvicorn."""
    port = free_port()
    command = (sys.executable, *UVICORN, f"benchmarks.gateway.{module}:app", "--port", str(port))
    with process(command, port, **environment) as url:
        yield url


@contextmanager
def ours(home: Path, upstream: str, accounts: int, database: str) -> Iterator[Contender]:
    """The service as anybody starts it, with keys of so many accounts."""
    own = {
        "IMAGESTUDIO_HOME": str(home),
        "IMAGESTUDIO_CATALOGUES": str(MODELS),
        "IMAGESTUDIO_OPENAI_KEY": "sk-x",
        "IMAGESTUDIO_OPENAI_URL": f"{upstream}/v1",
        **({"IMAGESTUDIO_DATABASE_URL": database} if database else {}),
    }
    keys = asyncio.run(_keys(home, accounts, database))
    port = free_port()
    command = (sys.executable, "-m", "imagestudio", "serve", "--port", str(port))
    with process(command, port, **own) as url:
        yield Contender("ours", f"{url}{ROUTE}", keys)


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
    with process(command, port, LITELLM_MODE="PRODUCTION", LITELLM_LOG="ERROR") as url:
        yield Contender("LiteLLM", f"{url}{ROUTE}", ("sk-bench",))


def driven(contender: Contender, connections: int, seconds: float) -> dict[str, float]:
    """One measurement."""
    arguments = (contender.url, ",".join(contender.keys), str(connections), str(seconds))
    command = (sys.executable, "-m", "benchmarks.gateway.load", *arguments)
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    if found["failed"]:
        raise SystemExit(f"{contender.name}: {found['failed']:.0f} requests failed")
    return found


def main(arguments: Any) -> None:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(plain("upstream"))
        contenders = [Contender("direct", f"{upstream}{ROUTE}", ("x",))]
        passing = stack.enter_context(plain("passing", UPSTREAM=upstream))
        contenders.append(Contender("pass-through", f"{passing}{ROUTE}", ("x",)))
        (home / "usual").mkdir()
        counting = stack.enter_context(
            plain(
                "counting", UPSTREAM=upstream, BENCH_HOME=str(home / "usual"), BENCH_DATABASE=f"sqlite:///{home}/u.db"
            )
        )
        contenders.append(Contender("usual way", f"{counting}{ROUTE}", ("x",)))
        contenders.append(stack.enter_context(ours(home / "ours", upstream, arguments.accounts, arguments.database)))
        if arguments.litellm is not None:
            contenders.append(stack.enter_context(litellm(arguments.litellm, home, upstream)))
        for one in contenders:
            driven(one, 16, 1)
        for connections in arguments.connections:
            rounds = [
                [driven(one, connections, arguments.seconds) for one in contenders] for _ in range(arguments.rounds)
            ]
            _show(connections, contenders, rounds)


def _show(connections: int, contenders: Sequence[Contender], rounds: Sequence[Sequence[dict[str, float]]]) -> None:
    """Medians of the rounds; `of` are ratios within each round."""
    table = Table(title=f"{connections} connections")
    for name in ("", "requests/s", "of pass-through", "p50 ms", "added p50", "p99 ms", "added p99"):
        table.add_column(name, justify="left" if not name else "right")
    for place, one in enumerate(contenders):
        rate, p50, p99 = (median(found[place][name] for found in rounds) for name in ("rate", "p50", "p99"))
        share = median(found[place]["rate"] / found[1]["rate"] for found in rounds)
        added = [median(found[place][name] - found[0][name] for found in rounds) for name in ("p50", "p99")]
        table.add_row(
            one.name, f"{rate:,.0f}", f"{share:.2f}", f"{p50:.2f}", f"{added[0]:.2f}", f"{p99:.2f}", f"{added[1]:.2f}"
        )
    CONSOLE.print(table)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="The gateway beside its contenders")
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64, 256])
    options.add_argument("--accounts", type=int, default=1)
    options.add_argument("--database", default="")
    options.add_argument("--litellm", type=Path)
    main(options.parse_args())
