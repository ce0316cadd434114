"""A database that answers late, or not at all: every caller is told in time, and told the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from application.ledger.group import Receipt
from application.ledger.transaction import CommitUnknown, ServerChanged, TooSlow
from application.ledger.writer import WriterOptions
from domain.errors import StoreUnavailable
from domain.operation import Charged, Requested
from tests.application.studios import SYNC, database_of, studio_on
from tests.application.support import PATIENCE, Gate, Office, accepting, asking, completing, desk, opening
from tests.postgres import execute
from tests.wire.proxy import Fault, Proxy, proxied

SLOW = TooSlow("the server stopped a statement that took too long")


@contextmanager
def frozen_desk(url: str, **options: Any) -> Iterator[tuple[Proxy, Office]]:
    """A desk whose database stands behind a proxy; an account is open."""
    parsed = make_url(url)
    with proxied(str(parsed.host), int(parsed.port or 0)) as proxy:
        through = parsed.set(port=proxy.port).update_query_dict({"connect_timeout": "2"})
        with desk(through.render_as_string(hide_password=False), statement_seconds=0.5, **options) as office:
            office.do(opening())
            try:
                yield proxy, office
            finally:
                proxy.thaw()


def recorded(office: Office, id: str) -> int:
    facts = office.facts()
    return sum(isinstance(fact, Requested) and fact.operation.id == id for fact in facts)


def test_a_request_that_a_frozen_database_never_saw_is_told_and_not_recorded(postgres_url: str) -> None:
    with frozen_desk(postgres_url) as (proxy, office):
        proxy.freeze()
        with pytest.raises(StoreUnavailable, match="no answer within") as told:
            office.do(accepting(asking("op-1")))
        assert "may have been recorded" not in told.value.message
        proxy.thaw()
        assert office.do(accepting(asking("op-2")))[0].facts


def test_a_request_whose_commit_was_never_answered_may_be_recorded_and_its_key_tells(postgres_url: str) -> None:
    with frozen_desk(postgres_url) as (proxy, office):
        proxy.next(Fault("stall", when=b"COMMIT"))
        with pytest.raises(StoreUnavailable, match="may have been recorded") as told:
            office.do(accepting(asking("op-1", key="order-1")))
        assert "repeat it under its key" in told.value.hint
        proxy.thaw()
        again = office.do(accepting(asking("op-2", key="order-1")))[0]
        assert again.known is not None
        assert again.known.reference == "op-1"
        assert (recorded(office, "op-1"), recorded(office, "op-2")) == (1, 0)


async def test_what_was_begun_waits_out_a_frozen_database_and_is_charged_once(postgres_url: str) -> None:
    with frozen_desk(postgres_url) as (proxy, office):
        await office.writer.put(accepting(asking("op-1")))
        proxy.next(Fault("stall", when=b"COMMIT"))
        settling = office.writer.put(completing("op-1"))
        refused = office.writer.put(accepting(asking("op-2")))
        with pytest.raises(StoreUnavailable):
            await refused
        assert not settling.done()
        proxy.thaw()
        assert isinstance(await settling, Receipt)
        assert sum(isinstance(fact, Charged) for fact in office.facts()) == 1


async def test_closing_on_a_frozen_database_ends_and_tells_everybody(postgres_url: str) -> None:
    with frozen_desk(postgres_url, options=WriterOptions(group=1)) as (proxy, office):
        await office.writer.put(accepting(asking("begun")))
        proxy.freeze()
        waiting = [office.writer.put(accepting(asking(f"op-{number}"))) for number in range(50)]
        waiting.append(office.writer.put(completing("begun")))
        await asyncio.sleep(0)
        await asyncio.to_thread(office.writer.close)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(answer, StoreUnavailable) for answer in answers)


@pytest.mark.parametrize("frozen", ["before it is asked", "at a commit"])
async def test_a_whole_studio_on_a_frozen_database_tells_and_closes(
    postgres_url: str, tmp_path: Path, frozen: str
) -> None:
    """Writer, projector, leases, views and the pool: nothing of it waits for ever."""
    parsed = make_url(postgres_url)
    with proxied(str(parsed.host), int(parsed.port or 0)) as proxy:
        through = parsed.set(port=proxy.port).update_query_dict({"connect_timeout": "2"})
        url = through.render_as_string(hide_password=False)
        async with studio_on(url, tmp_path, statement_seconds=1) as studio:
            await studio.accounts.open("acme", plan="pro")
            if frozen == "at a commit":
                proxy.next(Fault("stall", when=b"COMMIT"))
            else:
                proxy.freeze()
            with pytest.raises(StoreUnavailable):
                await studio.operations.generate("a lake", account="acme", model=SYNC)
            with pytest.raises(StoreUnavailable):
                await asyncio.to_thread(database_of(studio).read, "SELECT 1")
        proxy.thaw()


# In the queue


async def test_new_work_does_not_wait_for_ever_and_what_was_begun_does(
    database_url: str,
) -> None:
    seconds = [0.0]
    with desk(database_url, options=WriterOptions(timer=lambda: seconds[0])) as office:
        office.do(opening(), accepting(asking("op-1")))
        gate = Gate()
        office.writer.put(gate.proposal)
        assert await asyncio.to_thread(gate.entered.wait, PATIENCE)
        late, patient = office.writer.put(accepting(asking("op-2"))), office.writer.put(completing("op-1"))
        await asyncio.sleep(0)
        seconds[0] = 31.0
        gate.open()
        with pytest.raises(StoreUnavailable, match="waited 30 seconds to be recorded; it was not"):
            await late
        assert isinstance(await patient, Receipt)
        assert recorded(office, "op-2") == 0


# Too slow for all at once


async def test_a_group_that_is_too_slow_is_halved_until_it_is_fast_enough(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening())
        gate = Gate()
        office.writer.put(gate.proposal)
        assert await asyncio.to_thread(gate.entered.wait, PATIENCE)
        waiting = [office.writer.put(accepting(asking(f"op-{number}"))) for number in range(4)]
        await asyncio.sleep(0)
        office.steps.plan("before commit", lambda: None, SLOW, SLOW)
        gate.open()
        answers = await asyncio.gather(*waiting)
        assert all(isinstance(answer, Receipt) for answer in answers)
        assert sum(isinstance(fact, Requested) for fact in office.facts()) == 4


def test_one_alone_that_is_too_slow_is_told(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening())
        office.steps.plan("before commit", SLOW)
        with pytest.raises(StoreUnavailable, match="too long"):
            office.do(accepting(asking("op-1")))
        assert recorded(office, "op-1") == 0


def test_a_limit_of_the_role_refuses_nobody(postgres_url: str) -> None:
    name = make_url(postgres_url).database
    execute(postgres_url, f'ALTER DATABASE "{name}" SET statement_timeout = 1')
    with desk(postgres_url) as office:
        office.do(opening())
        assert all(outcome.facts for outcome in office.do(*(accepting(asking(f"op-{number}")) for number in range(9))))


# After a failover


def test_a_server_that_became_read_only_is_left_without_the_callers_noticing(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening())
        office.steps.plan("before commit", ServerChanged("cannot execute INSERT in a read-only transaction"))
        assert office.do(accepting(asking("op-1")))[0].facts
        assert recorded(office, "op-1") == 1


def test_an_end_that_stayed_unknown_is_told_as_such_by_what_follows(database_url: str) -> None:
    with desk(database_url) as office:
        office.do(opening())
        office.steps.plan("before commit", CommitUnknown("server closed the connection unexpectedly"))
        office.steps.plan("before begin", lambda: None, StoreUnavailable("nobody answers at the database's address"))
        with pytest.raises(StoreUnavailable, match=r"nobody answers.*may have been recorded"):
            office.do(accepting(asking("op-1")))
