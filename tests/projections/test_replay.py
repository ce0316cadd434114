"""The replay finds every row that is not what the log says, and blames none that is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from sqlalchemy import inspect, text

from domain.errors import ViewStopped
from domain.operation import Requested
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from projections.engine import comparison
from projections.engine.database import FactSource
from projections.engine.projector import Projector, ProjectorThread
from projections.engine.rebuild import rebuild
from projections.engine.replay import Replay
from projections.views import ALL
from projections.views.corrections import CORRECTIONS
from projections.views.costs import COSTS
from projections.views.operations import OPERATIONS
from projections.views.periods import PERIODS
from projections.views.providercosts import PROVIDER_COSTS
from projections.views.usage import USAGE
from tests.projections.histories import Log, busy

FACTS = busy(40)
OPERATION = next(fact.operation for fact in FACTS if isinstance(fact, Requested))


FORGED_PERIOD = (
    "INSERT INTO period_totals SELECT 'forged', period_start, period_end, operations, asked, rejected, charged, failed,"
    " released, outputs, price, adjusted, cost, cost_unknown, estimated, carried, credits, returned, subscriptions,"
    " covered, currency, cost_currency, plan"
    " FROM period_totals"
    " WHERE account = 'bloom'"
)

compare_once = partial(comparison.compare, read=30)
"""In several batches."""


def compare(*given: Any, **more: Any) -> Replay:
    """By rows that are held in memory, and by rows that are written as soon as there are a few: the same is found."""
    held, written = compare_once(*given, **more), compare_once(*given, **more, held=5)
    assert held == written
    return held


@pytest.fixture
def full(log: Log, projector: Projector) -> Log:
    """A log with its views up to date."""
    log.record(FACTS)
    projector.advance()
    return log


def spoil(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(text(statement))


def differing(comparison: Replay) -> dict[str, int]:
    return {view.view: view.differing for view in comparison.views if view.differing}


def test_views_that_are_what_the_log_says_are_equal(full: Log, database: Database) -> None:
    found = compare(database, full.source, ALL)
    assert (found.equal, found.facts) == (True, len(FACTS))
    assert [view.view for view in found.views] == [view.name for view in ALL]
    empty = [view.view for view in found.views if not view.rows]
    assert not empty, "no fact of `busy` (histories.py) makes a row: add a step that does"


def test_a_changed_row_is_shown_as_it_is_and_as_it_should_be(full: Log, database: Database) -> None:
    spoil(database, f"UPDATE operation_log SET price = price + 1 WHERE id = '{OPERATION.id}'")
    found = compare(database, full.source, ALL)
    assert differing(found) == {OPERATIONS.name: 1}
    (difference,) = found.views[-1].differences
    assert difference.key == {"id": OPERATION.id}
    assert difference.live is not None
    assert difference.replayed is not None
    changed = {name for name, value in difference.live.items() if difference.replayed[name] != value}
    assert changed == {"price"}


@pytest.mark.parametrize(
    ("statement", "view", "side"),
    [
        ("DELETE FROM model_costs", COSTS.name, "live"),
        ("UPDATE usage_summary SET kind = 'forged' WHERE kind = 'edit'", USAGE.name, "live"),
        ('UPDATE usage_summary SET "user" = \'forged\' || "user"', USAGE.name, "live"),
        (FORGED_PERIOD, PERIODS.name, "replayed"),
    ],
)
def test_rows_that_only_one_side_has_are_differences(
    full: Log, database: Database, statement: str, view: str, side: str
) -> None:
    spoil(database, statement)
    found = compare(database, full.source, ALL)
    assert set(differing(found)) == {view}
    (compared,) = (one for one in found.views if one.view == view)
    assert any(getattr(difference, side) is None for difference in compared.differences)


def test_a_null_is_not_the_same_as_a_value(full: Log, database: Database) -> None:
    spoil(database, "UPDATE operation_log SET project = NULL WHERE project IS NOT NULL")
    assert compare(database, full.source, ALL).views[-1].differing > 0


def test_only_the_first_differences_are_shown_and_all_are_counted(full: Log, database: Database) -> None:
    spoil(database, "UPDATE operation_log SET cost = -1")
    (*_, operations) = compare(database, full.source, ALL, most=3).views
    assert (operations.differing, len(operations.differences)) == (40, 3)


def test_one_account_is_compared_by_itself(full: Log, database: Database, projector: Projector) -> None:
    facts = busy(5, "other-")
    full.record(facts)
    projector.advance()
    spoil(database, "UPDATE usage_summary SET price = price + 1 WHERE account = 'bloom'")
    spoil(database, "UPDATE corrections SET price = price + 1 WHERE account = 'bloom'")
    found = compare(database, full.source, ALL, account="other-bloom")
    assert found.equal
    assert 0 < found.facts < len(facts)
    assert {view.view for view in found.views} == {view.name for view in ALL} - {COSTS.name, PROVIDER_COSTS.name}
    assert {view.view: view.rows for view in found.views}[OPERATIONS.name] == 5
    assert set(differing(compare(database, full.source, ALL, account="bloom"))) == {CORRECTIONS.name, USAGE.name}


def test_views_are_compared_where_they_stand(full: Log, database: Database) -> None:
    """Nobody advanced them: being behind is lag, not a difference."""
    end = full.reader.end()
    full.record(busy(5, "later-"))
    found = compare(database, full.source, ALL)
    assert (found.equal, {view.position for view in found.views}) == (True, {end})


def test_views_that_stand_at_different_positions_are_each_compared_where_they_are(
    full: Log, database: Database
) -> None:
    full.record(busy(5, "later-"))
    Projector(database, full.source, (COSTS, USAGE)).advance()
    found = compare(database, full.source, ALL)
    assert found.equal
    assert len({view.position for view in found.views}) == 2


def test_an_audit_while_everything_goes_on_finds_nothing(full: Log, database: Database, database_url: str) -> None:
    with closing(Database(database_url)) as own, closing(ProjectorThread(Projector(own, full.source, ALL))):
        verdicts: list[bool] = []
        for number in range(5):
            full.record(busy(5, f"{number}-"))
            verdicts.append(compare_once(database, full.source, ALL, held=(5, 40_000)[number % 2]).equal)
            if number == 2:
                rebuild(own, full.source, ALL)
    assert verdicts == [True] * 5


class CountedReader(SqlReader):
    """Counts the facts that are read for views."""

    facts = 0

    def states(self, after: int, upto: int, limit: int) -> Sequence[tuple[int, str, int, str]]:
        found = super().states(after, upto, limit)
        self.facts += len(found)
        return found


@pytest.mark.parametrize("heard", [0, 50, 10_000])
def test_facts_that_are_heard_of_are_not_read_again_and_all_others_are(
    full: Log, database: Database, heard: int
) -> None:
    spoil(database, f"UPDATE operation_log SET price = price + 1 WHERE id = '{OPERATION.id}'")
    reader, entries = CountedReader(database), full.reader.read(0, 10_000)
    with comparison.comparing(database, FactSource(reader, full.source.codec), ALL, read=30) as running:
        for start in range(0, min(heard, len(entries)), 25):
            running.hear(entries[start : start + 25])
        found = running.verdict()
    assert reader.facts == len(entries) - min(heard, len(entries))
    assert found == compare(database, full.source, ALL)


def test_an_audit_leaves_nothing_behind(full: Log, database: Database) -> None:
    compare(database, full.source, ALL)
    with database.connect() as connection:
        inspector = inspect(connection)
        names = [*inspector.get_table_names(), *inspector.get_temp_table_names()]
    assert not [name for name in names if name.endswith("__replayed")]


def test_a_fact_that_cannot_be_replayed_ends_the_audit_with_its_position(full: Log, database: Database) -> None:
    poisoned = full.append([("ledger:acme:0", "operation.charged", b"{}", "op-1")])
    spoil(database, f"UPDATE view_checkpoints SET position = {poisoned}")
    with pytest.raises(ViewStopped, match=f"position {poisoned}: operation.charged"):
        compare(database, full.source, ALL)


def test_an_audit_works_in_a_session_that_is_meant_to_read(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        log = Log(database)
        log.record(FACTS)
        Projector(database, log.source, ALL).advance()
    read_only = f"{postgres_url}?options=-cdefault_transaction_read_only%3Don"
    with closing(Database(read_only)) as database:
        assert compare(database, Log(database).source, ALL).equal
