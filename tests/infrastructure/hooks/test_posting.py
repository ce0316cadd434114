"""Messages reach the public internet, and origins that were allowed, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import InvalidInput
from domain.retrying import HookAnswer
from infrastructure.guard import Wires
from infrastructure.hooks.posting import HookPost
from tests.application.notifying.receivers import Answer, Receiver
from tests.infrastructure.sites import LOOPBACK, PUBLIC, Names

BODY = b'{"type":"operation.charged"}'


@asynccontextmanager
async def posting(*own: str, wires: Wires | None = None, proxy: str = "") -> AsyncIterator[HookPost]:
    post = HookPost(own, seconds=5, wires=wires, proxy=proxy)
    try:
        yield post
    finally:
        await post.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example/hooks", "it is not an https address"),
        ("https://shop.example:8443/hooks", "port 8443 is not the usual one for https"),
        ("https://shop.example:0/hooks", "port 0 is not the usual one for https"),
        ("https://10.0.0.1/hooks", "10.0.0.1 is not on the public internet"),
        ("https://[::1]/hooks", "::1 is not on the public internet"),
        ("https://169.254.169.254/latest", "169.254.169.254 is not on the public internet"),
        ("https://ann:secret@shop.example/hooks", "it has a user name or password in it"),
        ("ftp://shop.example/hooks", "it is not an http or https address"),
        ("https:///hooks", "it is not an http or https address"),
        ("https://[::1/hooks", "it is not a valid address"),
        ("shop.example", "it is not an http or https address"),
        ("", "is no address of at most 2000 characters"),
        (f"https://shop.example/{'x' * 2_000}", "is no address of at most 2000 characters"),
        ("https://shop.example/a b", "is no address of at most 2000 characters"),
        ("https://shop.example/\n", "is no address of at most 2000 characters"),
    ],
)
async def test_what_is_never_sent_to_is_not_registered_and_not_sent_to(url: str, why: str) -> None:
    async with posting() as post:
        with pytest.raises(InvalidInput) as error:
            post.check(url)
        assert error.value.message == f"url: {why}"
        assert "secret" not in str(error.value)


async def test_an_origin_that_is_allowed_is_sent_to_whatever_it_is() -> None:
    with Receiver(lambda _: Answer(201)).running() as shop:
        async with posting(shop.url) as post:
            post.check(f"{shop.url}/hooks?shop=1")
            assert await post(f"{shop.url}/hooks?shop=1", {"webhook-id": "evt_1"}, BODY) == HookAnswer(201)
        async with posting("http://127.0.0.1:1") as post:
            refused = await post(f"{shop.url}/hooks", {}, BODY)
    assert refused == HookAnswer(None, f"port {shop.url.rpartition(':')[2]} is not the usual one for http")
    [one] = shop.received
    assert (one.path, one.id, one.body) == ("/hooks?shop=1", "evt_1", BODY)
    assert one.headers["user-agent"] == "imagestudio-webhooks"


async def test_a_name_that_leads_inside_by_the_time_of_the_message_is_not_followed() -> None:
    """The address is judged when it is connected to, whatever it was when it was registered."""
    with Receiver().running() as inside:
        names = Names(shop_example=[[PUBLIC, LOOPBACK]])
        async with posting(wires=Wires(resolve=names)) as post:
            post.check("https://shop.example/hooks")
            answer = await post("https://shop.example/hooks", {}, BODY)
    assert answer == HookAnswer(None, "shop.example is not on the public internet")
    assert inside.received == []


async def test_nobody_who_answers_is_a_failure_like_another() -> None:
    async with posting("http://127.0.0.1:1", wires=Wires(resolve=Names())) as post:
        unknown = await post("https://nowhere.example/hooks", {}, BODY)
        closed = await post("http://127.0.0.1:1/hooks", {}, BODY)
    assert unknown == HookAnswer(None, "the server cannot be reached: there is no host of this name")
    assert closed.status is None
    assert closed.said.startswith("the server cannot be reached")


async def test_through_a_proxy_an_address_that_is_written_out_is_still_judged() -> None:
    async with posting(proxy="http://127.0.0.1:1") as post:
        assert (await post("https://10.0.0.1/", {}, BODY)).said == "10.0.0.1 is not on the public internet"
        assert (await post("https://shop.example/", {}, BODY)).said.startswith("the server cannot be reached")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": "Mon, 30 Nov 2026 12:01:00 GMT", "date": "Mon, 30 Nov 2026 12:00:00 GMT"}, 60),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
async def test_when_it_wants_more_is_read_from_its_answer(headers: dict[str, str], seconds: int | None) -> None:
    with Receiver(lambda _: Answer(429, headers)).running() as shop:
        async with posting(shop.url) as post:
            assert (await post(shop.url, {}, BODY)).retry_after == seconds
