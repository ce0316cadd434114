"""A client of a service: what it is asked, what it gives back, and what it says of what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imagestudio import AsyncClient, Client, Money, Request
from tests.infrastructure.client.both import ACCOUNT
from tests.infrastructure.gateway.gateways import Gateway

DRAW = Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, model="scripted-image")


@pytest.fixture
def studio(gateway: Gateway) -> Iterator[Client]:
    with Client(gateway.url, key=gateway.secret) as studio:
        yield studio


def test_a_picture_is_made_and_its_bytes_are_fetched_when_they_are_asked_for(gateway: Gateway, studio: Client) -> None:
    result = studio.operations.run(DRAW)
    assert (result.status, result.price, result.cost) == ("charged", Money(40_000, "USD"), None)
    (output,) = result.assets
    kept = gateway.run(gateway.studio.library.content(ACCOUNT, output.asset.id))
    assert output.content == kept.content
    assert (output.asset.width, output.media_type) == (kept.width, kept.media_type)


async def test_the_same_with_await(gateway: Gateway) -> None:
    async with AsyncClient(gateway.url, key=gateway.secret) as studio:
        result = await studio.operations.run(DRAW)
        assert (result.status, len(result.assets)) == ("charged", 1)
