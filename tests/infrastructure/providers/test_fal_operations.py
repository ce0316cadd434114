"""Whole operations through fal and Gemini: charged once, found where the answer was lost, settled by a callback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from domain.errors import InvalidInput, OperationFailed, OperationPending, Unverified
from domain.operation import Charged, ProviderFailed, Released
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from tests.application.studios import charged, count, is_sound, later, studio_on, timeline
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.fal import message
from tests.wire.fake.server import Fake, serving

PRICE = 25_000
"""Micro-units of one picture at fal."""
HOOKS = "https://studio.test/hooks"
REQUEST = Request("text-to-image", "acme", {"prompt": "a pond", "width": 256, "height": 256}, model="fal-flux-dev")


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.fixture
def settings(fake: Fake) -> dict[str, Any]:
    own = {
        "fal_url": f"{fake.url}/queue",
        "fal_api_url": f"{fake.url}/fal/v1",
        "fal_keys_url": f"{fake.url}/fal/jwks.json",
    }
    hooks = {"fal_webhook": HOOKS, "fal_webhook_secret": "a secret of ours"}
    keys = {"fal_key": fake.key("fal"), "gemini_key": fake.key("gemini"), "gemini_url": f"{fake.url}/v1beta"}
    return {**own, **hooks, **keys}


async def lost(fake: Fake, studio: Studio) -> str:
    """An operation whose request was accepted, and whose answer never came."""
    await studio.accounts.open("acme", plan="pro")
    fake.next("fal", Behaviour(lost="drop"))
    with pytest.raises(OperationPending) as pending:
        await studio.operations.run(REQUEST)
    return pending.value.operation


async def test_what_got_lost_is_found_by_recovery_and_charged_once(
    fake: Fake, settings: dict[str, Any], database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path, **settings) as studio:
        operation = await lost(fake, studio)
    async with studio_on(database_url, tmp_path, clock=later(), **settings) as studio:
        [one] = await studio.upkeep.recover()
        facts = timeline(studio, operation)
        assert (one.phase, charged(facts), count(facts, Charged)) == ("charged", PRICE, 1)
        assert [fact.cost for fact in facts if isinstance(fact, Charged)] == [PRICE]
        assert await is_sound(studio)
    assert len(fake.submissions()) == 1


async def test_a_callback_settles_what_nobody_waits_for_and_a_forged_one_nothing(
    fake: Fake, settings: dict[str, Any], sqlite_url: str, tmp_path: Path
) -> None:
    async with studio_on(sqlite_url, tmp_path, **settings) as studio:
        operation = await lost(fake, studio)
        [job] = fake.jobs()
        named, mac = job.webhook.removeprefix(f"{HOOKS}/").split("/")
        callbacks = studio.providers.callbacks("fal")
        with pytest.raises(Unverified):
            await callbacks.take(named, mac, *message(job, fake.state, "forged"))
        headers, body = message(job, fake.state)
        assert [await callbacks.take(named, mac, headers, body) for _ in range(2)] == [True, False]
        assert (named, charged(timeline(studio, operation))) == (operation, PRICE)
        with pytest.raises(InvalidInput, match="sends no callbacks"):
            studio.providers.callbacks("gemini")
        with pytest.raises(InvalidInput, match="sends no callbacks"):
            studio.providers.callbacks("nobody")
        assert await is_sound(studio)


async def test_what_was_blocked_is_not_charged_and_booked_by_what_it_counted(
    fake: Fake, settings: dict[str, Any], sqlite_url: str, tmp_path: Path
) -> None:
    fake.next("gemini", Behaviour(filtered="result"))
    async with studio_on(sqlite_url, tmp_path, **settings) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationFailed) as caught:
            await studio.operations.generate("a pond", account="acme", model="gemini-lite-image")
        *_, failed, released = timeline(studio, caught.value.operation)
    assert isinstance(failed, ProviderFailed)
    assert isinstance(released, Released)
    # Three tokens of text, one picture, and two hundred tokens of thought.
    assert (failed.code, released.cost) == ("content_moderation", 1 + 33_600 + 300)


async def test_its_bills_agree_with_the_books(
    fake: Fake, settings: dict[str, Any], sqlite_url: str, tmp_path: Path
) -> None:
    start = now()
    async with studio_on(sqlite_url, tmp_path, **settings) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.run(REQUEST)
        job = fake.jobs()[0]
        [line] = await studio.providers.reconcile("fal", start - SECOND, now() + SECOND, correct=False)
        assert (line.is_explained, line.recorded, line.billed) == (True, PRICE, PRICE)
        fake.rebill(job.id, "0.03")
        [line] = await studio.providers.reconcile("fal", start - SECOND, now() + SECOND, correct=False)
        assert (line.difference, line.job) == (5_000, job.id)
