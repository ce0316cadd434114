"""One projector of all processes folds at a time; nobody waits for long for one that stands still."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from infrastructure.store.database import Database
from projections.engine import checkpoints
from projections.engine.comparison import compare
from projections.engine.projector import Projector
from projections.engine.turns import Turns
from projections.views import ALL
from projections.views.usage import USAGE
from tests.patience import SECONDS as LONG
from tests.projections.histories import Log, busy

FACTS = busy(60)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    with closing(Database(postgres_url)) as opened:
        yield opened


def never() -> bool:
    return False


def test_a_projector_rests_while_another_has_the_turn(postgres: Database, postgres_url: str) -> None:
    log = Log(postgres)
    log.record(FACTS)
    with closing(Database(postgres_url)) as other:
        projector = Projector(postgres, log.source, ALL)
        with Turns(other).taken() as mine:
            assert (mine, projector.take_turn(never)) == (True, 0)
        assert projector.take_turn(never) == len(FACTS)


def test_ledgers_in_schemas_of_their_own_have_turns_of_their_own(postgres: Database, postgres_url: str) -> None:
    with postgres.transaction() as connection:
        connection.exec_driver_sql("CREATE SCHEMA beside; CREATE TABLE beside.view_checkpoints (view text)")
    beside = postgres.url.update_query_dict({"options": "-csearch_path=beside"})
    with closing(Database(beside.render_as_string(hide_password=False))) as other, ExitStack() as both:
        assert [both.enter_context(Turns(one).taken()) for one in (postgres, other)] == [True, True]


def test_one_that_stands_still_with_the_turn_is_gone_past(postgres: Database, postgres_url: str) -> None:
    log = Log(postgres)
    log.record(FACTS)
    with closing(Database(postgres_url)) as other, Turns(other).taken():
        impatient = Turns(postgres, patience=0.0)
        with impatient.taken() as mine:
            assert mine
        projector = Projector(postgres, log.source, ALL)
        assert projector.wait_for(log.reader.end(), LONG)
    assert compare(postgres, log.source, ALL).equal


def test_whoever_asks_is_told_all_that_is_there_though_another_folds_it(
    log: Log, database: Database, database_url: str
) -> None:
    log.record(FACTS)
    lags: list[int] = []

    def ask() -> None:
        with closing(Database(database_url)) as own:
            projector = Projector(own, log.source, ALL, batch=7)
            projector.catch_up()
            lags.append(projector.lag())

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert lags == [0] * 4
    assert compare(database, log.source, ALL).equal


def test_whoever_asks_does_not_wait_for_a_view_that_a_rebuild_holds(
    log: Log, database: Database, projector: Projector
) -> None:
    log.record(FACTS)
    with database.transaction() as connection:
        checkpoints.claim(connection, [USAGE.name], "a-rebuild-that-was-left")
    assert projector.catch_up() == len(FACTS)
    assert projector.lag() == log.reader.end()
