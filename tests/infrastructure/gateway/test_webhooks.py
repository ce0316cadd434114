"""Webhooks over HTTP: added, tried, told what happens, sent to again and removed; and counted for whoever looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import patience
from tests.application.notifying.receivers import TAKEN, Answer, Receiver
from tests.infrastructure.gateway.gateways import ADMIN, Gateway, gateway_on

DRAWN = {"kind": "text-to-image", "inputs": {"prompt": "a lake"}, "model": "scripted-image"}


@pytest.fixture(scope="module")
def shop() -> Iterator[Receiver]:
    with Receiver().running() as running:
        yield running


@pytest.fixture(scope="module")
def told(shop: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that may send to the shop."""
    home: Path = tmp_path_factory.mktemp("studio")
    with gateway_on(f"sqlite:///{home / 'ledger.db'}", home, webhook_origins=(shop.url,)) as running:
        yield running


@pytest.fixture
def admin(told: Gateway) -> Iterator[httpx.Client]:
    with told.client(told.issue("acme", ADMIN), prefer="wait=30") as client:
        yield client


def until(met: Callable[[], bool]) -> None:
    """Wait for what a thread brings about."""
    deadline = time.monotonic() + patience.SECONDS
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_webhook_is_told_and_what_it_was_told_is_listed_and_sent_again(admin: httpx.Client, shop: Receiver) -> None:
    asked = {"url": f"{shop.url}/one", "events": ["operation.charged"], "reason": "a new shop"}
    new = admin.post("/v1/webhooks", json=asked)
    assert (new.status_code, new.headers["cache-control"]) == (201, "no-store")
    id, secret = new.json()["id"], new.json()["secret"]
    operation = admin.post("/v1/operations", json=DRAWN).json()["operation"]
    until(lambda: len(shop.of("/one")) == 1)
    [one] = shop.of("/one")
    shown = admin.get(f"/v1/operations/{operation}").json()
    assert one.verify(secret) == {
        "type": "operation.charged",
        "timestamp": one.told["timestamp"],
        "data": one.told["data"],
    }
    seen = one.told["data"]["operations"][0]
    for name in ("cost", "cost_source"):
        shown["operations"][0].pop(name)
    for output in shown["operations"][0]["outputs"]:
        for name in ("path", "where", "copy"):
            output.pop(name)
    assert seen == shown["operations"][0]
    listed = admin.get(f"/v1/webhooks/{id}/deliveries", params={"limit": 1}).json()["deliveries"]
    assert [(row["id"], row["event"], row["operation"]) for row in listed] == [(one.id, one.type, operation)]
    assert admin.post(f"/v1/webhooks/{id}/replay", json={"messages": [one.id]}).json() == {"replayed": 1}
    until(lambda: len(shop.of("/one")) == 2)
    assert shop.of("/one")[1].id == one.id
    everything = [admin.get(path).text for path in ("/v1/webhooks", f"/v1/webhooks/{id}", "/v1/keys")]
    assert not [text for text in everything if secret in text]
    assert admin.delete(f"/v1/webhooks/{id}").status_code == 204
    assert admin.get(f"/v1/webhooks/{id}").json()["code"] == "unknown_webhook"


def test_pages_of_messages_follow_each_other(admin: httpx.Client, shop: Receiver) -> None:
    id = admin.post("/v1/webhooks", json={"url": f"{shop.url}/pages"}).json()["id"]
    for _ in range(2):
        admin.post("/v1/operations", json=DRAWN)
    until(lambda: len(shop.of("/pages")) == 4)
    found, after = [], None
    while True:
        page = admin.get(f"/v1/webhooks/{id}/deliveries", params={"limit": 3, **({"after": after} if after else {})})
        found += page.json()["deliveries"]
        after = page.json()["next"]
        if after is None:
            break
    assert [row["id"] for row in found] == [*reversed(shop.ids[-4:])]
    assert admin.get(f"/v1/webhooks/{id}/deliveries", params={"after": "lake"}).json()["code"] == "invalid_input"
    admin.delete(f"/v1/webhooks/{id}")


def test_a_webhook_is_tried_changed_rotated_paused_and_resumed(admin: httpx.Client, shop: Receiver) -> None:
    new = admin.post("/v1/webhooks", json={"url": f"{shop.url}/two"}).json()
    place = f"/v1/webhooks/{new['id']}"
    assert admin.post(f"{place}/test").json() == {"accepted": True, "status": 204, "said": ""}
    assert shop.of("/two")[0].verify(new["secret"])["type"] == "webhook.test"
    changed = admin.patch(place, json={"url": f"{shop.url}/three", "events": ["operation.failed"], "paused": True})
    assert (changed.json()["url"], changed.json()["standing"]) == (f"{shop.url}/three", "paused")
    rotated = admin.post(f"{place}/rotate", json={"overlap": 1}).json()
    assert [one["number"] for one in rotated["secrets"]] == [2, 1]
    admin.post(f"{place}/test")
    for secret in (new["secret"], rotated["secret"]):
        shop.of("/three")[0].verify(secret)
    refused = admin.post(f"{place}/replay", json={"position": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert admin.patch(place, json={"paused": False}).json()["standing"] == "live"
    admin.delete(place)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {}),
        ("", {"url": "http://shop.example/hooks"}),
        ("", {"url": "https://127.0.0.1/hooks"}),
        ("", {"url": "https://shop.example/hooks", "events": ["operation.done"]}),
        ("", {"url": "https://shop.example/hooks", "secret": "mine"}),
        ("/ID/rotate", {"overlap": 200}),
        ("/ID/replay", {}),
        ("/ID/replay", {"dead": True, "position": 1}),
        ("/ID/replay", {"since": "yesterday"}),
        ("/ID/replay", {"position": 0}),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(
    admin: httpx.Client, told: Gateway, shop: Receiver, path: str, body: dict[str, object]
) -> None:
    id = admin.post("/v1/webhooks", json={"url": f"{shop.url}/bad"}).json()["id"]
    end = told.studio.log.reader.end()
    answer = admin.post(f"/v1/webhooks{path.replace('ID', id)}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert told.studio.log.reader.end() == end
    admin.delete(f"/v1/webhooks/{id}")


def test_only_an_administrator_says_where_messages_go(told: Gateway) -> None:
    with told.client() as client:
        assert [client.get("/v1/webhooks").status_code, client.post("/v1/webhooks", json={}).status_code] == [403, 403]


def test_meters_tell_how_the_sending_goes(admin: httpx.Client, told: Gateway, shop: Receiver) -> None:
    before = _meters(admin)
    shop.answer = lambda _: Answer(500)
    id = admin.post("/v1/webhooks", json={"url": f"{shop.url}/four", "events": ["operation.charged"]}).json()["id"]
    admin.post("/v1/operations", json=DRAWN)
    until(lambda: len(shop.of("/four")) == 1)
    until(lambda: bool(admin.get(f"/v1/webhooks/{id}").json()["standing"] == "failing"))
    shop.answer = lambda _: TAKEN
    after = _meters(admin)
    assert after["imagestudio_webhook_tries_total failed"] == before["imagestudio_webhook_tries_total failed"] + 1
    assert after["imagestudio_webhook_waiting"] == before["imagestudio_webhook_waiting"] + 1
    assert after["imagestudio_webhook_lag_seconds"] >= 0
    admin.delete(f"/v1/webhooks/{id}")


def _meters(admin: httpx.Client) -> dict[str, float]:
    return {
        f"{sample.name} {sample.labels.get('outcome', '')}".strip(): sample.value
        for family in text_string_to_metric_families(admin.get("/metrics").text)
        for sample in family.samples
        if "webhook" in sample.name
    }
