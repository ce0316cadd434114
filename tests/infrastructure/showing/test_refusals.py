"""A refusal carries every figure that the decision rested on: on the error, and as JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.asking.refusals import refused
from domain.meaning import Kind
from domain.operation import Rejected
from infrastructure.showing.refusals import refusal_document
from tests.domain.wall_clocks import utc
from tests.infrastructure.store.examples import NOW, OPERATION

CENT = 10_000
FIGURES = ("limit", "asked", "used", "held", "left")


def rejected(reason: str, measure: str, *figures: int | None) -> Rejected:
    return Rejected(OPERATION, NOW, reason, "account", measure, *figures, "USD")  # type: ignore[arg-type, call-arg]


def test_a_limit_has_its_figures_its_window_and_when_it_begins_anew() -> None:
    error = refused(rejected("limit", "images", 10, 4, 6, 3, 1))
    assert (error.kind, error.operation) == (Kind.REFUSED, OPERATION.id)
    assert error.message == "the account's images limit of 10 a period leaves 1, 4 asked"
    assert error.refusal.resets_at == OPERATION.period.end
    told = refusal_document(error.refusal)
    assert (told["rule"], told["scope"], told["measure"], told["window"]) == ("limit", "account", "images", "period")
    assert [told[name] for name in FIGURES] == [10, 4, 6, 3, 1]
    assert told["resets_at"] == "2026-11-30T23:00:00Z"


WINDOWS = [
    ("hour", "2026-11-23T14:00", "UTC", "an hour leaves 1 until 2026-11-23 14:00 in UTC, 4 asked"),
    ("day", "2026-11-23T23:00", "Europe/Berlin", "a day leaves 1 until 2026-11-24 in Europe/Berlin, 4 asked"),
    ("period", "2026-12-01T00:00", "UTC", "a period leaves 1 until 2026-12-01, 4 asked"),
]


@pytest.mark.parametrize(("window", "resets_at", "zone", "told"), WINDOWS)
def test_a_refusal_tells_by_the_clock_of_the_account_when_the_limit_begins_anew(
    window: str, resets_at: str, zone: str, told: str
) -> None:
    fact = replace(rejected("limit", "images", 10, 4, 6, 3, 1), window=window, resets_at=utc(resets_at), zone=zone)
    error = refused(fact)
    assert error.message == f"the account's images limit of 10 {told}"
    assert str(error.hint).startswith("wait until it begins anew")
    assert refusal_document(error.refusal)["window"] == window


def test_a_limit_for_life_never_begins_anew() -> None:
    error = refused(replace(rejected("limit", "spend", 100, 5, 90, 7, 3), window="life", zone="UTC"))
    assert error.message.endswith("for life leaves 0.000003 USD, 0.000005 USD asked")
    assert str(error.hint).startswith("it never begins anew")
    assert refusal_document(error.refusal)["resets_at"] is None


def test_amounts_of_money_are_money_in_words_and_in_json() -> None:
    error = refused(rejected("limit", "spend", 100 * CENT, 5 * CENT, 90 * CENT, 7 * CENT, 3 * CENT))
    assert error.message == "the account's spend limit of 1.00 USD a period leaves 0.03 USD, 0.05 USD asked"
    told = refusal_document(error.refusal)
    assert [told[name]["amount"] for name in FIGURES] == ["1.00", "0.05", "0.90", "0.07", "0.03"]
    assert {told[name]["currency"] for name in FIGURES} == {"USD"}


def test_a_figure_that_nobody_knows_is_null_and_never_zero() -> None:
    told = refusal_document(refused(rejected("balance", "balance", 3 * CENT, 5 * CENT, None, None, 3 * CENT)).refusal)
    assert (told["used"], told["held"], told["window"], told["resets_at"]) == (None, None, None, None)


@pytest.mark.parametrize("rule", ["suspended", "closed", "unpriced", "currency"])
def test_a_rule_without_a_limit_has_no_figures(rule: str) -> None:
    assert refusal_document(refused(rejected(rule, "", None, 0, None, None, None)).refusal) == {"rule": rule}
