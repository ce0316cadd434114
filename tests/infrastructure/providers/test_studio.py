"""The remote providers as the studio builds them: from settings, behind the ledger, charged once for what came."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from domain.errors import OperationFailed, OperationPending, UnknownModel
from domain.operation import ProviderFailed, Released
from infrastructure.service import Studio
from infrastructure.settings import Settings
from tests.application.studios import settings_for, studio_on, timeline
from tests.infrastructure.providers.benches import SECRET_PROMPT
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

MODELS = """
currency = "USD"

[[model]]
id = "a-painter"
provider = "stability"
route = "/v2beta/stable-image/generate/core"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
prices = [{ rate = "0.05", cost = "0.03" }]
inputs.prompt = { type = "text", required = true }

[[model]]
id = "a-drawer"
provider = "openai"
route = "gpt-image-2"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "call"
inputs.prompt = { type = "text", required = true }

[[model.prices]]
meters.text_input = { rate = "0.000005", most = 1000 }
meters.image_input = { rate = "0.000008", most = 1 }
meters.image_output = { rate = "0.00003", most = 2000 }

[[model]]
id = "a-guesser"
provider = "huggingface"
route = "hf-inference/black-forest-labs/FLUX.1-schnell"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
prices = [{ rate = "0.02" }]
inputs.prompt = { type = "text", required = true }
"""
PRICES = {"a-painter": 50_000, "a-drawer": 7 * 5 + 1056 * 30, "a-guesser": 20_000}
"""Micro-units; of what is metered, seven tokens of a prompt and a square picture of medium quality."""
KEYS = ("stability_key", "openai_key", "huggingface_key")


@pytest.fixture
def remote(fake: Fake, tmp_path: Path) -> dict[str, Any]:
    """Settings that lead to the fake."""
    overlay = tmp_path / "models.toml"
    overlay.write_text(MODELS)
    return {
        "catalogues": (overlay,),
        "stability_key": fake.key("stability"),
        "stability_url": fake.url,
        "openai_key": fake.key("openai"),
        "openai_url": f"{fake.url}/v1",
        "huggingface_key": fake.key("huggingface"),
        "huggingface_url": fake.url,
        "huggingface_hub_url": fake.url,
    }


async def paint(studio: Studio, model: str) -> Any:
    await studio.accounts.open("acme", plan="pro")
    return await studio.operations.generate(SECRET_PROMPT, account="acme", model=model)


@pytest.mark.parametrize("model", PRICES)
async def test_a_picture_is_delivered_and_charged_to_the_micro_unit(
    fake: Fake, remote: dict[str, Any], sqlite_url: str, tmp_path: Path, model: str
) -> None:
    async with studio_on(sqlite_url, tmp_path, **remote) as studio:
        result = await paint(studio, model)
    assert (result.price.micros, len(result.assets), len(fake.submissions())) == (PRICES[model], 1, 1)


@pytest.mark.parametrize("model", PRICES)
async def test_without_its_key_a_provider_cannot_be_used_and_says_what_to_set(
    fake: Fake, remote: dict[str, Any], sqlite_url: str, tmp_path: Path, model: str
) -> None:
    keyless = remote | dict.fromkeys(KEYS, None)
    async with studio_on(sqlite_url, tmp_path, **keyless) as studio:
        with pytest.raises(UnknownModel) as refused:
            await paint(studio, model)
        assert re.search(r"set IMAGESTUDIO_\w+_KEY", refused.value.hint)
    assert fake.submissions() == []


async def test_what_was_filtered_is_not_charged_but_was_billed(
    fake: Fake, remote: dict[str, Any], sqlite_url: str, tmp_path: Path
) -> None:
    fake.next("stability", Behaviour(filtered="result"))
    async with studio_on(sqlite_url, tmp_path, **remote) as studio:
        with pytest.raises(OperationFailed) as caught:
            await paint(studio, "a-painter")
        *_, failed, released = timeline(studio, caught.value.operation)
    assert isinstance(failed, ProviderFailed)
    assert isinstance(released, Released)
    assert (failed.code, released.cost) == ("content_moderation", 30_000)


@pytest.mark.parametrize("model", PRICES)
async def test_an_answer_that_was_lost_keeps_its_hold_and_is_never_sent_again(
    fake: Fake, remote: dict[str, Any], sqlite_url: str, tmp_path: Path, model: str
) -> None:
    for provider in ("stability", "openai", "huggingface"):
        fake.next(provider, Behaviour(lost="drop"))
    async with studio_on(sqlite_url, tmp_path, **remote) as studio:
        with pytest.raises(OperationPending):
            await paint(studio, model)
        await studio.upkeep.recover()
    assert len(fake.submissions()) == 1


async def test_credits_that_are_spent_are_a_refusal_that_releases_the_hold(
    fake: Fake, remote: dict[str, Any], sqlite_url: str, tmp_path: Path
) -> None:
    fake.set_balance("huggingface", "0.05")
    async with studio_on(sqlite_url, tmp_path, **remote) as studio:
        await paint(studio, "a-guesser")
        with pytest.raises(OperationFailed, match="exceeded your monthly included credits") as caught:
            await studio.operations.generate(SECRET_PROMPT, account="acme", model="a-guesser")
        *_, failed, released = timeline(studio, caught.value.operation)
        assert isinstance(failed, ProviderFailed)
        assert isinstance(released, Released)
        assert (failed.code, released.cost) == ("no_credit", 0)
        assert (await studio.accounts.show("acme")).held["spend"] == 0
    assert [one.status for one in fake.submissions("huggingface")] == [200, 402]


async def test_no_key_and_no_prompt_is_in_the_log_or_in_what_settings_show(
    fake: Fake, remote: dict[str, Any], sqlite_url: str, tmp_path: Path
) -> None:
    settings: Settings = settings_for(sqlite_url, tmp_path, **remote)
    secrets = [fake.key(provider) for provider in ("stability", "openai", "huggingface")]
    assert not any(secret in repr(settings) for secret in secrets)
    fake.next("openai", Behaviour(status=400, error=f"{SECRET_PROMPT} is no prompt"))
    async with studio_on(sqlite_url, tmp_path, **remote) as studio:
        with pytest.raises(OperationFailed):
            await paint(studio, "a-drawer")
        log = b"".join(entry.link.state for entry in studio.log.reader.read(0, 1_000)).decode()
    assert "invalid_request" in log
    assert not any(secret in log for secret in [*secrets, SECRET_PROMPT])
