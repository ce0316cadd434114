"""Formats, compressions, conversions and brands ask of models no more than these take, and say where it was read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from application.studios.compress import KIND as COMPRESS
from application.studios.compress import Compression
from application.studios.convert import KIND as CONVERT
from application.studios.convert import Conversion
from application.studios.social import KIND as SOCIAL
from application.studios.social import TYPES, SocialFormat
from application.studios.watermark import KIND as WATERMARK
from application.studios.watermark import BrandKit
from domain.catalogue import Scalar, check_inputs
from domain.inputs import FileInfo
from infrastructure.catalogue import load_catalogue
from infrastructure.studios import load_presets

CATALOGUE, _ = load_catalogue()
PRESETS = load_presets()
PICTURE = {"image": (FileInfo("image/png", 900, 200, 100),)}
FORMATS = PRESETS.of(SocialFormat).values()


def taken(kind: str, inputs: dict[str, Scalar], media: dict[str, Any] = PICTURE) -> None:
    """Every model of the kind takes these inputs."""
    models = CATALOGUE.for_kind(kind)
    assert models
    for model in models:
        check_inputs(model, kind, inputs, media)


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.id)
def test_a_format_is_taken_in_each_of_its_types_with_and_without_guides(one: SocialFormat) -> None:
    for type in one.types:
        for guides in (False, True):
            taken(SOCIAL, one.inputs(type, guides=guides))
    assert one.inputs("", guides=False)["output_format"] == one.types[0]


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.id)
def test_a_format_says_where_it_was_read_and_when(one: SocialFormat) -> None:
    assert one.source.startswith("https://")
    assert date.fromisoformat(one.checked).year >= 2026
    assert one.id.startswith(one.platform)


def test_there_are_formats_for_every_platform() -> None:
    assert len(FORMATS) >= 19
    assert sorted({one.platform for one in FORMATS}) == "facebook instagram linkedin pinterest tiktok x youtube".split()
    assert set(TYPES.values()) == {type for one in FORMATS for type in one.types}


@pytest.mark.parametrize("one", PRESETS.of(Compression).values(), ids=lambda one: one.id)
def test_a_compression_is_taken(one: Compression) -> None:
    target: dict[str, Scalar] = {"target_bytes": one.most_kb * 1_000} if one.most_kb else {}
    taken(COMPRESS, {"output_format": one.format, "quality": one.quality, "metadata": one.metadata, **target})


@pytest.mark.parametrize("one", PRESETS.of(Conversion).values(), ids=lambda one: one.id)
def test_an_advised_conversion_is_taken_and_is_to_another_format(one: Conversion) -> None:
    assert one.id not in one.to
    for chosen in one.to:
        taken(CONVERT, {"output_format": chosen}, {"image": (FileInfo(f"image/{one.id}", 900, 200, 100),)})


def test_every_format_that_is_read_has_its_advice() -> None:
    [model] = CATALOGUE.for_kind(CONVERT)
    assert {type.removeprefix("image/") for type in model.inputs["image"].media_types} == set(PRESETS.of(Conversion))


@pytest.mark.parametrize("one", PRESETS.of(BrandKit).values(), ids=lambda one: one.id)
def test_a_brand_is_taken(one: BrandKit) -> None:
    taken(WATERMARK, one.inputs(), PICTURE if one.text else {**PICTURE, "mark": PICTURE["image"]})


@pytest.mark.parametrize("changes", [{}, {"logo": "a.png", "text": "x"}])
def test_a_brand_has_a_logo_or_a_text(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one of them"):
        BrandKit(id="a", name="A", **changes)
