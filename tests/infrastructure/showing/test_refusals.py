"""A refusal carries every figure that the decision rested on: on the error, and as JSON."""

from __future__ import annotations

import pytest

from application.asking.refusals import refused
from domain.meaning import Kind
from domain.operation import Rejected
from infrastructure.showing.refusals import refusal_document
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
