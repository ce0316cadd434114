"""A retry never pays twice, and what only looks like a retry is not taken for one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.infrastructure.gateway.gateways import Gateway
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

URL = "/v1/images/generations"
AGAIN = "x-stainless-retry-count"


@pytest.fixture
def body(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A request that no other test makes."""
    return {"model": "gpt-image-2", "prompt": request.node.name, "quality": "low"}


def post(gateway: Gateway, body: dict[str, Any], **headers: str) -> httpx.Response:
    with gateway.client(**headers) as client:
        return client.post(URL, json=body)


def sent(fake: Fake) -> int:
    return len(fake.submissions("openai"))


def test_the_same_key_gets_the_first_answer_again(gateway: Gateway, fake: Fake, body: dict[str, Any]) -> None:
    before = sent(fake)
    first, second = (post(gateway, body, **{"idempotency-key": "k-1"}) for _ in range(2))
    assert first.json()["data"] == second.json()["data"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert first.headers["x-imagestudio-operation"] == second.headers["x-imagestudio-operation"]
    assert sent(fake) == before + 1


def test_a_key_with_another_body_is_refused_and_nothing_is_written(gateway: Gateway, body: dict[str, Any]) -> None:
    post(gateway, body, **{"idempotency-key": "k-2"})
    end = gateway.studio.log.reader.end()
    answer = post(gateway, {**body, "prompt": "another"}, **{"idempotency-key": "k-2"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "key_reused")
    assert answer.headers["x-should-retry"] == "false"
    assert gateway.studio.log.reader.end() == end


def test_a_key_that_is_in_flight_waits_for_the_one_answer(gateway: Gateway, fake: Fake, body: dict[str, Any]) -> None:
    before = sent(fake)
    fake.next("openai", Behaviour(held=True))
    with ThreadPoolExecutor(5) as pool:
        asking = [pool.submit(post, gateway, body, **{"idempotency-key": "k-3"}) for _ in range(5)]
        fake.wait_for(lambda: sent(fake) > before)
        fake.release()
        answers = [one.result() for one in asking]
    assert [one.status_code for one in answers] == [200] * 5
    assert len({one.headers["x-imagestudio-operation"] for one in answers}) == 1
    assert sum("idempotency-replayed" in one.headers for one in answers) == 4
    assert sent(fake) == before + 1


def test_keys_of_two_accounts_are_two_keys(gateway: Gateway, body: dict[str, Any]) -> None:
    gateway.run(gateway.studio.accounts.open("other", plan="pro"))
    mine = post(gateway, body, **{"idempotency-key": "k-4"})
    with gateway.client(gateway.issue("other"), **{"idempotency-key": "k-4"}) as client:
        theirs = client.post(URL, json={**body, "prompt": "theirs"})
    assert (mine.status_code, theirs.status_code) == (200, 200)


def test_a_client_that_says_it_repeats_itself_gets_the_answer_that_it_lost(
    gateway: Gateway, fake: Fake, body: dict[str, Any]
) -> None:
    before = sent(fake)
    first, second, third = (post(gateway, body, **{AGAIN: str(count)}) for count in range(3))
    operations = {one.headers["x-imagestudio-operation"] for one in (first, second, third)}
    assert len(operations) == 1
    assert second.headers["idempotency-replayed"] == "true"
    assert sent(fake) == before + 1


def test_equal_requests_without_that_mark_are_different(gateway: Gateway, fake: Fake, body: dict[str, Any]) -> None:
    before = sent(fake)
    marks: list[dict[str, str]] = [{}, {}, {AGAIN: "0"}, {AGAIN: "0"}]
    operations = {post(gateway, body, **mark).headers["x-imagestudio-operation"] for mark in marks}
    assert len(operations) == 4
    assert sent(fake) == before + 4


def test_of_equal_requests_each_repeat_gets_another_answer(gateway: Gateway, fake: Fake, body: dict[str, Any]) -> None:
    """Two of a client's parallel requests lose their connections while the provider works."""
    before = sent(fake)
    fake.next("openai", Behaviour(held=True), times=2)
    lost = threading.Barrier(3)

    def cut() -> None:
        with gateway.client(**{AGAIN: "0"}) as client:
            lost.wait()
            with pytest.raises(httpx.ReadTimeout):
                client.post(URL, json=body, timeout=1)

    with ThreadPoolExecutor(2) as pool:
        cutting = [pool.submit(cut) for _ in range(2)]
        lost.wait()
        fake.wait_for(lambda: sent(fake) == before + 2)
        for one in cutting:
            one.result()
        again = [pool.submit(post, gateway, body, **{AGAIN: "1"}) for _ in range(2)]
        fake.release()
        answers = [one.result() for one in again]
    assert len({one.headers["x-imagestudio-operation"] for one in answers}) == 2
    assert sent(fake) == before + 2


def test_a_form_is_known_again_though_it_is_divided_otherwise(gateway: Gateway, fake: Fake) -> None:
    before = sent(fake)
    picture = media.image(256, 256, seed=77)
    found = set()
    for count, boundary in enumerate(("one", "another")):
        headers = {AGAIN: str(count), "content-type": f"multipart/form-data; boundary={boundary}"}
        with gateway.client(**headers) as client:
            form = {"model": "gpt-image-2", "prompt": "autumn", "quality": "low"}
            answer = client.post("/v1/images/edits", data=form, files={"image": ("a.png", picture, "image/png")})
        assert answer.status_code == 200, answer.text
        found.add(answer.headers["x-imagestudio-operation"])
    assert len(found) == 1
    assert sent(fake) == before + 1


def test_a_repeat_of_what_failed_is_tried_anew(gateway: Gateway, fake: Fake, body: dict[str, Any]) -> None:
    fake.next("openai", Behaviour(filtered="refused"))
    first = post(gateway, body, **{AGAIN: "0"})
    second = post(gateway, body, **{AGAIN: "1"})
    assert (first.status_code, second.status_code) == (502, 200)


def test_a_key_that_is_no_id_is_told(gateway: Gateway, body: dict[str, Any]) -> None:
    answer = post(gateway, body, **{"idempotency-key": "two words"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "Idempotency-Key")
