"""Webhooks through a client: every step as it is here, with equal records and equal errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.keys import STUDIO, KeyScope, KeyTerms
from imagestudio import AsyncClient, Client, ImageStudioError
from infrastructure.blocking import BlockingStudio
from infrastructure.showing.webhooks import messages_document, new_secret_document, webhook_document
from tests.application.notifying.receivers import Receiver
from tests.infrastructure.client.both import ACCOUNT, Either, elsewhere, here
from tests.infrastructure.gateway.gateways import ADMIN, Gateway

OF_ONE_RUN = {"id", "secret", "registered_at", "until", "at", "since", "operation", "position", "tried_at", "due_at"}
OF_ONE_RUN |= {"webhook", "state", "tries", "status"}
DRAWN: dict[str, Any] = {"model": "scripted-image", "account": ACCOUNT}


@pytest.fixture(scope="module")
def shop() -> Iterator[Receiver]:
    with Receiver().running() as running:
        yield running


@pytest.fixture(scope="module")
def told(shop: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with elsewhere(tmp_path_factory.mktemp("gateway"), webhook_origins=(shop.url,)) as running:
        yield running


@pytest.fixture(scope="module")
def both(shop: Receiver, told: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Either]]:
    home: Path = tmp_path_factory.mktemp("local")
    with here(home, webhook_origins=(shop.url,)) as local, Client(told.url, key=told.issue(ACCOUNT, ADMIN)) as remote:
        yield [local, remote]


def alike(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: alike(one) for name, one in document.items() if name not in OF_ONE_RUN}
    return [alike(one) for one in document] if isinstance(document, list) else document


def steps(studio: Either, shop: Receiver) -> Iterator[Any]:
    """All that becomes of a webhook."""
    new = studio.webhooks.add(ACCOUNT, f"{shop.url}/one", events=["operation.charged"], reason="a new shop")
    yield new_secret_document(new)
    id = new.webhook.id
    yield studio.webhooks.test(ACCOUNT, id)
    shop.received[-1].verify(new.secret)
    yield webhook_document(studio.webhooks.change(ACCOUNT, id, url=f"{shop.url}/two", events=[]))
    rotated = studio.webhooks.rotate(ACCOUNT, id, overlap=2)
    yield new_secret_document(rotated)
    studio.webhooks.test(ACCOUNT, id)
    shop.received[-1].verify(rotated.secret)
    studio.operations.generate("a lake", **DRAWN)
    yield studio.webhooks.replay(ACCOUNT, id, position=1)
    yield studio.webhooks.replay(ACCOUNT, id, since=0)
    yield alike(messages_document(studio.webhooks.deliveries(ACCOUNT, id, limit=5)))
    yield webhook_document(studio.webhooks.pause(ACCOUNT, id, reason="a holiday"))["paused"]
    yield webhook_document(studio.webhooks.resume(ACCOUNT, id))["paused"]
    yield [one.id == id for one in studio.webhooks.list(ACCOUNT)]
    yield studio.webhooks.show(ACCOUNT, id).url
    yield studio.webhooks.remove(ACCOUNT, id)


def test_a_program_has_equal_results(both: list[BlockingStudio | Client], shop: Receiver) -> None:
    ours, there = (alike([*steps(studio, shop)]) for studio in both)
    assert ours == there


ERRORS: list[Callable[[Either], Any]] = [
    lambda studio: studio.webhooks.add(ACCOUNT, "http://shop.example/"),
    lambda studio: studio.webhooks.add(ACCOUNT, "https://shop.example/", events=["lunch"]),
    lambda studio: studio.webhooks.show(ACCOUNT, "hook_0000000000"),
    lambda studio: studio.webhooks.rotate(ACCOUNT, "hook_0000000000"),
    lambda studio: studio.webhooks.remove(ACCOUNT, "hook_0000000000"),
    lambda studio: studio.webhooks.replay(ACCOUNT, "hook_0000000000", dead=True),
    lambda studio: studio.webhooks.test(ACCOUNT, "hook_0000000000"),
]


@pytest.mark.parametrize("program", ERRORS)
def test_a_program_has_equal_errors(both: list[BlockingStudio | Client], program: Callable[[Either], Any]) -> None:
    found = []
    for studio in both:
        with pytest.raises(ImageStudioError) as error:
            program(studio)
        found.append((type(error.value), error.value.code, error.value.message))
    assert found[0] == found[1]


async def test_a_key_of_the_studios_own_names_the_account(told: Gateway, shop: Receiver) -> None:
    secret = told.issue(STUDIO, KeyTerms((KeyScope.ADMIN,)))
    async with AsyncClient(told.url, key=secret) as studio:
        new = await studio.webhooks.add(ACCOUNT, f"{shop.url}/studio")
        assert [one.id for one in await studio.webhooks.list(ACCOUNT)] == [new.webhook.id]
        await studio.webhooks.remove(ACCOUNT, new.webhook.id)
