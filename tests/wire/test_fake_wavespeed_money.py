"""The fake WaveSpeed quotes and bills what its table says, or what a test sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.wire.clients import PICTURE, client_for, submit
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.desk import inline_uri
from tests.wire.fake.server import Fake

THREE_HOURS = 3 * 3_600
SEVEN_SECONDS = inline_uri(media.mp4(7))


@pytest.fixture
def client(fake: Fake) -> Iterator[httpx.Client]:
    with client_for(fake, "wavespeed", "/api/v3") as client:
        yield client


def bills(client: httpx.Client, **filters: object) -> list[dict[str, Any]]:
    body = {"billing_type": "deduct", "page": 1, "page_size": 100, "sort": "created_at ASC", **filters}
    items: list[dict[str, Any]] = client.post("/billings/search", json=body).json()["data"]["items"]
    return items


def quote(client: httpx.Client, path: str, **inputs: object) -> float:
    data = client.post("/model/price", json={"model_id": path, "inputs": inputs}).json()["data"]
    assert data["currency"] == "USD"
    return float(data["price"])


@pytest.mark.parametrize(
    ("path", "inputs", "price"),
    [
        (PICTURE, {}, 0.05),
        ("ideogram-ai/ideogram-character", {"rendering_speed": "Quality"}, 0.20),
        ("google/nano-banana-pro/edit-ultra", {"resolution": "8k"}, 0.18),
        ("openai/gpt-image-1", {"quality": "high", "size": "1024*1536"}, 0.25),
        ("bytedance/seedream-v4.5/edit", {"max_images": 3}, 0.12),
        ("google/veo3.1/text-to-video", {"generate_audio": False, "duration": 8}, 1.6),
        ("wavespeed-ai/hunyuan-video-1.5/text-to-video", {"size": "1280*720", "duration": 10}, 0.40),
        ("kwaivgi/kling-v2.5-turbo-std/image-to-video", {"duration": 10}, 0.42),
        (
            "bytedance/seedance-v1.5-pro/video-extend",
            {"resolution": "720p", "generate_audio": True, "duration": 4},
            0.208,
        ),
        ("wavespeed-ai/flashvsr", {"video": SEVEN_SECONDS, "target_resolution": "4k"}, 0.32),
        ("wavespeed-ai/video-face-swap", {"video": inline_uri(media.mp4(2))}, 0.05),
        ("wavespeed-ai/infinitetalk", {"audio": inline_uri(media.wav(10)), "resolution": "720p"}, 0.60),
    ],
)
def test_a_quote_follows_the_inputs(client: httpx.Client, path: str, inputs: dict[str, Any], price: float) -> None:
    assert quote(client, path, **inputs) == price


def test_what_is_quoted_is_billed_and_the_balance_is_less_by_it(fake: Fake, client: httpx.Client) -> None:
    fake.set_balance("wavespeed", "10")
    id = submit(client)
    (bill,) = bills(client, prediction_uuids=[id])
    assert (bill["price"], bill["order"]["state"], bill["prediction"]["status"]) == (0.05, "done", "completed")
    assert client.get("/balance").json()["data"]["balance"] == 9.95


def test_the_older_quote_has_another_name(client: httpx.Client) -> None:
    reply = client.post("/model/pricing", json={"model_id": PICTURE, "inputs": {}}).json()
    assert reply["data"]["unit_price"] == 0.05


def test_an_unknown_model_and_missing_inputs_have_no_quote(client: httpx.Client) -> None:
    assert client.post("/model/price", json={"model_id": "acme/unheard-of", "inputs": {}}).status_code == 404
    assert client.post("/model/price", json={"model_id": PICTURE}).status_code == 400


def test_a_test_sets_the_price_and_each_bill(fake: Fake, client: httpx.Client) -> None:
    fake.price(PICTURE, "0.07")
    assert quote(client, PICTURE) == 0.07
    scripts = [
        Behaviour(),
        Behaviour(bill="0.09"),
        Behaviour(bill="nothing"),
        Behaviour(bill="unreadable"),
        Behaviour(bill_unit="micros"),
    ]
    for script in scripts:
        fake.next("wavespeed", script)
    ids = [submit(client) for _ in scripts]
    found = bills(client)
    assert [bill["price"] for bill in found] == [0.07, 0.09, "a few cents", 70_000]
    assert [bill["prediction"]["uuid"] for bill in found] == [id for id in ids if id != ids[2]]
    fake.rebill(ids[0], None)
    assert bills(client, prediction_uuids=ids[:1]) == []


def test_a_bill_is_not_final_while_the_job_runs(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(ending="never"))
    id = submit(client)
    assert [bill["order"]["state"] for bill in bills(client)] == ["pre"]
    fake.change(id, Behaviour())
    assert [(bill["order"]["state"], bill["price"]) for bill in bills(client)] == [("done", 0.05)]
    fake.change(id, Behaviour(ending="failed", bill="0.03"))
    assert [(bill["order"]["state"], bill["price"]) for bill in bills(client)] == [("done", 0.03)]
    with pytest.raises(KeyError):
        fake.change("unheard-of", Behaviour())


def test_a_failed_job_is_refunded_after_three_hours_unless_it_is_billed_all_the_same(
    fake: Fake, client: httpx.Client
) -> None:
    fake.next("wavespeed", Behaviour(ending="failed"))
    fake.next("wavespeed", Behaviour(ending="failed", bill="0.02"))
    ids = [submit(client), submit(client)]
    assert [bill["order"]["state"] for bill in bills(client)] == ["pre", "done"]
    fake.advance(THREE_HOURS)
    assert [bill["prediction"]["uuid"] for bill in bills(client)] == ids[1:]


def test_bills_are_found_by_time_in_pages_newest_first(fake: Fake, client: httpx.Client) -> None:
    early = submit(client)
    fake.advance(3_600)
    late = submit(client)
    at = str(fake.job(late).created // 1_000)
    assert [bill["prediction"]["uuid"] for bill in bills(client, start_time=at)] == [late]
    assert [bill["prediction"]["uuid"] for bill in bills(client, end_time=at)] == [early]
    newest = bills(client, sort="created_at DESC", page_size=1)
    assert [bill["prediction"]["uuid"] for bill in newest] == [late]
    assert client.post("/billings/search", json={"page": 1, "page_size": 101}).status_code == 400
    assert bills(client, billing_type="recharge") == []
