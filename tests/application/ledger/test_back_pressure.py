"""Room is for new work alone: what was begun is always taken, and closing writes everything accepted so far."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from application.ledger.group import Receipt
from application.ledger.writer import WriterOptions
from domain.errors import Overloaded, ShuttingDown
from domain.operation import Charged, Requested, Settled
from tests.application.support import (
    PATIENCE,
    Gate,
    Office,
    accepting,
    asking,
    completing,
    desk,
    opening,
)

ROOM = 5


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    with desk(database_url, options=WriterOptions(waiting=ROOM)) as opened:
        opened.do(opening(), *(accepting(asking(f"begun-{number}")) for number in range(ROOM)))
        yield opened


async def busy(office: Office, gate: Gate) -> None:
    office.writer.put(gate.proposal)
    assert await asyncio.to_thread(gate.entered.wait, PATIENCE)


async def test_new_work_beyond_the_room_is_refused_at_once_and_not_recorded(office: Office) -> None:
    gate = Gate()
    await busy(office, gate)
    waiting = [office.writer.put(accepting(asking(f"op-{number}"))) for number in range(ROOM)]
    with pytest.raises(Overloaded) as refused:
        await office.writer.put(accepting(asking("one-too-many")))
    assert refused.value.hint
    gate.open()
    await asyncio.gather(*waiting)
    recorded = {fact.operation.id for fact in office.facts() if isinstance(fact, Requested)}
    assert "one-too-many" not in recorded
    assert len(recorded) == 2 * ROOM


async def test_what_was_begun_has_reserved_room(office: Office) -> None:
    gate = Gate()
    await busy(office, gate)
    accepts = [office.writer.put(accepting(asking(f"op-{number}"))) for number in range(ROOM)]
    settles = [office.writer.put(completing(f"begun-{number}")) for number in range(ROOM)]
    await asyncio.sleep(0)
    gate.open()
    answers = await asyncio.gather(*accepts, *settles)
    assert all(isinstance(answer, Receipt) for answer in answers)


async def test_room_is_free_again_once_what_waited_was_written(office: Office) -> None:
    gate = Gate()
    await busy(office, gate)
    waiting = [office.writer.put(accepting(asking(f"op-{number}"))) for number in range(ROOM)]
    gate.open()
    await asyncio.gather(*waiting)
    again = [office.writer.put(accepting(asking(f"again-{number}"))) for number in range(ROOM)]
    assert len(await asyncio.gather(*again)) == ROOM


def test_a_thread_is_told_as_a_loop_is(office: Office) -> None:
    gate = Gate()
    threads = [threading.Thread(target=office.do, args=(gate.proposal,))]
    threads[0].start()
    assert gate.entered.wait(PATIENCE)

    async def fill() -> None:
        for number in range(ROOM):
            office.writer.put(accepting(asking(f"op-{number}")))
        await asyncio.sleep(0)

    asyncio.run(fill())
    with pytest.raises(Overloaded):
        office.do(accepting(asking("one-too-many")))
    gate.open()
    threads[0].join()


async def test_closing_writes_everything_accepted_so_far(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening())
        gate = Gate()
        await busy(office, gate)
        waiting = [office.writer.put(accepting(asking(f"op-{number}"))) for number in range(30)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(office.writer.close))
        gate.open()
        await closing
        answers = await asyncio.gather(*waiting)
        assert all(answer.facts for answer in answers)
        assert sum(isinstance(fact, Requested) for fact in office.facts()) == 30


async def test_while_closing_what_was_begun_is_settled_and_new_work_is_refused(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening(), accepting(asking("op-1")))
        gate = Gate()
        await busy(office, gate)
        closing = asyncio.create_task(asyncio.to_thread(office.writer.close))
        accepted, refused = await until_refused(office)
        settling = office.writer.put(completing("op-1"))
        await asyncio.sleep(0)
        gate.open()
        await closing
        assert "same key" in refused.hint
        assert isinstance((await settling).states["op-1"], Settled)
        kinds = [type(fact) for fact in office.facts()]
        assert (kinds.count(Requested), kinds.count(Charged)) == (1 + len(accepted), 1)


async def until_refused(office: Office) -> tuple[list[asyncio.Future[Receipt]], ShuttingDown]:
    """Ask until the writer, busy with something else, takes nothing new; what it took before, and its refusal."""
    accepted: list[asyncio.Future[Receipt]] = []
    while True:
        asked = office.writer.put(accepting(asking(f"late-{len(accepted)}")))
        for _ in range(3):  # to hand it over, and to hear a refusal
            await asyncio.sleep(0)
        if asked.done():
            with pytest.raises(ShuttingDown) as refused:
                await asked
            return accepted, refused.value
        accepted.append(asked)


def test_a_closed_writer_refuses_everything_and_closing_again_changes_nothing(office: Office) -> None:
    office.writer.close()
    office.writer.close()
    for proposal in (accepting(asking("op-1")), completing("begun-1")):
        with pytest.raises(ShuttingDown):
            office.do(proposal)
