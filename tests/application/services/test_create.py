"""Create makes one request of a brief, which the one entry prices, holds and charges as any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ImageStudioError, InvalidInput, UnknownModel
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound, picture, studio_on

ASKED: dict[str, Any] = {"account": "acme", "allow": "stand-in"}


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


async def test_a_template_gives_the_picture_its_shape_its_size_and_its_words(studio: Studio) -> None:
    served = await studio.services.create("a red kettle", template="email-product", **ASKED)
    [made] = served.result.assets
    assert (made.asset.width, made.asset.height) == (600, 600)
    assert served.notes == ("template email-product: drawn 1:1, published as 600x600",)
    assert served.price == served.result.price
    assert await is_sound(studio)


async def test_variations_are_one_batch_that_is_charged_each(studio: Studio) -> None:
    served = await studio.services.create("a fox", n=3, size="64x64", **ASKED)
    assert len(served.result.operations) == 3
    assert count(facts_of(studio, "acme"), Charged) == 3


async def test_a_repeat_under_a_key_is_the_same_pictures_and_another_brief_is_told(studio: Studio) -> None:
    first = await studio.services.create("a fox", size="64x64", key="k", **ASKED)
    again = await studio.services.create("a fox", size="64x64", key="k", **ASKED)
    assert (again.result.repeated, again.result.operation) == (True, first.result.operation)
    with pytest.raises(ImageStudioError, match="key 'k'"):
        await studio.services.create("a fox", size="64x96", key="k", **ASKED)


async def test_an_estimate_tells_who_would_do_it_and_why_and_records_nothing(studio: Studio) -> None:
    before = len(facts_of(studio))
    found = await studio.services.create.estimate("a fox", template="instagram-story", n=4, **ASKED)
    assert (str(found.price), found.estimate.operations) == ("0.04 USD", 4)
    assert found.recommendation.reason == "the only model that can do this here, quality 10 of 100"
    assert len(facts_of(studio)) == before


async def test_the_rule_adds_what_the_prompt_says_nothing_of(studio: Studio) -> None:
    found = await studio.services.create.estimate("a lake at dawn, wide view", enhance="rule", **ASKED)
    assert found.notes == ("enhanced by rule: added crisp detail",)
    told = await studio.services.create.estimate("a detailed lake at dawn, wide view", enhance="rule", **ASKED)
    assert told.notes == ("enhanced by rule: nothing was missing",)


async def test_what_is_asked_of_the_model_itself_is_passed_on(studio: Studio) -> None:
    served = await studio.services.create("a fox", width=96, height=64, seed="7", **ASKED)
    [made] = served.result.assets
    assert (made.asset.width, made.asset.height) == (96, 64)
    again = await studio.services.create("a fox", width=96, height=64, seed=7, **ASKED)
    assert again.result.assets[0].asset.digest == made.asset.digest


async def test_variations_of_a_seed_have_the_seeds_that_follow_it_in_one_batch(studio: Studio) -> None:
    served = await studio.services.create("a fox", size="64x64", seed=41, n=3, **ASKED)
    last = await studio.services.create("a fox", size="64x64", seed=43, **ASKED)
    assert len(served.result.operations) == 3
    assert served.result.assets[2].asset.digest == last.result.assets[0].asset.digest
    assert len({one.asset.digest for one in served.result.assets}) == 3


async def test_options_may_come_as_text_and_are_read_as_what_they_are(studio: Studio, tmp_path: Path) -> None:
    served = await studio.services.create("a fox", width="96", height="64", n="2", seed="7", **ASKED)
    assert [(one.asset.width, one.asset.height) for one in served.result.assets] == [(96, 64)] * 2
    small = tmp_path / "small.png"
    small.write_bytes(picture(32, 32))
    large = await studio.services.resize(small, size="64x64", enlarge="true", **ASKED)
    assert large.outputs[0].asset.width == 64
    with pytest.raises(InvalidInput, match="enlarge: must be true or false, not 'perhaps'"):
        await studio.services.resize(small, size="64x64", enlarge="perhaps", **ASKED)
    with pytest.raises(InvalidInput, match="n: must be a whole number, not 'many'"):
        await studio.services.create("a fox", n="many", **ASKED)


@pytest.mark.parametrize(
    ("options", "field", "hint"),
    [
        ({"template": "instagram-protrait"}, "template", "did you mean instagram-portrait"),
        ({"template": 5}, "template", ""),
        ({"style": "photgraphic"}, "style", "did you mean photographic?"),
        ({"quality": "finest"}, "quality", "there are: draft, premium, standard"),
        ({"n": 11}, "n", "ask for 1 to 10"),
        ({"n": 0}, "n", "ask for 1 to 10"),
        ({"n": True}, "n", ""),
        ({"n": "two"}, "n", ""),
        ({"aspect": "wide"}, "aspect", "such as"),
        ({"aspect": "1:1", "size": "64x64"}, "aspect and size", "one of them"),
        ({"size": "64"}, "size", "such as"),
        ({"size": "9000x64"}, "width", ""),
        ({"aspect": "9999:1"}, "aspect", "another aspect"),
        ({"seed": "x"}, "seed", ""),
        ({"seed": -1}, "seed", ""),
        ({"enhance": "magic"}, "enhance", "rule or model"),
        ({"templat": "x"}, "templat", "did you mean template?"),
        ({"prompt": " "}, "prompt", "write what you want"),
        ({"prompt": 5}, "prompt", ""),
        ({"negative": 5}, "negative", ""),
    ],
)
async def test_what_is_wrong_is_told_by_name_and_nothing_is_recorded(
    studio: Studio, options: dict[str, Any], field: str, hint: str
) -> None:
    asked = {"prompt": "a fox", **ASKED, **options}
    with pytest.raises(InvalidInput) as refused:
        await studio.services.create(asked.pop("prompt"), **asked)
    assert refused.value.field == field
    assert hint in refused.value.hint
    assert count(facts_of(studio, "acme"), Requested) == 0


async def test_a_model_for_better_words_that_is_not_here_is_told_before_anything_is_done(studio: Studio) -> None:
    with pytest.raises(UnknownModel, match="prompt-optimize"):
        await studio.services.create("a fox", enhance="model", **ASKED)
    assert count(facts_of(studio, "acme"), Requested) == 0
