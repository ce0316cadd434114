"""What was delivered is held against what was promised exactly: it is recorded and found, and changes no charge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request, Result
from application.ports import Delivery, Media
from domain.errors import OperationPending
from domain.operation import Charged, ProviderCompleted
from projections.views.operations import OPERATIONS, OperationFilter
from tests.application.providing.test_answers import Answering
from tests.application.studios import is_sound, later, picture, studio_on, timeline
from tests.wire.fake.media import mp4

MODELS = """
currency = "USD"

[[model]]
id = "sized"
provider = "scripted"
class = "test"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
per_call = 2
prices = [{ rate = "0.02" }]
inputs.prompt = { type = "text", required = true }
inputs.size = { type = "size", choices = ["auto"], max_side = 512, default = "64x32" }

[[model]]
id = "timed"
provider = "scripted"
class = "test"
route = "async-video"
kinds = ["text-to-video", "video-extend"]
outputs = ["video/mp4"]
unit = "second"
prices = [{ rate = "0.10" }]
inputs.prompt = { type = "text", required = true }
inputs.video = { type = "video" }
inputs.duration = { type = "integer", choices = [5, 10], default = 5 }
"""


def images(*sides: tuple[int, int]) -> Delivery:
    return Delivery(tuple(Media(picture(*each), "image/png") for each in sides))


def film(seconds: float) -> Delivery:
    return Delivery((Media(mp4(seconds), "video/mp4"),))


async def asked(
    url: str, home: Path, model: str, answer: Delivery, kind: str = "text-to-image", **inputs: Any
) -> tuple[Result, list[Any], list[tuple[str, tuple[str, ...]]]]:
    """The result, the facts, and what `unlike` finds."""
    (home / "models.toml").write_text(MODELS)
    media = {"video": [mp4(3)]} if kind == "video-extend" else {}
    answering = {"scripted": Answering(home, answer)}
    async with studio_on(url, home, providers=answering, catalogues=(home / "models.toml",)) as studio:
        await studio.accounts.open("acme", plan="pro")
        n = len(answer.outputs)
        result = await studio.operations.run(
            Request(kind, "acme", {"prompt": "a lake", **inputs}, media, model=model, n=n)
        )
        studio.views.catch_up()
        found = [(row.id, row.flags) for row in studio.views.rows(OPERATIONS, OperationFilter(flag="unlike"))]
        assert await is_sound(studio)
        return result, timeline(studio, result.operation), found


def unlike(facts: list[Any]) -> int:
    [completed] = [fact for fact in facts if isinstance(fact, ProviderCompleted)]
    return completed.unlike


@pytest.mark.parametrize(
    ("inputs", "sides", "count"),
    [
        ({}, [(64, 32)], 0),
        ({}, [(32, 64)], 1),
        ({"size": "128x128"}, [(128, 128), (64, 64)], 1),
        ({"size": "128x128"}, [(64, 64), (64, 64)], 2),
        ({"size": "auto"}, [(100, 70)], 0),
    ],
)
async def test_pictures_of_another_size_than_was_named_are_recorded_and_found_and_charged_all_the_same(
    sqlite_url: str, tmp_path: Path, inputs: dict[str, str], sides: list[tuple[int, int]], count: int
) -> None:
    result, facts, found = await asked(sqlite_url, tmp_path, "sized", images(*sides), **inputs)
    assert (unlike(facts), result.unlike) == (count, count)
    assert found == ([(result.operation, ("unlike", "test"))] if count else [])
    [charged] = [fact for fact in facts if isinstance(fact, Charged)]
    assert (charged.price, charged.outputs) == (20_000 * len(sides), len(sides))


@pytest.mark.parametrize(
    ("seconds", "kind", "count"),
    [(5, "text-to-video", 0), (5.2, "text-to-video", 0), (3, "text-to-video", 1), (8, "video-extend", 0)],
)
async def test_a_film_of_another_length_than_was_named_is_found_unless_what_went_in_decides_it(
    sqlite_url: str, tmp_path: Path, seconds: float, kind: str, count: int
) -> None:
    result, facts, found = await asked(sqlite_url, tmp_path, "timed", film(seconds), kind)
    assert (unlike(facts), len(found), result.price.micros) == (count, count, 500_000)


async def test_what_recovery_finds_is_held_against_the_promise_too(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(MODELS.replace('"64x32" }', '"64x32" }\nfixed = { outcome = "timeout" }'))
    settings: dict[str, Any] = {"catalogues": (tmp_path / "models.toml",)}
    async with studio_on(sqlite_url, tmp_path, **settings) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as pending:
            await studio.operations.run(Request("text-to-image", "acme", {"prompt": "a lake"}, model="sized"))
    async with studio_on(sqlite_url, tmp_path, clock=later(), **settings) as studio:
        assert [one.action for one in await studio.upkeep.recover()] == ["found at the provider"]
        assert unlike(timeline(studio, pending.value.operation)) == 1
