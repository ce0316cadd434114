"""What was counted apart is priced apart, and what is not known is no fact: from a request to the ledger and its views.

The amounts are those of bills from the field, in micro-units of US dollars.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request, Result
from domain.charging import CostSource
from domain.errors import OperationFailed
from domain.operation import Charged, ProviderCompleted, ProviderFailed, Released
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from projections.views.costs import COSTS, CostFilter
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.usage import USAGE, UsageFilter
from tests.application.studios import is_sound, later, picture, studio_on, timeline
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

DRAWN = {"input_tokens": 20, "output_tokens": 196}
"""Comes to 5 980 where a token of text is 5 and one of an image 30."""
CAP = 500_000
PICTURE = picture(64, 64)

UNIT_PRICED = """
currency = "USD"

[[model]]
id = "a-flux"
provider = "huggingface"
route = "fal-ai/black-forest-labs/FLUX.1-Krea-dev"
kinds = ["text-to-image"]
outputs = ["image/png", "image/jpeg"]
unit = "call"
inputs.prompt = { type = "text", required = true }

[[model.prices]]
meters.billable_millionths = { rate = "0.000000025" }

[[model]]
id = "an-unknown-flux"
provider = "huggingface"
route = "fal-ai/black-forest-labs/FLUX.1-Krea-dev"
kinds = ["text-to-image"]
outputs = ["image/png", "image/jpeg"]
unit = "call"
inputs.prompt = { type = "text", required = true }
"""


@dataclass(frozen=True)
class World:
    """A studio before the fake, and an account with a cap for what has no price."""

    fake: Fake
    studio: Studio

    async def ask(self, kind: str, model: str, n: int = 1, prompt: str = "a lake", **inputs: Any) -> Result:
        media = {"image": [PICTURE]} if kind == "image-edit" else {}
        return await self.studio.operations.run(
            Request(kind, "acme", {"prompt": prompt, **inputs}, media, model=model, n=n)
        )

    async def counting(self, counts: dict[str, Any], kind: str, model: str, **inputs: Any) -> Result:
        self.fake.next("openai", Behaviour(counts=counts))
        return await self.ask(kind, model, **inputs)

    def charged(self, result: Result) -> Charged:
        [fact] = [fact for fact in timeline(self.studio, result.operation) if isinstance(fact, Charged)]
        return fact


@asynccontextmanager
async def opened(fake: Fake, url: str, home: Path, **settings: Any) -> AsyncIterator[World]:
    overlay = home / "models.toml"
    overlay.write_text(UNIT_PRICED)
    settings |= {"openai_key": fake.key("openai"), "huggingface_key": fake.key("huggingface")}
    settings |= {"openai_url": f"{fake.url}/v1", "huggingface_url": fake.url, "huggingface_hub_url": fake.url}
    async with studio_on(url, home, catalogues=(overlay,), **settings) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        await studio.accounts.change_limit("acme", "unpriced", CAP)
        yield World(fake, studio)
        assert await is_sound(studio)


@pytest.fixture
async def world(fake: Fake, sqlite_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(fake, sqlite_url, tmp_path) as world:
        yield world


THOUGHT = {
    "input_tokens": 357,
    "output_tokens": 6_543,
    "input_tokens_details": {"text_tokens": 34, "image_tokens": 323},
    "output_tokens_details": {"image_tokens": 6_208, "text_tokens": 335},
}
CACHED = {
    "input_tokens": 1_000,
    "output_tokens": 439,
    "input_tokens_details": {"text_tokens": 1_000, "image_tokens": 0, "cached_tokens": 1_000},
}


@pytest.mark.parametrize(
    ("counts", "kind", "model", "inputs", "amount"),
    [
        (THOUGHT, "image-edit", "gpt-image-2-edit", {"quality": "high"}, 188_994),
        (CACHED, "text-to-image", "gpt-image-2", {"quality": "medium"}, 14_420),
        (DRAWN, "text-to-image", "gpt-image-2.6-flare", {"quality": "high"}, 5_980),
        ({"input_tokens": 20.0, "output_tokens": 196.0}, "text-to-image", "gpt-image-2", {"quality": "low"}, 5_980),
        (THOUGHT, "image-edit", "gpt-image-2.5-sunburst-edit", {}, 188_994),
    ],
)
async def test_what_was_counted_apart_is_priced_apart(
    world: World, counts: dict[str, Any], kind: str, model: str, inputs: dict[str, Any], amount: int
) -> None:
    result = await world.counting(counts, kind, model, **inputs)
    charged = world.charged(result)
    assert (charged.price, charged.cost) == (amount, amount)
    assert (charged.price_source, charged.cost_source) == (CostSource.COUNTED, CostSource.COUNTED)
    assert result.cost_source == "counted"


async def test_what_was_counted_apart_is_kept_apart_in_the_fact(world: World) -> None:
    result = await world.counting(THOUGHT, "image-edit", "gpt-image-2-edit", quality="high")
    [completed] = [one for one in timeline(world.studio, result.operation) if isinstance(one, ProviderCompleted)]
    assert completed.usage == {"text_input": 34, "image_input": 323, "image_output": 6_208, "text_output": 335}


@pytest.mark.parametrize("kind", ["text-to-image", "image-edit"])
async def test_an_answer_without_usage_is_charged_at_most_what_this_request_can_come_to(
    world: World, kind: str
) -> None:
    world.fake.next("openai", Behaviour(usage="none"))
    model = "gpt-image-2-edit" if kind == "image-edit" else "gpt-image-2"
    result = await world.ask(kind, model, prompt="a" * 9, quality="low")
    charged = world.charged(result)
    assert 5_880 < charged.price <= 16_000
    assert (charged.price_source, charged.cost_source) == (CostSource.ESTIMATED, CostSource.ESTIMATED)
    world.studio.views.catch_up()
    [row] = world.studio.views.rows(OPERATIONS, OperationFilter(flag="estimated"))
    assert (row.id, row.flags, row.price_source) == (result.operation, ("estimated",), "estimated")
    [usage] = world.studio.views.rows(USAGE, UsageFilter(account="acme"))
    assert (usage.estimated, usage.cost_unknown) == (1, 0)


async def test_what_a_counted_svg_costs_is_not_known_and_is_found(world: World) -> None:
    svg = {"model": "gpt-5", "input_tokens": 90, "output_tokens": 700, "reasoning_tokens": 300, "total_tokens": 790}
    result = await world.counting({**DRAWN, "svg_usage": svg}, "text-to-image", "gpt-image-2", quality="low")
    assert (result.cost, result.cost_source, result.cost_partial) == (None, "unknown", True)
    world.studio.views.catch_up()
    assert [row.id for row in world.studio.views.rows(OPERATIONS, OperationFilter(flag="unknown"))] == [
        result.operation
    ]
    [cost] = world.studio.views.rows(COSTS, CostFilter(model="gpt-image-2"))
    assert (cost.cost, cost.cost_unknown) == (0, 1)


@pytest.mark.parametrize("delivered", [{"outputs": 0}, {"files": "not media"}, {"files": "missing"}])
async def test_a_delivery_that_is_empty_or_unreadable_costs_us_what_was_counted(
    world: World, delivered: dict[str, Any]
) -> None:
    world.fake.next("openai", Behaviour(counts=DRAWN, **delivered))
    with pytest.raises(OperationFailed) as failure:
        await world.ask("text-to-image", "gpt-image-2", quality="high")
    *_, failed, released = timeline(world.studio, failure.value.operation)
    assert isinstance(failed, ProviderFailed)
    assert isinstance(released, Released)
    assert failed.usage == {"text_input": 20, "image_input": 0, "image_output": 196}
    assert (released.cost, released.cost_source) == (5_980, CostSource.COUNTED)


async def test_ten_small_edits_at_once_fit_into_a_limit_that_holds_what_they_can_come_to(world: World) -> None:
    await world.studio.accounts.change_limit("acme", "spend", 1_000_000)
    asked = [world.ask("image-edit", "gpt-image-2-edit", prompt="a" * 9, quality="low") for _ in range(10)]
    assert [result.status for result in await asyncio.gather(*asked)] == ["charged"] * 10


async def test_ten_pictures_are_one_call_whose_prompt_is_counted_once(world: World) -> None:
    result = await world.ask("text-to-image", "gpt-image-2", n=10, quality="low")
    assert len(result.assets) == 10
    assert len(result.operations) == len(world.fake.submissions("openai")) == 1
    assert result.price.micros == 2 * 5 + 10 * 272 * 30


# What fal bills


async def test_fal_s_units_are_a_cost_where_the_entry_states_the_price_of_one(world: World) -> None:
    world.fake.next("huggingface", Behaviour(units="1.25"))
    result = await world.ask("text-to-image", "a-flux")
    charged = world.charged(result)
    assert (charged.price, charged.cost, charged.cost_source) == (31_250, 31_250, CostSource.COUNTED)


async def test_fal_s_units_are_kept_where_nobody_states_the_price_of_one_and_the_cost_is_unknown(world: World) -> None:
    result = await world.ask("text-to-image", "an-unknown-flux")
    [completed] = [one for one in timeline(world.studio, result.operation) if isinstance(one, ProviderCompleted)]
    assert completed.usage == {"billable_millionths": 1_000_000}
    assert (result.price.micros, result.price_source) == (CAP, "capped")
    assert (result.cost, result.cost_source) == (None, "unknown")


async def test_a_rate_below_a_millionth_is_stored_as_it_is_written(fake: Fake, sqlite_url: str, tmp_path: Path) -> None:
    while_it_is_sold = later(int(datetime.fromisoformat("2026-11-10T00:00Z").timestamp()) * SECOND - now())
    async with opened(fake, sqlite_url, tmp_path, clock=while_it_is_sold) as world:
        await world.ask("text-to-image", "gpt-image-1-mini", quality="low")
        states = [entry.link.state for entry in world.studio.log.reader.read(0, 1_000)]
    assert any(b'"rate":"0.00000025"' in state for state in states)
    assert not any(b"E-" in state for state in states)


# A caller's callback


async def test_a_progress_callback_that_raises_is_logged_once_and_ends_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_fraction: float, _message: str) -> None:
        raise KeyError("a lake")

    result = await world.studio.operations.generate("a lake", account="acme", model="gpt-image-2", n=2, progress=broken)
    assert len(result.assets) == 2
    [record] = [one.getMessage() for one in caplog.records if "callback" in one.getMessage()]
    assert "KeyError" in record
    assert "a lake" not in record
