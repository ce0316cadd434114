"""A provider's month is read from sums, and is what a walk through every operation finds, on random histories."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given
from sqlalchemy import text

from application.keeping.invoicedmonths import ModelCost
from domain.periods import QUARTER, month_named
from projections.engine.database import ViewDatabase
from projections.engine.projector import Projector
from projections.engine.scratch import Scratch
from projections.monthcosts import QUERY, CostsOfMonths, bounds
from projections.views.operations import OPERATIONS, SENT
from projections.views.providercosts import PROVIDER_COSTS
from tests.domain.examples import CENT
from tests.projections.histories import CODEC, MODELS, STEPS, History, Log, Step, stored
from tests.projections.test_queries import MONTHS

ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns")
MONTHS_ASKED = [month_named(f"2026-{month:02}", zone) for month in range(3, 13) for zone in ZONES]
PROVIDERS = [provider for _, provider in MODELS]


def walked(database: ViewDatabase, provider: str, since: int, until: int) -> list[ModelCost]:
    """The same, operation by operation."""
    query = text(
        "SELECT model, state, cost, cost_unknown, estimated FROM operation_log"
        " WHERE provider = :provider AND requested_at >= :since AND requested_at < :until"
    )
    found: dict[str, list[int]] = {}
    for model, state, cost, unknown, estimated in database.rows(
        query.bindparams(provider=provider, since=since, until=until)
    ):
        billed = state == "charged" or cost != 0 or unknown > 0
        counts = (int(billed), int(unknown > 0), int(estimated > 0), int(state in SENT), cost)
        found[model] = [one + more for one, more in zip(found.get(model, [0] * 5), counts, strict=True)]
    return [ModelCost(model, *numbers) for model, numbers in sorted(found.items()) if numbers[0] + numbers[3]]


def check_months(database: ViewDatabase) -> int:
    """Hold every month of every provider against the walk; how many had anything."""
    costs, some = CostsOfMonths(database), 0
    for provider in PROVIDERS:
        for month in MONTHS_ASKED:
            found = costs.of_month(provider, month.start, month.end)
            assert found == walked(database, provider, month.start, month.end), (provider, month)
            some += bool(found)
    return some


@given(steps=STEPS)
def test_a_month_of_any_zone_is_what_its_operations_come_to(steps: list[Step]) -> None:
    with closing(Scratch([PROVIDER_COSTS, OPERATIONS], CODEC)) as scratch:
        scratch.fold(stored(History().live(steps).facts))
        check_months(scratch)


LONG: list[Step] = [
    *[("ask", 1, 2), ("ask", 0, 3), ("wish", 3, 1), ("send", 2, 1), ("ask", 1, 1), ("ask", 2, 4)],
    *[("leap", 1, 3), ("deliver", 0, 1), ("fail", 1, 5), ("late", 3, 2), ("leap", 1, 5), ("refund", 0, 2)],
    *[("refund", 1, 3), ("refund", 3, 1), ("ask", 3, 2), ("give_up", 4, 0)],
]
"""Jobs that end in a later month than they were asked for in, a failure that cost, late deliveries and corrections."""


def test_what_ended_or_was_corrected_later_is_of_the_month_of_its_request(log: Log, projector: Projector) -> None:
    facts = History().live(LONG).facts
    log.record(facts)
    projector.advance()
    assert check_months(log.database) >= len(ZONES)
    with log.database.connect() as connection:
        rows = connection.execute(
            text("SELECT DISTINCT begins FROM provider_costs WHERE span = :of"), {"of": QUARTER}
        ).all()
    assert len(rows) < len([one for one in facts if hasattr(one, "asked")]), "several facts are of one quarter"
    assert any(getattr(one, "asked", None) for one in facts), "some ended in another quarter"


def test_a_month_is_found_by_indexes_alone(log: Log, projector: Projector) -> None:
    log.record(MONTHS)
    projector.advance()
    database = log.database
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    values = {"provider": "atelier", **bounds(0, 2**60)}
    with database.connect() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")  # a few rows are read faster without an index
        plan = str(connection.execute(text(explain + QUERY), values).all())
    assert "operation_log_apart" in plan or "ix_operation_log_apart" in plan, plan
    assert "SCAN operation_log" not in plan
    assert "SCAN provider_costs" not in plan
    assert "Seq Scan" not in plan
    assert [one.cost for one in CostsOfMonths(database).of_month("studio", 0, 2**60)] == [30 * CENT]
