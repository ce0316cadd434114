"""What OpenAI's clients say, and what it becomes: every field is taken, mapped, ignored by name, or refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.wishes import Wishes
from infrastructure.catalogue import load_catalogue
from infrastructure.gateway.aliases import ClientModels
from infrastructure.gateway.openai.asking import ClientRequest, Interpreter
from infrastructure.gateway.openai.filming import film_asked
from infrastructure.studios import load_presets

CATALOGUE, _ = load_catalogue()
MODELS = ClientModels(CATALOGUE, load_presets())
DRAW, EDIT = "text-to-image", "image-edit"


def asked(kind: str = DRAW, *, strict: bool = False, **fields: Any) -> ClientRequest:
    return Interpreter(MODELS, strict).picture(kind, "acme", {"prompt": "a lake", **fields}, {})


@pytest.mark.parametrize(
    ("word", "kind", "meant"),
    [
        ("gpt-image-1", DRAW, "gpt-image-2"),
        ("gpt-image-1", EDIT, "gpt-image-2-edit"),
        ("gpt-image-1", "inpaint", "gpt-image-2-edit"),
        ("dall-e-3", DRAW, "gpt-image-2"),
        ("dall-e-2", EDIT, "gpt-image-2-edit"),
        ("gpt-image-2", DRAW, "gpt-image-2"),
        ("gpt-image-2", EDIT, "gpt-image-2-edit"),
        ("gpt-image-2-edit", EDIT, "gpt-image-2-edit"),
        ("seedream-v4.5", DRAW, "seedream-v4.5"),
        ("cheapest", DRAW, "cheapest"),
        ("no-such-model", DRAW, "no-such-model"),
        (None, DRAW, "auto"),
        ("", EDIT, "auto"),
    ],
)
def test_a_word_of_a_client_names_the_model_that_does_this_kind(word: str | None, kind: str, meant: str) -> None:
    assert asked(kind, model=word).request.model == meant


def test_every_alias_leads_to_models_that_do_what_it_says() -> None:
    for alias in MODELS.aliases.values():
        assert {kind: kind in CATALOGUE.get(id).kinds for kind, id in alias.models.items()} == dict.fromkeys(
            alias.models, True
        )


@pytest.mark.parametrize("size", ["auto", "", None])
def test_a_size_that_is_left_to_the_model_is_left_out(size: str | None) -> None:
    assert asked(model="gpt-image-2", size=size).request.wishes == Wishes()


def test_a_size_is_a_wish_of_exact_pixels() -> None:
    assert asked(model="gpt-image-2", size="1536x1024").request.wishes == Wishes(size="1536x1024")


@pytest.mark.parametrize(
    ("word", "wished"),
    [("standard", ("standard", "medium")), ("hd", ("hd", "high")), ("low", ("low", "draft")), ("auto", ())],
)
def test_a_quality_is_said_in_the_words_of_models(word: str, wished: tuple[str, ...]) -> None:
    wishes = asked(model="gpt-image-2", quality=word).request.wishes
    assert wishes is not None
    assert wishes.gladly.get("quality", ()) == wished


def test_a_quality_that_the_named_model_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(InvalidInput, match="quality: 'max' is none of model 'gpt-image-2'") as raised:
        asked(model="gpt-image-2", quality="max")
    assert raised.value.hint == "it takes auto, low, medium, high"


def test_a_quality_is_ignored_by_name_if_the_model_has_none() -> None:
    assert asked(model="stable-image-core", quality="hd").ignored == ("quality",)


@pytest.mark.parametrize(
    ("fields", "inputs"),
    [
        ({"output_format": "webp", "output_compression": 80}, {"output_format": "webp", "output_compression": 80}),
        ({"background": "transparent"}, {"background": "transparent"}),
        ({"background": None, "moderation": "low"}, {"moderation": "low"}),
        ({"output_compression": Decimal("80")}, {"output_compression": "80"}),
    ],
)
def test_what_the_model_takes_is_an_input(fields: dict[str, Any], inputs: dict[str, Any]) -> None:
    found = asked(model="gpt-image-2", **fields)
    assert found.request.inputs == {"prompt": "a lake", **inputs}
    assert found.ignored == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"style": "vivid"},
        {"moderation": "low"},
        {"safety_identifier": "u1"},
        {"partial_images": 2},
        {"service_tier": "x"},
    ],
)
def test_what_only_advises_or_nobody_knows_is_ignored_by_name(fields: dict[str, Any]) -> None:
    assert asked(model="stable-image-core", **fields).ignored == tuple(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"background": "transparent"},
        {"output_compression": 40},
        {"input_fidelity": "high"},
        {"frame_count": 4},
        {"complexity": "high"},
    ],
)
def test_what_says_how_the_picture_has_to_be_is_refused_if_the_model_cannot(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"model 'seedream-v4\.5' does not take it"):
        asked(model="seedream-v4.5", **fields)


@pytest.mark.parametrize("fields", [{"background": "opaque"}, {"background": "auto"}, {"output_compression": 100}])
def test_what_a_picture_is_anyway_is_no_demand(fields: dict[str, Any]) -> None:
    found = asked(model="seedream-v4.5", **fields)
    assert (found.request.inputs, found.ignored) == ({"prompt": "a lake"}, ())


def test_who_is_strict_gets_an_error_for_what_would_be_ignored() -> None:
    with pytest.raises(InvalidInput, match="style: has no effect here"):
        asked(model="gpt-image-2", style="vivid", strict=True)


@pytest.mark.parametrize(("told", "read"), [(None, 1), (3, 3), ("3", 3), (Decimal("3.0"), 3)])
def test_a_count_is_read_as_json_and_forms_have_it(told: Any, read: int) -> None:
    assert asked(n=told).request.n == read


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", "three"),
        ("n", Decimal("1.5")),
        ("n", True),
        ("n", []),
        ("stream", "perhaps"),
        ("model", 7),
        ("size", ["1024x1024"]),
        ("quality", 3),
        ("response_format", "png"),
        ("seed", {"a": 1}),
    ],
)
def test_a_value_of_another_type_is_one_clear_error(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as raised:
        asked(**{field: value})
    assert raised.value.field == field
    assert raised.value.hint


@pytest.mark.parametrize(("told", "read"), [(True, True), ("true", True), (False, False), ("", False), (None, False)])
def test_a_stream_is_asked_for_in_json_and_in_forms(told: Any, read: bool) -> None:
    assert asked(stream=told).stream is read


# Films


def film(**fields: Any) -> ClientRequest:
    return film_asked(Interpreter(MODELS), "acme", {"prompt": "a lake", **fields}, [])


@pytest.mark.parametrize(
    ("fields", "wishes"),
    [
        ({"seconds": "8"}, Wishes(seconds=Decimal(8))),
        ({"duration": 5}, Wishes(seconds=Decimal(5))),
        ({"size": "1280x720"}, Wishes(aspect="1280:720", lines=720)),
        ({"size": "720x1280", "seconds": "4"}, Wishes(aspect="720:1280", lines=720, seconds=Decimal(4))),
        ({"resolution": "1080p", "aspect_ratio": "9:16"}, Wishes(aspect="9:16", lines=1080)),
        ({"resolution": "4K"}, Wishes(lines=2160)),
        ({"generate_audio": True, "seed": 7}, Wishes(sound=True, seed=7)),
        ({"size": "auto", "seconds": None}, Wishes()),
    ],
)
def test_the_words_of_both_dialects_for_a_film_are_wishes(fields: dict[str, Any], wishes: Wishes) -> None:
    assert film(**fields).request.wishes == wishes


@pytest.mark.parametrize(
    ("field", "value"),
    [("seconds", "long"), ("seconds", "-1"), ("duration", 0), ("seconds", "NaN"), ("resolution", "big"), ("size", "x")],
)
def test_what_is_no_length_or_size_is_one_clear_error(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as raised:
        film(**{field: value})
    assert raised.value.field == field
