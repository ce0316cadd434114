"""The fake Stability takes multipart and answers with bytes or base64, at once or later."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infrastructure.media import read_media
from tests.wire.clients import client_for
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.endpoints import ENDPOINTS, GLB
from tests.wire.fake.server import Fake

CORE = "stable-image/generate/core"
ERASE = "stable-image/edit/erase"
CREATIVE = "stable-image/upscale/creative"
SDXL = "/v1/generation/stable-diffusion-xl-1024-v1-0/text-to-image"
PICTURE = media.image(128, 96)
NO_FILE = {"none": ("", b"")}
DAY = 86_400


@pytest.fixture
def client(fake: Fake) -> Iterator[httpx.Client]:
    with client_for(fake, "stability") as client:
        yield client


def ask(
    client: httpx.Client,
    path: str = CORE,
    accept: str = "image/*",
    files: dict[str, bytes] | None = None,
    **fields: str,
) -> httpx.Response:
    return client.post(f"/v2beta/{path}", headers={"accept": accept}, data=fields, files=files or NO_FILE)


def least(path: str) -> tuple[dict[str, bytes], dict[str, str]]:
    """The least files and fields that an endpoint takes."""
    endpoint = ENDPOINTS[path]
    files = {name: PICTURE for name in endpoint.needs if name in endpoint.pictures}
    return files, {name: "a pond" for name in endpoint.needs if name not in endpoint.pictures}


def test_every_endpoint_delivers_media_in_both_forms_and_bills_its_credits(fake: Fake, client: httpx.Client) -> None:
    for path, endpoint in ENDPOINTS.items():
        files, fields = least(path)
        for accept in (GLB if endpoint.makes == GLB else "image/*", "application/json"):
            reply = ask(client, path, accept, files, **fields)
            if endpoint.later:
                assert reply.status_code == 202
                reply = client.get(f"/v2beta/results/{reply.json()['id']}", headers={"accept": accept})
            assert reply.status_code == 200, (path, reply.text)
            if accept == "application/json":
                assert reply.json()["finish_reason"] == "SUCCESS"
                content = base64.b64decode(reply.json()["model" if endpoint.makes == GLB else "image"])
            else:
                assert (reply.headers["finish-reason"], int(reply.headers["seed"]) > 0) == ("SUCCESS", True)
                content = reply.content
            read_media(content, field=path, max_bytes=10**7, max_pixels=10**7)
    prices = [job.price for job in fake.jobs() if job.path in (CORE, "3d/stable-fast-3d", CREATIVE)]
    assert prices == ["0.03", "0.03", "0.60", "0.60", "0.10", "0.10"]


@pytest.mark.parametrize(("model", "price"), [("sd3.5-large", "0.065"), ("sd3.5-flash", "0.025")])
def test_the_models_of_one_endpoint_have_their_own_prices(
    fake: Fake, client: httpx.Client, model: str, price: str
) -> None:
    assert ask(client, "stable-image/generate/sd3", prompt="a pond", model=model).status_code == 200
    assert [job.price for job in fake.jobs()] == [price]


@pytest.mark.parametrize(
    ("path", "files", "fields", "status", "words"),
    [
        (CORE, {}, {}, 400, "prompt: is required"),
        (CORE, {}, {"prompt": "x" * 10_001}, 400, "at most 10000 characters"),
        (CORE, {}, {"prompt": "x", "seed": "4294967295"}, 400, "seed"),
        (CORE, {}, {"prompt": "x", "aspect_ratio": "7:5"}, 400, "aspect_ratio"),
        (ERASE, {"image": PICTURE}, {"grow_mask": "21"}, 400, "grow_mask"),
        (ERASE, {"image": PICTURE}, {"grow_mask": "wide"}, 400, "grow_mask"),
        (ERASE, {"image": media.wav(1)}, {}, 400, "image: must be a jpeg, png or webp"),
        (ERASE, {"image": media.image(image_format="GIF")}, {}, 400, "image: must be a jpeg, png or webp"),
        (ERASE, {}, {"image": "pond.png"}, 400, "image: must be a file"),
        (ERASE, {"image": media.image(1_000, 300)}, {}, 400, "aspect ratio"),
        (ERASE, {"image": media.image(1_000, 60)}, {}, 400, "each side"),
        (ERASE, {"image": PICTURE + bytes(11 * 2**20)}, {}, 413, "10MiB"),
        (CREATIVE, {"image": media.image(1_500, 1_000)}, {"prompt": "x"}, 400, "pixels"),
        ("stable-image/edit/remove-background", {"image": PICTURE}, {"output_format": "jpeg"}, 400, "output_format"),
        ("stable-image/generate/sd3", {}, {"prompt": "x", "model": "sd3"}, 400, "model"),
        ("stable-image/generate/sd3", {}, {"prompt": "x", "mode": "image-to-image"}, 400, "strength"),
        ("stable-image/generate/unheard-of", {}, {"prompt": "x"}, 404, ""),
    ],
)
def test_a_request_that_breaks_a_limit_is_refused_in_its_words(
    fake: Fake,
    client: httpx.Client,
    path: str,
    files: dict[str, bytes],
    fields: dict[str, str],
    status: int,
    words: str,
) -> None:
    reply = ask(client, path, files=files, **fields)
    assert (reply.status_code, set(reply.json())) == (status, {"id", "name", "errors"})
    assert words in reply.json()["errors"][0]
    assert ([one.status for one in fake.submissions()], fake.jobs()) == ([status], [])


def test_only_multipart_and_a_known_accept_are_taken(fake: Fake, client: httpx.Client) -> None:
    assert client.post(f"/v2beta/{CORE}", json={"prompt": "a pond"}).status_code == 400
    assert client.post(f"/v2beta/{CORE}", data={"prompt": "a pond"}).status_code == 400
    assert ask(client, accept="text/html", prompt="a pond").status_code == 400
    fake.revoke("stability", "another")
    assert ask(client, prompt="a pond").status_code == 401
    assert client.get("/v1/user/balance").status_code == 401


def test_a_result_is_waited_for_and_kept_for_a_day(fake: Fake, client: httpx.Client) -> None:
    fake.next("stability", Behaviour(polls=1, poll_failures=(500,)))
    files, fields = least(CREATIVE)
    where = f"/v2beta/results/{ask(client, CREATIVE, files=files, **fields).json()['id']}"
    assert [client.get(where).status_code for _ in range(3)] == [500, 202, 200]
    assert media.size_of(client.get(where, headers={"accept": "image/*"}).content) == (256, 192)
    fake.advance(DAY + 60)
    assert client.get(where).status_code == 404


def test_a_filtered_request_is_refused_and_a_filtered_result_is_marked(fake: Fake, client: httpx.Client) -> None:
    fake.next("stability", Behaviour(filtered="refused"))
    refused = ask(client, prompt="a pond")
    assert (refused.status_code, refused.json()["name"]) == (403, "content_moderation")
    fake.next("stability", Behaviour(filtered="result"), times=2)
    assert ask(client, prompt="a pond").headers["finish-reason"] == "CONTENT_FILTERED"
    assert ask(client, accept="application/json", prompt="a pond").json()["finish_reason"] == "CONTENT_FILTERED"


@pytest.mark.parametrize("later", [False, True])
def test_a_failed_job_says_so(fake: Fake, client: httpx.Client, later: bool) -> None:
    fake.next("stability", Behaviour(ending="failed", error="no luck"))
    path = CREATIVE if later else ERASE
    files, fields = least(path)
    reply = ask(client, path, files=files, **fields)
    reply = client.get(f"/v2beta/results/{reply.json()['id']}") if later else reply
    assert (reply.status_code, reply.json()["errors"]) == (422, ["no luck"])


@pytest.mark.parametrize(("status", "name"), [(402, "payment_required"), (429, "rate_limit_exceeded")])
def test_errors_are_named(fake: Fake, client: httpx.Client, status: int, name: str) -> None:
    fake.next("stability", Behaviour(status=status))
    reply = ask(client, prompt="a pond")
    assert (reply.status_code, reply.json()["name"], fake.jobs()) == (status, name, [])


def test_the_result_inside_a_reply_may_be_spoiled_or_lost(fake: Fake, client: httpx.Client) -> None:
    fake.next("stability", Behaviour(files="not media"))
    assert ask(client, prompt="a pond").headers["content-type"].startswith("text/plain")
    fake.next("stability", Behaviour(files="missing"))
    assert "image" not in ask(client, accept="application/json", prompt="a pond").json()
    fake.next("stability", Behaviour(lost="truncate"))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(client, prompt="a pond")
    assert len(fake.jobs()) == 3


def test_the_first_api_draws_several_pictures(fake: Fake, client: httpx.Client) -> None:
    body: dict[str, Any] = {
        "text_prompts": [{"text": "a pond", "weight": 1}],
        "samples": 2,
        "width": 128,
        "height": 128,
    }
    artifacts = client.post(SDXL, json=body).json()["artifacts"]
    assert [one["finishReason"] for one in artifacts] == ["SUCCESS"] * 2
    assert media.size_of(base64.b64decode(artifacts[0]["base64"])) == (128, 128)
    assert media.size_of(client.post(SDXL, json=body, headers={"accept": "image/png"}).content) == (128, 128)
    assert [job.price for job in fake.jobs()] == ["0.08", "0.08"]
    mistakes: list[dict[str, object]] = [{"text_prompts": []}, {"steps": 51}, {"width": 130}]
    for wrong in mistakes:
        assert client.post(SDXL, json={**body, **wrong}).status_code == 400
    assert client.post(SDXL.replace("xl", "xs"), json=body).status_code == 404


def test_the_balance_is_in_credits(fake: Fake, client: httpx.Client) -> None:
    fake.set_balance("stability", "12.5")
    assert client.get("/v1/user/balance").json() == {"credits": 12.5}
    fake.next("stability.balance", Behaviour(status=500))
    assert client.get("/v1/user/balance").status_code == 500
