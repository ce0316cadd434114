"""A batch: every item of a list through the steps of a recipe, each step paid once, within a budget, gone on with."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from application.studios.batch import Batched
from application.studios.recipes import Item, Order, Recipe, Step
from domain.errors import InvalidInput, OperationFailed, OperationPending, OperationRefused
from domain.money import Money
from domain.operation import Charged, Rejected, Requested
from infrastructure.service import Studio
from infrastructure.studios import load_presets
from tests.application.studios import PRICE, SYNC, charged, count, facts_of, is_sound, picture, studio_on

CREATE = Recipe(id="create", name="Create", steps=(Step(service="create", options={"model": SYNC}),))
FOXES = [Item(f"fox {number}") for number in range(1, 6)]


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path, wait_seconds=1) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


def order(items: Sequence[Item] = FOXES, recipe: Recipe = CREATE, **more: Any) -> Order:
    return Order(**{"items": items, "recipe": recipe, "name": "foxes", "account": "acme", **more})


def usd(micros: int) -> Money:
    return Money(micros, "USD")


def states(batched: Batched) -> list[str]:
    return [one.state for one in batched.outcomes]


async def test_the_whole_is_estimated_and_nothing_of_it_is_recorded(studio: Studio) -> None:
    before = len(facts_of(studio))
    found = await studio.services.batch.estimate(order())
    assert (found.held, found.unknown, found.wrong, found.short, found.over) == (usd(5 * PRICE), 0, 0, (), False)
    assert found.asks == {"images": 5, "spend": 5 * PRICE}
    assert len(facts_of(studio)) == before


async def test_every_item_is_done_and_charged_once_and_a_repeat_answers_by_its_keys(studio: Studio) -> None:
    first = await studio.services.batch.run(order())
    assert (states(first), first.price, first.stopped) == (["done"] * 5, usd(5 * PRICE), "")
    assert len({one.outputs[0].path for one in first.outcomes}) == 5
    recorded = len(facts_of(studio))
    again = await studio.services.batch.run(order())
    assert [one.results[0].operation for one in again.outcomes] == [one.results[0].operation for one in first.outcomes]
    assert (again.price, len(facts_of(studio))) == (first.price, recorded)
    assert (await studio.services.batch.estimate(order())).held == usd(0)
    assert await is_sound(studio)


@pytest.mark.parametrize("side_by_side", [1, 3])
async def test_a_budget_is_never_passed_and_a_larger_one_goes_on(studio: Studio, side_by_side: int) -> None:
    some = order(budget=usd(3 * PRICE + 1), side_by_side=side_by_side)
    assert (await studio.services.batch.estimate(some)).over
    part = await studio.services.batch.run(some)
    assert (part.states["done"], part.states["waiting"], part.price) == (3, 2, usd(3 * PRICE))
    assert part.stopped == "the budget of 0.120001 USD has no room for the 0.04 USD of the next step"
    whole = await studio.services.batch.run(order(budget=usd(5 * PRICE), side_by_side=side_by_side))
    assert (states(whole), whole.price) == (["done"] * 5, usd(5 * PRICE))
    assert charged(facts_of(studio, "acme")) == 5 * PRICE


async def test_a_limit_is_foretold_and_stops_the_batch_at_the_first_refusal(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 2)
    [short] = (await studio.services.batch.estimate(order())).short
    assert (short.measure, short.asked, short.left) == ("images", 5, 2)
    part = await studio.services.batch.run(order(side_by_side=1))
    assert states(part) == ["done", "done", "refused", "waiting", "waiting"]
    assert isinstance(part.outcomes[2].error, OperationRefused)
    assert count(facts_of(studio, "acme"), Rejected) == 1
    await studio.accounts.change_limit("acme", "images", 5)
    whole = await studio.services.batch.run(order())
    assert states(whole) == ["done"] * 5
    assert charged(facts_of(studio, "acme")) == 5 * PRICE


async def test_what_fails_stops_nothing_else_and_is_done_again_if_a_retry_is_asked_for(studio: Studio) -> None:
    items = [FOXES[0], Item("x", {"outcome": "fail"}), FOXES[2]]
    part = await studio.services.batch.run(order(items))
    assert states(part) == ["done", "failed", "done"]
    assert isinstance(part.outcomes[1].error, OperationFailed)
    asked = count(facts_of(studio, "acme"), Requested)
    assert states(await studio.services.batch.run(order(items))) == ["done", "failed", "done"]
    assert count(facts_of(studio, "acme"), Requested) == asked
    assert states(await studio.services.batch.run(order(items, retry=True))) == ["done", "failed", "done"]
    assert count(facts_of(studio, "acme"), Requested) == asked + 1
    assert count(facts_of(studio, "acme"), Charged) == 2


async def test_what_is_open_stays_pending_and_its_hold_counts_against_the_budget(studio: Studio) -> None:
    items = [Item("x", {"outcome": "lost"}), *FOXES[1:3]]
    part = await studio.services.batch.run(order(items, budget=usd(2 * PRICE), side_by_side=1))
    assert states(part) == ["pending", "done", "waiting"]
    assert isinstance(part.outcomes[0].error, OperationPending)


async def test_an_item_that_cannot_be_done_is_told_beside_the_others(studio: Studio) -> None:
    items = [FOXES[0], Item("x", {"style": "animee"}), Item(" ")]
    found = await studio.services.batch.estimate(order(items))
    assert [one.number for one in found.items if one.error is not None] == [2, 3]
    assert found.held == usd(PRICE)
    part = await studio.services.batch.run(order(items))
    assert states(part) == ["done", "failed", "failed"]


async def test_another_list_under_the_same_name_is_refused_where_it_differs(studio: Studio) -> None:
    await studio.services.batch.run(order(FOXES[:2]))
    other = await studio.services.batch.run(order([FOXES[0], Item("a hen")]))
    assert states(other) == ["done", "failed"]
    assert "key 'foxes/2/1' was used for another request" in str(other.outcomes[1].error)
    assert charged(facts_of(studio, "acme")) == 2 * PRICE


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"items": []}, "list"),
        ({"name": "a b"}, "name"),
        ({"name": ""}, "name"),
        ({"side_by_side": 0}, "side_by_side"),
        ({"side_by_side": True}, "side_by_side"),
        ({"budget": Money(-1, "USD")}, "budget"),
        ({"items": FOXES * 2001}, "list"),
    ],
)
def test_an_order_that_makes_no_sense_is_told(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}"):
        order(**wrong)


async def test_each_file_of_a_step_goes_through_the_next_and_none_is_made_again(studio: Studio) -> None:
    enlarge = Step(service="upscale", options={"allow": "stand-in"})
    steps = (Step(service="create", options={"model": SYNC}), enlarge)
    asked = order(FOXES[:2], Recipe(id="two", name="Two", steps=steps), caller={"user": "ann"})
    items = [Item(one.subject, {"n": 2}) for one in asked.items]
    forecast = await studio.services.batch.estimate(replace(asked, items=items))
    assert (forecast.asks["images"], forecast.asks["upscales"], forecast.unknown) == (4, 4, 0)
    batched = await studio.services.batch.run(replace(asked, items=items))
    assert states(batched) == ["done", "done"]
    for one in batched.outcomes:
        assert len({output.asset.digest for output in one.outputs}) == 2
        assert len(one.results) == 3
    assert usd(4 * PRICE) < batched.price <= forecast.held
    recorded = len(facts_of(studio))
    assert (await studio.services.batch.run(replace(asked, items=items))).price == batched.price
    assert len(facts_of(studio)) == recorded
    assert {fact.operation.user for fact in facts_of(studio, "acme")} == {"ann"}  # type: ignore[union-attr]


async def test_services_that_finish_files_take_part_and_a_budget_holds_for_them_too(
    studio: Studio, tmp_path: Path
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture(96, 64, ["red", "green", "blue"][number]))
    items = [Item(tmp_path / f"{number}.png") for number in range(3)]
    steps = (
        Step(service="resize", options={"size": "48x48"}),
        Step(service="convert", options={"format": "webp"}),
        Step(service="upscale", options={"allow": "stand-in"}),
    )
    asked = order(items, Recipe(id="small", name="Small", steps=steps))
    forecast = await studio.services.batch.estimate(asked)
    assert (forecast.wrong, forecast.unknown) == (0, 0)
    batched = await studio.services.batch.run(replace(asked, budget=forecast.held))
    assert states(batched) == ["done"] * 3
    assert {(one.outputs[0].asset.media_type, len(one.results)) for one in batched.outcomes} == {("image/png", 3)}
    assert batched.price == usd(charged(facts_of(studio, "acme")))
    assert await is_sound(studio)


@pytest.mark.parametrize("recipe", load_presets().of(Recipe).values(), ids=lambda recipe: recipe.id)
async def test_each_recipe_that_is_preset_can_be_done_here(studio: Studio, tmp_path: Path, recipe: Recipe) -> None:
    subject: Path | str = "a fox"
    if recipe.steps[0].service != "create":
        subject = tmp_path / "picture.png"
        subject.write_bytes(picture(1920, 1080))
    found = await studio.services.batch.estimate(order([Item(subject)], recipe, caller={"allow": "stand-in"}))
    assert (found.wrong, found.unknown) == (0, 0)


async def test_a_recipe_with_a_service_that_there_is_not_is_told_before_anything(studio: Studio) -> None:
    recipe = Recipe(id="r", name="r", steps=(Step(service="create"), Step(service="creat")))
    with pytest.raises(InvalidInput, match="there is no service 'creat'"):
        await studio.services.batch.run(order(recipe=recipe))
    assert count(facts_of(studio), Requested) == 0


async def test_all_that_is_done_ends_in_one_archive_also_what_earlier_runs_did(studio: Studio) -> None:
    items = [Item("x", {"outcome": "fail"}), Item("Ein Fuchs: süß!"), Item("a hen", {"n": 2}), Item("a lake")]
    await studio.services.batch.run(order([items[0], items[1], items[2]]))
    await studio.accounts.change_limit("acme", "images", 3)
    stopped = await studio.services.batch.run(order(items, retry=True, side_by_side=1))
    assert states(stopped) == ["refused", "done", "done", "waiting"]
    stream = io.BytesIO()
    archived = await studio.services.batch.archive(order(items), stopped, stream)
    fox, *hens = [output for one in stopped.outcomes for output in one.outputs]
    assert archived.files == {
        "2-ein-fuchs-suss.png": fox.asset.id,
        "3-a-hen-1.png": hens[0].asset.id,
        "3-a-hen-2.png": hens[1].asset.id,
    }
    with ZipFile(stream) as archive:
        assert archive.read("2-ein-fuchs-suss.png") == fox.content


async def test_a_file_of_an_archive_is_named_after_the_file_that_it_was_made_of(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "Front View.PNG").write_bytes(picture(96, 64))
    (tmp_path / "???.png").write_bytes(picture(96, 64))
    steps = (Step(service="convert", options={"format": "webp"}),)
    asked = order(
        [Item(tmp_path / name) for name in ("Front View.PNG", "???.png")], Recipe(id="w", name="W", steps=steps)
    )
    archived = await studio.services.batch.archive(asked, await studio.services.batch.run(asked), io.BytesIO())
    assert list(archived.files) == ["1-front-view.webp", "2.webp"]
    assert len(set(archived.files.values())) == 1
