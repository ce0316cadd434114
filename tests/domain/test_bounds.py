"""What a request can come to, from the request: no token too few, and nothing charged beyond what was held."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bounds import Bound, Formula, Metering
from domain.charging import LostOutputs, Told, reckon
from domain.inputs import FileInfo
from domain.pricing import PriceBook, PriceRule, Quote, Unit, Unpriced, quote
from tests.domain.priced import Example

BOOK = PriceBook("book", "USD")


def bound(by: Formula, *of: str, **numbers: int) -> Bound:
    return Bound(by, of, numbers)


def photo(width: int | None, height: int | None) -> FileInfo:
    return FileInfo("image/png", 1_000, width, height)


AXES = {name: bound(Formula.AXES, "size", factor=factor, reserve=0, floor=0) for name, factor in
        {"low": 16, "medium": 48, "high": 96}.items()}  # fmt: skip
PATCHES = bound(Formula.PATCHES, "image", "mask", side=32, zoom=2, budget=1_536, floor=452)


@pytest.mark.parametrize(
    ("quality", "size", "tokens"),
    [
        ("low", "1024x1024", 196),
        ("medium", "1024x1024", 1_756),
        ("high", "1024x1024", 7_024),
        ("high", "1536x1024", 5_488),
        ("high", "1024x1536", 5_488),
        ("high", "1792x1024", 5_063),
        ("high", "3584x2048", 12_329),
        ("low", "960x720", 130),
        ("low", "976x704", 129),
    ],
)
def test_the_tokens_of_a_picture_are_those_of_openai_s_own_calculator(quality: str, size: str, tokens: int) -> None:
    assert AXES[quality].most({"size": size}, {}) == tokens


@pytest.mark.parametrize("size", ["auto", "", "0x1024", "large"])
def test_a_size_that_says_nothing_has_no_bound_of_its_own(size: str) -> None:
    assert AXES["low"].most({"size": size}, {}) is None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_token_is_at_least_one_byte(prompt: str) -> None:
    assert bound(Formula.BYTES, "prompt", plus=32).most({"prompt": prompt}, {}) == len(prompt.encode()) + 32


@pytest.mark.parametrize(
    ("sides", "tokens"), [((64, 64), 452), ((512, 512), 1_024), ((1_024, 1_024), 1_536), ((4_000, 3_000), 1_536)]
)
def test_a_picture_is_squares_within_a_budget(sides: tuple[int, int], tokens: int) -> None:
    assert PATCHES.most({}, {"image": (photo(*sides),)}) == tokens


def test_every_picture_counts_and_so_does_a_mask() -> None:
    files = {"image": (photo(64, 64), photo(1_024, 1_024)), "mask": (photo(64, 64),)}
    assert PATCHES.most({}, files) == 452 + 1_536 + 452
    assert bound(Formula.FILES, "image", "mask", each=500).most({}, files) == 1_500


def test_one_picture_of_unknown_size_leaves_no_bound() -> None:
    assert PATCHES.most({}, {"image": (photo(64, 64), photo(None, None))}) is None


@pytest.mark.parametrize(("given", "most"), [({}, 0), ({"partial_images": 0}, 0), ({"partial_images": 3}, 300)])
def test_a_number_among_the_inputs_counts_as_often_as_it_says(given: dict[str, int], most: int) -> None:
    assert bound(Formula.TIMES, "partial_images", each=100).most(given, {}) == most


def test_the_numbers_of_a_formula_are_its_own() -> None:
    assert not bound(Formula.FILES, "image", each=500).wrong()
    assert bound(Formula.FILES, "image", plus=1).wrong() == "by files takes each"


# From the request to the hold

DEAR, CHEAP = Decimal("0.00003"), Decimal("0.000005")
METERS = (
    Metering(name="text", rate=CHEAP, cost=CHEAP, most=10, bound=bound(Formula.BYTES, "prompt", plus=32)),
    Metering(name="picture", rate=CHEAP, cost=CHEAP, most=9_000, bound=PATCHES),
    Metering(name="drawn", rate=DEAR, cost=CHEAP, most=8_000, bound=AXES["high"], per_output=True),
    Metering(name="thought", rate=Decimal(0), cost=Decimal(0)),
)
MODEL = Example((PriceRule(unit=Unit.CALL, rate=None, meters=METERS),), Unit.CALL)

prompts = st.text(max_size=60)
sizes = st.sampled_from(["1024x1024", "1536x1024", "2048x2048", "auto"])
pictures = st.lists(st.builds(photo, st.none() | st.integers(1, 9_000), st.integers(1, 9_000)), max_size=4)
usages = st.dictionaries(st.sampled_from(["text", "picture", "drawn", "thought", "moons"]), st.integers(0, 10**6))


def held(inputs: Mapping[str, str], outputs: int, files: list[FileInfo]) -> Quote:
    found = quote(MODEL, BOOK, inputs, outputs, 0, {"image": tuple(files)})
    assert isinstance(found, Quote)
    return found


@given(prompts, sizes, st.integers(1, 10), pictures, usages, st.integers(0, 10), st.integers(0, 3), st.booleans())
def test_what_is_charged_is_never_more_than_this_request_was_held_for(
    prompt: str, size: str, outputs: int, files: list[FileInfo], usage: dict[str, int], kept: int, lost: int,
    policy: bool,
) -> None:  # fmt: skip
    found = held({"prompt": prompt, "size": size}, outputs, files)
    reckoned = reckon(found, kept, LostOutputs(lost, policy), Told(usage=usage))

    assert 0 <= reckoned.price <= found.price
    assert found.rate is not None
    assert found.rate * 1_000_000 == found.price


@given(prompts, st.integers(1, 9), pictures)
def test_more_outputs_hold_more_and_what_goes_in_is_held_once_a_call(
    prompt: str, outputs: int, files: list[FileInfo]
) -> None:
    inputs = {"prompt": prompt, "size": "1024x1024"}
    one, more = held(inputs, outputs, files), held(inputs, outputs + 1, files)

    assert more.price - one.price == 7_024 * 30
    assert one.meters[:2] == more.meters[:2]


def test_without_a_bound_there_is_no_price_and_the_rates_are_known_all_the_same() -> None:
    unbounded = (*METERS, Metering(name="dreams", rate=DEAR, cost=DEAR))
    model = Example((PriceRule(unit=Unit.CALL, rate=None, meters=unbounded),), Unit.CALL)
    found = quote(model, BOOK, {"prompt": "a lake", "size": "1024x1024"}, 1, 0)

    assert isinstance(found, Unpriced)
    assert "how much dreams there can be" in found.reason
    assert [meter.name for meter in found.meters] == ["text", "picture", "drawn", "thought", "dreams"]
