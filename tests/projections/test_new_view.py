"""A new view is one new file: everything else that a view needs, is there for it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from sqlalchemy import inspect, text

from infrastructure.showing.rows import row_document, write_csv
from infrastructure.store.database import Database
from projections.engine.comparison import compare
from projections.engine.database import writing
from projections.engine.projector import Projector, ProjectorThread
from projections.engine.rebuild import Workers, rebuild
from projections.engine.tables import schema_of
from projections.engine.view import declared_in
from projections.queries import Views
from projections.views import ALL
from tests.domain.examples import CENT, LATER, NOON, RUNNING, SETTLED, of_operation
from tests.pages import ROOT, block, page
from tests.projections import deliveries
from tests.projections.deliveries import DELIVERIES, DeliveryFilter, DeliveryRow
from tests.projections.histories import Log, busy, rows_of
from tests.projections.injury import open_source

VIEWS = (*ALL, DELIVERIES)
FACTS = [*busy(40), *busy(7, prefix="other-")]
ACMES = [*SETTLED, *of_operation("op-2", *RUNNING)]
PATIENCE = 30.0


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database that has the new view's table beside the others, as a revision of the schema makes it."""
    with closing(Database(database_url)) as database:
        with writing(database) as connection:
            schema_of([DELIVERIES]).create_all(connection)
        yield database


@pytest.fixture
def projector(log: Log) -> Projector:
    """A projector of all views and the new one."""
    return Projector(log.database, log.source, VIEWS, batch=50)


@pytest.fixture
def views(log: Log, projector: Projector) -> Views:
    """All views and the new one."""
    return Views(log.database, log.reader, projector.advance, VIEWS)


def test_its_file_is_all_that_declares_it() -> None:
    assert declared_in(deliveries) == (DELIVERIES,)
    assert DELIVERIES not in ALL


def test_it_is_what_the_page_about_views_shows() -> None:
    file = ROOT / "tests" / "projections" / "deliveries.py"
    assert block(page("docs/views.md"), "python", "DELIVERIES = View(") == file.read_text(encoding="utf-8")


def test_its_table_and_index_follow_from_its_row_class(database: Database) -> None:
    with database.connect() as connection:
        seen = inspect(connection)
        columns = seen.get_columns("deliveries")
        indexes = [(one["name"], one["column_names"]) for one in seen.get_indexes("deliveries")]
        key = seen.get_pk_constraint("deliveries")["constrained_columns"]
    assert key == ["model", "payer"]
    assert indexes == [("deliveries_owing", ["payer"])]
    whole = {column["name"] for column in columns if str(column["type"]) == "BIGINT"}
    assert whole == {"sent", "delivered", "amount", "earned", "latest"}
    assert {column["name"] for column in columns if column["nullable"]} == {"latest", "paid_in", "job"}


def test_it_is_folded_rebuilt_by_workers_and_audited_as_the_others_are(
    projector: Projector, log: Log, views: Views, database: Database, database_url: str
) -> None:
    log.record(FACTS)
    projector.advance()
    live = rows_of(database, VIEWS)
    assert live[DELIVERIES.name]
    assert {status.lag for status in views.status()} == {0}
    assert compare(database, log.source, VIEWS).equal
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET earned = earned + 1, job = 'none'"))
    found = compare(database, log.source, VIEWS)
    assert {view.view for view in found.views if view.differing} == {"deliveries"}
    rebuild(database, log.source, [DELIVERIES], Workers(2, partial(open_source, database_url)))
    assert rows_of(database, VIEWS) == live
    assert len(_indexes(database)) == 1


def _indexes(database: Database) -> list[Any]:
    with database.connect() as connection:
        return list(inspect(connection).get_indexes("deliveries"))


def test_it_is_audited_by_account_as_it_says_whose_a_row_is(projector: Projector, log: Log, database: Database) -> None:
    log.record(FACTS)
    projector.advance()
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET earned = 0 WHERE payer = 'other-bloom'"))
    for account, equal in (("other-bloom", False), ("bloom", True)):
        found = {view.view: view for view in compare(database, log.source, VIEWS, account=account).views}
        assert (found["deliveries"].rows > 0, found["deliveries"].differing == 0) == (True, equal)


def test_it_is_kept_up_in_the_background(log: Log, views: Views, database: Database) -> None:
    with closing(ProjectorThread(Projector(database, log.source, VIEWS))) as thread:
        thread.appended(None, [])
        end = log.record(FACTS)
        assert Projector(database, log.source, VIEWS).wait_for(end, PATIENCE, ["deliveries"])
    assert sum(row.delivered for row in views.rows(DELIVERIES)) == 47


def test_it_is_asked_by_its_filter_and_paged_in_its_order(projector: Projector, log: Log, views: Views) -> None:
    log.record(FACTS)
    projector.advance()
    rows = views.rows(DELIVERIES)
    assert [row.sent for row in rows] == sorted((row.sent for row in rows), reverse=True)
    first = views.find(DELIVERIES, limit=1)
    assert [*first.rows, *views.find(DELIVERIES, after=first.next).rows] == rows
    found = views.rows(DELIVERIES, DeliveryFilter(payer="bloom"))
    assert {row.payer for row in found} == {"bloom"}
    assert views.one(DELIVERIES, found[0].model, "bloom") == found[0]
    assert views.one(DELIVERIES, "sketcher", "nobody") is None


@pytest.fixture
def shown(projector: Projector, log: Log, views: Views) -> DeliveryRow:
    """A model that delivered one operation of two."""
    log.record(ACMES)
    projector.advance()
    (row,) = views.rows(DELIVERIES)
    return row


def test_it_is_shown_as_json_by_what_its_columns_hold(shown: DeliveryRow) -> None:
    assert row_document(DELIVERIES, shown) == {
        "model": "painter",
        "payer": "acme",
        "sent": 2,
        "delivered": 1,
        "amount": "4",
        "earned": {"micros": 40 * CENT, "currency": "USD", "amount": "0.40"},
        "latest": "2026-04-10T12:00:00.000000Z",
        "paid_in": "USD",
        "job": "job-1",
        "each": {"micros": 40 * CENT, "currency": "USD", "amount": "0.40"},
        "marks": ["open"],
    }


def test_it_is_shown_as_csv_by_what_its_columns_hold(shown: DeliveryRow) -> None:
    stream = io.StringIO()
    write_csv(stream, DELIVERIES, [shown])
    (row,) = csv.DictReader(io.StringIO(stream.getvalue()))
    assert row == {
        "model": "painter",
        "payer": "acme",
        "sent": "2",
        "delivered": "1",
        "amount": "4",
        "earned": "0.40",
        "latest": "2026-04-10T12:00:00.000000Z",
        "paid_in": "USD",
        "job": "job-1",
        "each": "0.40",
        "marks": "open",
    }


def test_what_nobody_knows_of_a_row_is_null_and_no_text_runs_as_a_formula() -> None:
    row = DeliveryRow("=1+1", "acme", 1, 0, 0, 0, None, None, None)
    told = row_document(DELIVERIES, row)
    assert (told["earned"], told["each"], told["latest"]) == (None, None, None)
    stream = io.StringIO()
    write_csv(stream, DELIVERIES, [row])
    (shown,) = csv.DictReader(io.StringIO(stream.getvalue()))
    assert (shown["model"], shown["earned"], shown["each"]) == ("'=1+1", "", "")


@pytest.mark.parametrize("width", [200, 40])
def test_it_is_shown_as_a_table_by_what_its_columns_hold(width: int) -> None:
    from rich.console import Console

    from infrastructure.cli.columns import ViewColumns
    from infrastructure.cli.rendering import Page

    out = io.StringIO()
    rows = [
        DeliveryRow("painter", "acme", 1200, 1, 4_500_000, 40 * CENT, NOON, "USD", "job-1"),
        DeliveryRow("sketcher", "acme", 1, 0, 0, 0, LATER, None, None),
    ]
    table = ViewColumns(DELIVERIES, rows)
    names = ("model", "sent", "amount", "earned", "latest", "marks")
    columns = [table.column(name, drop=place) for place, name in enumerate(names)]
    Page(Console(file=out, width=width), width).table(*columns)
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines[0][0] == "MODEL"
    if width == 200:
        assert lines[0] == ["MODEL", "SENT", "AMOUNT", "EARNED", "USD", "LATEST", "MARKS"]
        assert lines[1] == ["painter", "1,200", "4.5", "0.40", "2026-04-10T12:00", "open"]
        assert lines[2] == ["sketcher", "1", "0", "2026-04-10T12:01", "open"]
