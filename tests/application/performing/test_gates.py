"""Limits of a provider hold over all processes together: slots, pace, and the time it asks to be left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise

import pytest
from sqlalchemy import event

from application.performing.gates import BUSY, Gates
from application.ports import ProviderRefused
from application.ports.slots import Entrance, Throughput
from infrastructure.clock import SECOND, now
from infrastructure.store.database import Database
from infrastructure.store.slots import SqlSlots
from tests.application.support import PATIENCE

LEASE = 60 * SECOND
TWO = Throughput(at_once=2)


@contextmanager
def process(url: str, owner: str, **limits: Throughput) -> Iterator[Gates]:
    """The gates of one process, on connections of its own."""
    with closing(Database(url)) as database:
        yield Gates(limits, SqlSlots(database), owner, LEASE, now)


async def test_as_many_are_inside_as_there_are_slots_whichever_process_they_are_of(database_url: str) -> None:
    inside, most, done = 0, 0, 0

    async def visit(gates: Gates, number: int) -> None:
        nonlocal inside, most, done
        async with gates.through("atelier", f"{gates.owner}-{number}", None):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.02)
            inside -= 1
            done += 1

    with (
        process(database_url, "a", atelier=TWO) as a,
        process(database_url, "b", atelier=TWO) as b,
        process(database_url, "c", atelier=TWO) as c,
    ):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*[visit(gates, number) for gates in (a, b, c) for number in range(5)])
        assert not (a.inside | b.inside | c.inside | set(a.outside))
    assert (most, done) == (2, 15)


async def test_a_slot_is_free_again_when_the_lease_of_a_dead_process_ends(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        slots = SqlSlots(database)
        slots.prepare("atelier", 2)
        assert [slots.enter("atelier", TWO, "dead", 100, 200).slot for _ in range(3)] == [1, 2, None]
        assert slots.enter("atelier", TWO, "alive", 150, 900) == Entrance(None, 150)
        assert slots.enter("atelier", TWO, "alive", 201, 900).slot == 1
        slots.leave("atelier", 1, "dead")  # which wakes up late
        assert slots.enter("atelier", TWO, "alive", 202, 900).slot == 2
        slots.renew("alive", 2_000)
        assert slots.enter("atelier", TWO, "other", 1_000, 3_000).slot is None
        slots.leave("atelier", 1, "alive")
        assert slots.enter("atelier", TWO, "other", 1_000, 3_000).slot == 1


async def test_the_pace_gives_each_submission_an_instant_of_its_own(database_url: str) -> None:
    paced = Throughput(per_minute=120)
    with closing(Database(database_url)) as one, closing(Database(database_url)) as two:
        SqlSlots(one).prepare("atelier", 0)
        found = [SqlSlots(which).enter("atelier", paced, "x", 1_000, 0) for which in (one, two, one, two, two)]
        assert found[0] == Entrance(0, 1_000)
        assert {later.at - earlier.at for earlier, later in pairwise(found)} == {SECOND // 2}
        late = found[-1].at + 10 * SECOND
        assert SqlSlots(one).enter("atelier", paced, "x", late, 0) == Entrance(0, late), "what was not used is gone"


async def test_a_provider_that_asks_to_be_left_alone_is_by_all_who_look(database_url: str) -> None:
    both = Throughput(at_once=1, per_minute=60)
    with closing(Database(database_url)) as database:
        slots = SqlSlots(database)
        slots.prepare("atelier", 1)
        slots.hold_off("atelier", 500)
        slots.hold_off("atelier", 400)
        assert slots.enter("atelier", both, "x", 100, 900) == Entrance(None, 500)
        assert slots.enter("atelier", both, "x", 500, 900) == Entrance(1, 500), "and nothing was taken meanwhile"


async def test_who_would_wait_too_long_is_refused_and_leaves_nothing_behind(database_url: str) -> None:
    with process(database_url, "a", atelier=TWO) as gates:
        await gates.hold_off("atelier", 3_600)
        with pytest.raises(ProviderRefused) as refused:
            async with gates.through("atelier", "op-1", now() + SECOND):
                pass
        assert refused.value.code == BUSY
        assert (gates.outside, gates.inside) == ({}, set())


async def test_who_is_cancelled_in_line_or_inside_holds_up_nobody(database_url: str) -> None:
    with process(database_url, "a", atelier=Throughput(at_once=1)) as gates:
        entered = asyncio.Event()

        async def stay(operation: str) -> None:
            async with gates.through("atelier", operation, None):
                entered.set()
                await asyncio.Event().wait()

        inside = asyncio.create_task(stay("op-1"))
        await entered.wait()
        line = asyncio.create_task(stay("op-2"))
        while "op-2" not in gates.outside:  # noqa: ASYNC110 - the task itself has to come there
            await asyncio.sleep(0)
        for task in (line, inside):
            task.cancel()
        await asyncio.gather(line, inside, return_exceptions=True)
        async with asyncio.timeout(PATIENCE), gates.through("atelier", "op-3", None):
            assert gates.inside == {"op-3"}


async def test_a_provider_without_limits_costs_no_query(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        heard: list[str] = []
        event.listen(database.engine, "before_cursor_execute", lambda *told: heard.append(told[2]))
        gates = Gates({}, SqlSlots(database), "a", LEASE, now)
        async with gates.through("atelier", "op-1", None):
            await gates.renew()
        assert heard == []


async def test_a_limit_costs_one_statement_to_enter_and_one_to_leave(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        heard: list[str] = []
        event.listen(database.engine, "before_cursor_execute", lambda *told: heard.append(told[2]))
        gates = Gates({"atelier": Throughput(2, 60_000)}, SqlSlots(database), "a", LEASE, now)
        async with gates.through("atelier", "op-1", None):
            pass
        heard.clear()
        async with gates.through("atelier", "op-2", None):
            pass
        assert len([one for one in heard if one not in ("BEGIN", "COMMIT")]) == 2
