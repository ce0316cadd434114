"""Presets of films ask of models no more than these take, and several real models can do each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from application.studios.templates import PROMPT, Templates
from application.studios.video.presets import SECONDS, VideoEnhancement, VideoQuality, VideoTemplate, lines_wished
from domain.catalogue import Class, Model, check_inputs
from domain.errors import CatalogueError, InvalidInput
from domain.footage import lines_of
from domain.wishes import Wishes, as_wished
from infrastructure.catalogue import load_catalogue
from infrastructure.studios import load_presets
from tests.infrastructure.services.test_presets import PLATFORMS, PURPOSES

CATALOGUE, _ = load_catalogue()
PRESETS = load_presets()
FILMING = [model for model in CATALOGUE.for_kind("text-to-video") if model.auto and model.class_ is Class.REAL]
FILMS = [model for model in CATALOGUE if any(kind.startswith("video-") or "video" in kind for kind in model.kinds)]
LEAST_MODELS = 4


def made(template: VideoTemplate, model: Model) -> bool:
    """Whether the model makes it; what is asked of it is then what it takes."""
    wishes = Wishes(
        aspect=template.aspect,
        seconds=Decimal(template.seconds),
        sound=template.sound,
        negative=template.negative,
        makes="video",
        **lines_wished("", PRESETS.of(VideoQuality)[template.quality]),
    )
    try:
        inputs = as_wished(model, wishes, {"prompt": template.prompt.replace(PROMPT, "x" * 300)})
    except InvalidInput:
        return False
    check_inputs(model, "text-to-video", inputs)
    return True


@pytest.mark.parametrize("template", PRESETS.of(VideoTemplate).values(), ids=lambda template: template.id)
def test_a_template_asks_of_each_model_only_what_it_takes_and_several_make_it(template: VideoTemplate) -> None:
    assert len([model for model in FILMING if made(template, model)]) >= LEAST_MODELS
    assert template.quality in PRESETS.of(VideoQuality)


def test_every_platform_and_every_purpose_has_films() -> None:
    templates = PRESETS.of(VideoTemplate).values()
    assert sorted({one.platform for one in templates}) == PLATFORMS
    assert sorted({one.purpose for one in templates}) == PURPOSES
    for one in PRESETS.of(VideoEnhancement).values():
        assert set(one.purposes) <= set(PURPOSES)


def test_templates_of_films_are_found_as_those_of_pictures_are() -> None:
    templates = Templates(PRESETS, VideoTemplate)
    assert [one.id for one in templates.search("story", platform="facebook")] == ["facebook-story-film"]
    assert templates.recommend("unboxing of a phone")[0].template.id == "tiktok-clip"
    with pytest.raises(InvalidInput) as refused:
        templates.search(platform="tikok")
    assert refused.value.hint == "did you mean tiktok?"


def test_each_quality_has_lines_that_some_model_makes_and_each_more_than_the_one_before() -> None:
    lines = [PRESETS.of(VideoQuality)[id].lines for id in ("draft", "standard", "premium")]
    assert lines == sorted(set(lines))
    made = {
        lines_of(word) for model in FILMS if "resolution" in model.inputs for word in model.inputs["resolution"].choices
    }
    assert set(lines) <= made
    for quality in PRESETS.of(VideoQuality).values():
        for name, values in quality.gladly.items():
            assert all(
                any(value in one.inputs[name].choices for one in FILMS if name in one.inputs) for value in values
            )


@pytest.mark.parametrize("kind", ["text-to-video", "image-to-video", "video-extend"])
def test_of_the_usual_lengths_every_model_that_is_told_one_takes_one(kind: str) -> None:
    for model in CATALOGUE.for_kind(kind):
        if "duration" in model.inputs:
            found = as_wished(model, Wishes(gladly={"duration": SECONDS}), {})
            assert 5 <= Decimal(str(found["duration"])) <= 6, model.id


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("prompt = 'none'", "prompt: has no {prompt}"),
        ("seconds = 'long'", "seconds: expected `int`, got `str`"),
        ("aspect = 'wide'", "aspect: must be width and height, not 'wide'"),
        ("finish = '100x100'", "finish: is no field of it"),
    ],
)
def test_a_wrong_entry_is_told_by_file_entry_and_field(
    tmp_path_factory: pytest.TempPathFactory, more: str, told: str
) -> None:
    entry = {
        "id": "'x'",
        "name": "'x'",
        "platform": "'x'",
        "purpose": "'x'",
        "aspect": "'1:1'",
        "seconds": "5",
        "uses": "[]",
    }
    name, _, value = more.partition(" = ")
    own = tmp_path_factory.mktemp("own") / "own.toml"
    own.write_text(
        "\n".join(["[[video-template]]", *(f"{key} = {text}" for key, text in {**entry, name: value}.items())])
    )
    with pytest.raises(CatalogueError) as refused:
        load_presets([own])
    assert refused.value.message.startswith(f"{own}: video-template 'x': ")
    assert told in refused.value.message
