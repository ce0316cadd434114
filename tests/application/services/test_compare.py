"""Variants are made side by side, in one batch or each by itself; an accepted one costs its share of all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from domain.errors import InvalidInput, OperationRefused
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from infrastructure.studios.sheets import CELL, GAP, LINES, contact_sheet
from tests.application.studios import LOCAL, SYNC, count, facts_of, is_sound, picture, studio_on
from tests.application.support import CENT

ASKED: dict[str, Any] = {"account": "acme", "allow": "stand-in"}
TWO = ({"size": "64x64"}, {"size": "96x64", "style": "anime"})


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


async def test_prompts_styles_and_sizes_are_compared_in_one_batch(studio: Studio) -> None:
    variants = (*TWO, {"prompt": "a dog", "size": "64x96"})
    found = await studio.services.compare(variants, prompt="a fox", **ASKED)
    assert [one.label for one in found.variants] == [
        "size 64x64",
        "size 96x64, style anime",
        "prompt a dog, size 64x96",
    ]
    ends = [one.result for one in found.variants if one.result is not None]
    assert [(end.outputs[0].asset.width, end.outputs[0].asset.height) for end in ends] == [(64, 64), (96, 64), (64, 96)]
    assert [end.operation for end in ends] == [f"{found.batch}.{number}" for number in (1, 2, 3)]
    assert found.price.micros == 3 * CENT
    assert await is_sound(studio)


async def test_models_are_compared_at_their_own_prices(studio: Studio) -> None:
    variants = ({"model": LOCAL, "size": "64x64"}, {"model": SYNC})
    advised = await studio.services.compare.estimate(variants, prompt="a fox", quality="draft", **ASKED)
    assert advised.together.price is not None
    assert advised.together.price.micros == 5 * CENT
    assert [one.recommendation.model for _, one in advised.variants] == [LOCAL, SYNC]
    assert count(facts_of(studio, "acme"), Requested) == 0
    found = await studio.services.compare(variants, prompt="a fox", **ASKED)
    assert [one.result.price.micros for one in found.variants if one.result] == [CENT, 4 * CENT]


async def test_edits_of_one_picture_are_compared(studio: Studio) -> None:
    found = await studio.services.compare(
        ({"prompt": "sepia"}, {"prompt": "black and white"}), image=picture(64, 48), **ASKED
    )
    digests = {one.result.outputs[0].asset.digest for one in found.variants if one.result}
    assert len(digests) == 2


async def test_together_all_are_refused_and_apart_what_is_left_is_made(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 1)
    with pytest.raises(OperationRefused):
        await studio.services.compare(TWO, prompt="a fox", **ASKED)
    assert count(facts_of(studio, "acme"), Charged) == 0
    found = await studio.services.compare(TWO, prompt="a fox", together=False, key="k", **ASKED)
    made = [one for one in found.variants if one.result is not None]
    refused = [one for one in found.variants if one.result is None]
    assert (len(made), len(refused), found.price.micros, found.batch) == (1, 1, CENT, "")
    assert "images limit" in refused[0].why
    with pytest.raises(OperationRefused):
        await studio.services.compare(TWO, prompt="a fox", together=False, **ASKED)


async def judge_by_marks(studio: Studio, batch: str, accepted: list[str]) -> tuple[str, ...]:
    """The marks after a judgement, as anybody finds them later."""
    await studio.services.compare.judge(batch, accepted, account="acme")
    return (await studio.services.compare.judge(batch, account="acme")).accepted


async def test_an_accepted_picture_costs_its_share_of_all_that_was_made(studio: Studio) -> None:
    found = await studio.services.compare((*TWO, {"size": "64x96"}), prompt="a fox", **ASKED)
    assets = [one.result.outputs[0].asset.id for one in found.variants if one.result]
    judge = studio.services.compare.judge
    one = await judge(found.batch, assets[:1], account="acme")
    assert (one.made, str(one.price), str(one.price_each)) == (3, "0.03 USD", "0.03 USD")
    two = await judge(found.batch, [*assets[:2], assets[0]], account="acme")
    assert (len(two.accepted), str(two.price_each)) == (2, "0.015 USD")
    assert (await judge(found.batch, account="acme")).accepted == tuple(assets[:2])
    assert await judge_by_marks(studio, found.batch, assets[2:]) == (assets[2],)
    assert (await judge(found.batch, [], account="acme")).price_each is None
    assert (await judge(found.batch, account="acme")).accepted == ()
    with pytest.raises(InvalidInput, match="is not of comparison"):
        await judge(found.batch, [assets[0], "someone-elses"], account="acme")


async def test_a_contact_sheet_shows_all_and_costs_nothing(studio: Studio) -> None:
    found = await studio.services.compare(TWO, prompt="a fox", **ASKED)
    before = len(facts_of(studio))
    with Image.open(BytesIO(await studio.services.compare.sheet(found))) as sheet:
        assert sheet.size == (2 * CELL + 3 * GAP, CELL + LINES + 2 * GAP)
    assert len(facts_of(studio)) == before


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "CMYK", "I;16", "1", "LA"])
def test_a_sheet_takes_pictures_of_every_kind_and_lines_of_any_length(mode: str) -> None:
    written = BytesIO()
    Image.new(mode, (40, 3)).save(written, "TIFF" if mode == "CMYK" else "PNG")
    tiles = [("a very long line " * 20, written.getvalue()), ("é 狐", picture(1, 1)), ("none", b"no picture")]
    with Image.open(BytesIO(contact_sheet(tiles))) as sheet:
        assert sheet.mode == "RGB"
        assert sheet.getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_of_grey_are_as_bright_on_a_sheet_as_they_are() -> None:
    written = BytesIO()
    Image.new("I;16", (50, 50), 0x8000).save(written, "PNG")
    with Image.open(BytesIO(contact_sheet([("", written.getvalue())]))) as sheet:
        middle = sheet.getpixel((GAP + CELL // 2, GAP + CELL // 2))
    assert middle == (128, 128, 128)


def test_a_picture_on_a_sheet_is_turned_as_it_is_shown() -> None:
    turned = Image.new("RGB", (300, 100), "red")
    exif = turned.getexif()
    exif[0x0112] = 6
    written = BytesIO()
    turned.save(written, "JPEG", exif=exif)
    with Image.open(BytesIO(contact_sheet([("", written.getvalue())]))) as sheet:
        left, top, right, bottom = sheet.convert("L").point(lambda value: 255 if value < 200 else 0).getbbox() or (
            0,
            0,
            0,
            0,
        )
    assert bottom - top > 2 * (right - left)


@pytest.mark.parametrize(
    ("variants", "shared", "field"),
    [
        (({},), {}, "variants"),
        ("ab", {}, "variants"),
        (({},) * 11, {}, "variants"),
        (({"n": 2}, {}), {}, "n"),
        (({"key": "k"}, {}), {}, "key"),
        (({}, {}), {"n": 3}, "n"),
        (({"style": "animee"}, {}), {}, "style"),
        (({"sty": "anime"}, {}), {}, "sty"),
        (({"enhance": "model"}, {}), {}, "enhance"),
        (({"prompt": ""}, {}), {}, "prompt"),
    ],
)
async def test_what_is_wrong_with_one_variant_is_told_and_nothing_is_recorded(
    studio: Studio, variants: Any, shared: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await studio.services.compare(variants, **{"prompt": "a fox", **ASKED, **shared})
    assert refused.value.field == field
    assert count(facts_of(studio, "acme"), Requested) == 0
