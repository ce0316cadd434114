"""A film is asked for as long, as large and as loud as is wanted, in each model's own inputs, or it is passed over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import Catalogue, Class, Model, check_inputs
from domain.errors import InvalidInput
from domain.footage import lines_of
from domain.inputs import FileInfo, Input, InputType
from domain.objections import OutOfReach
from domain.pricing import PriceRule, Unit
from domain.shapes import pair
from domain.wishes import Wishes, as_wished

LAKE = {"prompt": "a lake"}
FILM = {"video": (FileInfo("video/mp4", 1_000, 854, 480, 4_000),)}
VERTICAL = {"image": (FileInfo("image/png", 1_000, 1080, 1920),)}


def number(name: str, type: InputType, least: int | None = None, most: int | None = None, **more: Any) -> Input:
    limits: dict[str, Any] = {
        "minimum": None if least is None else Decimal(least),
        "maximum": None if most is None else Decimal(most),
    }
    return Input(name=name, type=type, **limits, **more)


def choice(name: str, *choices: str) -> Input:
    return Input(name=name, type=InputType.CHOICE, choices=choices)


def model(*inputs: Input, id: str = "camera", quality: int = 50, **more: Any) -> Model:
    prompt = Input(name="prompt", type=InputType.TEXT)
    return Model(
        **{
            "id": id,
            "provider": "acme",
            "route": "/film",
            "kinds": ("text-to-video",),
            "outputs": ("video/mp4",),
            "unit": Unit.VIDEO,
            "quality": quality,
            "prices": (PriceRule(unit=Unit.VIDEO, rate=Decimal("0.1")),),
            "inputs": {one.name: one for one in (prompt, *inputs)},
            **more,
        }
    )


STEPS = model(number("duration", InputType.INTEGER, choices=(5, 10, 15)))
SPAN = model(number("duration", InputType.INTEGER, 4, 12))
EXACT = model(number("duration", InputType.DECIMAL, 1, 10))
MUTE = model()
WORDS = model(choice("resolution", "480p", "720p", "1080p", "2k", "4k"), choice("aspect_ratio", "16:9", "9:16"))
SIZES = model(choice("size", "832x480", "480x832", "1280x720", "720x1280", "1920x1080", "1080x1920"))
FREE = model(
    number("width", InputType.INTEGER, 64, 1920, multiple_of=2, default=640),
    number("height", InputType.INTEGER, 64, 1080, multiple_of=2, default=360),
)


def asked(model: Model, **wishes: Any) -> dict[str, object]:
    found = as_wished(model, Wishes(**wishes), LAKE)
    check_inputs(model, "text-to-video", found)
    return found


# Length


@pytest.mark.parametrize(
    ("one", "seconds", "duration"),
    [
        (STEPS, "5", 5),
        (STEPS, "5.000001", 10),
        (STEPS, "8", 10),
        (STEPS, "15", 15),
        (SPAN, "2", 4),
        (SPAN, "4.5", 5),
        (SPAN, "12", 12),
        (model(number("duration", InputType.INTEGER, 1, 60, multiple_of=4)), "9", 12),
        (EXACT, "0.2", "1"),
        (EXACT, "2.50", "2.5"),
    ],
)
def test_a_length_is_the_least_that_covers_it(one: Model, seconds: str, duration: object) -> None:
    assert asked(one, seconds=Decimal(seconds))["duration"] == duration


@given(st.decimals(min_value="0.001", max_value=40, places=3), st.sampled_from([STEPS, SPAN, EXACT]))
def test_no_shorter_length_that_the_model_makes_would_cover_it(seconds: Decimal, one: Model) -> None:
    spec = one.inputs["duration"]
    makes = [Decimal(str(value)) for value in spec.choices]
    makes = makes or [
        Decimal(unit) / 1000 for unit in range(int(spec.minimum or 0) * 1000, int(spec.maximum or 0) * 1000 + 1)
    ]
    if spec.type is InputType.INTEGER:
        makes = [value for value in makes if value == int(value)]
    covering = [value for value in makes if value >= seconds]
    if not covering:
        with pytest.raises(OutOfReach, match=f"model 'camera' makes {max(makes):f} s at most"):
            asked(one, seconds=seconds)
    else:
        assert Decimal(str(asked(one, seconds=seconds)["duration"])) == min(covering)


@pytest.mark.parametrize("seconds", ["0", "-1"])
def test_no_length_is_none(seconds: str) -> None:
    with pytest.raises(InvalidInput, match=f"seconds: {seconds} s is no length"):
        asked(SPAN, seconds=Decimal(seconds))


def test_a_model_that_is_told_no_length_is_passed_over_only_if_one_is_wanted() -> None:
    assert asked(MUTE) == LAKE
    with pytest.raises(InvalidInput, match="model 'camera' is not told how long"):
        asked(MUTE, seconds=Decimal(5))


def test_of_several_models_that_do_not_go_so_far_the_one_that_goes_farthest_is_told() -> None:
    best = model(number("duration", InputType.INTEGER, choices=(4, 6, 8)), id="best", quality=90)
    far = model(number("duration", InputType.INTEGER, choices=(5, 10, 15)), id="far", quality=60)
    models = Catalogue({one.id: one for one in (best, far)})

    def given_to(one: Model) -> dict[str, object]:
        return as_wished(one, Wishes(seconds=Decimal(60)), LAKE)

    with pytest.raises(OutOfReach) as refused:
        models.rank("text-to-video", "best", 0, given_to, allowed={Class.REAL})
    assert str(refused.value) == "seconds: 60 s asked, and model 'far' makes 15 s at most"
    assert refused.value.hint == "ask for at most 15 s, or another model"


# Size


@pytest.mark.parametrize(
    ("one", "aspect", "lines", "found"),
    [
        (WORDS, "", 480, {"resolution": "480p"}),
        (WORDS, "", 481, {"resolution": "720p"}),
        (WORDS, "9:16", 1081, {"resolution": "2k", "aspect_ratio": "9:16"}),
        (WORDS, "", 2160, {"resolution": "4k"}),
        (SIZES, "", 500, {"size": "1280x720"}),
        (SIZES, "9:16", 480, {"size": "720x1280"}),
        (SIZES, "16:9", 721, {"size": "1920x1080"}),
        (FREE, "", 480, {"width": 864, "height": 486}),
        (FREE, "1:1", 480, {"width": 480, "height": 480}),
        (FREE, "9:16", 480, {"width": 486, "height": 864}),
    ],
)
def test_a_film_is_the_least_that_has_the_lines_in_exactly_the_shape(
    one: Model, aspect: str, lines: int, found: dict[str, object]
) -> None:
    assert asked(one, aspect=aspect, lines=lines) == {**LAKE, **found}


@pytest.mark.parametrize(
    ("one", "aspect", "lines", "told"),
    [
        (WORDS, "", 4320, "4320 lines asked, and model 'camera' makes 2160 at most"),
        (SIZES, "9:16", 1440, "1440 lines asked, and model 'camera' makes 1080 at most"),
        (FREE, "9:16", 720, "720 lines asked, and model 'camera' makes 594 at most"),
        (MUTE, "", 480, "model 'camera' is not told how many lines"),
        (WORDS, "1:1", 480, "draws nothing of the shape 1:1"),
        (SIZES, "1:1", 480, "draws nothing of the shape 1:1"),
        (SIZES, "wide", 480, "must be width and height, not 'wide'"),
    ],
)
def test_a_model_that_has_fewer_lines_or_another_shape_is_passed_over(
    one: Model, aspect: str, lines: int, told: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        asked(one, aspect=aspect, lines=lines)
    assert told in str(refused.value)


@pytest.mark.parametrize(("one", "found"), [(SIZES, {"size": "1920x1080"}), (MUTE, {}), (WORDS, {"resolution": "4k"})])
def test_with_less_allowed_a_model_gives_as_many_lines_as_it_has(one: Model, found: dict[str, object]) -> None:
    assert asked(one, lines=4320, or_less=True) == {**LAKE, **found}


@given(st.integers(1, 2000), st.sampled_from(["", "16:9", "9:16", "1:1", "4:5"]), st.sampled_from([WORDS, SIZES, FREE]))
def test_what_is_found_is_always_enough_and_of_the_shape(lines: int, aspect: str, one: Model) -> None:
    try:
        found = asked(one, aspect=aspect, lines=lines)
    except InvalidInput:
        return
    if "resolution" in found:
        assert lines_of(found["resolution"]) >= lines
        assert found.get("aspect_ratio", "") == aspect
        return
    size = found.get("size", f"{found.get('width')}x{found.get('height')}")
    wide, high = pair("size", size)
    assert min(wide, high) >= lines
    if aspect:
        a, b = pair("aspect", aspect)
        assert wide * b == high * a


@pytest.mark.parametrize(
    ("word", "lines"), [("720p", 720), (" 1080P ", 1080), ("720", 720), ("4K", 2160), ("huge", 0), ("5", 0), ("", 0)]
)
def test_lines_by_the_word_for_a_resolution(word: str, lines: int) -> None:
    assert lines_of(word) == lines


def test_a_picture_that_has_the_shape_already_is_filmed_by_a_model_that_is_told_none() -> None:
    found = as_wished(MUTE, Wishes(aspect="9:16", lines=720, or_less=True), LAKE, VERTICAL)
    assert found == LAKE
    with pytest.raises(InvalidInput, match="draws nothing of the shape 1:1"):
        as_wished(MUTE, Wishes(aspect="1:1"), LAKE, VERTICAL)
    assert as_wished(WORDS, Wishes(aspect="9:16"), LAKE, VERTICAL)["aspect_ratio"] == "9:16"


# Enlarging


@pytest.mark.parametrize(
    ("lines", "times", "resolution"), [(720, "1", "720p"), (0, "1.5", "720p"), (0, "2", "1080p"), (0, "4.5", "4k")]
)
def test_a_film_is_enlarged_to_the_least_resolution_that_reaches_it(lines: int, times: str, resolution: str) -> None:
    found = as_wished(WORDS, Wishes(lines=lines, times=Decimal(times)), {}, FILM)
    assert found == {"resolution": resolution}


@pytest.mark.parametrize(
    ("lines", "times", "media", "told"),
    [
        (480, "1", FILM, "target: the film has 480 lines already"),
        (0, "5", FILM, "resolution: 2400 lines asked, and model 'camera' makes 2160 at most"),
        (0, "2", {}, "factor: the film's size cannot be read"),
    ],
)
def test_a_film_that_is_as_large_or_cannot_become_so_is_told(lines: int, times: str, media: Any, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        as_wished(WORDS, Wishes(lines=lines, times=Decimal(times)), {}, media)
    assert str(refused.value) == told


def test_a_target_is_reached_of_a_film_whose_size_cannot_be_read() -> None:
    assert as_wished(WORDS, Wishes(lines=1080, times=Decimal(1)), {}) == {"resolution": "1080p"}


# Sound, and what comes out


def test_sound_is_asked_of_models_that_make_some() -> None:
    told = model(Input(name="generate_audio", type=InputType.FLAG, default=False))
    assert asked(told, sound=True) == {**LAKE, "generate_audio": True}
    assert asked(model(modes=("sound",)), sound=True) == LAKE
    with pytest.raises(InvalidInput, match="sound: model 'camera' makes none"):
        asked(MUTE, sound=True)


def test_a_model_of_another_output_is_passed_over() -> None:
    assert asked(MUTE, makes="video") == LAKE
    with pytest.raises(InvalidInput, match="model 'camera' makes image/webp"):
        asked(model(outputs=("image/webp", "video/mp4")), makes="video")
