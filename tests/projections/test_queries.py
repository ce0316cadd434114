"""What views answer: filtered, ordered, of one moment, and honest about how far behind they are."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import asdict, replace
from typing import Any

import msgspec
import pytest

from domain.errors import InvalidInput
from domain.ledger import Fact
from domain.operation import Adjusted, Operation
from projections.engine.asking import cursor
from projections.engine.projector import Projector
from projections.engine.view import AnyView
from projections.queries import Views
from projections.views import ALL
from projections.views.costs import COSTS, CostFilter
from projections.views.operations import OPERATIONS, OperationFilter, OperationRow
from projections.views.periods import PERIODS, PeriodFilter, PeriodRow
from projections.views.usage import USAGE, UsageFilter
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
    WAITING,
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
    Adjusted(OF_BLOOM, NOON + 3, OF_BLOOM.period, "2026-04-10", 0, CENT, "USD", "the bill", "ticket-1"),
    *OPEN,
    WAITING,
    replace(WAITING, at=NOON + 1, quote="quote_2"),
    *about(IN_THE_NEXT, *SETTLED, at=IN_MAY - NOON),
]


@pytest.fixture
def asked(log: Log, projector: Projector, views: Views) -> Views:
    """Views of two months."""
    log.record(MONTHS)
    projector.advance()
    return views


def cursor_of(place: list[Any]) -> str:
    """Any place as a cursor writes it."""
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def ids(found: list[OperationRow]) -> list[str]:
    return [row.id for row in found]


def test_usage_is_asked_by_account_user_kind_and_instant(asked: Views) -> None:
    assert {row.account for row in asked.rows(USAGE)} == {"acme", "bloom"}
    assert {row.account for row in asked.rows(USAGE, UsageFilter(account="acme"))} == {"acme"}
    (of_bob,) = asked.rows(USAGE, UsageFilter(account="acme", user="bob"))
    assert (of_bob.kind, of_bob.failed, of_bob.released, of_bob.price) == ("edit", 1, 1, 0)
    assert asked.rows(USAGE, UsageFilter(account="acme", kind="edit")) == [of_bob]
    assert {row.period_start for row in asked.rows(USAGE, UsageFilter(account="acme", at=IN_MAY))} == {MAY.start}


def test_an_instant_belongs_to_the_period_that_begins_at_it(asked: Views) -> None:
    assert {row.period_start for row in asked.rows(USAGE, UsageFilter(at=MAY.start))} == {MAY.start}
    assert {row.period_start for row in asked.rows(USAGE, UsageFilter(at=MAY.start - 1))} == {APRIL.start}


def test_a_period_shows_its_money_and_what_is_held_now(asked: Views) -> None:
    april = asked.rows(PERIODS, PeriodFilter(account="acme", at=NOON))[0]
    money = (april.price, april.cost, april.credits, april.held)
    assert money == (40 * CENT, 30 * CENT, DOLLAR, 40 * CENT)
    assert (april.operations, april.charged, april.released, april.plan, april.currency) == (3, 1, 1, "pro", "USD")
    assert [row.period_start for row in asked.rows(PERIODS, PeriodFilter(account="acme"))] == [APRIL.start, MAY.start]
    assert [row.held for row in asked.rows(PERIODS, PeriodFilter(account="acme", at=IN_MAY))] == [0]


def test_costs_are_asked_by_model_provider_and_instant(asked: Views) -> None:
    (sketcher,) = asked.rows(COSTS, CostFilter(model="sketcher"))
    assert (sketcher.provider, sketcher.units, sketcher.unit, sketcher.cost) == (
        "studio",
        4_000_000,
        "image",
        30 * CENT,
    )
    assert asked.rows(COSTS, CostFilter(provider="studio")) == asked.rows(COSTS, CostFilter(at=IN_MAY)) == [sketcher]
    (painter,) = asked.rows(COSTS, CostFilter(model="painter"))
    assert (painter.charged, painter.released) == (2, 1)


def test_the_newest_operations_come_first(asked: Views) -> None:
    assert ids(asked.rows(OPERATIONS))[:3] == ["op-3", "op-4", "op-2"]
    assert ids(asked.find(OPERATIONS, limit=1).rows) == ["op-3"]


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
    assert set(ids(asked.rows(OPERATIONS, OperationFilter(**wanted)))) == found


def test_one_operation_is_asked_by_its_id(asked: Views) -> None:
    found = asked.one(OPERATIONS, "op-2")
    assert found is not None
    assert (found.state, found.reason, found.held) == ("released", "blocked", 0)
    assert asked.one(OPERATIONS, "op-9") is None


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_every_row_is_plain_json(asked: Views, view: AnyView) -> None:
    rows = [asdict(row) for row in asked.rows(view)]
    assert rows, f"no fact of `asked` makes a row of {view.name}: add one to it"
    assert msgspec.json.decode(msgspec.json.encode(rows)) == rows
    assert {type(value) for row in rows for value in row.values()} <= {int, str, type(None)}


def paged(views: Views, view: AnyView, limit: int) -> list[list[Any]]:
    """Pages of so many rows, each from the cursor of the one before."""
    pages, after = [], None
    while True:
        found = views.find(view, after=after, limit=limit)
        pages.append(found.rows)
        after = found.next
        if after is None:
            return pages


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_hold_every_row_once_in_the_views_order(asked: Views, view: AnyView, limit: int) -> None:
    pages, rows = paged(asked, view, limit), asked.rows(view)
    assert rows, f"no fact of `asked` makes a row of {view.name}: add one to it"
    assert [row for page in pages for row in page] == rows
    assert all(len(page) == limit for page in pages[:-1])
    assert 1 <= len(pages[-1]) <= limit


def test_a_page_goes_on_where_the_one_before_ended_whatever_came_in_meanwhile(
    log: Log, projector: Projector, asked: Views
) -> None:
    first = asked.find(OPERATIONS, limit=2)
    log.record(about(replace(OPERATION, id="op-6", batch="op-6"), *SETTLED, at=2 * (IN_MAY - NOON)))
    projector.advance()
    assert ids(asked.find(OPERATIONS, limit=1).rows) == ["op-6"]
    assert ids(first.rows) == ["op-3", "op-4"]
    assert ids(asked.find(OPERATIONS, after=first.next, limit=2).rows) == ["op-2", "op-5"]


def test_a_page_of_a_filter_is_full_if_enough_rows_pass_it(asked: Views) -> None:
    wanted = OperationFilter(account="acme")
    first = asked.find(OPERATIONS, wanted, limit=2)
    rest = asked.find(OPERATIONS, wanted, after=first.next, limit=2)
    assert (ids(first.rows), ids(rest.rows), rest.next) == (["op-3", "op-2"], ["op-5", "op-1"], None)


@pytest.mark.parametrize(("family", "found"), [("images", ["op-5", "op-4", "op-3", "op-1"]), ("videos", [])])
def test_a_family_is_that_of_any_of_its_kinds(asked: Views, family: str, found: list[str]) -> None:
    wanted = OperationFilter(family=family)
    first = asked.find(OPERATIONS, wanted, limit=3)
    rest = [] if first.next is None else asked.find(OPERATIONS, wanted, after=first.next).rows
    assert sorted(ids([*first.rows, *rest])) == sorted(found)


def test_after_the_last_row_there_are_none(asked: Views) -> None:
    *_, last = asked.rows(USAGE)
    found = asked.find(USAGE, UsageFilter(kind="edit"), after=cursor(USAGE, last))
    assert (found.rows, found.next) == ([], None)


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "%%%",
        "é",
        "e30",
        cursor_of(["model_costs", "painter", "atelier", "USD", 1, 2]),
        cursor_of(["usage_summary"]),
        cursor_of(["usage_summary", "acme", "ann", 1, 2, "edit"]),
        cursor_of(["usage_summary", "acme", "ann", 1, 2, "edit", "", "more"]),
        cursor_of(["usage_summary", "acme", "ann", "1", 2, "edit", ""]),
        cursor_of(["usage_summary", "acme", 7, 1, 2, "edit", ""]),
        cursor_of(["usage_summary", "acme", "ann", None, 2, "edit", ""]),
        cursor_of(["usage_summary", "acme", "ann", True, 2, "edit", ""]),
        cursor_of(["usage_summary", "acme", "ann", 2**63, 2, "edit", ""]),
        cursor_of(["usage_summary", "acme\0", "ann", 1, 2, "edit", ""]),
        cursor_of(["usage_summary", "\ud800", "ann", 1, 2, "edit", ""]),
    ],
)
def test_what_is_not_a_cursor_of_the_view_is_refused(asked: Views, after: str) -> None:
    with pytest.raises(InvalidInput, match="is not a cursor of usage_summary"):
        asked.find(USAGE, after=after)


def test_lag_is_shown_view_by_view(log: Log, projector: Projector, views: Views) -> None:
    end = log.record(MONTHS)
    assert {(status.position, status.lag) for status in views.status()} == {(0, end)}
    projector.advance()
    assert {(status.position, status.lag) for status in views.status()} == {(end, 0)}


def test_a_period_is_known_before_anything_is_charged_in_it(log: Log, projector: Projector, views: Views) -> None:
    log.record([OPENED, APRIL_BOOK])
    projector.advance()
    empty = dict.fromkeys(PeriodRow.__dataclass_fields__, 0)
    known = {"account": "acme", "period_start": APRIL.start, "period_end": APRIL.end, "currency": "USD", "plan": "pro"}
    known |= {"cost_currency": None}
    assert [asdict(row) for row in views.rows(PERIODS)] == [{**empty, **known}]
