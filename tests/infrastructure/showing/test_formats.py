"""How values are written: exact, in ISO 8601, and the same for every command."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.errors import InvalidInput
from domain.money import Money
from domain.periods import EARLIEST, LATEST, Period
from infrastructure.showing.formats import cell, clock, document, instant_of, iso, limit_of, money, size, span, units_of

DAY = 86_400_000_000
NOVEMBER = 1_793_491_200_000_000
"""2026-11-01T00:00:00Z."""


def test_instants_are_written_in_the_zones_time_with_its_offset() -> None:
    assert iso(NOVEMBER) == "2026-11-01T00:00:00Z"
    assert iso(NOVEMBER, "Europe/Berlin") == "2026-11-01T01:00:00+01:00"
    assert iso(NOVEMBER + 1, precision="microseconds") == "2026-11-01T00:00:00.000001Z"
    assert clock(NOVEMBER, "Asia/Kolkata") == "2026-11-01T05:30"


@given(some.integers(EARLIEST, LATEST - 1), some.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]))
def test_an_instant_that_was_written_is_read_back_exactly(instant: int, zone: str) -> None:
    assert instant_of(iso(instant, zone, "microseconds"), "Asia/Tokyo") == instant


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_csv_file_is_a_formula(start: str) -> None:
    assert cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"
    assert cell("acme=1") == "acme=1"


def test_a_day_is_meant_in_the_accounts_zone() -> None:
    assert instant_of("2026-11-01", "Europe/Berlin") == NOVEMBER - 3_600_000_000
    with pytest.raises(InvalidInput):
        instant_of("0001-01-01")


def test_a_period_is_days_where_it_begins_and_ends_at_midnight() -> None:
    assert span(NOVEMBER, NOVEMBER + 30 * DAY) == "2026-11-01/2026-12-01"
    assert span(NOVEMBER, NOVEMBER + DAY, "Asia/Tokyo") == "2026-11-01T09:00:00+09:00/2026-11-02T09:00:00+09:00"


@given(some.integers(-(10**15), 10**15))
def test_millionths_are_written_exactly(millionths: int) -> None:
    text = units_of(millionths)
    assert Decimal(text) * 1_000_000 == millionths
    assert not text.endswith(("0", ".")) or "." not in text


@given(some.integers(-(10**15), 10**15))
def test_money_in_json_says_the_same_amount_twice(micros: int) -> None:
    written = money(micros, "USD")
    assert written["micros"] == micros
    assert Decimal(written["amount"]) * 1_000_000 == micros


def test_money_without_a_currency_is_still_an_amount() -> None:
    assert money(0, None) == {"micros": 0, "currency": None, "amount": "0"}


def test_values_become_json_by_their_type() -> None:
    assert document(
        {"a": (Money(1, "USD"), Decimal("0.50"), Period(NOVEMBER, NOVEMBER + DAY), frozenset({"b", "a"}))}
    ) == {
        "a": [
            {"micros": 1, "currency": "USD", "amount": "0.000001"},
            "0.50",
            {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"},
            ["a", "b"],
        ]
    }


def test_limits_are_money_or_counts_or_unlimited() -> None:
    assert limit_of("images", 1000, "USD") == "1,000"
    assert limit_of("spend", 1_500_000, "USD") == "1.50 USD"
    assert limit_of("spend", None, "USD") == "unlimited"


def test_sizes_are_short() -> None:
    assert [size(count) for count in (999, 1_500, 2_500_000)] == ["999 B", "2 kB", "2.5 MB"]
