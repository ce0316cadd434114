"""API keys over processes: a limit that no number of them passes, and histories in which each opens its own door."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.asking.requests import Request
from domain.errors import OperationRefused, Unauthenticated
from domain.keys import KeyScope, KeyTerms
from domain.operation import Charged, Rejected, Requested
from infrastructure.assembly import Parts
from infrastructure.blocking import BlockingStudio, open_blocking
from infrastructure.clock import SECOND, now
from tests.application.studios import PRICE, SYNC, count, facts_of, is_sound, settings_for, studio_on
from tests.faults.processes import in_processes

OPERATE = KeyTerms((KeyScope.OPERATE,))
PROCESSES, EACH, ADMITTED = 3, 5, 7


async def ask(url: str, home: Path, secret: str) -> int:
    """What one process gets done with a key: as many pictures at once as it can."""
    async with studio_on(url, home) as studio:
        holder = await studio.keys.known(secret)
        request = Request("text-to-image", holder.account, {"prompt": "a lake"}, model=SYNC, by=holder.actor)
        ended = await asyncio.gather(*[studio.operations.run(request) for _ in range(EACH)], return_exceptions=True)
        for one in ended:
            if isinstance(one, BaseException) and not isinstance(one, OperationRefused):
                raise one
        return sum(not isinstance(one, BaseException) for one in ended)


async def test_the_limit_of_a_key_holds_over_processes_exactly(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        new = await studio.keys.issue("acme", OPERATE, limits={"spend": ADMITTED * PRICE})
        calls = [(database_url, tmp_path, new.secret)] * PROCESSES
        done = await asyncio.to_thread(in_processes, ask, calls)
        facts = facts_of(studio)
        assert sum(done) == count(facts, Charged) == ADMITTED
        assert count(facts, Rejected) == PROCESSES * EACH - ADMITTED
        assert {fact.operation.api_key for fact in facts if isinstance(fact, Requested)} == {new.key.id}
        assert (await studio.keys.show("acme", new.key.id)).left == {"spend": 0}
        assert await is_sound(studio)


# Histories


@dataclass
class Issued:
    """A key as it must be: whose, and until when; `revoked` once it was."""

    account: str
    id: str
    expires: int
    revoked: bool = False


@dataclass
class World:
    """Two processes on one ledger, whose clock the test moves."""

    one: BlockingStudio
    other: BlockingStudio
    clock: list[int]
    steady: list[int]
    accounts: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Two accounts that nobody has used before."""
        number = len(self.accounts)
        self.accounts += [f"acme-{number}", f"beta-{number}"]
        for account in self.accounts[-2:]:
            self.one.accounts.open(account, plan="pro")

    def opens(self, studio: BlockingStudio, secret: str) -> tuple[str, str] | None:
        with suppress(Unauthenticated):
            holder = studio.keys.known(secret)
            return holder.account, holder.key
        return None

    def is_true(self, keys: dict[str, Issued]) -> None:
        """Each secret opens its own door, at both processes, while it is live, and no other ever."""
        self.steady[0] += SECOND
        for studio in (self.one, self.other):
            for secret, key in keys.items():
                live = not key.revoked and self.clock[0] < key.expires
                assert self.opens(studio, secret) == ((key.account, key.id) if live else None)


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    clock, steady = [now()], [SECOND]
    parts = Parts(clock=lambda: clock[0], steady=lambda: steady[0])
    chosen = settings_for(sqlite_url, tmp_path)
    with open_blocking(chosen, parts, serve=False) as one, open_blocking(chosen, parts, serve=False) as other:
        yield World(one, other, clock, steady)


STEP = st.tuples(st.sampled_from(["issue", "change", "revoke", "wait"]), st.integers(0, 5), st.booleans())


def test_whatever_is_done_to_keys_each_opens_its_own_door_while_it_is_live(world: World) -> None:
    @given(steps=st.lists(STEP, min_size=1, max_size=8))
    @settings(max_examples=25)
    def run(steps: list[tuple[str, int, bool]]) -> None:
        world.begin()
        keys: dict[str, Issued] = {}
        for word, number, elsewhere in steps:
            studio = world.other if elsewhere else world.one
            chosen = [*keys.values()][number % len(keys)] if keys else None
            if word == "issue":
                account, expires = world.accounts[-1 - number % 2], world.clock[0] + (1 + number) * SECOND
                new = studio.keys.issue(account, KeyTerms((KeyScope.READ,), expires=expires))
                keys[new.secret] = Issued(account, new.key.id, expires)
            elif word == "wait":
                world.clock[0] += number * SECOND
            elif chosen is not None and word == "revoke":
                studio.keys.revoke(chosen.account, chosen.id)
                chosen.revoked = True
            elif chosen is not None and not chosen.revoked:
                chosen.expires = world.clock[0] + (1 + number) * SECOND
                studio.keys.change(chosen.account, chosen.id, changes={"expires": chosen.expires})
            world.is_true(keys)

    run()
