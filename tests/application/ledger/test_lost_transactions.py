"""A transaction that is lost, or may be, is read again under the locks and decided again: nothing twice, bounded."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from sqlalchemy import event

from application.ledger.group import Receipt
from application.ledger.transaction import Conflict
from application.ledger.writer import WriterOptions
from domain.errors import StoreUnavailable
from domain.operation import Adjusted, Charged, Refused, Rejected, Requested, Sent, Settled
from domain.plans import Limits
from infrastructure.simulation.disk import Disk
from infrastructure.simulation.loop import Living
from tests.application.support import (
    CENT,
    PATIENCE,
    Clock,
    Office,
    accepting,
    asking,
    completing,
    desk,
    in_one_group,
    looking,
    opening,
    refunding,
)
from tests.domain.examples import IN_MAY

GONE = StoreUnavailable("the database is gone", hint="is it running?")
LOST = Conflict("the answer to COMMIT never came")


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    with desk(database_url, options=WriterOptions(conflicts=4, retry_seconds=0.01)) as opened:
        opened.do(opening("acme"), opening("beta"))
        yield opened


def count(office: Office, kind: type) -> int:
    return sum(isinstance(fact, kind) for fact in office.facts())


# Unknown commits


def test_a_commit_whose_answer_is_lost_is_found_and_nothing_is_written_twice(office: Office) -> None:
    office.steps.plan("after commit", LOST)
    [outcome] = office.do(accepting(asking("op-1")))
    assert isinstance(outcome.states["op-1"], Sent)
    assert outcome.facts == ()
    assert count(office, Requested) == 1


def test_a_commit_whose_sync_failed_is_found_in_the_file_and_not_taken_for_lost(sqlite_url: str) -> None:
    with desk(sqlite_url) as office:
        disk = Disk(Living(), random.Random(1), lambda: None, lambda: None)
        event.listen(
            office.database.engine, "do_connect", lambda _dialect, _record, args, more: disk.connect(*args, **more)
        )
        office.do(opening())
        disk.lost = 1.0
        [outcome] = office.do(accepting(asking("op-1")))
        disk.lost = 0.0
        assert disk.seen == {"fsync failed after a commit": 1}
        assert isinstance(outcome.states["op-1"], Sent)
        assert (outcome.facts, count(office, Requested)) == ((), 1)


def test_a_key_whose_commit_was_lost_belongs_to_the_operation_that_was_written(office: Office) -> None:
    office.steps.plan("after commit", LOST)
    [outcome] = office.do(accepting(asking("op-1", key="key-1", fingerprint="same")))
    assert outcome.known is not None
    assert outcome.known.reference == "op-1"
    [repeat] = office.do(accepting(asking("op-2", key="key-1", fingerprint="same")))
    assert repeat.known == outcome.known
    assert count(office, Requested) == 1


def test_a_refusal_whose_commit_was_lost_is_recorded_once(office: Office) -> None:
    """It is neither open nor known by a key: only its id, minted before, finds it."""
    office.do(opening("poor", Limits(images=0)))
    office.steps.plan("after commit", LOST)
    [outcome] = office.do(accepting(asking("op-1", account="poor")))
    assert isinstance(outcome.states["op-1"], Refused)
    assert (count(office, Requested), count(office, Rejected)) == (1, 1)


@pytest.mark.parametrize("answers", [1, 3])
def test_a_charge_whose_commit_was_lost_is_charged_once(office: Office, answers: int) -> None:
    office.do(accepting(asking("op-1")))
    office.steps.plan("after commit", *[LOST] * answers)
    [outcome] = office.do(completing("op-1"))
    assert isinstance(outcome.states["op-1"], Settled)
    assert count(office, Charged) == 1


def test_a_refund_whose_commit_was_lost_is_given_once(office: Office) -> None:
    office.do(accepting(asking("op-1")), completing("op-1"))
    office.steps.plan("after commit", LOST)
    [outcome] = office.do(refunding("op-1", CENT, "ticket-1"))
    settled = outcome.states["op-1"]
    assert isinstance(settled, Settled)
    assert settled.adjusted == -CENT
    assert count(office, Adjusted) == 1


async def test_a_whole_group_whose_commit_was_lost_finds_all_its_facts(office: Office) -> None:
    office.steps.plan("after commit", LOST)
    asks = [accepting(asking(f"op-{number}", account=("acme", "beta")[number % 2])) for number in range(20)]
    answers = await in_one_group(office.writer, asks)
    states = [state for answer in answers if isinstance(answer, Receipt) for state in answer.states.values()]
    assert [type(state) for state in states] == [Sent] * 20
    assert count(office, Requested) == 20


def killed(office: Office) -> Callable[[], None]:
    """Ends every session of the database but the one that does it, as an administrator or a failover does."""

    def kill() -> None:
        with psycopg2.connect(str(office.database.url.set(drivername="postgresql").render_as_string(False))) as other:
            other.cursor().execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        other.close()

    return kill


@pytest.mark.parametrize("step", ["before begin", "before lock", "after lock", "before commit", "after commit"])
def test_a_connection_that_is_killed_at_any_step_loses_nothing(postgres_url: str, step: str) -> None:
    with desk(postgres_url) as office:
        office.do(opening(), accepting(asking("op-0")))
        office.steps.plan(step, killed(office))
        [outcome] = office.do(accepting(asking("op-1")))
        assert isinstance(outcome.states["op-1"], Sent)
        office.do(completing("op-0"), completing("op-1"))
        assert (count(office, Requested), count(office, Charged)) == (2, 2)


# Lost transactions


@pytest.mark.parametrize("step", ["after begin", "after lock", "before commit"])
def test_a_transaction_that_lost_is_decided_again(office: Office, step: str) -> None:
    office.steps.plan(step, Conflict("deadlock detected"), Conflict("could not serialize access"))
    [outcome] = office.do(accepting(asking("op-1")))
    assert len(outcome.facts) == 4
    assert count(office, Requested) == 1


def collide(office: Office) -> None:
    """Write every entry twice, so that the database itself refuses it, as it does where a stream would fork."""
    assert office.store.transaction is not None
    office.store.transaction.links *= 2


def test_a_unique_violation_is_read_again_and_decided_again(office: Office, database_url: str) -> None:
    """In between, another process wrote on the same account."""

    def another() -> None:
        with desk(database_url) as other:
            other.do(accepting(asking("op-1")))

    office.steps.plan("before commit", lambda: collide(office))
    office.steps.plan("before begin", lambda: None, another)
    before = office.steps.count("before begin")
    [outcome] = office.do(accepting(asking("op-2")))
    assert isinstance(outcome.states["op-2"], Sent)
    assert office.steps.count("before begin") == before + 2
    assert [fact.operation.id for fact in office.facts() if isinstance(fact, Requested)] == ["op-1", "op-2"]


def test_deciding_again_is_bounded_and_then_the_caller_is_told_that_nothing_was_recorded(office: Office) -> None:
    office.steps.plan("before commit", *[lambda: collide(office)] * 4)
    before = office.steps.count("before begin")
    with pytest.raises(StoreUnavailable, match="the database kept refusing") as refused:
        office.do(accepting(asking("op-1")))
    assert refused.value.hint == "nothing was recorded; try again"
    assert office.steps.count("before begin") == before + 4
    assert count(office, Requested) == 0
    office.do(accepting(asking("op-1")))


def test_a_connection_lost_while_an_ended_period_is_read_is_nobodys_mistake(database_url: str) -> None:
    """The end of an ended period's stream is read in the middle of a decision."""
    clock = Clock()
    with desk(database_url, clock=clock) as before:
        before.do(opening(), accepting(asking("op-1")))
        clock.now = IN_MAY
        before.do(accepting(asking("op-2")))
    with desk(database_url, clock=clock) as office:
        office.steps.plan("before head", Conflict("server closed the connection unexpectedly"))
        [outcome] = office.do(completing("op-1"))
        assert office.steps.count("before head") == 2
        assert isinstance(outcome.states["op-1"], Settled)


def test_remembered_states_are_dropped_with_the_transaction(office: Office) -> None:
    office.do(accepting(asking("op-1")))
    office.steps.plan("before commit", GONE)
    with pytest.raises(StoreUnavailable):
        office.do(accepting(asking("op-2")))
    [seen] = office.do(looking())
    assert set(seen.seen.current.open) == {"op-1"}
    assert seen.seen.current.usage["account"].held["spend"] == 4 * CENT


def test_a_lock_that_does_not_end_is_told_and_one_that_does_is_not(database_url: str) -> None:
    """Somebody else holds the account's row, or the whole file."""
    with (
        desk(database_url, lock_seconds=0.05, options=WriterOptions(conflicts=2)) as office,
        desk(database_url) as other,
    ):
        office.do(opening())
        with other.store.begin() as transaction:
            transaction.lock(["acme"], [])
            with pytest.raises(StoreUnavailable, match="lock"):
                office.do(accepting(asking("op-1")))
        assert len(office.do(accepting(asking("op-1")))[0].facts) == 4


# Outages


def test_accept_fails_at_once_when_the_database_is_gone(office: Office) -> None:
    office.steps.plan("before begin", GONE)
    with pytest.raises(StoreUnavailable) as refused:
        office.do(accepting(asking("op-1")))
    assert refused.value is GONE
    assert count(office, Requested) == 0


async def test_what_was_begun_is_retried_until_it_is_written(office: Office) -> None:
    office.do(accepting(asking("op-1")))
    office.steps.plan("before begin", *[GONE] * 5)
    outcome = await office.writer.put(completing("op-1"))
    assert isinstance(outcome.states["op-1"], Settled)
    assert count(office, Charged) == 1


async def test_in_an_outage_new_work_is_refused_while_what_was_begun_waits(office: Office) -> None:
    office.do(accepting(asking("op-1")), accepting(asking("op-2", account="beta")))
    office.steps.plan("after lock", *[lambda: None], GONE)
    answers = await in_one_group(
        office.writer, [completing("op-1"), accepting(asking("op-3")), completing("op-2", "beta")]
    )
    assert isinstance(answers[0], Receipt)
    assert answers[1] is GONE
    assert isinstance(answers[2], Receipt)
    assert (count(office, Charged), count(office, Requested)) == (2, 2)


@pytest.mark.parametrize(
    ("changed", "back"),
    [
        ("operations RENAME TO other", "other RENAME TO operations"),
        ("operations RENAME COLUMN phase TO state", "operations RENAME COLUMN state TO phase"),
        ("log RENAME COLUMN topic TO name", "log RENAME COLUMN name TO topic"),
    ],
)
async def test_what_was_begun_is_told_at_once_that_the_tables_were_changed_under_it(
    office: Office, changed: str, back: str
) -> None:
    office.do(accepting(asking("op-1")), accepting(asking("op-2", account="beta")))
    _rename(office, changed)
    async with asyncio.timeout(PATIENCE):
        answers = await in_one_group(
            office.writer, [completing("op-1"), accepting(asking("op-3")), completing("op-2", "beta")]
        )
    assert all(isinstance(answer, StoreUnavailable) and "db upgrade" in answer.hint for answer in answers)
    _rename(office, back)
    office.do(completing("op-1"), completing("op-2", "beta"))
    assert count(office, Charged) == 2


def _rename(office: Office, what: str) -> None:
    with office.database.transaction() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {what}")


async def test_on_close_what_cannot_be_written_is_given_up_and_stays_dispatched_with_its_hold(
    database_url: str,
) -> None:
    with desk(database_url) as office:
        office.do(opening(), accepting(asking("op-1")))
        refused = asyncio.Event()
        loop = asyncio.get_running_loop()
        office.steps.planned["before begin"] = [lambda: refuse(loop, refused)] * 1_000
        waiting = asyncio.ensure_future(office.writer.put(completing("op-1")))
        await asyncio.wait_for(refused.wait(), PATIENCE)
        assert not waiting.done()
        await asyncio.to_thread(office.writer.close)
        with pytest.raises(StoreUnavailable):
            await waiting
    with desk(database_url) as later:
        [seen] = later.do(looking())
        assert isinstance(seen.seen.current.open["op-1"], Sent)
        assert seen.seen.current.usage["account"].held == {"images": 1, "spend": 4 * CENT}


def refuse(loop: asyncio.AbstractEventLoop, refused: asyncio.Event) -> None:
    loop.call_soon_threadsafe(refused.set)
    raise GONE
