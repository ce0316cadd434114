"""Logs are filled and views compared honestly, and a figure says what was measured."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import text

from application.keeping.chains import verify_chains, verify_index
from benchmarks.bars import Bar, of_lifecycles, of_rebuilds
from benchmarks.fill import Size, copy, fill
from benchmarks.growth import Grown, Pair, count_work
from benchmarks.lifecycles import Measured
from benchmarks.rebuilding import Rebuilt, rebuild_all
from benchmarks.report import Report
from benchmarks.sql_views import build, differences, unfold
from benchmarks.teams import Load
from benchmarks.timing import Timed, merged, percentile
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.reader import SqlReader

EVENTS = 1_500
SPREAD = Size(EVENTS, accounts=20, months=3)
ONE_ACCOUNT = Size(500, open=40)
CROWD = Load(64, hot=False)
ENDS = {"operation.charged", "operation.released", "operation.rejected"}


@pytest.fixture
def filled(database_url: str, sqlite_url: str) -> Iterator[Database]:
    """Facts of every common kind; PostgreSQL's are copied from a SQLite file."""
    fill(sqlite_url, SPREAD)
    if database_url != sqlite_url:
        copy(sqlite_url, database_url)
    with closing(Database(database_url)) as database:
        yield database


def test_a_filled_log_is_one_that_the_audit_believes(filled: Database) -> None:
    reader = SqlReader(filled)
    assert [*verify_chains(reader), *verify_index(reader, FactMapper())] == []
    assert reader.end() >= EVENTS
    assert set(_topics(filled)) >= ENDS | {"operation.adjusted"}


def test_as_many_operations_as_asked_are_left_open(sqlite_url: str) -> None:
    fill(sqlite_url, ONE_ACCOUNT)
    with closing(Database(sqlite_url)) as database:
        topics = _topics(database)
    assert topics["operation.requested"] - sum(topics.get(end, 0) for end in ENDS) == ONE_ACCOUNT.open


def test_one_statement_a_view_builds_exactly_the_rows_that_a_rebuild_builds(filled: Database) -> None:
    rebuild_all(filled.url.render_as_string(hide_password=False), workers=1)
    unfold(filled)
    build(filled)
    assert differences(filled) == 0
    with filled.transaction() as connection:
        changed = connection.execute(text("UPDATE usage_summary SET price = price + 1")).rowcount
    assert differences(filled) == 2 * changed > 0


def test_an_operation_takes_as_many_statements_on_a_longer_history(database_url: str) -> None:
    first, later = (asyncio.run(count_work(database_url)) for _ in range(2))
    assert first == later
    assert first[0] >= 2


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (50, 99, 100)
    assert (percentile([7.0], 99), percentile([], 99)) == (7, 0)


def test_processes_that_work_at_the_same_time_add_up() -> None:
    both = merged([Timed(2.0, (0.1, 0.2), 0.5), Timed(1.0, (0.3,), 0.25)])
    assert (both.seconds, both.latencies, both.cpu, both.rate) == (2.0, (0.1, 0.2, 0.3), 0.75, 1.5)


def test_ours_is_held_against_the_others_round_by_round() -> None:
    found = [_measured("ours", 10, 40, 90), _measured("usual", 1, 5, 10), _measured("limit", 20, 100, 100)]
    assert [(one.value, one.met) for one in of_lifecycles(found)] == [(9, True), (0.5, True)]


def test_a_bar_on_time_or_memory_is_an_upper_one() -> None:
    ours = Rebuilt("SQLite", "ours", 1_000_000, [3.0, 3.0], 100.0)
    sql, smaller = (
        Rebuilt("SQLite", "sql", 1_000_000, [1.0, 2.0], 50.0),
        Rebuilt("SQLite", "ours", 100_000, [1.0], 80.0),
    )
    assert [(one.value, one.met) for one in of_rebuilds([ours, sql, smaller])] == [(2.25, False), (1.25, True)]


def test_memory_is_not_compared_with_a_log_too_short_to_fill_the_caches() -> None:
    ours, sql = Rebuilt("SQLite", "ours", 100_000, [3.0], 100.0), Rebuilt("SQLite", "sql", 100_000, [2.0], 50.0)
    assert [one.value for one in of_rebuilds([ours, sql, Rebuilt("SQLite", "ours", 10_000, [1.0], 50.0)])] == [1.5]


def test_the_page_shows_what_the_document_holds() -> None:
    report = Report({"processor": "abacus"}, [_measured("ours", 10, 40, 90), _measured("usual", 1, 5, 10)])
    assert report.document()["bars"] == [
        {
            "part": "lifecycles",
            "name": "SQLite, 64 callers, distinct accounts: ours / usual",
            "ratio": 9,
            "bar": 8,
            "is": "at least",
            "aim": 12,
            "met": True,
        }
    ]
    page = report.page()
    assert "| processor | abacus |" in page
    assert "| SQLite | 64 callers, distinct accounts | ours | 40 |" in page


def test_growth_is_the_median_of_rounds_and_the_computing_is_told_beside_it() -> None:
    grown = Grown("SQLite", Pair("longer", Size(1), Size(2)), CROWD)
    grown.less += [Timed(1.0, (0.1,) * 10, 0.1), Timed(1.0, (0.1,) * 10, 0.1), Timed(1.0, (0.1,) * 10, 0.1)]
    grown.more += [Timed(1.0, (0.1,) * 10, 0.1), Timed(2.0, (0.1,) * 10, 0.3), Timed(9.0, (0.1,) * 10, 0.2)]
    assert [grown.ratio, grown.cpu_ratio] == pytest.approx([2, 2])


def test_a_missed_bar_is_said_to_be_missed() -> None:
    assert not Bar("lifecycles", "too slow", 7.9, 8).met
    assert not Bar("rebuilds", "too long", 2.1, 2, at_most=True).met


def _topics(database: Database) -> dict[str, int]:
    with database.connect() as connection:
        rows = connection.execute(text("SELECT topic, count(*) FROM log GROUP BY topic"))
        return {row[0]: row[1] for row in rows}


def _measured(contender: str, *rates: int) -> Measured:
    return Measured("SQLite", CROWD, contender, [Timed(1.0, (0.01,) * rate, 0.5) for rate in rates])
