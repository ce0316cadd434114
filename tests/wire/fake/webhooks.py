"""WaveSpeed's webhooks, honest and otherwise.

signed      as documented; a second one of the same job carries the same webhook-id
forged      signed with another secret
tampered    the body was changed after it was signed
stale       signed, but 301 s old
unsigned    without any of the headers
processing  signed, about the time before the job ended: what a reordered delivery looks like
"""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx

from infrastructure.clock import SECOND
from tests.wire.fake.state import Job, State, iso

TIMEOUT = 10.0
SECRET = "whsec_c2VjcmV0"
STALE = 301


def prediction(job: Job, base: str, *, running: bool = False) -> dict[str, Any]:
    """A job as WaveSpeed shows it; `base` is the address of the server, with a slash at the end."""
    delivered = job.delivered and not running
    waiting = "processing" if running or job.polled else "created"
    shown: dict[str, Any] = {
        "id": job.id,
        "model": job.path,
        "outputs": shaped(job, base) if delivered else [],
        "urls": {"get": f"{base}{job.extra['prefix']}api/v3/predictions/{job.id}/result"},
        "has_nsfw_contents": [job.behaviour.filtered == "result"] if job.ended and not running else [],
        "status": job.ending if job.ended and not running else waiting,
        "created_at": iso(job.created),
        "error": error(job) if job.ended and not running else "",
        "executionTime": 1234 if delivered else 0,
        "timings": {"inference": 1234 if delivered else 0},
    }
    if delivered and job.behaviour.shape == "field":
        shown["output"] = shown.pop("outputs")
    return shown


def error(job: Job) -> str:
    if job.delivered:
        return ""
    if job.behaviour.filtered == "result":
        return "content flagged as potentially sensitive"
    return job.behaviour.error or f"the task was {job.ending}"


def shaped(job: Job, base: str) -> list[Any]:
    """The outputs as the reply gives them."""
    inline = job.extra.get("inline", [])
    values = [*inline] if inline else [located(output, job, base) for output in job.outputs]
    shape = job.behaviour.shape
    return values if shape in ("string", "field") else [{shape: value} for value in values]


def located(output: str, job: Job, base: str) -> str:
    return f"{base}files/{output}" if output.startswith(f"{job.id}-") else output


def message(job: Job, kind: str, state: State) -> tuple[dict[str, str], bytes]:
    """Headers and body of one delivery."""
    shown = {**prediction(job, job.extra["base"], running=kind == "processing"), "input": job.inputs}
    content = json.dumps(shown).encode()
    if kind == "unsigned":
        return {"content-type": "application/json"}, content
    id = hashlib.sha256(f"{job.id} {kind == 'processing'}".encode()).hexdigest()[:25]
    at = state.now() // SECOND - (STALE if kind == "stale" else 0)
    secret = "whsec_of-somebody-else" if kind == "forged" else str(state.setting("webhook secret", SECRET))
    signed = hmac.new(secret.removeprefix("whsec_").encode(), f"{id}.{at}.".encode() + content, hashlib.sha256)
    headers = {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": f"v3,{signed.hexdigest()}"}
    if kind == "tampered":
        content = json.dumps({**shown, "outputs": ["http://127.0.0.1/elsewhere.png"]}).encode()
    return {**headers, "content-type": "application/json"}, content


def deliver(job: Job, kind: str, state: State, url: str = "") -> int:
    """Deliver once, now; the status that the receiver answered."""
    headers, content = message(job, kind, state)
    return httpx.post(url or job.webhook, headers=headers, content=content, verify=False, timeout=TIMEOUT).status_code


def claimed(job: Job, state: State, *, early: bool = False) -> bool:
    """Whether the deliveries of a job are due now; True once a job, since whoever asks then makes them."""
    if not job.webhook or job.notified or not (job.ended or early):
        return False
    state.update(job.id, lambda one: replace(one, notified=True))
    return True


async def notify(job: Job, state: State) -> None:
    """Deliver all that the job's script says; a receiver that is away misses them."""
    async with httpx.AsyncClient(verify=False, timeout=TIMEOUT) as client:
        for kind in job.behaviour.webhooks:
            headers, content = message(job, kind, state)
            with suppress(httpx.TransportError):
                await client.post(job.webhook, headers=headers, content=content)
