"""The fake Hugging Face routes to hf-inference, fal and WaveSpeed, and knows whose token it sees."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.wire.clients import client_for, fetch
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.desk import inline_uri
from tests.wire.fake.server import Fake

DRAWER = "/hf-inference/models/black-forest-labs/FLUX.1-schnell"
EDITOR = "/hf-inference/models/black-forest-labs/FLUX.1-Kontext-dev"
QUEUED = {"_subdomain": "queue"}
FILM = "/fal-ai/fal-ai/hunyuan-video"
EDIT = "/fal-ai/fal-ai/flux-kontext/dev"


@pytest.fixture
def client(fake: Fake) -> Iterator[httpx.Client]:
    with client_for(fake, "huggingface") as client:
        yield client


def queue(client: httpx.Client, path: str = FILM, **inputs: object) -> str:
    """The path of a new request, behind the router's own."""
    reply = client.post(path, params=QUEUED, json={"prompt": "a pond", **inputs}).json()
    assert reply["status"] == "IN_QUEUE"
    assert reply["status_url"] == f"{reply['response_url']}/status"
    where = urlsplit(reply["response_url"])
    assert where.hostname == "queue.fal.run"
    return f"/fal-ai{where.path}"


def test_a_picture_comes_as_bytes_in_the_format_asked_for(client: httpx.Client) -> None:
    body = {"inputs": "a pond", "parameters": {"width": 96, "height": 48}}
    for accept in ("image/png", "image/jpeg", "image/webp"):
        reply = client.post(DRAWER, json=body, headers={"accept": accept})
        assert (reply.headers["content-type"], media.size_of(reply.content)) == (accept, (96, 48))


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        (DRAWER, b"{", 400),
        (DRAWER, b'{"inputs": ""}', 400),
        (DRAWER, b'{"prompt": "a pond"}', 400),
        (DRAWER, b"[1]", 400),
        (EDITOR, media.wav(1), 400),
        (EDITOR, b'{"inputs": "not base64!"}', 400),
        (EDITOR, b'{"inputs": "cG9uZA=="}', 400),
        ("/hf-inference/models/acme/unheard-of", b"{}", 404),
        ("/hf-inference/models/tencent/HunyuanVideo", b"{}", 404),
        ("/fal-ai/acme/unheard-of", b"{}", 404),
        (FILM, b"{", 422),
        (FILM, b"{}", 422),
        (EDIT, b'{"prompt": "a pond"}', 422),
        (EDIT, b'{"prompt": "a pond", "image_url": "' + inline_uri(media.wav(1)).encode() + b'"}', 422),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    fake: Fake, client: httpx.Client, path: str, content: bytes, status: int
) -> None:
    reply = client.post(path, content=content)
    assert (reply.status_code, set(reply.json()) <= {"error", "detail"}) == (status, True)
    assert ([one.status for one in fake.submissions()], fake.jobs()) == ([status], [])


def test_another_token_is_refused(fake: Fake, client: httpx.Client) -> None:
    where = queue(client)
    assert client.get("/api/whoami-v2").json()["name"] == "somebody"
    fake.revoke("huggingface", "hf_another")
    for path in ("/api/whoami-v2", f"{where}/status", where):
        assert client.get(path, params=QUEUED).status_code == 401
    for path in (DRAWER, FILM, "/wavespeed/api/v3/wavespeed-ai/qwen-image/text-to-image"):
        assert client.post(path, json={"inputs": "a pond", "prompt": "a pond"}).status_code == 401


def test_the_hub_says_who_runs_a_model(client: httpx.Client) -> None:
    about = client.get("/api/models/tencent/HunyuanVideo").json()
    assert about["inferenceProviderMapping"]["fal-ai"]["providerId"] == "fal-ai/hunyuan-video"
    assert client.get("/api/models/acme/unheard-of").status_code == 404


def test_a_film_waits_in_the_queue_and_comes_as_an_address(fake: Fake, client: httpx.Client) -> None:
    fake.next("huggingface", Behaviour(polls=2, poll_failures=(502,)))
    where = queue(client, num_frames=48)
    assert client.get(where, params=QUEUED).status_code == 400
    replies = [client.get(f"{where}/status", params=QUEUED) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [502, 202, 202, 200]
    assert [reply.json()["status"] for reply in replies[1:]] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    video = client.get(where, params=QUEUED).json()["video"]
    assert media.seconds_of(fetch(video["url"]).content) == 2.0
    assert client.get(video["url"]).status_code == 400


def test_a_queued_request_needs_the_queue_and_its_own_path(client: httpx.Client) -> None:
    where = queue(client)
    assert client.get(f"{where}/status").status_code == 405
    assert client.get(f"{where.replace('hunyuan-video', 'flux')}/status", params=QUEUED).status_code == 404
    assert client.get(f"{where[:-1]}/status", params=QUEUED).status_code == 404


def test_the_path_of_a_request_leaves_out_the_variant_of_the_model(client: httpx.Client) -> None:
    where = queue(client, EDIT, image_url=inline_uri(media.image()))
    assert where.startswith("/fal-ai/fal-ai/flux-kontext/requests/")
    images = client.get(where, params=QUEUED).json()["images"]
    assert media.media_type(fetch(images[0]["url"]).content) == "image/png"


def test_a_queued_request_can_be_cancelled_until_it_has_ended(fake: Fake, client: httpx.Client) -> None:
    fake.next("huggingface", Behaviour(polls=5))
    waiting, done = queue(client), queue(client)
    assert client.put(f"{waiting}/cancel", params=QUEUED).status_code == 202
    assert client.put(f"{done}/cancel", params=QUEUED).json() == {"status": "ALREADY_COMPLETED"}
    assert client.get(f"{waiting}/status", params=QUEUED).json()["status"] == "COMPLETED"
    assert client.get(waiting, params=QUEUED).status_code == 499
    assert [job.cancelled for job in fake.jobs()] == [True, False]


def test_a_failure_and_a_filter_show_in_the_result(fake: Fake, client: httpx.Client) -> None:
    fake.next("huggingface", Behaviour(ending="failed", error="no luck"))
    fake.next("huggingface", Behaviour(filtered="result"))
    replies = [client.get(queue(client), params=QUEUED) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [500, 422]
    assert replies[1].json()["detail"][0]["type"] == "content_policy_violation"


@pytest.mark.parametrize(("path", "status"), [(DRAWER, 400), ("/fal-ai/fal-ai/flux/krea", 422)])
def test_a_filtered_submission_is_refused(fake: Fake, client: httpx.Client, path: str, status: int) -> None:
    fake.next("huggingface", Behaviour(filtered="refused"))
    assert client.post(path, json={"inputs": "a pond", "prompt": "a pond"}).status_code == status
    assert fake.jobs() == []


def test_at_once_is_an_answer_with_addresses(fake: Fake, client: httpx.Client) -> None:
    body = {"prompt": "a pond", "image_size": {"width": 96, "height": 48}, "num_images": 2}
    images = client.post("/fal-ai/fal-ai/flux/krea", json=body).json()["images"]
    assert [media.size_of(fetch(image["url"]).content) for image in images] == [(96, 48)] * 2
    fake.next("huggingface", Behaviour(ending="failed"))
    assert client.post(DRAWER, json={"inputs": "a pond"}).status_code == 400


def test_the_queue_itself_may_be_away(fake: Fake, client: httpx.Client) -> None:
    where = queue(client)
    fake.next("huggingface.queue", Behaviour(status=503))
    assert [client.get(where, params=QUEUED).status_code for _ in range(2)] == [503, 200]


def test_what_is_billed_can_be_set(fake: Fake, client: httpx.Client) -> None:
    fake.price("fal-ai/flux/krea", "0.02")
    client.post("/fal-ai/fal-ai/flux/krea", json={"prompt": "a pond"})
    queue(client)
    assert [job.price for job in fake.jobs()] == ["0.02", "0.10"]


def test_credits_run_out_whoever_would_do_the_work(fake: Fake, client: httpx.Client) -> None:
    fake.set_balance("huggingface", "0.15")
    assert client.post(DRAWER, json={"inputs": "a pond"}).status_code == 200
    queue(client)
    replies = [
        client.post(DRAWER, json={"inputs": "a pond"}),
        client.post(FILM, params=QUEUED, json={"prompt": "a pond"}),
    ]
    assert {(reply.status_code, tuple(reply.json())) for reply in replies} == {(402, ("error",))}
    assert [one.status for one in fake.submissions()] == [200, 200, 402, 402]
    assert [job.price for job in fake.jobs()] == ["0.05", "0.10"]
    assert client.get("/api/whoami-v2").status_code == 200
    fake.set_balance("huggingface", "1")
    assert client.post(DRAWER, json={"inputs": "a pond"}).status_code == 200
