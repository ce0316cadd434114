"""The fake WaveSpeed answers as the real one is documented to, and misbehaves as it is told to."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from infrastructure.media import read_media
from tests.providers.fake.behaviour import Behaviour
from tests.providers.fake.server import Fake

EDIT = "wavespeed-ai/qwen-image/edit"
PICTURE = "wavespeed-ai/qwen-image/text-to-image"


@pytest.fixture
def client(fake: Fake) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {fake.key('wavespeed')}"}
    with httpx.Client(base_url=f"{fake.url}/api/v3", headers=headers) as client:
        yield client


def submit(client: httpx.Client, path: str = PICTURE, **inputs: object) -> str:
    reply = client.post(f"/{path}", json={"prompt": "a pond", **inputs})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["data"]["id"])


def test_a_job_is_created_then_processing_then_completed_and_its_output_is_a_picture(
    fake: Fake, client: httpx.Client
) -> None:
    fake.next("wavespeed", Behaviour(polls=1))
    created = client.post(f"/{PICTURE}", json={"prompt": "a pond", "size": "96*48"}).json()
    assert (created["code"], created["message"], created["data"]["status"]) == (200, "success", "created")
    poll = created["data"]["urls"]["get"]
    assert client.get(poll).json()["data"]["status"] == "processing"
    done = client.get(poll).json()["data"]
    (url,) = done["outputs"]
    content = httpx.get(url).content
    media = read_media(content, field="output", max_bytes=10**6, max_pixels=10**6)
    assert (done["status"], media.media_type, media.width, media.height) == ("completed", "image/png", 96, 48)
    (job,) = fake.jobs("wavespeed")
    assert (job.id, job.price, job.inputs["prompt"]) == (created["data"]["id"], "0.05", "a pond")
