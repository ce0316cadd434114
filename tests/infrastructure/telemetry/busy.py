"""A busy service: `serve` and a worker as processes, before fake providers and a receiver of spans.

What they wrote and what they sent is kept, with every secret and prompt that was used.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any

import httpx

from tests import patience
from tests.infrastructure.telemetry.receiver import Receiver
from tests.pages import ROOT
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake
from tests.wire.fake.state import Job, Submission

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
BROUGHT = f"00-{TRACE}-{PARENT}-01"
USER = "ann.otherwise@example.com"
PROMPTS = ("a heron over the weir", "a lighthouse in fog", "a kiln at night", "a fern", "a quarry", "a ferry")


@dataclass
class Busy:
    """The answers that came, by a word for each, what was sent where, and what was written to stdout and stderr."""

    receiver: Receiver
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    said: str = ""
    served: str = ""
    worked: str = ""
    submissions: list[Submission] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)


def environment(home: Path, fake: Fake, receiver: Receiver) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESTUDIO_", "PYTHON"))}
    kept["IMAGESTUDIO_PLAN_PRICES"] = "elsewhere"
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "IMAGESTUDIO_HOME": str(home),
        "IMAGESTUDIO_SCRIPTED_ENABLED": "true",
        "IMAGESTUDIO_WAIT_SECONDS": "2",
        "IMAGESTUDIO_OPENAI_KEY": fake.key("openai"),
        "IMAGESTUDIO_OPENAI_URL": f"{fake.url}/v1",
        "IMAGESTUDIO_WAVESPEED_KEY": fake.key("wavespeed"),
        "IMAGESTUDIO_WAVESPEED_URL": f"{fake.url}/api/v3",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


@contextmanager
def process(home: Path, told: dict[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command as a process, its stderr in a file beside the ledger; killed in the end, if it has not ended."""
    with (home / f"{words[0]}.err").open("w") as errors:
        running = subprocess.Popen(
            [sys.executable, "-m", "imagestudio", *words],
            cwd=home,
            env=told,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield running
        finally:
            running.kill()
            running.communicate(timeout=patience.SECONDS)


def ended(running: subprocess.Popen[str]) -> str:
    """Told to stop, it ends well; the rest of its stdout."""
    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate(timeout=patience.SECONDS)
    assert running.returncode == 0
    return out


def be_busy(home: Path, fake: Fake, receiver: Receiver) -> Busy:
    """Ask a service for all sorts, and end it."""
    busy, told = Busy(receiver), environment(home, fake, receiver)
    with process(home, told, "serve", "--port", "0", "--concurrency", "1", "--json") as serving:
        assert serving.stdout is not None
        line = serving.stdout.readline()
        assert line, (home / "serve.err").read_text()
        begun = json.loads(line)
        busy.secrets = [*begun["first_keys"].values(), fake.key("openai"), fake.key("wavespeed")]
        busy.secrets.remove(begun["first_keys"]["account"])
        with httpx.Client(base_url=begun["url"], timeout=patience.SECONDS) as client:
            _ask(busy, client, fake, begun["first_keys"])
            _leave_to_a_worker(busy, client, home, told, begun["first_keys"]["operator"])
        busy.said = line + ended(serving)
    busy.served, busy.worked = ((home / f"{name}.err").read_text() for name in ("serve", "worker"))
    busy.submissions, busy.jobs = fake.submissions(), fake.jobs()
    return busy


def _ask(busy: Busy, client: httpx.Client, fake: Fake, keys: dict[str, str]) -> None:
    def post(name: str, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {keys['operator']}", **headers}
        busy.answers[name] = client.post(path, json=body, headers=sent)
        return busy.answers[name]

    picture = {"model": "gpt-image-2", "prompt": PROMPTS[0], "size": "1024x1024", "user": USER}
    post("drawn", "/v1/images/generations", picture, traceparent=BROUGHT, baggage="who=ann")
    post("linked", "/v1/images/generations", {**picture, "response_format": "url", "prompt": PROMPTS[1]})
    link = httpx.URL(busy.answers["linked"].json()["data"][0]["url"])
    busy.secrets.append(link.params["signature"])
    busy.answers["fetched"] = client.get(link)
    busy.answers["unsigned"] = client.get(link.copy_set_param("signature", "c2lnbmF0dXJl" * 4))
    job = {"kind": "text-to-image", "model": "seedream-v4.5", "inputs": {"prompt": PROMPTS[2]}}
    post("waited", "/v1/operations", job)
    _until(client, busy.answers["waited"], keys["operator"], "charged")
    fake.next("openai", Behaviour(status=400))
    post("failed", "/v1/images/generations", {**picture, "prompt": PROMPTS[3]})
    post("refused", "/v1/images/generations", {**picture, "n": 99})
    busy.secrets.append("isk_" + "x" * 43)
    post("unknown", "/v1/images/generations", picture, authorization=f"Bearer {busy.secrets[-1]}")
    busy.answers["nowhere"] = client.get(f"/v1/nothing/{busy.secrets[-1]}?key={busy.secrets[-1]}")
    busy.answers["odd"] = client.get("/healthz", headers={"traceparent": "00-zz-1-01", "x-request-id": "mine-7"})


def _leave_to_a_worker(busy: Busy, client: httpx.Client, home: Path, told: dict[str, str], key: str) -> None:
    """The service's one place is taken by what never ends, so that a worker performs the next."""
    scripted = {"kind": "text-to-image", "model": "scripted-image"}
    client.headers["authorization"] = f"Bearer {key}"
    hanging = client.post("/v1/operations", json={**scripted, "inputs": {"prompt": PROMPTS[4], "outcome": "hang"}})
    busy.answers["hanging"] = hanging
    _until(client, hanging, key, "dispatched")
    queued = client.post("/v1/operations", json={**scripted, "inputs": {"prompt": PROMPTS[5]}})
    busy.answers["queued"] = queued
    with process(home, {**told, "IMAGESTUDIO_LOG_FORM": "text"}, "worker") as working:
        _until(client, queued, key, "charged")
        ended(working)


def _until(client: httpx.Client, begun: httpx.Response, key: str, status: str) -> None:
    """Look until an operation stands there."""
    path, waits = f"/v1/operations/{begun.json()['operation']}", {"prefer": "wait=30"} if status == "charged" else {}
    while client.get(path, headers={"authorization": f"Bearer {key}", **waits}).json()["status"] != status:
        sleep(0.1)
