"""Plans say what a period allows: None is unlimited, 0 is none, and nothing is negative."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import Family
from domain.errors import InvalidInput, InvalidRequest, UnknownPlan
from domain.money import LARGEST_AMOUNT
from domain.plans import MEASURES, PLANS, Limits, Plan, plan

TWO_DOLLARS = 2_000_000
NONE_AT_ALL = Limits(0, 0, 0, 0, 0, 0, 0)


def test_the_default_plans_are_the_four_that_were_promised() -> None:
    assert PLANS == {
        "free": Plan("free", 0, Limits(10, 5, 2, 1, 5, TWO_DOLLARS, 50)),
        "basic": Plan("basic", 29_000_000, Limits(25, 25, 10, 10, 25, 25_000_000, 500)),
        "pro": Plan("pro", 79_000_000, Limits(100, 100, 30, 30, 100, 100_000_000, 2_000)),
        "enterprise": Plan("enterprise", 199_000_000, Limits(None, None, None, None, None, 500_000_000, None)),
    }


def test_a_plan_is_found_by_its_id() -> None:
    assert plan("pro") is PLANS["pro"]


def test_an_unknown_plan_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(UnknownPlan) as refusal:
        plan("platinum")

    assert isinstance(refusal.value, InvalidRequest)
    assert "'platinum'" in refusal.value.message
    assert refusal.value.hint == "choose one of: free, basic, pro, enterprise"


def test_every_family_is_a_measure_and_money_is_the_last() -> None:
    assert set(MEASURES) - {"spend"} == set(Family)
    assert MEASURES[-1] == "spend"


def test_each_measure_has_its_own_limit() -> None:
    limits = Limits(1, 2, 3, 4, 5, spend=7, other=6)

    assert [limits.of(measure) for measure in MEASURES] == [1, 2, 3, 4, 5, 6, 7]
    assert len(fields(Limits)) == len(MEASURES)


def test_what_is_not_a_measure_is_not_limited() -> None:
    assert NONE_AT_ALL.of("captions") is None


def test_none_is_unlimited_and_zero_is_none() -> None:
    assert [Limits().of(measure) for measure in MEASURES] == [None] * 7
    assert [NONE_AT_ALL.of(measure) for measure in MEASURES] == [0] * 7


@pytest.mark.parametrize("measure", MEASURES)
@given(limit=st.integers(max_value=-1))
def test_a_negative_limit_is_refused_under_its_name(measure: str, limit: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Limits(**{"models_3d" if measure == "3d" else measure: limit})

    assert refusal.value.field == measure
    assert "is negative" in refusal.value.message


@pytest.mark.parametrize("limit", [True, "10", 2**63])
def test_a_limit_is_a_whole_number_that_a_column_holds(limit: int) -> None:
    with pytest.raises(InvalidInput, match="images"):
        Limits(images=limit)


def test_the_largest_limit_is_the_largest_amount() -> None:
    assert Limits(spend=LARGEST_AMOUNT).of("spend") == LARGEST_AMOUNT


@pytest.mark.parametrize("price", [-1, None])
def test_a_plan_has_a_price_that_is_not_negative(price: int) -> None:
    with pytest.raises(InvalidInput, match="price"):
        Plan("odd", price, NONE_AT_ALL)
