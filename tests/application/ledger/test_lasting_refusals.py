"""What the database will never take fails its own caller, at once and for good; nobody else waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import event

from application.ledger.group import Proposal, Receipt
from application.ledger.transaction import JobRow
from domain import settlement
from domain.advice import Advice
from domain.errors import OperationPending, StoreRefused
from domain.ledger import Fact, Ledger
from domain.operation import Requested, Sent, Settled
from infrastructure.service import Studio
from tests.application.studios import (
    JOBS,
    LONG_AFTER,
    PRICE,
    SYNC,
    charged,
    database_of,
    facts_of,
    is_sound,
    later,
    studio_on,
    submissions,
)
from tests.application.support import (
    CENT,
    PATIENCE,
    Answer,
    Office,
    accepting,
    asking,
    completing,
    desk,
    in_one_group,
    looking,
    opening,
)

LONGEST = 15_000
"""Bytes of any text, as SQLite is told here; a PostgreSQL index takes less by itself."""
TOO_LONG = "".join(Random(1).choices("0123456789abcdef", k=20_000))
TOO_LARGE = 2**63
BEGUN = ("begun-1", "begun-2", "begun-3")


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """Three operations that were sent, and a database that takes no text of any length."""
    with desk(database_url) as opened:
        if opened.database.is_sqlite:
            event.listen(opened.database.engine, "connect", bounded)
        opened.do(opening("acme"), opening("beta"), *(accepting(asking(id)) for id in BEGUN))
        yield opened


def bounded(connection: sqlite3.Connection, _record: object) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)


# Decisions that no database takes; all are patient, as what was begun must be recorded


def too_long(id: str) -> Proposal:
    """A job whose name fits into the log and into no index."""

    def decide(ledger: Ledger, now: int) -> list[Fact]:
        return settlement.record_job(ledger, id, "job-1", now)

    return Proposal("acme", decide, operations=(id,), job=JobRow("scripted", TOO_LONG, id), patient=True)


def too_large(id: str) -> Proposal:
    """An instant beyond all columns."""
    usual = completing(id)

    def decide(ledger: Ledger, now: int) -> list[Fact]:
        return [replace(fact, at=TOO_LARGE) for fact in usual.decide(ledger, now)]

    return replace(usual, decide=decide)


REFUSED = {"too long": too_long, "too large": too_large}


@pytest.fixture(params=REFUSED)
def refused(request: pytest.FixtureRequest) -> Proposal:
    return REFUSED[request.param](BEGUN[0])


async def together(office: Office, proposals: Sequence[Proposal]) -> list[Answer]:
    """The answers to one group; a writer that tries for ever gives none."""
    async with asyncio.timeout(PATIENCE):
        return await in_one_group(office.writer, proposals)


def open_operations(office: Office) -> dict[str, type]:
    [outcome] = office.do(looking())
    return {id: type(state) for id, state in outcome.seen.current.open.items()}


async def test_it_fails_its_caller_alone(office: Office, refused: Proposal) -> None:
    """Its neighbours are patient and not, of its own account and of another."""
    neighbours = [accepting(asking("op-1")), completing(BEGUN[1]), accepting(asking("op-2", account="beta"))]
    first, failed, *rest = await together(office, [neighbours[0], refused, *neighbours[1:]])
    assert isinstance(failed, StoreRefused)
    assert all(isinstance(answer, Receipt) and answer.facts for answer in (first, *rest))


async def test_it_is_told_with_what_the_database_says_and_what_becomes_of_the_operation(
    office: Office, refused: Proposal
) -> None:
    [failed] = await together(office, [refused])
    assert isinstance(failed, StoreRefused)
    assert failed.code == "store_refused"
    assert "will never take" in failed.message
    assert "\n" not in failed.message
    assert failed.advice == Advice("operation.kept")


async def test_its_operation_stays_open_with_its_hold_and_may_be_settled_yet(office: Office, refused: Proposal) -> None:
    before = office.facts()
    await together(office, [refused])
    assert office.facts() == before
    assert open_operations(office) == dict.fromkeys(BEGUN, Sent)
    assert office.do(looking())[0].seen.current.usage["account"].held["spend"] == len(BEGUN) * 4 * CENT
    assert isinstance(office.do(completing(BEGUN[0]))[0].states[BEGUN[0]], Settled)


async def test_new_work_that_is_refused_for_good_fails_alone_too(office: Office) -> None:
    failing = replace(too_long(BEGUN[0]), patient=False)
    failed, accepted = await together(office, [failing, accepting(asking("op-1"))])
    assert isinstance(failed, StoreRefused)
    assert isinstance(accepted, Receipt)


async def test_several_in_one_group_fail_each_by_itself_after_a_bounded_search(office: Office) -> None:
    group = [
        accepting(asking("op-1")),
        too_long(BEGUN[0]),
        accepting(asking("op-2")),
        too_large(BEGUN[1]),
        accepting(asking("op-3", account="beta")),
        too_long(BEGUN[2]),
    ]
    begun = office.steps.count("before begin")
    answers = await together(office, group)
    assert [isinstance(answer, StoreRefused) for answer in answers] == [False, True] * 3
    assert office.steps.count("before begin") - begun <= 1 + 2 * len(group)
    recorded = {fact.operation.id for fact in office.facts() if isinstance(fact, Requested)}
    assert recorded == {*BEGUN, "op-1", "op-2", "op-3"}


async def test_the_writer_goes_on_as_if_nothing_had_been_asked(office: Office, refused: Proposal) -> None:
    await together(office, [refused])
    begun = office.steps.count("before begin")
    office.do(accepting(asking("op-1")), completing("op-1"))
    assert office.steps.count("before begin") == begun + 2


async def test_what_the_driver_cannot_write_down_fails_alone(postgres_url: str) -> None:
    with desk(postgres_url) as office:
        office.do(opening(), accepting(asking(BEGUN[0])))
        nul = replace(too_long(BEGUN[0]), job=JobRow("scripted", "a\0b", BEGUN[0]))
        failed, accepted = await together(office, [nul, accepting(asking("op-1"))])
        assert isinstance(failed, StoreRefused)
        assert isinstance(accepted, Receipt)


async def test_a_mistake_that_breaks_a_whole_group_leaves_the_others_alone(office: Office) -> None:
    """Not the database's refusal but ours; it is handed to whoever caused it."""
    mistaken = replace(completing(BEGUN[0]), operations=[BEGUN[0]])  # type: ignore[arg-type]
    failed, accepted = await together(office, [mistaken, accepting(asking("op-1"))])
    assert isinstance(failed, TypeError)
    assert isinstance(accepted, Receipt)


# A whole operation


NO_JOBS = {
    "postgresql": ("ALTER TABLE jobs ALTER COLUMN job TYPE varchar(2)",),
    "sqlite": (
        "ALTER TABLE jobs RENAME TO put_aside",
        "CREATE TABLE jobs (provider TEXT, job INTEGER, operation TEXT, PRIMARY KEY (provider, job)) STRICT",
    ),
}
JOBS_AGAIN = {
    "postgresql": ('ALTER TABLE jobs ALTER COLUMN job TYPE text COLLATE "C"',),
    "sqlite": ("DROP TABLE jobs", "ALTER TABLE put_aside RENAME TO jobs"),
}
"""A column of another type, as after a migration that somebody wrote by hand, and as it should be."""


def change(studio: Studio, statements: dict[str, tuple[str, ...]]) -> None:
    with database_of(studio).transaction() as connection:
        for statement in statements[database_of(studio).dialect]:
            connection.exec_driver_sql(statement)


async def test_a_job_that_cannot_be_recorded_leaves_its_operation_to_recovery_and_holds_up_nobody(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        change(studio, NO_JOBS)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(StoreRefused):
                await studio.operations.generate("a lake", account="acme", model=JOBS, key="order-17")
            assert (await studio.operations.generate("a sea", account="acme", model=SYNC)).status == "charged"
    async with studio_on(database_url, tmp_path, clock=later(), wait_seconds=1) as studio:
        [refused] = await studio.upkeep.recover()
        assert "will never take" in refused.action
        with pytest.raises(OperationPending):
            await studio.operations.generate("a lake", account="acme", model=JOBS, key="order-17")
        change(studio, JOBS_AGAIN)
    async with studio_on(database_url, tmp_path, clock=later(2 * LONG_AFTER)) as studio:
        [recovered] = await studio.upkeep.recover()
        assert recovered.phase == "charged"
        assert charged(facts_of(studio)) == 2 * PRICE
        assert len(submissions(tmp_path)) == 2
        assert await is_sound(studio)
