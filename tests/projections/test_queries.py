"""What views answer: filtered, ordered, of one moment, and honest about how far behind they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import msgspec
import pytest

from domain.ledger import Fact
from domain.operation import Operation
from projections.engine.projector import Projector
from projections.queries import Logged, PeriodTotal, Views
from tests.domain.examples import (
    APRIL,
    APRIL_BOOK,
    CENT,
    CREDIT,
    DOLLAR,
    DROPPED,
    HELD,
    IN_MAY,
    MAY,
    NOON,
    OPENED,
    OPERATION,
    SETTLED,
    of_operation,
)
from tests.projections.histories import Log

BOBS = replace(OPERATION, id="op-2", batch="op-2", user="bob", project=None, kind="edit")
IN_THE_NEXT = replace(OPERATION, id="op-3", batch="op-3", period=MAY, model="sketcher", provider="studio")
OF_BLOOM = replace(OPERATION, id="op-4", batch="op-4", account="bloom")
OPEN = of_operation("op-5", *HELD)


def about(operation: Operation, *facts: Any, at: int = 0) -> list[Fact]:
    return [replace(fact, operation=operation, at=fact.at + at) for fact in facts]


MONTHS = [
    OPENED,
    APRIL_BOOK,
    CREDIT,
    *SETTLED,
    *about(BOBS, *DROPPED, at=1),
    *about(OF_BLOOM, *SETTLED, at=2),
    *OPEN,
    *about(IN_THE_NEXT, *SETTLED, at=IN_MAY - NOON),
]


@pytest.fixture
def asked(log: Log, projector: Projector, views: Views) -> Views:
    """Views of two months."""
    log.record(MONTHS)
    projector.advance()
    return views


def ids(found: list[Logged]) -> list[str]:
    return [row.id for row in found]


def test_usage_is_asked_by_account_user_kind_and_instant(asked: Views) -> None:
    assert {row.account for row in asked.usage()} == {"acme", "bloom"}
    assert {row.account for row in asked.usage("acme")} == {"acme"}
    (of_bob,) = asked.usage("acme", user="bob")
    assert (of_bob.kind, of_bob.failed, of_bob.released, of_bob.price) == ("edit", 1, 1, 0)
    assert asked.usage("acme", kind="edit") == [of_bob]
    assert {row.period_start for row in asked.usage("acme", at=IN_MAY)} == {MAY.start}


def test_an_instant_belongs_to_the_period_that_begins_at_it(asked: Views) -> None:
    assert {row.period_start for row in asked.usage(at=MAY.start)} == {MAY.start}
    assert {row.period_start for row in asked.usage(at=MAY.start - 1)} == {APRIL.start}


def test_a_period_shows_its_money_and_what_is_held_now(asked: Views) -> None:
    april = asked.periods("acme", at=NOON)[0]
    money = (april.price, april.cost, april.credits, april.held)
    assert money == (40 * CENT, 30 * CENT, DOLLAR, 40 * CENT)
    assert (april.operations, april.charged, april.released, april.plan, april.currency) == (3, 1, 1, "pro", "USD")
    assert [row.period_start for row in asked.periods("acme")] == [APRIL.start, MAY.start]
    assert [row.held for row in asked.periods("acme", at=IN_MAY)] == [0]


def test_costs_are_asked_by_model_provider_and_instant(asked: Views) -> None:
    (sketcher,) = asked.costs(model="sketcher")
    assert (sketcher.provider, sketcher.units, sketcher.unit, sketcher.cost) == (
        "studio",
        4_000_000,
        "image",
        30 * CENT,
    )
    assert asked.costs(provider="studio") == asked.costs(at=IN_MAY) == [sketcher]
    (painter,) = asked.costs(model="painter")
    assert (painter.charged, painter.released) == (2, 1)


def test_the_newest_operations_come_first(asked: Views) -> None:
    assert ids(asked.operations())[:3] == ["op-3", "op-4", "op-2"]
    assert ids(asked.operations(limit=1)) == ["op-3"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"account": "bloom"}, {"op-4"}),
        ({"user": "bob"}, {"op-2"}),
        ({"batch": "op-1"}, {"op-1"}),
        ({"project": "site", "account": "acme", "at": NOON}, {"op-1", "op-5"}),
        ({"kind": "edit"}, {"op-2"}),
        ({"model": "sketcher"}, {"op-3"}),
        ({"provider": "studio"}, {"op-3"}),
        ({"state": "validated"}, {"op-5"}),
        ({"state": "charged", "account": "acme"}, {"op-1", "op-3"}),
        ({"account": "nobody"}, set()),
    ],
)
def test_operations_are_asked_by_whatever_is_known_of_them(
    asked: Views, wanted: dict[str, Any], found: set[str]
) -> None:
    assert set(ids(asked.operations(**wanted))) == found


def test_one_operation_is_asked_by_its_id(asked: Views) -> None:
    found = asked.operation("op-2")
    assert found is not None
    assert (found.state, found.reason, found.held) == ("released", "blocked", 0)
    assert asked.operation("op-9") is None


@pytest.mark.parametrize("ask", [Views.usage, Views.periods, Views.costs, Views.operations])
def test_every_row_is_plain_json(asked: Views, ask: Callable[[Views], list[Any]]) -> None:
    rows = [asdict(row) for row in ask(asked)]
    assert rows
    assert msgspec.json.decode(msgspec.json.encode(rows)) == rows
    assert {type(value) for row in rows for value in row.values()} <= {int, str, type(None)}


def test_answers_can_be_limited(asked: Views) -> None:
    assert [len(rows) for rows in (asked.usage(limit=1), asked.periods(limit=1), asked.costs(limit=1))] == [1, 1, 1]


def test_lag_is_shown_view_by_view(log: Log, projector: Projector, views: Views) -> None:
    end = log.record(MONTHS)
    assert {(status.position, status.lag) for status in views.status()} == {(0, end)}
    projector.advance()
    assert {(status.position, status.lag) for status in views.status()} == {(end, 0)}


def test_a_period_is_known_before_anything_is_charged_in_it(log: Log, projector: Projector, views: Views) -> None:
    log.record([OPENED, APRIL_BOOK])
    projector.advance()
    empty = dict.fromkeys(PeriodTotal.__dataclass_fields__, 0)
    known = {"account": "acme", "period_start": APRIL.start, "period_end": APRIL.end, "currency": "USD", "plan": "pro"}
    assert [asdict(row) for row in views.periods()] == [{**empty, **known}]
