"""Spend by day and model: charges on the day of their request, corrections on theirs; in all it is the log's money."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from domain.errors import InvalidInput
from domain.operation import Adjusted
from projections.engine.projector import Projector
from projections.queries import Views
from projections.views.spend import SPEND, SpendFilter
from tests.domain.examples import CENT, CHARGED, DROPPED, LATER, MAY, OPERATION, SETTLED
from tests.projections.histories import STEPS, History, Log, Step, folded, trial_balance

REFUND = Adjusted(OPERATION, LATER, MAY, "2026-05-02", -10 * CENT, -CENT, "USD", "sorry", "ticket-1")
ANOTHER_DAY = replace(OPERATION, id="op-2", batch="op-2", day="2026-04-30")


def test_a_charge_counts_on_the_day_of_its_request_and_a_correction_on_its_own() -> None:
    found = folded([SPEND], [*SETTLED, REFUND])[SPEND.name]
    days = {key[1]: (row["charged"], row["price"], row["adjusted"], row["cost"]) for key, row in found.items()}
    assert days == {
        OPERATION.day: (1, CHARGED.price, 0, CHARGED.cost),
        "2026-05-02": (0, -10 * CENT, -10 * CENT, -CENT),
    }


def test_a_release_brings_no_price_and_the_cost_that_there_is() -> None:
    [row] = folded([SPEND], DROPPED)[SPEND.name].values()
    assert (row["released"], row["charged"], row["price"]) == (1, 0, 0)


@given(STEPS)
def test_all_days_together_are_what_was_charged_and_corrected(steps: list[Step]) -> None:
    facts = History().live(steps).facts
    assert sum(row["price"] for row in folded([SPEND], facts)[SPEND.name].values()) == trial_balance(facts)


def test_days_are_asked_for_by_their_first_and_last(log: Log, projector: Projector, views: Views) -> None:
    log.record([*SETTLED, *(replace(fact, operation=ANOTHER_DAY) for fact in SETTLED)])
    projector.advance()

    def days(**wanted: str) -> list[str]:
        return [row.day for row in views.find(SPEND, SpendFilter(**wanted)).rows]

    assert days() == sorted([OPERATION.day, "2026-04-30"])
    assert days(since="2026-04-30") == days(until="2026-04-30", since="2026-04-30") == ["2026-04-30"]
    assert days(until="2026-04-29", account="acme") == [OPERATION.day]
    assert days(account="bloom") == []


@pytest.mark.parametrize("day", ["2026-4-1", "yesterday", "", "2026-04-10T00:00"])
def test_a_day_is_written_in_one_way(views: Views, day: str) -> None:
    with pytest.raises(InvalidInput, match=r"since: .* is not a day"):
        views.find(SPEND, SpendFilter(since=day))
