"""Pictures edited, enlarged, given faces and backgrounds: what a brief comes to, and what may be wrong with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.studios.edit import EDITS
from domain.errors import ImageStudioError, InvalidInput, UnknownKind
from domain.operation import Requested
from infrastructure.catalogue import load_catalogue
from infrastructure.service import Studio
from infrastructure.showing.formats import document
from tests.application.studios import count, facts_of, is_sound, picture, studio_on
from tests.wire.fake import media

CATALOGUE, _ = load_catalogue()
RED = picture(400, 300)
MASK = media.mask(400, 300)
ASKED: dict[str, Any] = {"account": "acme", "allow": "stand-in"}


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


# Editing


async def test_words_and_masks_edit_a_real_picture_here(studio: Studio) -> None:
    sepia = await studio.services.edit(RED, prompt="sepia", **ASKED)
    healed = await studio.services.edit(RED, "erase", mask=MASK, **ASKED)
    for served in (sepia, healed):
        [made] = served.result.assets
        assert (made.asset.width, made.asset.height) == (400, 300)
    assert await is_sound(studio)


def test_the_fields_of_every_way_to_edit_are_those_of_its_models(studio: Studio) -> None:
    for kind in EDITS:
        found = studio.services.edit.fields(kind)
        json.dumps(document(found))
        picture_first = found.fields[0]
        assert picture_first.name == "image"
        assert picture_first.required, kind
        for field in found.fields:
            for id in field.models:
                assert field.name in CATALOGUE.get(id).inputs
                assert kind in CATALOGUE.get(id).kinds


def test_a_field_tells_its_range_its_choices_and_who_takes_it(studio: Studio) -> None:
    fields = {field.name: field for field in studio.services.edit.fields("outpaint").fields}
    assert (fields["left"].minimum, fields["left"].maximum) == (Decimal(0), Decimal(2000))
    assert not fields["left"].required
    assert len(fields["left"].models) == 1
    assert fields["aspect_ratio"].choices[0] == "1:1"
    assert fields["image"].is_file
    assert "image/png" in fields["image"].media_types
    assert len(fields["image"].models) == 3
    [outpaint] = studio.services.edit.fields("outpaint").one_of.values()
    assert outpaint == ("left", "right", "up", "down")


@pytest.mark.parametrize(
    ("options", "field", "told"),
    [
        ({"maskk": MASK}, "maskk", "did you mean mask?"),
        ({"mask": b"no picture"}, "mask", ""),
        ({"mask": Path("/gone.png")}, "mask", "give the path of a file"),
        ({}, "mask", "needs it"),
        ({"mask": MASK, "quality": "super"}, "quality", "there are: draft, premium, standard"),
    ],
)
async def test_what_is_wrong_with_an_edit_is_told_and_nothing_is_recorded(
    studio: Studio, options: dict[str, Any], field: str, told: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await studio.services.edit(RED, "erase", **options, **ASKED)
    assert refused.value.field == field
    assert told in refused.value.hint
    assert count(facts_of(studio, "acme"), Requested) == 0


async def test_a_way_to_edit_that_there_is_not_is_told_with_the_nearest(studio: Studio) -> None:
    with pytest.raises(UnknownKind) as refused:
        await studio.services.edit(RED, "in-paint", prompt="x", **ASKED)
    assert refused.value.hint == "did you mean inpaint or outpaint?"
    with pytest.raises(UnknownKind, match="no way to edit 'text-to-image'"):
        studio.services.edit.fields("text-to-image")


# Enlarging


def test_every_model_that_enlarges_says_in_which_modes_and_how_far() -> None:
    for model in CATALOGUE.for_kind("upscale"):
        if model.auto:
            assert model.modes, model.id
            assert model.times or model.reaches or model.inputs.keys() & {"factor", "resolution"}, model.id


@pytest.mark.parametrize(
    ("options", "longest", "note"),
    [
        ({"longest": 500}, 800, "mode fast: 500 pixels are few"),
        ({"longest": 801}, 1600, "mode fast: 801 pixels are few"),
        ({"mode": "conservative", "longest": 1600}, 1600, "mode conservative: it was named"),
        ({"factor": 4}, 1600, "any mode: no size was named"),
        ({}, 800, "any mode: no size was named"),
    ],
)
async def test_a_picture_is_enlarged_no_further_than_is_wanted(
    studio: Studio, options: dict[str, Any], longest: int, note: str
) -> None:
    served = await studio.services.upscale(RED, **options, **ASKED)
    assert served.result.assets[0].asset.width == longest
    assert served.notes == (note,)


async def test_what_is_to_be_large_is_enlarged_carefully(studio: Studio) -> None:
    large = picture(1000, 700)
    found = await studio.services.upscale.estimate(large, target="print", **ASKED)
    assert found.notes == ("mode conservative: at 3600 pixels what is invented is seen",)
    web = await studio.services.upscale.estimate(large, target="web", **ASKED)
    assert web.notes == ("mode fast: 1920 pixels are few",)
    assert web.price is not None
    assert found.price is not None
    assert web.price.micros < found.price.micros


@pytest.mark.parametrize(
    ("options", "field", "told"),
    [
        ({"longest": 90_000}, "longest", "ask for less, or begin with a larger picture"),
        ({"longest": 400}, "longest", "ask for more than 400"),
        ({"longest": 0}, "longest", "ask for one or more"),
        ({"longest": "wide"}, "longest", ""),
        ({"target": "billboard"}, "target", "there are: print, social, web"),
        ({"target": "web", "longest": 500}, "target and longest", "one of them"),
        ({"mode": "slow"}, "mode", "there are: auto, conservative, creative, fast"),
        ({"mode": "creative"}, "mode", "conservative"),
    ],
)
async def test_a_size_that_cannot_be_reached_is_told_and_nothing_is_recorded(
    studio: Studio, options: dict[str, Any], field: str, told: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await studio.services.upscale(RED, **options, **ASKED)
    assert refused.value.field == field
    assert told in refused.value.hint
    assert count(facts_of(studio, "acme"), Requested) == 0


# Keeping, faces, backgrounds


@pytest.mark.parametrize(
    ("service", "arguments", "options", "field"),
    [
        ("control", (RED, "a fox"), {"keep": "colour"}, "keep"),
        ("control", (RED, "a fox"), {"style": "animee"}, "style"),
        ("face_swap", (RED,), {}, "face"),
        ("face_swap", (RED, RED), {"gender": "any"}, "gender"),
        ("face_swap", (RED, RED, RED), {}, "instead_of"),
        ("face_swap", (RED, RED), {"instead_of": RED, "head": True}, "instead_of"),
        ("face_swap", (RED, RED), {"index": "first"}, "index"),
        ("background", (RED,), {"scene": "a beach", "backdrop": "white"}, "scene and backdrop"),
        ("background", (RED,), {"backdrop": "marbel"}, "backdrop"),
        ("background", (b"no picture",), {}, "image"),
    ],
)
async def test_what_is_wrong_with_a_brief_is_told_by_field_and_nothing_is_recorded(
    studio: Studio, service: str, arguments: tuple[Any, ...], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await getattr(studio.services, service)(*arguments, **options, **ASKED)
    assert refused.value.field == field
    assert count(facts_of(studio, "acme"), Requested) == 0


@pytest.mark.parametrize(
    ("service", "arguments", "options"),
    [
        ("control", (RED, "a fox"), {}),
        ("background", (RED,), {"backdrop": "marble"}),
        ("background", (RED,), {"light": "left"}),
        ("face_swap", (RED, RED), {"head": True}),
    ],
)
async def test_what_nothing_here_can_do_is_told_with_what_to_set(
    studio: Studio, service: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    with pytest.raises(ImageStudioError, match="no model of known price") as refused:
        await getattr(studio.services, service).estimate(*arguments, **options, **ASKED)
    assert "_KEY" in refused.value.hint
