"""A quote is exact, and shares add up to it."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.charging import reckon
from domain.errors import CurrencyMismatch, InvalidInput, InvalidMoney
from domain.inputs import FileInfo, Scalar
from domain.pricebook import price_book_of
from domain.pricing import MOST_OUTPUTS, Quote, Unit, Unpriced, capped_quote, quote
from tests.domain.priced import BOOK, CLIP, NOW, Example, quoted, rule, unpriced

PER_IMAGE = Example((rule("0.04"),))
PER_SECOND = Example((rule("0.0375", Unit.SECOND),))
PER_BLOCK = Example((rule("0.15", Unit.BLOCK),))
PER_MEGAPIXEL = Example((rule("0.005", Unit.MEGAPIXEL),))
RATES = st.decimals(0, 1000, places=6)


def half_even(exact: Fraction) -> int:
    """Python's own rounding of fractions, which is half-even."""
    return round(exact)


# What a quote says


def test_a_quote_says_everything_that_the_charge_will_say() -> None:
    assert quoted(PER_IMAGE, 3) == Quote(
        model="aurora",
        provider="acme",
        unit="image",
        units=Decimal(3),
        rate=Decimal("0.04"),
        price=120_000,
        cost=120_000,
        currency="USD",
        price_book="0123456789ab",
        outputs=3,
    )


def test_the_fields_of_a_quote_are_those_that_stand_in_the_log() -> None:
    names = [field.name for field in dataclasses.fields(Quote)]

    written = "model provider unit units rate price cost currency price_book outputs meters listed model_class sale"
    assert names == written.split()


def test_what_the_provider_bills_us_may_be_another_rate() -> None:
    model = Example((replace(rule("0.05"), cost_rate=Decimal("0.04")),))

    assert (quoted(model, 2).price, quoted(model, 2).cost) == (100_000, 80_000)


def test_what_costs_us_nothing_is_not_free() -> None:
    model = Example((replace(rule("0.01"), cost_rate=Decimal(0)),))

    assert (quoted(model).price, quoted(model).cost) == (10_000, 0)


@pytest.mark.parametrize(
    "outputs", [0, -1, True, "2", MOST_OUTPUTS + 1, 10**9999], ids=["0", "-1", "True", "'2'", "too many", "huge"]
)
def test_nothing_is_quoted_for_no_outputs(outputs: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        quote(PER_IMAGE, BOOK, {}, outputs, NOW)

    assert refusal.value.field == "n"


def test_as_many_outputs_are_quoted_as_can_ever_be_asked_for() -> None:
    assert quoted(PER_IMAGE, MOST_OUTPUTS).price == MOST_OUTPUTS * 40_000


def test_a_price_beyond_every_ledger_is_refused() -> None:
    with pytest.raises(InvalidMoney, match="too large"):
        quoted(Example((rule("9999999999999"),)), 1000)


# Units


@pytest.mark.parametrize("unit", [Unit.IMAGE, Unit.VIDEO, Unit.MODEL])
def test_images_clips_and_models_are_counted(unit: Unit) -> None:
    assert quoted(Example((rule("0.30", unit),)), 4, duration=10).units == 4


def test_a_call_is_one_however_much_it_delivers() -> None:
    found = quoted(Example((rule("0.06", Unit.CALL),)), 4)

    assert (found.units, found.price) == (Decimal(1), 60_000)


@pytest.mark.parametrize(("duration", "units"), [(8, "8"), ("7.5", "7.5"), ("0.000001", "0.000001")])
def test_seconds_come_from_the_duration_asked_for(duration: Scalar, units: str) -> None:
    assert str(quoted(PER_SECOND, duration=duration).units) == units


def test_seconds_come_from_the_file_where_the_rule_says_so() -> None:
    model = Example((replace(rule("0.0375", Unit.SECOND), of="video"),))

    found = quoted(model, duration=600)

    assert (str(found.units), found.price) == ("12.345", 462_938)


def test_several_files_are_measured_together() -> None:
    model = Example((replace(rule("1", Unit.SECOND), of="video"),))

    found = quote(model, BOOK, {}, 1, NOW, {"video": (CLIP, CLIP)})

    assert isinstance(found, Quote)
    assert found.units == Decimal("24.69")


@pytest.mark.parametrize(
    ("seconds", "blocks"),
    [("0.000001", 1), (1, 1), (5, 1), ("5.000001", 2), (9, 2), (10, 2), (11, 3), (120, 24)],
)
def test_a_block_of_five_seconds_counts_whole_once_begun(seconds: Scalar, blocks: int) -> None:
    found = quoted(PER_BLOCK, duration=seconds)

    assert (found.units, found.price) == (Decimal(blocks), blocks * 150_000)


@given(st.integers(1, 10**9))
def test_blocks_are_the_fewest_that_hold_the_time(milliseconds: int) -> None:
    model = Example((replace(rule("1", Unit.BLOCK), of="video"),))
    clip = replace(CLIP, duration_ms=milliseconds)

    found = quote(model, BOOK, {}, 1, NOW, {"video": (clip,)})

    assert isinstance(found, Quote)
    assert (found.units - 1) * 5000 < milliseconds <= found.units * 5000


def test_megapixels_are_width_times_height_to_the_last_pixel() -> None:
    found = quoted(PER_MEGAPIXEL, 2, width=1023, height=769)

    assert str(found.units) == "1.573374"
    assert found.price == 7_867


def test_megapixels_may_be_those_of_a_file() -> None:
    model = Example((replace(rule("0.02", Unit.MEGAPIXEL), of="image"),))

    assert (quoted(model).units, quoted(model).price) == (Decimal("0.3072"), 6_144)


def test_tokens_are_the_number_that_an_input_says() -> None:
    model = Example((replace(rule("0.000000002", Unit.TOKEN), of="max_tokens"),))

    found = quoted(model, max_tokens=1_500)

    assert (found.units, found.price) == (Decimal(1_500), 3)


@pytest.mark.parametrize(("seconds", "billed"), [(1, 5), (5, 5), (6, 6), (600, 600), (601, 600), (3_600, 600)])
def test_no_less_than_the_minimum_and_no_more_than_the_maximum_is_billed(seconds: int, billed: int) -> None:
    bounded = replace(rule("0.03", Unit.SECOND), minimum=Decimal(5), maximum=Decimal(600))

    found = quoted(Example((bounded,)), duration=seconds)

    assert (found.units, found.price) == (Decimal(billed), billed * 30_000)


@pytest.mark.parametrize(
    ("length", "billed"),
    [(1, 5_000), (4_001, 5_000), (5_000, 5_000), (5_001, 6_000), (7_200, 8_000), (601_000, 600_000)],
)
def test_a_step_that_is_begun_is_billed_whole(length: int, billed: int) -> None:
    begun = replace(rule("0.03", Unit.SECOND), of="audio", step=Decimal(1), minimum=Decimal(5), maximum=Decimal(600))
    sound = {"audio": [FileInfo("audio/wav", 1, duration_ms=length)]}

    found = quote(Example((begun,)), BOOK, {}, 1, NOW, sound)

    assert isinstance(found, Quote)
    assert (int(found.units * 1000), found.price) == (billed, billed * 30)


def test_a_step_of_a_price_is_part_of_the_book() -> None:
    plain = Example((replace(rule("0.03", Unit.SECOND), of="audio"),))
    begun = Example((replace(plain.prices[0], step=Decimal(1)),))

    assert price_book_of([plain], "USD").version != price_book_of([begun], "USD").version


def test_minimum_and_maximum_hold_for_each_output_and_not_for_their_sum() -> None:
    bounded = replace(rule("1", Unit.SECOND), minimum=Decimal(5), maximum=Decimal(6))

    assert quoted(Example((bounded,)), 3, duration=1).units == 15
    assert quoted(Example((bounded,)), 3, duration=100).units == 18


def test_units_have_one_notation() -> None:
    assert [str(quoted(PER_SECOND, duration=value).units) for value in (10, 100, "2.50")] == [
        "10",
        "100",
        "2.5",
    ]


# Exactness


@given(RATES, st.integers(1, 10**6), st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_price_is_the_exact_product_rounded_once(rate: Decimal, outputs: int, width: int, height: int) -> None:
    found = quoted(Example((rule(str(rate), Unit.MEGAPIXEL),)), outputs, width=width, height=height)

    assert Fraction(found.units) == Fraction(width * height * outputs, 10**6)
    assert found.price == half_even(Fraction(rate) * width * height * outputs)


@given(RATES, st.integers(1, 10**7), st.integers(1, 99))
def test_no_decimal_context_changes_a_quote(rate: Decimal, milliseconds: int, outputs: int) -> None:
    model = Example((replace(rule(str(rate), Unit.SECOND), of="video"),))
    media = {"video": (replace(CLIP, duration_ms=milliseconds),)}

    expected = quote(model, BOOK, {}, outputs, NOW, media)
    with localcontext(prec=1):
        assert quote(model, BOOK, {}, outputs, NOW, media) == expected


def test_a_price_is_rounded_once_for_all_outputs_and_not_for_each() -> None:
    half_a_micro = Example((rule("0.0000005"),))

    assert [quoted(half_a_micro, outputs).price for outputs in (1, 2, 3, 4)] == [0, 1, 2, 2]


# No price


@pytest.mark.parametrize(
    ("model", "inputs", "reason"),
    [
        (Example(()), {}, "no price is known"),
        (Example((replace(rule("1"), effective_from=NOW + 1),)), {}, "no price is in force yet"),
        (
            Example((rule("1", size="4k"), replace(rule("1", size="8k"), effective_from=NOW + 1))),
            {"size": "8k"},
            "no price is in force for size=8k",
        ),
        (
            Example((replace(rule("1", size="4k"), effective_from=NOW),)),
            {"size": "8k"},
            "no price is in force for size=8k",
        ),
        (Example((rule("1", size="4k"),)), {"size": "8k"}, "no price is in force for size=8k"),
        (Example((rule("1", size="4k"),)), {}, "no price is in force for size=none"),
        (PER_SECOND, {}, "its 'duration' cannot be measured"),
        (PER_SECOND, {"duration": True}, "its 'duration' cannot be measured"),
        (PER_SECOND, {"duration": 0}, "its 'duration' cannot be measured"),
        (PER_SECOND, {"duration": -1}, "its 'duration' cannot be measured"),
        (PER_SECOND, {"duration": "0.000"}, "its 'duration' cannot be measured"),
        (PER_SECOND, {"duration": "-0.5"}, "its 'duration' cannot be measured"),
        (PER_BLOCK, {}, "its 'duration' cannot be measured"),
        (PER_MEGAPIXEL, {"width": 512}, "its 'size' cannot be measured"),
        (Example((replace(rule("1", Unit.SECOND), of="video"),)), {}, "its 'video' cannot be measured"),
        (Example((replace(rule("1", Unit.SECOND), of="audio"),)), {}, "its 'audio' cannot be measured"),
        (Example((replace(rule("1", Unit.MEGAPIXEL), of="image"),)), {}, "its 'image' cannot be measured"),
        (Example((rule("1", Unit.TOKEN),)), {}, "its 'tokens' cannot be measured"),
    ],
)
def test_an_unknown_price_is_no_price_of_zero(model: Example, inputs: dict[str, Scalar], reason: str) -> None:
    assert unpriced(model, **inputs) == Unpriced("aurora", "acme", reason, 3, BOOK.version, "image")


@pytest.mark.parametrize(
    ("unit", "counted", "units"), [(Unit.IMAGE, "image", 3), (Unit.MODEL, "model", 3), (Unit.SECOND, "call", 1)]
)
def test_a_cap_is_held_where_the_price_is_unknown(unit: Unit, counted: str, units: int) -> None:
    held = capped_quote(unpriced(Example((), unit)), 500_000, "USD")

    assert held == Quote("aurora", "acme", counted, Decimal(units), None, 500_000, 500_000, "USD", BOOK.version, 3)


def test_a_cap_is_held_in_a_known_currency() -> None:
    with pytest.raises(InvalidMoney) as refusal:
        capped_quote(unpriced(Example(())), 1, "usd")

    assert not isinstance(refusal.value, CurrencyMismatch)


@pytest.mark.parametrize(
    ("unit", "partly"),
    [
        (Unit.SECOND, replace(CLIP, duration_ms=None)),
        (Unit.SECOND, replace(CLIP, duration_ms=0)),
        (Unit.MEGAPIXEL, replace(CLIP, width=None)),
        (Unit.MEGAPIXEL, replace(CLIP, height=None)),
        (Unit.MEGAPIXEL, replace(CLIP, width=0)),
    ],
)
def test_one_file_that_cannot_be_measured_leaves_no_price(unit: Unit, partly: FileInfo) -> None:
    model = Example((replace(rule("1", unit), of="video"),))

    for files in ((partly,), (CLIP, partly), (partly, CLIP), ()):
        assert isinstance(quote(model, BOOK, {}, 1, NOW, {"video": files}), Unpriced)
    assert isinstance(quote(model, BOOK, {}, 1, NOW, {"video": (CLIP, CLIP)}), Quote)


# Shares


@given(RATES, st.integers(1, 50))
def test_what_is_delivered_costs_its_share_and_all_of_it_the_quote(rate: Decimal, outputs: int) -> None:
    found = quoted(Example((replace(rule(str(rate)), cost_rate=Decimal("0.0000013")),)), outputs)
    reckoned = [reckon(found, delivered) for delivered in range(outputs + 1)]
    shares = [(one.price, one.cost or 0) for one in reckoned]

    assert shares[0] == (0, 0)
    assert shares[-1] == (found.price, found.cost)
    assert all(one[0] <= more[0] and one[1] <= more[1] for one, more in pairwise(shares))
    steps = [more[0] - one[0] for one, more in pairwise(shares)]
    assert max(steps) - min(steps) <= 1
