"""Plain HTTP clients for the fake: one a provider, with its key."""

from __future__ import annotations

from typing import Any

import httpx

from tests.wire.fake.server import Fake

PICTURE = "wavespeed-ai/qwen-image/text-to-image"
EDIT = "wavespeed-ai/qwen-image/edit"


def client_for(fake: Fake, provider: str, path: str = "", **headers: str) -> httpx.Client:
    """A client of one API; the caller closes it."""
    key = {"Authorization": f"Bearer {fake.key(provider)}"}
    return httpx.Client(base_url=f"{fake.url}{path}", headers={**key, **headers}, verify=False, timeout=30)


def submit(client: httpx.Client, path: str = PICTURE, **inputs: object) -> str:
    """The id of a new WaveSpeed job."""
    reply = client.post(f"/{path}", json={"prompt": "a pond", **inputs})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["data"]["id"])


def poll(client: httpx.Client, id: str) -> dict[str, Any]:
    """What a poll says of a WaveSpeed job."""
    reply = client.get(f"/predictions/{id}/result")
    assert reply.status_code == 200, reply.text
    shown: dict[str, Any] = reply.json()["data"]
    return shown


def fetch(url: str) -> httpx.Response:
    """What anybody gets who has the address; no certificates are loaded, which takes longer than the rest."""
    with httpx.Client(verify=False, timeout=30) as anybody:
        return anybody.get(url)


def outputs(client: httpx.Client, id: str) -> list[httpx.Response]:
    """Its outputs, fetched as anybody would."""
    return [fetch(url) for url in poll(client, id)["outputs"]]
