"""Variations with inputs of their own are one batch: admitted or refused together, each priced and done by its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request, Result
from application.ports import Delivery, Job, Progress, ProviderUnknown, Recovery, Task
from domain.errors import ImageStudioError, InvalidInput, KeyReused, OperationRefused
from domain.operation import Charged, Rejected, Requested
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound, later, picture, studio_on

SIDES = (64, 96, 128)
EACH = tuple({"width": side} for side in SIDES)


class Unanswering:
    """Takes a task, and its answer never comes; what it was asked can be done again."""

    name, recovery = "local", Recovery.REPEATABLE

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        raise ProviderUnknown("connection_lost", "the answer never came")

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        raise NotImplementedError

    async def find(self, task: Task) -> tuple[Job, ...]:
        return ()

    async def cancel(self, task: Task, job: Job | None) -> bool:
        return False

    async def check(self) -> str:
        return ""

    def lacks(self, route: str) -> str:
        return ""

    async def close(self) -> None:
        """Nothing is open."""


def ask(**changes: Any) -> Request:
    usual = {"inputs": {"prompt": "a lake", "height": 64}, "model": "local-canvas", "each": EACH}
    return Request("text-to-image", "acme", **{**usual, **changes})


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


def widths(result: Result) -> list[int | None]:
    return [one.outputs[0].asset.width for one in result.operations]


async def test_each_gets_its_own_inputs_in_their_order(studio: Studio) -> None:
    result = await studio.operations.run(ask())
    assert widths(result) == [*SIDES]
    assert [one.operation for one in result.operations] == [f"{result.operation}.{place}" for place in (1, 2, 3)]
    assert count(facts_of(studio, "acme"), Charged) == 3
    assert await is_sound(studio)


async def test_each_is_priced_by_its_own_inputs(studio: Studio) -> None:
    media = {"image": [picture(20, 20)]}
    request = Request("upscale", "acme", media=media, model="local-upscale", each=({"factor": 2}, {"factor": 4}))
    estimate = await studio.operations.estimate(request)
    result = await studio.operations.run(request)
    prices = [one.price for one in result.operations]
    assert prices[0] < prices[1]
    assert estimate.price == result.price == prices[0] + prices[1]


async def test_all_are_refused_together_and_none_is_begun(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 2)
    assert (await studio.operations.estimate(ask())).refused == "limit"
    with pytest.raises(OperationRefused):
        await studio.operations.run(ask())
    assert (count(facts_of(studio, "acme"), Rejected), count(facts_of(studio, "acme"), Charged)) == (3, 0)


async def test_one_that_no_model_takes_is_told_before_anything_is_recorded(studio: Studio) -> None:
    with pytest.raises(InvalidInput, match="width"):
        await studio.operations.run(ask(each=({"width": 64}, {"width": 9_000})))
    assert count(facts_of(studio, "acme"), Requested) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"each": "abc"}, "each"),
        ({"each": {"width": 64}}, "each"),
        ({"each": [5]}, "each"),
        ({"each": [{5: 64}]}, "each"),
        ({"each": [{"width": 64}] * 101}, "each"),
        ({"n": 2}, "n"),
    ],
)
async def test_what_is_no_list_of_inputs_is_told(studio: Studio, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await studio.operations.run(ask(**changes))
    assert refused.value.field == field


async def test_a_key_knows_what_each_was_asked_for(studio: Studio) -> None:
    first = await studio.operations.run(ask(key="k"))
    again = await studio.operations.run(ask(key="k"))
    assert (again.repeated, again.operation, widths(again)) == (True, first.operation, [*SIDES])
    with pytest.raises(KeyReused):
        await studio.operations.run(ask(key="k", each=EACH[:2]))


async def test_what_was_lost_is_done_again_with_its_own_inputs(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, providers={"local": Unanswering()}) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(ImageStudioError):
            await studio.operations.run(ask())
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"] * 3
        batch = next(fact.operation.batch for fact in facts_of(studio, "acme") if isinstance(fact, Requested))
        assert widths(await studio.operations.wait(batch, account="acme")) == [*SIDES]
        assert await is_sound(studio)
