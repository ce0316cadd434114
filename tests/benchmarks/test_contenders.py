"""What the benchmarks compare does the work that it is said to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from benchmarks.limit import Limit
from benchmarks.ours import LedgerOnly, Ours
from benchmarks.stores import Place
from benchmarks.teams import Load, Team, team
from benchmarks.timing import Contender
from benchmarks.usual import Usual
from infrastructure.store.database import Database

CALLERS = ["hot", "hot", "hot", "cold"]
MOMENT = 0.05
"""Seconds; every caller does at least one operation, however slow the machine is."""

Open = Callable[[str, Path], Contender]
OURS: Open = Ours
CONTENDERS: dict[str, Open] = {
    "usual": lambda url, _: Usual(url),
    "limit": lambda url, _: Limit(url),
    "ledger": lambda url, _: LedgerOnly(url),
    "ours": OURS,
    "files": lambda url, folder: Ours(url, folder, files=True),
}
ROWS = {
    "log": "SELECT count(operation) FROM log",
    "operations": "SELECT count(*) FROM operations",
    "leases": "SELECT count(*) FROM leases",
    "contents": "SELECT count(*) FROM contents",
    "keys": "SELECT count(*) FROM keys",
}
BYTES = {
    "state": "SELECT coalesce(sum(length(state)), 0) FROM log WHERE operation IS NOT NULL",
    "body": "SELECT coalesce(sum(length(body)), 0) FROM contents",
}


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_operation_that_was_timed_is_recorded(name: str, database_url: str, tmp_path: Path) -> None:
    with closing(CONTENDERS[name](database_url, tmp_path)) as contender:
        contender.prepare(CALLERS)
        timed = contender.measure(CALLERS, MOMENT)
        assert contender.totals().recorded == len(timed.latencies) >= len(CALLERS)


@pytest.mark.parametrize("name", ["ours", "files", "ledger", "limit"])
def test_no_update_is_lost_under_the_account_lock(name: str, database_url: str, tmp_path: Path) -> None:
    with closing(CONTENDERS[name](database_url, tmp_path)) as contender:
        contender.prepare(CALLERS)
        contender.measure(CALLERS, MOMENT)
        totals = contender.totals()
        assert totals.counted == totals.recorded


def test_the_usual_way_counts_every_operation_of_callers_that_take_turns(database_url: str) -> None:
    with closing(Usual(database_url)) as usual:
        usual.prepare(["hot"])
        for _ in range(3):
            usual.operation("hot")
        assert (usual.totals().recorded, usual.totals().counted) == (3, 3)


def test_the_usual_way_loses_the_update_of_one_of_two_that_read_the_same_count(database_url: str) -> None:
    both_have_read = Barrier(2)

    def slow_provider(_prompt: str) -> str:
        both_have_read.wait(timeout=60)
        return "digest"

    with closing(Usual(database_url, slow_provider)) as usual, ThreadPoolExecutor(2) as pool:
        usual.prepare(["hot"])
        list(pool.map(usual.operation, ["hot", "hot"]))
        assert (usual.totals().recorded, usual.totals().counted) == (2, 1)


def test_the_limit_writes_as_many_rows_of_every_table_as_the_studio_and_as_many_bytes(
    database_url: str, tmp_path: Path
) -> None:
    ours = _written(OURS, database_url, tmp_path, "acme")
    limit = _written(CONTENDERS["limit"], database_url, tmp_path, "hot")
    for table in ROWS:
        assert limit[table] == ours[table], table
    for column in BYTES:
        assert limit[column] == pytest.approx(ours[column], rel=0.02), column


def test_a_team_of_two_processes_adds_up_what_both_did(postgres_url: str, tmp_path: Path) -> None:
    load = Load(2, hot=True, processes=2)
    with _working("limit", Place(postgres_url, tmp_path), load) as members:
        timed = members.measure(load, MOMENT)
        assert members.totals().recorded == len(timed.latencies) >= load.callers * load.processes
        assert timed.cpu > 0


@contextmanager
def _working(contender: str, place: Place, load: Load) -> Iterator[Team]:
    with team(contender, place) as members:
        members.prepare(load)
        yield members


def _written(open: Open, url: str, folder: Path, account: str) -> dict[str, float]:
    """Rows of each table and bytes of text, an operation."""
    with closing(open(url, folder)) as contender, closing(Database(url)) as database:
        contender.prepare([account])
        before = _counts(database)
        operations = len(contender.measure([account] * 4, MOMENT).latencies)
        after = _counts(database)
    return {name: (after[name] - before[name]) / operations for name in after}


def _counts(database: Database) -> dict[str, int]:
    with database.connect() as connection:
        queries = (ROWS | BYTES).items()
        return {name: int(connection.execute(text(query)).scalar_one()) for name, query in queries}
