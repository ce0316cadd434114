"""Whole operations through WaveSpeed, on both databases: charged once, whatever happens to the answers."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from application.asking.requests import Request
from application.providing.receiving import Callback
from domain.errors import OperationPending, UnknownModel
from domain.operation import Charged, Submitted
from infrastructure.media import read_media
from infrastructure.providers.wavespeed.callbacks import verified_callback
from infrastructure.service import Studio
from infrastructure.wire.callbacks import operation_mac
from tests.application.studios import (
    LONG_AFTER,
    charged,
    count,
    facts_of,
    is_sound,
    later,
    studio_on,
    timeline,
    zone_amid_its_month,
)
from tests.infrastructure.providers.wavespeed.tasks import PROMPT
from tests.wire.clients import PICTURE
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake
from tests.wire.fake.webhooks import SECRET

PRICE = 50_000
REQUEST = Request("text-to-image", "acme", {"prompt": PROMPT, "size": "96x48"}, model="pond")
OVERLAY = f"""
[[model]]
id = "pond"
provider = "wavespeed"
route = "{PICTURE}"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
inputs.prompt = {{ type = "text", required = true }}
inputs.size = {{ type = "size" }}
fixed = {{ enable_base64_output = true }}
prices = [{{ rate = "0.05" }}]
"""


class Opening(Protocol):
    def __call__(self, *, key: bool = True, by: int = 0) -> AbstractAsyncContextManager[Studio]: ...


@pytest.fixture
def opening(fake: Fake, database_url: str, tmp_path: Path) -> Opening:
    """Opens the studio as an operator would, by settings, on the test's database, so long after now."""
    overlay = tmp_path / "pond.toml"
    overlay.write_text(OVERLAY)

    def opened(*, key: bool = True, by: int = 0) -> AbstractAsyncContextManager[Studio]:
        return studio_on(
            database_url,
            tmp_path,
            clock=later(by),
            catalogues=(overlay,),
            wavespeed_url=f"{fake.url}/api/v3",
            wavespeed_key=fake.key("wavespeed") if key else None,
            wavespeed_webhook="https://studio.test/hooks",
            wavespeed_webhook_secret=SECRET,
        )

    return opened


async def lost(fake: Fake, opening: Opening) -> str:
    """An operation that the provider accepted and whose answer never came."""
    fake.next("wavespeed", Behaviour(lost="drop"))
    async with opening() as studio:
        await studio.accounts.open("acme", plan="pro", zone=zone_amid_its_month())
        with pytest.raises(OperationPending) as pending:
            await studio.operations.run(REQUEST)
    return pending.value.operation


async def test_an_operation_is_sent_once_and_charged_at_its_price(fake: Fake, opening: Opening) -> None:
    async with opening() as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await studio.operations.run(REQUEST)
        assert await is_sound(studio)
        written = "".join(map(repr, timeline(studio, result.operation)))
    (output,), (job,) = result.assets, fake.jobs()
    read = read_media(output.content, field="output", max_bytes=10**6, max_pixels=10**6)
    assert (result.price.micros, read.media_type, read.width, read.height) == (PRICE, "image/png", 96, 48)
    assert (job.inputs["size"], job.price) == ("96*48", "0.05")
    assert job.id in written
    for secret in (PROMPT, fake.key("wavespeed"), fake.url, SECRET):
        assert secret not in written


async def test_an_operation_whose_answer_was_lost_is_found_and_charged_once(fake: Fake, opening: Opening) -> None:
    operation = await lost(fake, opening)
    async with opening(by=LONG_AFTER) as studio:
        (one,) = await studio.upkeep.recover()
        assert (one.operation, one.action, one.phase) == (operation, "found at the provider", "charged")
        assert await studio.upkeep.recover() == []
        assert await is_sound(studio)
        facts = timeline(studio, operation)
    assert (count(facts, Charged), charged(facts), len(fake.submissions())) == (1, PRICE, 1)


async def test_a_key_that_is_refused_while_looking_says_nothing_about_what_was_sent(
    fake: Fake, opening: Opening
) -> None:
    operation = await lost(fake, opening)
    fake.next("wavespeed.predictions", Behaviour(status=401))
    async with opening(by=LONG_AFTER) as studio:
        (one,) = await studio.upkeep.recover()
        assert one.phase == "dispatched"
        assert one.action.startswith("left open: the provider's answer is unknown (bad_key)")
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
    async with opening(by=2 * LONG_AFTER) as studio:
        (one,) = await studio.upkeep.recover()
        assert (one.operation, one.phase) == (operation, "charged")


async def test_equal_operations_whose_answers_were_lost_share_the_jobs_that_there_are_one_each(
    fake: Fake, opening: Opening
) -> None:
    """One of them never arrived, and nobody can tell which."""
    for behaviour in (Behaviour(lost="drop"), Behaviour(status=503), Behaviour(lost="drop")):
        fake.next("wavespeed", behaviour)
    async with opening() as studio:
        for account in ("acme", "beta", "gamma"):
            await studio.accounts.open(account, plan="pro")
            with pytest.raises(OperationPending):
                await studio.operations.run(replace(REQUEST, account=account))
    async with opening(by=LONG_AFTER) as studio:
        phases = [one.phase for one in await studio.upkeep.recover()]
        assert sorted(phases) == ["charged", "charged", "released"]
        assert await is_sound(studio)
        facts = facts_of(studio)
    owned = Counter(fact.job for fact in facts if isinstance(fact, Submitted))
    assert owned == dict.fromkeys((job.id for job in fake.jobs()), 1)
    assert (count(facts, Charged), charged(facts), len(fake.submissions())) == (2, 2 * PRICE, 3)


async def test_an_operation_whose_answer_was_lost_is_settled_by_its_callback(fake: Fake, opening: Opening) -> None:
    operation = await lost(fake, opening)
    (job,) = fake.jobs()
    assert job.webhook == f"https://studio.test/hooks/{operation}/{operation_mac(operation, SECRET)}"
    headers, body = fake.message(job.id)
    said = verified_callback(
        Callback(operation, job.webhook.rpartition("/")[2], headers, body), SECRET, fake.state.now()
    )
    async with opening() as studio:
        for _ in range(2):
            await studio.operations.notified(said.operation, said.job)
        assert await is_sound(studio)
        facts = timeline(studio, operation)
    assert (count(facts, Charged), charged(facts), len(fake.submissions())) == (1, PRICE, 1)


async def test_without_a_key_nothing_is_sent_and_the_refusal_says_what_to_set(fake: Fake, opening: Opening) -> None:
    async with opening(key=False) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(UnknownModel, match="its provider is not ready") as refused:
            await studio.operations.run(REQUEST)
        assert "set IMAGESTUDIO_WAVESPEED_KEY" in refused.value.hint
    assert fake.submissions() == []
