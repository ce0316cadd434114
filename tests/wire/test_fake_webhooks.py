"""The fake WaveSpeed delivers webhooks as documented, and as an enemy or a bad line would."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.wire.clients import PICTURE, client_for, poll, submit
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake
from tests.wire.loops import in_thread, listener

NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")
Delivery = tuple[dict[str, str], bytes]


class Receiver:
    """Where webhooks arrive."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = Starlette(routes=[Route("/hook", self.take, methods=["POST"])])
        with listener() as bound:
            self.url = f"http://127.0.0.1:{bound.getsockname()[1]}/hook"
            server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, ws="none"))
            server.config.load()
            server.lifespan = server.config.lifespan_class(server.config)
            await server.startup(sockets=[bound])
            yield
            await server.shutdown(sockets=[bound])

    async def take(self, request: Request) -> Response:
        self.deliveries.append((dict(request.headers), await request.body()))
        return Response(status_code=204)

    def statuses(self) -> list[str]:
        return [json.loads(body)["status"] for _, body in self.deliveries]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with in_thread(receiver.serving):
        yield receiver


@pytest.fixture
def client(fake: Fake) -> Iterator[httpx.Client]:
    with client_for(fake, "wavespeed", "/api/v3") as client:
        yield client


def verified(client: httpx.Client, delivery: Delivery) -> bool:
    """As the documentation tells a receiver to."""
    headers, body = delivery
    if any(name not in headers for name in NAMES):
        return False
    id, at, signature = (headers[name] for name in NAMES)
    secret = client.get("/webhook/secret").json()["data"]["secret"].removeprefix("whsec_")
    expected = hmac.new(secret.encode(), f"{id}.{at}.".encode() + body, hashlib.sha256).hexdigest()
    return signature == f"v3,{expected}" and abs(time.time() - int(at)) <= 300


def hooked(client: httpx.Client, receiver: Receiver) -> str:
    reply = client.post(f"/{PICTURE}", params={"webhook": receiver.url}, json={"prompt": "a pond"})
    return str(reply.json()["data"]["id"])


def test_the_end_of_a_job_is_told_once_with_a_signature_that_holds(
    fake: Fake, client: httpx.Client, receiver: Receiver
) -> None:
    fake.next("wavespeed", Behaviour(polls=1))
    id = hooked(client, receiver)
    for _ in range(3):
        poll(client, id)
    ((headers, body),) = fake.wait_for(lambda: receiver.deliveries)
    told = json.loads(body)
    assert verified(client, (headers, body))
    assert (told["id"], told["status"], len(told["outputs"])) == (id, "completed", 1)
    assert told["input"] == {"prompt": "a pond"}


def test_deliveries_are_repeated_reordered_and_forged_as_a_script_says(
    fake: Fake, client: httpx.Client, receiver: Receiver
) -> None:
    kinds = ("signed", "signed", "processing", "forged", "tampered", "stale", "unsigned")
    fake.next("wavespeed", Behaviour(webhooks=kinds))
    hooked(client, receiver)
    fake.wait_for(lambda: len(receiver.deliveries) == len(kinds))
    assert [verified(client, one) for one in receiver.deliveries] == [True] * 3 + [False] * 4
    assert receiver.statuses() == ["completed"] * 2 + ["processing"] + ["completed"] * 4
    ids = [headers.get("webhook-id") for headers, _ in receiver.deliveries]
    assert ids[0] == ids[1] != ids[2]


def test_a_webhook_may_be_earlier_than_the_answer_to_the_submission(
    fake: Fake, client: httpx.Client, receiver: Receiver
) -> None:
    fake.next("wavespeed", Behaviour(early=True, polls=2))
    id = hooked(client, receiver)
    assert receiver.statuses() == ["completed"]
    assert [poll(client, id)["status"] for _ in range(3)] == ["processing", "processing", "completed"]
    assert receiver.statuses() == ["completed"]


def test_a_webhook_may_never_come_and_be_sent_by_hand(fake: Fake, client: httpx.Client, receiver: Receiver) -> None:
    fake.next("wavespeed", Behaviour(webhooks=()))
    id = hooked(client, receiver)
    assert poll(client, id)["status"] == "completed"
    assert receiver.deliveries == []
    assert fake.deliver(id) == 204
    assert [verified(client, one) for one in receiver.deliveries] == [True]


def test_a_webhook_can_be_written_without_being_sent(fake: Fake, client: httpx.Client) -> None:
    assert verified(client, fake.message(submit(client)))


def test_a_receiver_that_is_away_changes_nothing(fake: Fake, client: httpx.Client) -> None:
    reply = client.post(f"/{PICTURE}", params={"webhook": "http://127.0.0.1:1/"}, json={"prompt": "a pond"})
    id = reply.json()["data"]["id"]
    assert fake.wait_for(lambda: fake.job(id).notified)
    assert poll(client, id)["status"] == "completed"
