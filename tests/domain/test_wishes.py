"""Wishes become inputs of each model in its own words, exactly, or pass the model over."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import Model, check_inputs
from domain.errors import InvalidInput
from domain.inputs import Input, InputType
from domain.pricing import Unit
from domain.shapes import pair
from domain.wishes import Wishes, as_wished, compared

PROMPT = Input(name="prompt", type=InputType.TEXT, required=True)
FOX = {"prompt": "a fox"}


def side(name: str, low: int = 256, high: int = 1536, step: int | None = 64, default: int | None = 1024) -> Input:
    return Input(
        name=name,
        type=InputType.INTEGER,
        minimum=Decimal(low),
        maximum=Decimal(high),
        multiple_of=step,
        default=default,
    )


def choice(name: str, *choices: str) -> Input:
    return Input(name=name, type=InputType.CHOICE, choices=choices)


def model(*inputs: Input) -> Model:
    return Model(
        id="brush",
        provider="acme",
        route="/brush",
        kinds=("text-to-image",),
        outputs=("image/png",),
        unit=Unit.IMAGE,
        inputs={one.name: one for one in (PROMPT, *inputs)},
    )


SIDES = model(side("width"), side("height"))
FREE = model(
    Input(name="size", type=InputType.SIZE, multiple_of=16, max_side=3840, min_pixels=655_360, max_pixels=8_294_400)
)
RATIOS = model(choice("aspect_ratio", "1:1", "4:5", "16:9", "auto"))
WORDS = model(choice("size", "auto", "1024x1024", "1536x1024"))
BLIND = model()
SEEDED = model(Input(name="seed", type=InputType.INTEGER), Input(name="negative_prompt", type=InputType.TEXT))
STYLED = model(choice("style_preset", "anime", "line-art"))


def fit(of: Model, **wishes: Any) -> dict[str, object]:
    found: dict[str, object] = dict(check_inputs(of, "text-to-image", as_wished(of, Wishes(**wishes), FOX)))
    return {name: value for name, value in found.items() if name != "prompt"}


@pytest.mark.parametrize(
    ("of", "wishes", "inputs"),
    [
        (SIDES, {"aspect": "1:1"}, {"width": 1024, "height": 1024}),
        (SIDES, {"aspect": "4:5", "covers": "1080x1350"}, {"width": 1024, "height": 1280}),
        (SIDES, {"aspect": "16:9"}, {"width": 1024, "height": 576}),
        (SIDES, {"aspect": "1:1", "covers": "4000x4000"}, {"width": 1536, "height": 1536}),
        (SIDES, {"aspect": "1:1", "covers": "64x64"}, {"width": 256, "height": 256}),
        (SIDES, {"size": "512x768"}, {"width": 512, "height": 768}),
        (FREE, {"aspect": "16:9", "covers": "1200x630"}, {"size": "1280x720"}),
        (FREE, {"aspect": "1:1", "covers": "600x600"}, {"size": "816x816"}),
        (FREE, {"aspect": "1:1", "covers": "9000x9000"}, {"size": "2880x2880"}),
        (RATIOS, {"aspect": "1080x1350"}, {"aspect_ratio": "4:5"}),
        (WORDS, {"aspect": "3:2"}, {"size": "1536x1024"}),
    ],
)
def test_a_shape_is_drawn_exactly_and_as_large_as_is_wanted_where_the_model_can(
    of: Model, wishes: dict[str, str], inputs: dict[str, object]
) -> None:
    assert fit(of, **wishes) == inputs


@pytest.mark.parametrize(
    ("of", "wishes"),
    [
        (SIDES, {"aspect": "191:100"}),
        (SIDES, {"size": "500x768"}),
        (FREE, {"aspect": "9999:1"}),
        (RATIOS, {"aspect": "21:9"}),
        (RATIOS, {"size": "1024x1024"}),
        (WORDS, {"aspect": "16:9"}),
        (WORDS, {"size": "1024x768"}),
        (BLIND, {"aspect": "1:1"}),
        (BLIND, {"size": "1024x1024"}),
        (BLIND, {"seed": 7}),
    ],
)
def test_a_model_that_cannot_is_passed_over(of: Model, wishes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        fit(of, **wishes)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 400),
    st.integers(400, 3000),
    st.sampled_from([1, 8, 16, 64]),
    st.integers(1, 5000),
)
def test_whatever_is_found_is_accepted_and_has_exactly_the_shape(
    a: int, b: int, low: int, high: int, step: int, cover: int
) -> None:
    brush = model(side("width", low, high, step, None), side("height", low, high, step, None))
    wishes = Wishes(aspect=f"{a}:{b}", covers=f"{cover}x{cover}")
    try:
        found = as_wished(brush, wishes, FOX)
    except InvalidInput:
        fits = [w for w in range(low, high + 1) if not w % step and not w * b % a and low <= w * b // a <= high]
        assert not [w for w in fits if not w * b // a % step]
        return
    check_inputs(brush, "text-to-image", found)
    width, height = int(str(found["width"])), int(str(found["height"]))
    assert Fraction(width, height) == Fraction(a, b)
    assert (width >= cover and height >= cover) or as_wished(
        brush, Wishes(aspect=f"{a}:{b}", covers="99999x99999"), FOX
    ) == found


def test_what_a_model_has_no_input_for_is_said_in_the_prompt() -> None:
    wishes = Wishes(negative="people", style="anime", words="Drawn as anime")
    assert as_wished(BLIND, wishes, FOX) == {"prompt": "a fox. Drawn as anime. Without: people."}
    assert as_wished(STYLED, wishes, FOX) == {"prompt": "a fox. Without: people.", "style_preset": "anime"}
    assert as_wished(SEEDED, wishes, FOX) == {"prompt": "a fox. Drawn as anime.", "negative_prompt": "people"}


def test_what_is_asked_gladly_is_given_to_whom_takes_it_and_passes_nobody_over() -> None:
    gladly = {"quality": ("high",), "resolution": ("2k", "2K"), "image": ("x",)}
    fine = model(choice("resolution", "1K", "2K"), Input(name="image", type=InputType.IMAGE))
    assert as_wished(fine, Wishes(gladly=gladly), FOX) == {**FOX, "resolution": "2K"}
    assert as_wished(BLIND, Wishes(gladly=gladly), FOX) == FOX


def test_what_is_given_by_name_stands_as_it_is_given() -> None:
    wishes = Wishes(gladly={"width": (64,)}, aspect="1:1")
    assert as_wished(SIDES, wishes, {**FOX, "width": 768, "height": 512}) == {**FOX, "width": 768, "height": 512}


@pytest.mark.parametrize("text", ["", "4", "4:0", "0x5", "a:b", "123456:1", 5, None])
def test_what_is_no_shape_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput, match="must be width and height"):
        pair("aspect", text)


# Keys


def test_keys_of_before_there_were_films_stay_what_they_were() -> None:
    """These words are in every fingerprint since there are wishes; one more would make all keys others."""
    assert compared(Wishes(aspect="4:5", seed=7, gladly={"quality": ("high",)})) == {
        "aspect": "4:5",
        "covers": "",
        "size": "",
        "seed": 7,
        "negative": "",
        "style": "",
        "words": "",
        "mode": "",
        "longest": 0,
        "gladly": {"quality": ("high",)},
    }


def test_wishes_that_are_equal_are_compared_equal_and_others_are_not() -> None:
    eight = compared(Wishes(seconds=Decimal("8"), lines=720, or_less=True))
    assert eight["seconds"] == "8"
    assert compared(Wishes(seconds=Decimal("8.00"), lines=720, or_less=True)) == eight
    assert compared(Wishes(seconds=Decimal("8.5"), lines=720, or_less=True)) != eight
    assert compared(Wishes(seconds=Decimal("8"), lines=720)) != eight
