"""Statements on a real database: the same before and after they are issued, and for ever as the raw log adds up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from application.keeping.billed import BilledReader, WorkedOut
from application.keeping.statements import StatementReader, StatementView
from domain.billing import PeriodClosed, StatementIssued, UnknownPeriod, UnknownStatement
from domain.booking import UsageBooked
from domain.errors import CurrencyMismatch, IllegalTransition, InvalidInput, KeyReused, OperationPending, UnknownAccount
from domain.money import Money
from infrastructure.service import Studio
from infrastructure.store.database import Database
from projections.views.operations import OPERATIONS
from tests.application.studios import GRACE, JOBS, PRICE, SYNC, facts_of, is_sound, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc
from tests.faults.processes import in_processes
from tests.infrastructure.cli.test_audit import tamper

APRIL, MAY = utc("2026-04-10T12:00"), utc("2026-05-02T09:00")
FOUR, FIVE = "2026-04-01", "2026-05-01"


def summed(url: str, stream: str, version: int) -> int:
    """What a period is billed, by its rows as they are stored and by nothing else."""
    total, given = 0, {"operation.charged": "price", "operation.adjusted": "price", "ledger.usage_booked": "price"}
    with Database(url).session("") as session:
        rows = session.rows("SELECT topic, stream, version, state FROM log ORDER BY position", ())
    for topic, where, place, state in rows:
        fact = json.loads(state)
        if where == stream and place <= version:
            total += fact[given[topic]] if topic in given else 0
            total -= fact["amount"] if topic == "ledger.goodwill_given" else 0
    return total


async def used(studio: Studio, *users: str) -> None:
    for user in users:
        await studio.operations.generate("a lake", account="acme", user=user, model=SYNC)


async def prepared(studio: Studio) -> None:
    await studio.accounts.open("acme", plan="pro", prepaid=True, zone="America/New_York")
    await studio.accounts.add_credit("acme", Money.parse("25", "USD"), "pay-1")


def parts(one: StatementView) -> tuple[Any, ...]:
    return one.content, one.digest, one.statement


async def test_a_draft_and_what_is_issued_are_the_same_for_ever(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await prepared(studio)
        await used(studio, "ann", "ann", "bob")
        clock.now = MAY
        draft = await studio.statements.preview("acme")
        closed = await studio.statements.close("acme", FOUR)
        issued = await studio.statements.issue("acme", FOUR)
        assert parts(draft) == parts(issued) == parts(await studio.statements.preview("acme", FOUR))
        assert (draft.status, draft.number, issued.status, issued.number) == ("draft", "", "issued", "acme-0001")
        assert (
            issued.statement.total == 3 * PRICE == summed(database_url, closed_stream(closed), issued.statement.version)
        )
        await used(studio, "ann")
        await studio.upkeep.refund(ids(studio)[0], account="acme", reason="spoilt", reference="r1")
        assert parts(await studio.statements.show("acme", "acme-0001")) == parts(issued)
        assert await is_sound(studio)
    clock.now = utc("2036-05-02")
    async with studio_on(database_url, tmp_path, clock=clock) as later:
        assert parts(await later.statements.show("acme", FOUR)) == parts(issued)
        may = await later.statements.preview("acme", FIVE)
        assert may.content["balance"] == {"opening": "24.88", "paid_in": "0.00", "charged": "0.00", "closing": "24.88"}
        assert [line["class"] for line in may.content["adjustments"]] == ["Correction"]


def closed_stream(closed: Any) -> str:
    return f"ledger:acme:{closed.period.start}"


def ids(studio: Studio) -> list[str]:
    return [fact.operation.id for fact in facts_of(studio) if type(fact).__name__ == "Charged"]  # type: ignore[union-attr]


async def test_an_operation_that_is_open_at_the_closing_is_billed_in_the_next_period(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await prepared(studio)
        await used(studio, "ann")
        slow = Request("text-to-image", "acme", {"prompt": "a lake", "outcome": "never"}, model=JOBS)
        with pytest.raises(OperationPending) as pending:
            await studio.operations.run(slow)
        clock.now = MAY
        with pytest.raises(IllegalTransition, match="one of its operations is open"):
            await studio.statements.close("acme")
        closed = await studio.statements.close("acme", carry=True)
        assert closed.closing is not None
        assert (closed.closing.open, closed.closing.held, closed.closing.closing) == (1, PRICE, 25_000_000 - PRICE)
        clock.now += 100 * GRACE
    async with studio_on(database_url, tmp_path, clock=clock) as later:
        await later.upkeep.recover()
        (booked,) = [fact for fact in facts_of(later) if isinstance(fact, UsageBooked)]
        assert booked.operation.id == pending.value.operation
        april, may = [await later.statements.preview("acme", name) for name in (FOUR, FIVE)]
        assert april.statement.usage[0].operations == 1
        assert (may.statement.opening, april.statement.open, may.statement.is_partial) == (25_000_000 - PRICE, 1, True)
        assert (await later.accounts.show("acme")).balance == may.statement.closing
        assert await is_sound(later)


async def test_periods_are_closed_in_their_order_once_they_are_over(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        with pytest.raises(UnknownAccount):
            await studio.statements.close("acme")
        await prepared(studio)
        await used(studio, "ann")
        with pytest.raises(IllegalTransition, match="is not over"):
            await studio.statements.close("acme")
        clock.now = MAY
        await used(studio, "ann")
        clock.now = utc("2026-06-02")
        with pytest.raises(IllegalTransition, match="period 2026-04-01 comes before 2026-05-01"):
            await studio.statements.close("acme", "2026-05")
        with pytest.raises(IllegalTransition, match="period 2026-04-01 is not closed"):
            await studio.statements.issue("acme", "2026-04")
        for name in ("2026-04", None, "2026-05"):
            await studio.statements.close("acme", name)
        found = [(one.name, one.closing is not None) for one in await studio.statements.periods("acme")]
        assert found == [(FOUR, True), (FIVE, True), ("2026-06-01", False)]
        with pytest.raises(UnknownPeriod, match="no billing period '2026-07'"):
            await studio.statements.preview("acme", "2026-07")
        with pytest.raises(UnknownStatement):
            await studio.statements.show("acme", "acme-0001")


async def test_a_voided_statement_stays_and_the_next_refers_to_it(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await prepared(studio)
        await used(studio, "ann")
        clock.now = MAY
        await studio.statements.close("acme")
        await studio.statements.issue("acme", FOUR)
        for _ in range(2):
            await studio.statements.void("acme", "acme-0001", "a wrong name")
        assert (await studio.statements.show("acme", FOUR)).status == "draft"
        for _ in range(2):
            again = await studio.statements.issue("acme", FOUR)
        assert (again.number, again.replaces) == ("acme-0002", "acme-0001")
        first = await studio.statements.show("acme", "acme-0001")
        assert (first.status, first.reason, first.replaced) == ("voided", "a wrong name", "acme-0002")
        assert first.voiding == f"{first.voided_by}: a wrong name"
        assert first.voided_by.startswith("operator:")
        assert [one.number for one in await studio.statements.list("acme")] == ["acme-0001", "acme-0002"]
        assert await is_sound(studio)


# By processes


async def closing_and_issuing(url: str, home: Path, _name: str) -> str:
    async with studio_on(url, home, clock=Clock(MAY)) as studio:
        await studio.statements.close("acme", FOUR)
        return (await studio.statements.issue("acme", FOUR)).number


async def voiding(url: str, home: Path, name: str) -> str:
    """Void what holds and issue again, several times, while others do the same."""
    numbers = Counter[str]()
    async with studio_on(url, home, clock=Clock(MAY)) as studio:
        for _ in range(3):
            numbers[(await studio.statements.issue("acme", FOUR)).number] += 1
            await studio.statements.void("acme", (await studio.statements.list("acme"))[-1].number, name)
    return max(numbers)


def test_processes_that_close_and_issue_at_once_make_one_closing_and_one_statement(
    database_url: str, tmp_path: Path
) -> None:
    asyncio.run(begun(database_url, tmp_path))
    assert in_processes(closing_and_issuing, [(database_url, tmp_path, f"p{n}") for n in range(3)]) == ["acme-0001"] * 3
    in_processes(voiding, [(database_url, tmp_path, f"p{n}") for n in range(2)])
    asyncio.run(numbered(database_url, tmp_path))


async def begun(url: str, home: Path) -> None:
    async with studio_on(url, home, clock=Clock(APRIL)) as studio:
        await prepared(studio)
        await used(studio, "ann")


async def numbered(url: str, home: Path) -> None:
    """Numbers go on from 1 without a gap, and each refers to the one before."""
    async with studio_on(url, home, clock=Clock(MAY)) as studio:
        facts = facts_of(studio)
        issued = [fact for fact in facts if isinstance(fact, StatementIssued)]
        assert len([fact for fact in facts if isinstance(fact, PeriodClosed)]) == 1
        assert [fact.number for fact in issued] == list(range(1, len(issued) + 1))
        assert [fact.replaces for fact in issued] == list(range(len(issued)))
        assert len({fact.digest for fact in issued}) == 1
        assert await is_sound(studio)


async def test_a_bill_that_the_log_does_not_bear_out_is_found_by_the_audit(sqlite_url: str, tmp_path: Path) -> None:
    """Whoever can rewrite the whole database makes its hashes fit, too: the sums still do not."""
    clock = Clock(APRIL)
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        await prepared(studio)
        await used(studio, "ann")
        clock.now = MAY
        await studio.statements.close("acme")
        await studio.statements.issue("acme", FOUR)
        assert list(studio.audit.bills()) == list(studio.audit.bills("acme")) == []
    changes = {
        "operation.charged": ('"price":40000', '"price":40001'),
        "billing.period_closed": ('"closing":24960000', '"closing":24960001'),
        "billing.statement_issued": ('"number":1,', '"number":2,'),
    }
    told = {}
    for topic, (was, now) in changes.items():
        for one, other in ((was, now), (now, was)):
            change = f"UPDATE log SET state = replace(state, '{one}', '{other}') WHERE topic = '{topic}'"
            tamper(tmp_path / "studio.db", change)
            if other == now:
                async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
                    told[topic] = [one.what for one in studio.audit.bills()]
    assert [len(one) for one in told.values()] == [2, 1, 1]
    assert told["operation.charged"][0] == "was closed with (24960000, 0, 0), and the log says (24959999, 0, 0)"
    assert told["billing.statement_issued"] == ["stands where statement acme-0001 should"]


# Corrections


async def correcting(url: str, home: Path, name: str) -> int:
    """Give back cent by cent, as refunds and as goodwill in turns, until no more is left; how many were given."""
    given = 0
    async with studio_on(url, home, clock=Clock(MAY)) as studio:
        operation, cent = ids(studio)[0], Money.parse("0.01", "USD")
        for number in range(PRICE // 10_000):
            reference = f"{name}-{number}"
            with suppress(InvalidInput):  # nothing is left
                if number % 2:
                    await studio.upkeep.refund(
                        operation, account="acme", amount=cent, reason="spoilt", reference=reference
                    )
                else:
                    await studio.statements.goodwill("acme", cent, period=FOUR, reason="spoilt", reference=reference)
                given += 1
    return given


def test_corrections_by_processes_together_give_back_what_was_charged_and_no_more(
    postgres_url: str, tmp_path: Path
) -> None:
    asyncio.run(begun(postgres_url, tmp_path))
    given = in_processes(correcting, [(postgres_url, tmp_path, f"p{n}") for n in range(3)])
    assert sum(given) == PRICE // 10_000
    asyncio.run(given_back(postgres_url, tmp_path))


async def given_back(url: str, home: Path) -> None:
    async with studio_on(url, home, clock=Clock(MAY)) as studio:
        assert (await studio.accounts.show("acme")).balance == 25_000_000
        with pytest.raises(InvalidInput):
            await studio.upkeep.refund(ids(studio)[0], account="acme", reason="again", reference="more")
        may = await studio.statements.preview("acme", FIVE)
        assert (may.statement.total, may.statement.closing) == (-PRICE, 25_000_000 - PRICE + PRICE)
        assert {line["class"] for line in may.content["adjustments"]} == {"Correction"}
        assert await is_sound(studio)


async def test_each_correction_counts_once_and_is_told_again(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        with pytest.raises(UnknownAccount):
            await studio.statements.goodwill("acme", Money(1, "USD"), reason="sorry", reference="g")
        await prepared(studio)
        await used(studio, "ann", "bob")
        first = await studio.statements.goodwill("acme", Money(500, "USD"), reason="sorry", reference="g")
        assert await studio.statements.goodwill("acme", Money(500, "USD"), reason="sorry", reference="g") == first
        with pytest.raises(KeyReused):
            await studio.statements.goodwill("acme", Money(501, "USD"), reason="sorry", reference="g")
        with pytest.raises(CurrencyMismatch):
            await studio.statements.goodwill("acme", Money(500, "EUR"), reason="sorry", reference="h")
        one = {"account": "acme", "cost": Money(7, "USD"), "reason": "the bill", "reference": "c"}
        assert len(await studio.upkeep.correct_cost(ids(studio)[0], **one)) == 1  # type: ignore[arg-type]
        assert await studio.upkeep.correct_cost(ids(studio)[0], **one) == ()  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="reason"):
            await studio.upkeep.refund(ids(studio)[0], account="acme", reason="", reference="r")
        for reference in ("", "two words", "a\nb", "x" * 201):
            with pytest.raises(InvalidInput, match="reference"):
                await studio.upkeep.refund(ids(studio)[0], account="acme", reason="sorry", reference=reference)
        read = (await studio.statements.preview("acme")).statement
        assert (read.total, read.closing) == (2 * PRICE - 500, 25_000_000 - 2 * PRICE + 500)
        assert (await studio.accounts.show("acme")).balance == read.closing
        clock.now = MAY
        await used(studio, "ann")
        assert await studio.statements.goodwill("acme", Money(500, "USD"), reason="sorry", reference="g") == first
        with pytest.raises(KeyReused, match=r"0\.0005 USD for period 2026-04-01"):
            await studio.statements.goodwill("acme", Money(500, "USD"), period=FIVE, reason="sorry", reference="g")
        assert await is_sound(studio)


async def test_a_draft_goes_on_from_where_it_was_read_and_is_what_all_of_it_comes_to(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path, clock=Clock(APRIL)) as studio:
        await prepared(studio)
        billed = studio.statements.billed
        streams = CountedStreams(billed.streams)
        going_on = StatementReader(BilledReader(streams, billed.codec, WorkedOut()))
        reading_all = StatementReader(BilledReader(billed.streams, billed.codec))
        await used(studio, *["ann"] * 12)
        for step in ("nothing", "used", "open", "refunded", "ended", "goodwill"):
            await changed(studio, step)
            streams.read = 0
            assert parts(await going_on.preview("acme")) == parts(await reading_all.preview("acme"))
            assert streams.read <= 4 or step == "nothing"


async def changed(studio: Studio, step: str) -> None:
    """Something of every kind that a statement is of."""
    if step == "used":
        await used(studio, "bob")
    if step == "open":
        wish = Request("text-to-image", "acme", {"prompt": "later"}, model=JOBS)
        await studio.operations.submit(wish, queued=True)
    if step == "refunded":
        await studio.upkeep.refund(ids(studio)[0], account="acme", reason="spoilt", reference="r1")
    if step == "ended":
        await asyncio.to_thread(studio.views.catch_up)
        (one,) = await asyncio.to_thread(studio.views.rows, OPERATIONS, OPERATIONS.filter(state="validated"))
        await studio.operations.cancel(one.id, account="acme")
    if step == "goodwill":
        await studio.statements.goodwill(
            "acme", Money.parse("0.10", "USD"), period=FOUR, reason="sorry", reference="g1"
        )


class CountedStreams:
    """Streams as they are, and how many rows of them were read."""

    def __init__(self, streams: Any) -> None:
        self._streams, self.read = streams, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._streams, name)

    def bare(self, *asked: Any) -> Any:
        found = self._streams.bare(*asked)
        self.read += len(found)
        return found
