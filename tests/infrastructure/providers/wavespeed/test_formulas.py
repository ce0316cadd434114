"""Formulas as WaveSpeed writes them: exact, bounded, and never guessed at."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.providers.wavespeed.formulas import NotUnderstood, read_formula

TALKING = (
    '{"total_price": $max([5, $min([$ceil(get_duration_v3(audio)), 600])]) / 5 * base_price '
    '* (resolution = "720p" ? 2 : 1)}'
)
EDITING = (
    '{"total_price": 75000 * (resolution = "4k" ? 10 : (resolution = "1080p" ? 5 : (resolution = "720p" ? 2 : 1))) * '
    "($max([2, $ceil($min([$number($ceil(get_duration_v3(video))), 15]))]) + (duration ? $number(duration) : "
    "$max([4, $min([15, $ceil($number($ceil(get_duration_v3(video))))])])))}"
)
TWO = (
    '{"total_price": $max([5, $min([order = "meanwhile" ? $max([$ceil(get_duration_v3(left)), '
    "$ceil(get_duration_v3(right))]) : ($ceil(get_duration_v3(left)) + $ceil(get_duration_v3(right))), 600])]) / 5 "
    "* base_price}"
)


def price(formula: str, seconds: Mapping[str, str], values: Mapping[str, object]) -> Decimal:
    lengths = {name: Decimal(length) for name, length in seconds.items()}
    return read_formula(formula).price(Decimal("0.15"), values, lengths)


@pytest.mark.parametrize(
    ("text", "seconds", "values", "expected"),
    [
        (TALKING, {"audio": "7.2"}, {"resolution": "480p"}, "0.24"),
        (TALKING, {"audio": "7.2"}, {"resolution": "720p"}, "0.48"),
        (TALKING, {"audio": "60"}, {}, "1.8"),
        (TALKING, {"audio": "4000"}, {}, "18"),
        (TALKING, {}, {}, "0.15"),
        (EDITING, {"video": "7.2"}, {"resolution": "720p", "duration": 5}, "1.95"),
        (EDITING, {"video": "7.2"}, {"resolution": "480p"}, "1.2"),
        (EDITING, {"video": "1"}, {"duration": "5"}, "0.525"),
        (TWO, {"left": "7.2", "right": "3"}, {"order": "meanwhile"}, "0.24"),
        (TWO, {"left": "7.2", "right": "3"}, {"order": "then"}, "0.33"),
        ('{"total_price":base_price * 1}', {}, {}, "0.15"),
        ('{"total_price": base_price * duration / 5}', {}, {"duration": 8}, "0.24"),
        ('{"total_price": base_price * $ceil($length(text) / 1000)}', {}, {"text": "a" * 1001}, "0.3"),
        ("base_price * (size in ['1*1', '2*2'] ? 2 : 1)", {}, {"size": "2*2"}, "0.3"),
        ("base_price * (loud and not_given ? 2 : 1)", {}, {"loud": True}, "0.15"),
        ("($rate := base_price * 2; $rate * 3)", {}, {}, "0.9"),
        ("base_price * (1 + $count(images))", {}, {"images": ["a", "b"]}, "0.45"),
        ("base_price * $round(2.5)", {}, {}, "0.3"),
        ("base_price * (mode != 'fast' ? 2 : 1)", {}, {}, "0.15"),
        ("0.1 * 1000000 + 0.2 * 1000000", {}, {}, "0.3"),
    ],
)
def test_a_formula_comes_to_its_price(
    text: str, seconds: dict[str, str], values: dict[str, object], expected: str
) -> None:
    assert price(text, seconds, values) == Decimal(expected)


def test_the_inputs_that_a_price_hangs_on_are_known() -> None:
    assert read_formula(TALKING).names == ("audio", "resolution")
    assert read_formula(EDITING).names == ("resolution", "video", "duration")
    assert read_formula(TWO).names == ("order", "left", "right")
    assert read_formula('{"total_price": base_price * ("720p" = "duration" ? 2 : 1)}').names == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ask us",
        "base_price *",
        "base_price base_price",
        "(base_price",
        "[base_price",
        "{total_price: 1}",
        '{"total_price" 1}',
        "$eval('1')",
        "base_price ** 2",
        "`base_price`",
        "$max(",
        "(" * 1_000,
        "-" * 10_000,
        "1" * 40,
        "1+" * 5_000 + "1",
        "base_price * $frames(video)",
        "base_price / 0",
        "'a' * 2",
        "'a'",
        "-1",
        "duration",
        "1" * 30 + "*" + "1" * 30,
    ],
)
def test_what_is_not_understood_is_unknown_and_never_a_price(text: str) -> None:
    with pytest.raises(NotUnderstood):
        price(text, {}, {})


@given(st.text(alphabet="base_price$max([5,]){}:?=<>\"' \n*/+-.;&%1234567890andorin", max_size=120))
def test_any_text_is_a_formula_or_unknown(text: str) -> None:
    try:
        found = read_formula(text).price(Decimal("0.15"), {}, {})
    except NotUnderstood:
        return
    assert found >= 0


@given(st.decimals(0, 1000, places=6), st.decimals(0, 5000, places=3))
def test_prices_are_exact_whatever_the_decimal_context(base: Decimal, length: Decimal) -> None:
    whole = -(-int(length * 1000) // 1000)
    with localcontext(prec=3):
        found = read_formula("base_price * $ceil(get_duration(clip))").price(base, {}, {"clip": length})
    assert Fraction(found) == Fraction(base) * whole
