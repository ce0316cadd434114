"""Money is exact: nothing is lost, invented, mixed or rounded twice."""

from __future__ import annotations

from decimal import ROUND_UP, Context, Decimal, Inexact, localcontext
from fractions import Fraction
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CurrencyMismatch, InvalidMoney
from domain.money import (
    DECIMALS,
    LARGEST_AMOUNT,
    MICROS,
    SMALLEST_AMOUNT,
    Money,
    check_currency,
    extend,
    parse_rate,
    share,
    split,
)

TEN_MILLION = 10_000_000
ONE_MICRO = Decimal("0.000001")
TWELVE_FIFTY = Money(12_500_000, "USD")

ANY_CURRENCY = st.sampled_from(sorted(DECIMALS))
ANY_MICROS = st.integers(SMALLEST_AMOUNT, LARGEST_AMOUNT)
SOME_MICROS = st.integers(-(10**15), 10**15)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any)
RATES = st.decimals(0, 10_000, places=9)
UNITS = st.decimals(0, 10_000, places=6)


# Currencies


def test_the_currencies_are_those_of_iso_4217_with_their_own_decimals() -> None:
    counts = {decimals: list(DECIMALS.values()).count(decimals) for decimals in set(DECIMALS.values())}

    assert counts == {0: 17, 2: 139, 3: 7, 4: 2}
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in DECIMALS)
    assert (DECIMALS["USD"], DECIMALS["JPY"], DECIMALS["KWD"], DECIMALS["CLF"]) == (2, 0, 3, 4)


@pytest.mark.parametrize("code", ["USD", "EUR", "JPY", "KWD", "XCG", "ZWG", "SLE"])
def test_a_current_currency_is_known(code: str) -> None:
    assert check_currency(code) == code


@pytest.mark.parametrize("code", ["usd", "US", "USDT", "", " USD", "XXX", "XAU", "HRK", "BGN", None, 840, ["USD"]])
def test_no_other_currency_is_known(code: str) -> None:
    with pytest.raises(InvalidMoney) as refusal:
        check_currency(code)

    assert refusal.value.code == "invalid_money"
    assert "ISO 4217" in refusal.value.hint


# Reading and writing


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("12.50", 12_500_000),
        ("0", 0),
        ("-0.000001", -1),
        ("0.1", 100_000),
        ("-3", -3_000_000),
        ("0007.5", 7_500_000),
        ("9223372036854.775807", LARGEST_AMOUNT),
        ("-9223372036854.775808", SMALLEST_AMOUNT),
    ],
)
def test_an_amount_is_read_exactly(text: str, micros: int) -> None:
    assert Money.parse(text, "USD") == Money(micros, "USD")


@pytest.mark.parametrize(
    "text",
    [
        "0.0000001", "1.0000000", "NaN", "sNaN", "inf", "-Infinity", "1e3", "1E-6", "1e999999999", "", "-",
        ".5", "5.", "+1", " 1", "1\n", "1,000", "1_000", "0x10", "--1", "1.2.3", "٣", "½", "12.50 USD",
        "9" * 14, pytest.param("9" * 10_000, id="huge"), "9223372036854.775808", "-9223372036854.775809",
    ],
)  # fmt: skip
def test_text_that_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidMoney):
        Money.parse(text, "USD")


@pytest.mark.parametrize("value", [12.5, 12, True, None, Decimal("12.50"), b"12.50", pytest.param(10**5000, id="huge")])
def test_an_amount_is_read_from_text_alone(value: str) -> None:
    with pytest.raises(InvalidMoney):
        Money.parse(value, "USD")


def test_an_amount_in_an_unknown_currency_is_refused() -> None:
    with pytest.raises(InvalidMoney, match="unknown currency 'BTC'"):
        Money.parse("1", "BTC")


@pytest.mark.parametrize("micros", [1.0, True, "1", None, Decimal(1), LARGEST_AMOUNT + 1, SMALLEST_AMOUNT - 1])
def test_money_is_whole_micro_units_that_a_database_can_hold(micros: int) -> None:
    with pytest.raises(InvalidMoney):
        Money(micros, "USD")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(12_500_000, "USD"), "12.50 USD"),
        (Money(0, "USD"), "0.00 USD"),
        (Money(1, "USD"), "0.000001 USD"),
        (Money(-2_500, "USD"), "-0.0025 USD"),
        (Money(1_234_567_000_000, "USD"), "1234567.00 USD"),
        (Money(500_000_000, "JPY"), "500 JPY"),
        (Money(500_000, "JPY"), "0.5 JPY"),
        (Money(-1_000_000, "JPY"), "-1 JPY"),
        (Money(1_500_000, "KWD"), "1.500 KWD"),
        (Money(1_500_100, "KWD"), "1.5001 KWD"),
        (Money(1_000_000, "CLF"), "1.0000 CLF"),
    ],
)
def test_money_is_written_with_its_currencys_decimals_and_more_where_it_needs_them(money: Money, text: str) -> None:
    assert str(money) == text


@given(ANY_MICROS, ANY_CURRENCY)
def test_money_that_is_written_reads_back_the_same(micros: int, currency: str) -> None:
    amount, code = str(Money(micros, currency)).split(" ")

    assert Money.parse(amount, code) == Money(micros, currency)


@given(ANY_MICROS, ANY_CURRENCY)
def test_the_decimal_of_money_is_exact_in_any_decimal_context(micros: int, currency: str) -> None:
    with localcontext(Context(prec=1, traps=[Inexact])):
        decimal = Money(micros, currency).decimal

    assert Fraction(decimal) == Fraction(micros, MICROS)


# Arithmetic


@given(SOME_MICROS, SOME_MICROS, ANY_CURRENCY)
def test_money_of_one_currency_adds_subtracts_and_orders_like_its_micro_units(a: int, b: int, currency: str) -> None:
    one, other = Money(a, currency), Money(b, currency)

    assert one + other == Money(a + b, currency)
    assert one - other == Money(a - b, currency)
    assert -one == Money(-a, currency)
    assert (one < other, one <= other, one > other, one >= other) == (a < b, a <= b, a > b, a >= b)
    assert (one == other, hash(one) == hash(Money(a, currency))) == (a == b, True)


def test_money_of_two_currencies_is_never_added_subtracted_or_ordered() -> None:
    dollars, euros = TWELVE_FIFTY, Money(1, "EUR")

    for mix in (
        lambda: dollars + euros,
        lambda: dollars - euros,
        lambda: dollars < euros,
        lambda: dollars <= euros,
        lambda: dollars > euros,
        lambda: dollars >= euros,
    ):
        with pytest.raises(CurrencyMismatch, match="USD and EUR"):
            mix()


def test_the_same_number_in_two_currencies_is_not_the_same_money() -> None:
    assert Money(1, "USD") != Money(1, "EUR")
    assert {Money(1, "USD"): "dollar", Money(1, "EUR"): "euro"}[Money(1, "EUR")] == "euro"


@pytest.mark.parametrize("other", [0, 1, 1.5, Decimal(1), "1", None])
def test_money_never_mixes_with_a_bare_number(other: Money) -> None:
    money = TWELVE_FIFTY

    for mix in (lambda: money + other, lambda: money - other, lambda: money < other):
        with pytest.raises(TypeError):
            mix()


def test_money_that_outgrows_the_database_is_refused() -> None:
    with pytest.raises(InvalidMoney, match="too large"):
        Money(LARGEST_AMOUNT, "USD") + Money(1, "USD")


def test_money_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        TWELVE_FIFTY.micros = 1  # type: ignore[misc]


# Rates


@pytest.mark.parametrize("text", ["0", "0.0025", "0.000000000000000001", "0.10", "9999999999999", "12"])
def test_a_rate_is_read_exactly(text: str) -> None:
    assert str(parse_rate(text)) in (text, "1E-18")
    assert Fraction(parse_rate(text)) == Fraction(text)


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "-0",
        "+1",
        "NaN",
        "Infinity",
        "1e-3",
        "",
        " 1",
        "1 ",
        ".5",
        "1.",
        "1,5",
        "1_0",
        "٣",
        "0." + "1" * 19,
    ],
)
def test_text_that_is_no_plain_rate_is_refused(text: str) -> None:
    with pytest.raises(InvalidMoney):
        parse_rate(text)


@pytest.mark.parametrize("value", [0.0025, 1, True, None, Decimal("0.0025")])
def test_a_rate_is_read_from_text_alone(value: str) -> None:
    with pytest.raises(InvalidMoney, match="not an exact rate"):
        parse_rate(value)


# Extending a rate


@pytest.mark.parametrize(
    ("rate", "units", "micros"),
    [
        ("0.04", "1", 40_000),
        ("0.0025", "1234", 3_085_000),
        ("0.000001", "0", 0),
        ("0.0000005", "1", 0),  # half a micro goes to the even neighbour, which is nothing
        ("0.0000015", "1", 2),
        ("0.0000025", "1", 2),
        ("0.00000250000000001", "1", 3),
        ("0.0000004", "10", 4),  # rounded once: each alone would be nothing
        ("9223372036854.775807", "1", LARGEST_AMOUNT),
    ],
)
def test_a_price_is_the_exact_product_rounded_once_half_even(rate: str, units: str, micros: int) -> None:
    assert extend(Decimal(rate), Decimal(units)) == micros


@given(RATES, UNITS)
def test_a_price_is_what_exact_fractions_say(rate: Decimal, units: Decimal) -> None:
    assert extend(rate, units) == round(Fraction(rate) * Fraction(units) * MICROS)


@given(RATES, UNITS)
def test_a_price_does_not_depend_on_the_decimal_context(rate: Decimal, units: Decimal) -> None:
    expected = extend(rate, units)

    with localcontext(Context(prec=1, rounding=ROUND_UP, traps=[Inexact])):
        assert extend(rate, units) == expected


@pytest.mark.parametrize(
    "number",
    [
        Decimal("-1"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E-999999"),
        Decimal("1E+999999"), 1.5, 1, True, "1", None,
    ],
)  # fmt: skip
def test_a_rate_or_a_quantity_that_is_no_plain_number_is_refused(number: Decimal) -> None:
    with pytest.raises(InvalidMoney):
        extend(number, Decimal(1))
    with pytest.raises(InvalidMoney):
        extend(Decimal(1), number)


def test_a_price_that_no_database_can_hold_is_refused() -> None:
    with pytest.raises(InvalidMoney, match="too large"):
        extend(Decimal("9223372036854.775808"), Decimal(1))


def test_ten_million_charges_of_one_micro_unit_are_ten_units_exactly() -> None:
    one_charge = extend(ONE_MICRO, Decimal(1))

    assert sum(repeat(one_charge, TEN_MILLION)) == 10 * MICROS
    assert extend(ONE_MICRO, Decimal(TEN_MILLION)) == 10 * MICROS
    assert str(Money(one_charge * TEN_MILLION, "USD")) == "10.00 USD"
    assert share(10 * MICROS, TEN_MILLION, 1) == one_charge


@pytest.mark.parametrize(
    ("currency", "rate", "units", "text"),
    [("JPY", "6", "250", "1500 JPY"), ("JPY", "0.25", "3", "0.75 JPY"), ("KWD", "0.0125", "3", "0.0375 KWD")],
)
def test_currencies_of_no_and_of_three_decimals_are_priced_as_exactly(
    currency: str, rate: str, units: str, text: str
) -> None:
    assert str(Money(extend(parse_rate(rate), Decimal(units)), currency)) == text


# Splitting


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (11, [1, 1, 1], [4, 4, 3]),
        (100, [50, 30, 20], [50, 30, 20]),
        (7, [1, 2, 4], [1, 2, 4]),
        (5, [1, 2, 4], [1, 1, 3]),  # remainders 5, 3, 6 sevenths: the last two units go to the largest
        (2, [1, 0, 1, 1], [1, 0, 1, 0]),
        (-11, [1, 1, 1], [-4, -4, -3]),
        (0, [3, 4], [0, 0]),
        (9, [5], [9]),
    ],
)
def test_a_total_is_split_by_the_largest_remainder_earlier_parts_first(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert split(total, weights) == parts


@given(SOME_MICROS, WEIGHTS)
def test_parts_add_up_and_are_each_within_one_micro_of_their_due(total: int, weights: list[int]) -> None:
    parts = split(total, weights)

    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(SOME_MICROS, WEIGHTS)
def test_splitting_a_refund_undoes_the_split_of_its_charge(total: int, weights: list[int]) -> None:
    assert [a + b for a, b in zip(split(total, weights), split(-total, weights), strict=True)] == [0] * len(weights)


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [2, -1], [1.0], [True], ["1"], [None]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(InvalidMoney):
        split(10, weights)


@pytest.mark.parametrize("total", [1.5, True, "10", Decimal(10)])
def test_only_a_whole_total_is_split_or_shared(total: int) -> None:
    with pytest.raises(InvalidMoney):
        split(total, [1])
    with pytest.raises(InvalidMoney):
        share(total, 1, 1)


@given(SOME_MICROS, st.integers(1, 200), st.data())
def test_a_share_is_the_sum_of_the_first_equal_parts(total: int, parts: int, data: st.DataObject) -> None:
    taken = data.draw(st.integers(0, parts))

    assert share(total, parts, taken) == sum(split(total, [1] * parts)[:taken])


@given(SOME_MICROS, st.integers(1, 10**18))
def test_all_parts_are_the_whole_and_no_parts_are_nothing(total: int, parts: int) -> None:
    assert share(total, parts, parts) == total
    assert share(total, parts, 0) == 0


@pytest.mark.parametrize(("parts", "taken"), [(0, 0), (-1, -1), (3, 4), (3, -1), (3, 1.0), (3.0, 1), (True, True)])
def test_a_share_of_parts_that_are_not_there_is_refused(parts: int, taken: int) -> None:
    with pytest.raises(InvalidMoney):
        share(10, parts, taken)
