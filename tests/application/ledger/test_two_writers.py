"""Any number of processes share a database: streams never fork, nobody waits in a circle, readers miss nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event

from application.keeping.chains import verify_chains, verify_index
from application.ledger.group import Receipt
from domain.operation import PHASES, Charged, Rejected, Requested, Settled, Validated
from domain.plans import Limits
from infrastructure.store.order import COMMIT_ORDER
from tests.application.support import CENT, PATIENCE, Office, accepting, asking, completing, desk, in_one_group, opening

ACCOUNTS = ("acme", "beta", "gamma")
EACH = 40


@pytest.fixture
def offices(database_url: str) -> Iterator[tuple[Office, Office]]:
    with desk(database_url) as first, desk(database_url, owner="desk-2") as second:
        yield first, second


def sound(office: Office) -> bool:
    return not [*verify_chains(office.reader), *verify_index(office.reader, office.log.codec)]


def test_two_writers_on_one_account_never_fork_its_streams(offices: tuple[Office, Office]) -> None:
    offices[0].do(opening())

    def work(number: int) -> None:
        for turn in range(EACH):
            id = f"op-{number}-{turn}"
            offices[number].do(accepting(asking(id)))
            offices[1 - number].do(completing(id))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [None, None]
    kinds = [type(fact) for fact in offices[0].facts()]
    assert (kinds.count(Requested), kinds.count(Charged)) == (2 * EACH, 2 * EACH)
    assert sound(offices[0])


async def test_writers_that_name_their_accounts_in_opposite_orders_never_wait_in_a_circle(
    offices: tuple[Office, Office],
) -> None:
    offices[0].do(*(opening(account) for account in ACCOUNTS))

    async def groups(office: Office, accounts: tuple[str, ...], name: str) -> list[object]:
        answers: list[object] = []
        for turn in range(10):
            asks = [accepting(asking(f"{name}-{turn}-{one}", account=one)) for one in accounts]
            answers += await in_one_group(office.writer, asks)
        return answers

    both = await asyncio.gather(groups(offices[0], ACCOUNTS, "up"), groups(offices[1], ACCOUNTS[::-1], "down"))
    assert all(isinstance(answer, Receipt) for answers in both for answer in answers)
    begun = [office.steps.count("after begin") for office in offices]
    assert begun == [office.steps.commits + 10 for office in offices], "a group was decided twice"
    assert sound(offices[0])


def test_a_limit_holds_across_writers(offices: tuple[Office, Office]) -> None:
    offices[0].do(opening(limits=Limits(images=EACH, spend=4 * CENT * EACH)))

    def ask(number: int) -> None:
        for turn in range(EACH):
            offices[number].do(accepting(asking(f"op-{number}-{turn}")))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, range(2))) == [None, None]
    kinds = [type(fact) for fact in offices[0].facts()]
    assert (kinds.count(Validated), kinds.count(Rejected)) == (EACH, EACH)


def test_an_account_is_opened_once_by_whoever_comes_first(offices: tuple[Office, Office]) -> None:
    start = threading.Barrier(2)

    def open(number: int) -> tuple[object, ...]:
        start.wait(PATIENCE)
        return tuple(offices[number].do(*(opening(f"account-{turn}") for turn in range(20))))

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(open, range(2)))
    assert len(offices[0].facts()) == 20
    assert sound(offices[0])


def test_an_account_that_could_not_be_opened_is_still_unknown(offices: tuple[Office, Office]) -> None:
    """Its row may exist; it holds nothing."""
    with pytest.raises(Exception, match="currency"):
        offices[0].do(opening("delta", currency="bitcoin"))
    with pytest.raises(Exception, match="no account 'delta'"):
        offices[1].do(accepting(asking("op-1", account="delta")))
    offices[1].do(opening("delta"))
    assert sound(offices[0])


def test_what_the_other_wrote_is_seen_under_the_lock_and_decided_on(offices: tuple[Office, Office]) -> None:
    """Both know the account; the second writer then waits for the first one's lock, and reads after it."""
    first, second = offices
    first.do(opening(limits=Limits(images=1)))
    second.do(accepting(asking("op-0", kind="video", family="videos")))
    locked, release = threading.Event(), threading.Event()

    def pause() -> None:
        locked.set()
        assert release.wait(PATIENCE)

    first.steps.plan("before commit", pause)
    second.steps.plan("before lock", release.set)
    second.steps.plan("before begin", release.set)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first.do, accepting(asking("op-1")))
        assert locked.wait(PATIENCE)
        other = pool.submit(second.do, accepting(asking("op-2")))
        assert isinstance(one.result()[0].facts[-2], Validated)
        assert isinstance(other.result()[0].facts[-1], Rejected)


def test_the_same_settlement_by_two_writers_is_one(offices: tuple[Office, Office]) -> None:
    offices[0].do(opening(), *(accepting(asking(f"op-{number}")) for number in range(EACH)))

    def settle(number: int) -> list[Receipt]:
        return offices[number].do(*(completing(f"op-{turn}") for turn in range(EACH)))

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(settle, range(2)))
    assert all(isinstance(state, Settled) for outcomes in both for one in outcomes for state in one.states.values())
    assert [type(fact) for fact in offices[0].facts()].count(Charged) == EACH
    assert all(row.phase == PHASES[Settled] for row in offices[0].reader.index_after("", 1_000))


# The order of locks, as the database is told


def statements(office: Office, *wanted: Any) -> list[str]:
    """What the database is told while the decisions are made, one string a round trip."""
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        told.append(statement)

    event.listen(office.database.engine, "before_cursor_execute", note)
    office.do(*wanted)
    event.remove(office.database.engine, "before_cursor_execute", note)
    return told


def test_on_postgresql_rows_are_locked_first_and_everything_is_written_with_the_commit(postgres_url: str) -> None:
    with desk(postgres_url) as office:
        office.do(opening(), accepting(asking("op-0")))
        told = statements(office, accepting(asking("op-1", key="key-1", fingerprint="same")))
        lock, keys, write = told
        assert lock.startswith("BEGIN; SELECT ")
        assert lock.endswith(" ORDER BY id FOR UPDATE")
        assert "FROM keys" in keys
        before, log = write.split(f"{COMMIT_ORDER};\n")
        assert "INSERT INTO operations " in before
        assert log.startswith("INSERT INTO log ")
        assert log.count(";") == 1
        assert log.endswith(";\nCOMMIT")
        assert "FOR UPDATE" not in write


def test_on_sqlite_the_lock_is_taken_before_anything_is_read(sqlite_url: str) -> None:
    with desk(sqlite_url) as office:
        office.do(opening(), accepting(asking("op-0")))
        told = statements(office, accepting(asking("op-1", key="key-1", fingerprint="same")))
        assert told[0] == "BEGIN IMMEDIATE"
        assert told[-1] == "COMMIT"
        reads = [
            number for number, statement in enumerate(told) if statement.startswith("SELECT") and " FROM " in statement
        ]
        writes = [number for number, statement in enumerate(told) if statement.startswith(("INSERT", "UPDATE"))]
        assert reads
        assert max(reads) < min(writes)
