"""What is preset is loaded whole or not at all, and asks of models no more than they take."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.studios.presets import Enhancement, Quality, Style
from application.studios.templates import PROMPT, Template, Templates
from domain.catalogue import Class, Model, check_inputs
from domain.errors import CatalogueError, InvalidInput
from domain.shapes import pair
from domain.wishes import Wishes, as_wished
from infrastructure.catalogue import load_catalogue
from infrastructure.studios import load_presets

CATALOGUE, _ = load_catalogue()
PRESETS = load_presets()
TEMPLATES = Templates(PRESETS, Template)
PLATFORMS = "blog email facebook instagram linkedin pinterest tiktok twitter website youtube".split()
PURPOSES = "ad_creative blog_content brand_assets email_marketing product social_media".split()
DRAWING = [model for model in CATALOGUE.for_kind("text-to-image") if model.auto and model.class_ is not Class.TEST]
LEAST_MODELS, LEAST_PROVIDERS = 5, 3


def drawn(template: Template, model: Model) -> bool:
    """Whether the model draws it; what is asked of it is then what it takes."""
    style = PRESETS.of(Style)[template.style] if template.style else None
    wishes = Wishes(
        aspect=template.aspect,
        covers=template.finish,
        negative=template.negative,
        style=style.id if style else "",
        words=style.words if style else "",
        gladly=PRESETS.of(Quality)[template.quality].gladly,
    )
    try:
        inputs = as_wished(model, wishes, {"prompt": template.prompt.replace(PROMPT, "x" * 300)})
    except InvalidInput:
        return False
    check_inputs(model, "text-to-image", inputs)
    return True


@pytest.mark.parametrize("template", PRESETS.of(Template).values(), ids=lambda template: template.id)
def test_a_template_asks_of_each_model_only_what_it_takes_and_many_draw_it(template: Template) -> None:
    able = [model for model in DRAWING if not any(spec.is_file and spec.required for spec in model.inputs.values())]
    able = [model for model in able if drawn(template, model)]
    assert len(able) >= LEAST_MODELS
    assert len({model.provider for model in able}) >= LEAST_PROVIDERS
    wide, high = pair("finish", template.finish)
    assert wide * high <= 4096 * 4096


def test_a_template_names_a_style_and_a_quality_that_there_are() -> None:
    for template in PRESETS.of(Template).values():
        assert template.quality in PRESETS.of(Quality)
        assert not template.style or template.style in PRESETS.of(Style)


def test_every_platform_and_every_purpose_has_templates() -> None:
    assert len(PRESETS.of(Template)) >= 26
    assert sorted({one.platform for one in PRESETS.of(Template).values()}) == PLATFORMS
    assert sorted({one.purpose for one in PRESETS.of(Template).values()}) == PURPOSES
    for one in PRESETS.of(Enhancement).values():
        assert set(one.purposes) <= set(PURPOSES)


def test_each_style_is_one_that_models_with_styles_take() -> None:
    assert len(PRESETS.of(Style)) == 17
    for model in DRAWING:
        if "style_preset" in model.inputs:
            assert set(model.inputs["style_preset"].choices) == set(PRESETS.of(Style))


@pytest.mark.parametrize("quality", PRESETS.of(Quality).values(), ids=lambda quality: quality.id)
def test_each_value_of_a_quality_is_taken_by_some_model(quality: Quality) -> None:
    for name, values in quality.gladly.items():
        takes = [model.inputs[name] for model in DRAWING if name in model.inputs]
        for value in values:
            assert any(value in spec.choices for spec in takes), (name, value)


# Searching


def test_templates_are_found_by_all_words_by_platform_and_by_purpose() -> None:
    assert [one.id for one in TEMPLATES.search("product shop")] == [
        "pinterest-product-pin",
        "website-product",
        "website-product-scene",
    ]
    assert {one.platform for one in TEMPLATES.search(platform="youtube")} == {"youtube"}
    assert [one.id for one in TEMPLATES.search("launch", platform="instagram", purpose="ad_creative")] == [
        "instagram-ad"
    ]
    assert TEMPLATES.search("zeppelin") == ()


@pytest.mark.parametrize(
    ("use", "platform", "best"),
    [
        ("sale of shoes", "instagram", "instagram-ad"),
        ("thumbnail of a tutorial video", None, "youtube-thumbnail"),
        ("header of our newsletter", None, "email-header"),
        ("recipes and home decor", None, "pinterest-pin"),
    ],
)
def test_the_template_for_a_use_is_named_with_the_reason(use: str, platform: str | None, best: str) -> None:
    fit = TEMPLATES.recommend(use, platform)[0]
    assert fit.template.id == best
    assert "asked was" in fit.reason


def test_for_a_use_that_nothing_is_like_nothing_is_named() -> None:
    assert TEMPLATES.recommend("zeppelin") == ()


def test_an_unknown_platform_is_told_with_the_nearest() -> None:
    with pytest.raises(InvalidInput) as refused:
        TEMPLATES.search(platform="instagrm")
    assert refused.value.hint == "did you mean instagram?"


# Loading

OWN = """
[[template]]
id = "instagram-post"
name = "Ours"
platform = "mastodon"
purpose = "social_media"
aspect = "1:1"
finish = "500x500"
uses = ["toot"]
"""


def test_an_own_entry_stands_in_place_of_ours_and_all_others_stay(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    loaded = load_presets([own])
    assert loaded.of(Template)["instagram-post"].name == "Ours"
    assert len(loaded.of(Template)) == len(PRESETS.of(Template))
    assert [one.id for one in Templates(loaded, Template).search(platform="mastodon")] == ["instagram-post"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[templat]]\nid = 'x'", "there is no kind of entry 'templat'"),
        ("template = 5", "template: must be tables"),
        ("[[style]]\nname = 'x'\nwords = 'y'", "style 1: id: is missing"),
        ("[[style]]\nid = 'x'\nname = 'x'\nwords = 5", "style 'x': words: expected `str`, got `int`"),
        ("[[style]]\nid = 'x'\nname = 'x'\nword = 'y'", "style 'x': word: is no field of it"),
        (f"{OWN}{OWN}", "template 'instagram-post': there is one already"),
        (OWN.replace("500x500", "500"), "must be width and height, not '500'"),
        (OWN.replace("500x500", "900x100"), "keeps less than half of a picture of 1:1"),
        (f"{OWN}prompt = 'none'", "prompt: has no {prompt}"),
        ("[[quality]]\nid='x'\nname='x'\nmodel='finest'\ngladly={}", "'finest' is not cheapest, balanced or best"),
        ("not toml", "is not TOML"),
    ],
)
def test_a_wrong_file_is_told_by_file_entry_and_field(tmp_path: Path, text: str, told: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(CatalogueError) as refused:
        load_presets([own])
    assert refused.value.message.startswith(f"{own}: ")
    assert told in refused.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read: No such file"):
        load_presets([tmp_path / "gone.toml"])
