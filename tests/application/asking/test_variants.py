"""Several things asked together are one batch: held or refused as a whole, each with its own inputs and model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request, Result, Variant
from application.ports import Delivery, Job, Progress, ProviderUnknown, Recovery, Task
from domain.errors import InvalidInput, KeyReused, OperationFailed, OperationPending, OperationRefused
from domain.operation import Charged, Rejected, Requested, Validated
from domain.wishes import Wishes
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from tests.application.studios import LOCAL, SMALL, SYNC, count, facts_of, is_sound, later, studio_on
from tests.application.support import CENT
from tests.application.wilful import KIND, REFUSED, Entry, trade

SEEDS = [{"seed": 7}, {"seed": 8}, {"seed": 9}]


def ask(*variants: Variant, **options: Any) -> Request:
    asked: dict[str, Any] = {"model": LOCAL, **options}
    return Request("text-to-image", "acme", {"prompt": "a lake", **SMALL}, each=variants, **asked)


def seeded(**options: Any) -> Request:
    return ask(*(Variant(inputs) for inputs in SEEDS), **options)


def digests(result: Result) -> list[str]:
    return [one.asset.digest for one in result.assets]


async def each_alone(studio: Studio) -> list[str]:
    alone = [replace(seeded(), inputs={**seeded().inputs, **inputs}, each=()) for inputs in SEEDS]
    return [digests(await studio.operations.run(one))[0] for one in alone]


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


async def test_each_variant_is_what_it_is_when_it_is_asked_alone(studio: Studio) -> None:
    together = digests(await studio.operations.run(seeded()))
    assert together == await each_alone(studio)
    assert len(set(together)) == 3
    assert await is_sound(studio)


async def test_variants_of_several_models_are_held_in_one_append_each_at_its_price(studio: Studio) -> None:
    small = {"prompt": "a lake"}
    wanted = replace(ask(Variant(SMALL), Variant(model=SYNC)), inputs=small)
    found = await studio.operations.estimate(wanted)
    assert (found.price and found.price.micros, found.operations) == (5 * CENT, 2)
    result = await studio.operations.run(wanted)
    assert [one.model for one in result.operations] == [LOCAL, SYNC]
    assert [one.price.micros for one in result.operations] == [CENT, 4 * CENT]
    assert await is_sound(studio)


async def test_a_limit_that_has_room_for_some_refuses_all(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 2)
    with pytest.raises(OperationRefused):
        await studio.operations.run(seeded())
    facts = facts_of(studio, "acme")
    assert (count(facts, Requested), count(facts, Rejected), count(facts, Validated)) == (3, 3, 0)


async def test_all_together_may_cost_no_more_than_the_request_says(studio: Studio) -> None:
    with pytest.raises(InvalidInput, match="max_price"):
        await studio.operations.run(seeded(max_price="0.02"))
    assert count(facts_of(studio, "acme"), Requested) == 0
    await studio.operations.run(seeded(max_price="0.03"))


async def test_a_key_answers_for_all_and_is_not_for_others(studio: Studio) -> None:
    first = await studio.operations.run(seeded(key="k"))
    again = await studio.operations.run(seeded(key="k"))
    assert (again.repeated, digests(again)) == (True, digests(first))
    with pytest.raises(KeyReused):
        await studio.operations.run(ask(Variant({"seed": 7}), key="k"))
    assert count(facts_of(studio, "acme"), Charged) == 3


async def test_wishes_are_said_over_those_of_the_request(studio: Studio) -> None:
    wanted = Request(
        "text-to-image",
        "acme",
        {"prompt": "a lake"},
        model=LOCAL,
        wishes=Wishes(size="64x64"),
        each=(Variant(), Variant(wishes=Wishes(size="96x64"))),
    )
    sizes = [(one.asset.width, one.asset.height) for one in (await studio.operations.run(wanted)).assets]
    assert sizes == [(64, 64), (96, 64)]


class Mute(ScriptedProvider):
    """This machine, whose answers are lost."""

    def __init__(self, home: Path) -> None:
        super().__init__(home / "mute", name="local", recovery=Recovery.REPEATABLE)

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        raise ProviderUnknown("connection_lost", "the answer never came")


async def test_after_a_crash_each_is_done_with_its_own_inputs(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, providers={"local": Mute(tmp_path)}) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as pending:
            await studio.operations.run(seeded())
    batch = pending.value.operation.partition(".")[0]
    async with studio_on(sqlite_url, tmp_path, clock=later()) as studio:
        assert len(await studio.upkeep.recover()) == 3
        settled = await studio.operations.wait(batch, account="acme")
        assert digests(settled) == await each_alone(studio)
        assert await is_sound(studio)


@pytest.mark.parametrize(
    ("variant", "field"),
    [(Variant({"seed": "x"}), "seed"), (Variant({"sead": 1}), "sead"), (Variant({7: 1}), "each")],  # type: ignore[dict-item]
)
async def test_what_is_wrong_with_one_is_wrong_with_all_and_nothing_is_recorded(
    studio: Studio, variant: Variant, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await studio.operations.run(ask(Variant({"seed": 7}), variant))
    assert refused.value.field == field
    assert count(facts_of(studio, "acme"), Requested) == 0


async def test_of_several_none_falls_back_to_what_all_together_may_not_cost(sqlite_url: str, tmp_path: Path) -> None:
    """Each alone might cost so much."""
    made = trade(tmp_path, [Entry("penny", "abbey", 1, answer=REFUSED), Entry("tenpence", "borough", 10)])
    async with studio_on(sqlite_url, tmp_path, catalogues=(made.overlay,), providers=made.providers) as studio:
        await studio.accounts.open("acme", plan="pro")
        asked = Request(KIND, "acme", {"prompt": "a shore"}, model="cheapest", max_price="0.10")
        with pytest.raises(OperationFailed):
            await studio.operations.run(replace(asked, each=({}, {}, {})))
        assert count(facts_of(studio, "acme"), Charged) == 0
        assert (await studio.operations.run(asked)).model == "tenpence"
