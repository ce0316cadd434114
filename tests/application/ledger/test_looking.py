"""Ledgers are looked at without their locks: what is seen stood in the log at one moment, and nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from application.asking.requests import Request
from application.ledger.group import Proposal, Receipt
from application.ledger.ledgers import Ledgers
from application.ledger.looking import LedgerReader
from application.ledger.memory import CHUNK
from application.ledger.transaction import Conflict
from domain.account import Account
from domain.errors import LogCorrupted, StoreUnavailable, UnknownAccount
from domain.ledger import Ledger, known_account
from domain.operation import Sent
from domain.plans import Limits
from domain.totals import PeriodState
from infrastructure.store.database import Database
from infrastructure.store.transactions import SqlReadings
from tests.application.studios import JOBS, SYNC, database_of, studio_on
from tests.application.support import (
    CENT,
    Clock,
    Office,
    Steps,
    TappedStore,
    accepting,
    asking,
    completing,
    desk,
    looking,
    opening,
)
from tests.domain.examples import IN_MAY
from tests.postgres import execute

Stand = tuple[Account | None, PeriodState | None, int]


def copied(ledger: Ledger, now: int) -> Stand:
    return ledger.account, deepcopy(ledger.current), now


def looker(office: Office) -> LedgerReader:
    return LedgerReader(SqlReadings(office.database), office.log.codec, office.clock)


def decided(office: Office) -> Stand:
    """What a decision would find, under the lock."""
    answer: Stand = office.do(looking("acme", copied))[0].seen
    return answer


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    with desk(database_url) as opened:
        opened.do(opening(limits=Limits(images=10_000)))
        yield opened


async def test_a_look_sees_what_a_decision_would_find(office: Office, database_url: str) -> None:
    reader = looker(office)
    with desk(database_url, owner="desk-2") as other:
        for number in range(1, 9):
            (office if number % 2 else other).do(accepting(asking(f"op-{number}", user=f"user-{number % 3}")))
            assert await reader.look("acme", copied) == decided(office)
            (other if number % 2 else office).do(completing(f"op-{number}"))
            assert await reader.look("acme", copied) == decided(office)


async def test_a_look_goes_with_the_account_into_its_next_period(database_url: str) -> None:
    clock = Clock()
    with desk(database_url, clock=clock) as office:
        reader = looker(office)
        office.do(opening(), accepting(asking("op-1")))
        await reader.look("acme", copied)
        clock.now = IN_MAY
        office.do(accepting(asking("op-2")), completing("op-1"))
        assert await reader.look("acme", copied) == decided(office)


async def test_nobody_waits_for_who_holds_the_lock(office: Office, database_url: str) -> None:
    reader = looker(office)
    office.do(accepting(asking("op-1")))
    before = decided(office)
    with desk(database_url, owner="desk-2") as other, other.store.begin() as unit:
        unit.lock(["acme"], [])
        assert await reader.look("acme", copied) == before
        assert await LedgerReader(SqlReadings(office.database), office.log.codec, office.clock).look("acme", copied)


async def test_no_look_sees_half_of_a_commit(office: Office, database_url: str) -> None:
    """Every commit holds four at once, so whatever is seen is open four by four, and just as much is held."""

    def whole(ledger: Ledger, _now: int) -> bool:
        current = ledger.current
        if current is None:
            return True
        held = sum(state.quote.price for state in current.open.values() if isinstance(state, Sent))
        usage = current.usage["account"]
        return len(current.open) % 4 == 0 and (usage.held["spend"], usage.held["images"]) == (held, len(current.open))

    def work() -> None:
        with desk(database_url, owner="desk-2") as other:
            for number in range(0, 160, 4):
                other.do(accepting(asking(*(f"op-{number + one}" for one in range(4)), price=CENT)))

    kept, seen = looker(office), []
    working = asyncio.create_task(asyncio.to_thread(work))
    while not working.done():
        seen += [await kept.look("acme", whole), await looker(office).look("acme", whole)]
    await working
    assert all(seen)
    assert await kept.look("acme", copied) == decided(office)


async def test_who_is_far_behind_goes_on_from_a_snapshot(database_url: str) -> None:
    steps = Steps()
    with desk(database_url, snapshot_every=CHUNK) as office:
        store = TappedStore(office.database, steps)
        store.reading = True
        reader = LedgerReader(store, office.log.codec, office.clock)
        office.do(opening(limits=Limits(images=100_000)), accepting(asking("op-0")))
        await reader.look("acme", copied)
        asks = (asking(*(f"op-{turn}-{one}" for one in range(100)), price=CENT) for turn in range(1, 9))
        office.do(*(accepting(ask) for ask in asks))
        office.do(*(completing(f"op-{turn}-{one}") for turn in range(1, 9) for one in range(100)))
        before, entries = store.rows["entries_after"], len(office.facts())
        assert await reader.look("acme", copied) == decided(office)
        assert store.rows["entries_after"] - before < entries - 3 * CHUNK


async def test_who_looks_often_reads_only_what_is_new(office: Office) -> None:
    store = TappedStore(office.database, Steps())
    store.reading = True
    reader = LedgerReader(store, office.log.codec, office.clock)
    office.do(*(accepting(asking(f"op-{number}")) for number in range(20)))
    await reader.look("acme", copied)
    before = store.rows["entries_after"]
    await reader.look("acme", copied)
    assert store.rows["entries_after"] == before
    [outcome] = office.do(completing("op-3"))
    await reader.look("acme", copied)
    assert store.rows["entries_after"] == before + len(outcome.facts)


async def test_a_look_at_what_was_changed_in_place_says_so(office: Office) -> None:
    office.do(accepting(asking("op-1")))
    office.vandalise("UPDATE log SET state = replace(state, 'ann', 'bob') WHERE topic LIKE ?", "operation.requested%")
    with pytest.raises(LogCorrupted):
        await looker(office).look("acme", copied)


async def test_those_who_look_at_once_are_answered_at_once_and_each_for_itself(office: Office) -> None:
    office.do(*(opening(f"account-{number}") for number in range(5)), opening("damaged"))
    office.do(accepting(asking("op-1", account="damaged")))
    office.vandalise("UPDATE log SET state = replace(state, 'ann', 'bob') WHERE topic LIKE ?", "operation.requested%")
    steps = Steps()
    store = TappedStore(office.database, steps)
    store.reading = True
    reader = LedgerReader(store, office.log.codec, office.clock)

    def wrong(_ledger: Ledger, _now: int) -> None:
        raise ZeroDivisionError

    def id_of(ledger: Ledger, _now: int) -> str:
        return known_account(ledger, "acme").id

    looks = asyncio.gather(*(reader.look(f"account-{number % 5}", copied) for number in range(100)))
    others = (reader.look("damaged", copied), reader.look("acme", wrong), reader.look("nobody", id_of))
    gone = asyncio.ensure_future(reader.look("acme", copied))
    waiting = asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)
    gone.cancel()
    assert [*map(type, await waiting)] == [LogCorrupted, ZeroDivisionError, UnknownAccount]
    seen = {account.id for account, _, _ in await looks if account is not None}
    assert seen == {f"account-{number}" for number in range(5)}
    assert steps.count("before lock") < 50


async def test_a_database_that_is_away_is_told_and_the_next_look_is_answered(office: Office) -> None:
    steps = Steps()
    store = TappedStore(office.database, steps)
    store.reading = True
    reader = LedgerReader(store, office.log.codec, office.clock)
    steps.plan("before lock", StoreUnavailable("the disk was away for a moment"), Conflict("lost"), Conflict("lost"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"away|lost while reading"):
            await reader.look("acme", copied)
    assert await reader.look("acme", copied) == decided(office)


async def test_an_account_that_is_not_there_has_an_empty_ledger(office: Office) -> None:
    assert await looker(office).look("nobody", lambda ledger, _now: ledger.account) is None


async def test_a_look_whose_connection_was_ended_is_repeated(postgres_url: str) -> None:
    with desk(postgres_url) as office:
        office.do(opening(), accepting(asking("op-1")))
        reader = looker(office)
        expected = await reader.look("acme", copied)
        execute(postgres_url, ENDED)
        assert await reader.look("acme", copied) == expected


ENDED = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Every statement of this process meanwhile."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)


LOCKS = ("FOR UPDATE", "BEGIN IMMEDIATE", "pg_advisory")


async def test_accounts_estimates_and_what_is_left_are_read_without_a_lock(database_url: str, tmp_path: Path) -> None:
    request = Request("text-to-image", "acme", {"prompt": "a lake"}, model="cheapest")
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.allow("acme", "stand-in")
        result = await studio.operations.generate("a lake", account="acme", model=SYNC)
    async with studio_on(database_url, tmp_path) as studio:
        with statements(database_of(studio)) as heard:
            view = await studio.accounts.show("acme")
            estimate = await studio.operations.estimate(request)
            waited = await studio.operations.wait(result.operation, account="acme")
        assert heard
        assert not [one for one in heard if any(lock in one for lock in LOCKS)]
        assert view.left["images"] == estimate.left["images"] == waited.left["images"] == result.left["images"]
        with pytest.raises(UnknownAccount):
            await studio.accounts.show("nobody")


@dataclass
class Counted:
    """Ledgers, and how often something was looked at in them after a decision."""

    ledgers: Ledgers
    looks: int = 0

    def put(self, proposal: Proposal) -> asyncio.Future[Receipt]:
        self.looks += proposal.look is not None
        return self.ledgers.put(proposal)

    def known_terms(self, account: str) -> Account | None:
        return self.ledgers.known_terms(account)


async def test_what_is_left_is_counted_once_an_operation(sqlite_url: str, tmp_path: Path) -> None:
    """Nobody asks for it while a job is claimed, and it is not read again for the result."""
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        counted = Counted(studio.accounts.writer)
        performer = studio.operations.performer
        recording = replace(performer.recording, writer=counted)
        operations = replace(studio.operations, performer=replace(performer, recording=recording))
        with statements(database_of(studio)) as heard:
            result = await operations.generate("a lake", account="acme", model=JOBS)
        reads = [one for one in heard if one == "BEGIN"]
    assert (counted.looks, reads, result.left["images"]) == (1, [], 99)
