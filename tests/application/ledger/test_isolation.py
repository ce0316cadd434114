"""What fails in a group fails its caller alone: the others of the same transaction commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from application.ledger.group import LARGEST_FACT, Proposal, Receipt
from application.ledger.reader import LogFilter
from domain.advice import Advice
from domain.errors import InvalidInput, InvalidRequest, LogCorrupted, UnknownAccount, UnknownOperation
from domain.ledger import Ledger
from domain.operation import Adjusted, Validated
from domain.plans import Limits
from tests.application.support import (
    CENT,
    Answer,
    Office,
    accepting,
    asking,
    completing,
    desk,
    in_one_group,
    looking,
    opening,
    raising,
    refunding,
)

EARLIER = "op-0"


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    with desk(database_url) as opened:
        opened.do(opening("acme"), opening("beta"))
        yield opened


def accepted(answer: Answer) -> bool:
    return isinstance(answer, Receipt) and any(isinstance(fact, Validated) for fact in answer.facts)


async def beside(office: Office, failing: Proposal) -> Answer:
    """The answer to a decision whose neighbours, of its own account and of another, all commit in one transaction."""
    before = office.steps.commits
    first, failed, *rest = await in_one_group(
        office.writer,
        [accepting(asking("op-1")), failing, accepting(asking("op-2")), accepting(asking("op-3", account="beta"))],
    )
    assert accepted(first)
    assert all(accepted(one) for one in rest)
    assert office.steps.commits == before + 1
    written = {row.operation for row in office.reader.index_after("", 10)} - {EARLIER}
    assert written == {"op-1", "op-2", "op-3"}
    return failed


async def test_a_decision_that_raises_fails_its_caller_alone(office: Office) -> None:
    error = ZeroDivisionError("a bug of this caller")
    assert await beside(office, raising(error)) is error


async def test_a_fact_that_is_no_text_fails_its_caller_alone(office: Office) -> None:
    failed = await beside(office, accepting(asking("op-9", project="half a pair: \ud800")))
    assert isinstance(failed, InvalidRequest)
    assert failed.hint


async def test_a_fact_that_is_too_large_fails_its_caller_alone(office: Office) -> None:
    failed = await beside(office, accepting(asking("op-9", project="x" * LARGEST_FACT)))
    assert isinstance(failed, InvalidInput)
    assert str(LARGEST_FACT) in str(failed)


async def test_all_facts_of_a_failing_decision_are_dropped_not_only_those_after_the_broken_one(office: Office) -> None:
    ask = asking("op-8", "op-9")
    broken = (ask.quotes[0], replace(ask.quotes[1], price_book="\ud800"))
    failed = await beside(office, accepting(replace(ask, quotes=broken)))
    assert isinstance(failed, InvalidRequest)
    assert office.do(looking())[0].seen.current.usage["account"].held["spend"] == 2 * 4 * CENT


async def test_who_asks_of_an_unknown_account_fails_alone(office: Office) -> None:
    assert isinstance(await beside(office, accepting(asking("op-9", account="nobody"))), UnknownAccount)


async def test_who_asks_of_an_unknown_operation_fails_alone(office: Office) -> None:
    assert isinstance(await beside(office, completing("never-seen")), UnknownOperation)


async def test_who_looks_at_what_is_not_there_fails_alone(office: Office) -> None:
    def look(ledger: Ledger, _now: int) -> object:
        raise UnknownAccount(f"nobody is {ledger.account}")

    assert isinstance(await beside(office, looking("nobody", look)), UnknownAccount)


def change_a_byte(office: Office, stream: str, version: int) -> None:
    office.vandalise("UPDATE log SET state = state || ' ' WHERE stream LIKE ? AND version = ?", stream, version)


async def test_a_changed_byte_stops_its_account_and_no_other(database_url: str) -> None:
    with desk(database_url) as before:
        before.do(opening("acme"), opening("beta"), opening("gamma"))
        before.do(accepting(asking(EARLIER, account="gamma")))
        change_a_byte(before, "ledger:gamma:%", 2)
    with desk(database_url) as office:
        failed = await beside(office, accepting(asking("op-9", account="gamma")))
        assert isinstance(failed, LogCorrupted)
        assert "stream ledger:gamma:" in str(failed)
        assert "version 2" in str(failed)
        assert failed.advice == Advice("log.audit")


async def test_a_lost_tail_stops_its_account_and_no_other(database_url: str) -> None:
    with desk(database_url) as before:
        before.do(opening("acme"), opening("beta"), opening("gamma"))
        before.do(accepting(asking(EARLIER, account="gamma")))
        before.vandalise("DELETE FROM log WHERE stream LIKE ? AND version = ?", "ledger:gamma:%", 4)
    with desk(database_url) as office:
        failed = await beside(office, completing(EARLIER, account="gamma"))
        assert isinstance(failed, LogCorrupted)
        assert "end at versions 1 and 3, its row says 1 and 4" in str(failed)


async def test_a_closed_operation_that_cannot_be_read_stops_its_account_and_no_other(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening("acme"), opening("beta"), opening("gamma"))
        office.do(accepting(asking(EARLIER, account="gamma")), completing(EARLIER, "gamma"))
        office.vandalise("UPDATE log SET state = '{}' WHERE operation = ? AND topic = ?", EARLIER, "operation.charged")
        failed = await beside(office, refunding(EARLIER, CENT, "ticket-1", account="gamma"))
        assert isinstance(failed, LogCorrupted)
        assert not office.reader.read(0, 1_000, LogFilter(topics=office.log.codec.names_of(Adjusted)))


async def test_an_account_whose_operation_is_asked_for_by_another_account_shows_nothing(office: Office) -> None:
    office.do(accepting(asking(EARLIER)), completing(EARLIER))
    assert isinstance(await beside(office, refunding(EARLIER, CENT, "ticket-1", account="beta")), UnknownOperation)


async def test_limits_hold_although_a_neighbour_failed(database_url: str) -> None:
    """What a failing decision would have held is not held."""
    with desk(database_url) as office:
        office.do(opening(limits=Limits(images=2)))
        failing = accepting(asking("op-8", project="\ud800"))
        answers = await in_one_group(
            office.writer, [failing, accepting(asking("op-1")), failing, accepting(asking("op-2"))]
        )
        assert [accepted(answer) for answer in answers] == [False, True, False, True]
