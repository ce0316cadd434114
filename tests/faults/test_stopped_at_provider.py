"""F17 at real providers: an owner stopped past its lease while its job runs, recovered elsewhere, then continued."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from domain.operation import Adjusted, Dispatched, ProviderCompleted
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound
from tests.faults.ponds import BLIND, COST, KEPT, LISTED, STOPPED, Scene, check_account
from tests.faults.processes import ended
from tests.faults.test_stopped import until_stopped

ACCOUNT = "acme"
CASES = {
    "listed, before it is sent": (LISTED, "before submit", "released by policy"),
    "listed, before its answer came": (LISTED, "while it is accepted", "found at the provider"),
    "listed, while its job runs": (LISTED, "while it is polled", "found its job"),
    "listed, while its output comes": (LISTED, "while receiving", "found its job"),
    "known by id, before its answer came": (KEPT, "while it is accepted", "released by policy"),
    "known by id, before it is polled": (KEPT, "before collect", "found its job"),
    "not known, before its answer came": (BLIND, "while it is accepted", "released by policy"),
}
"""Each with where it is stopped, and what recovery does meanwhile."""


@pytest.mark.parametrize("case", CASES)
def test_an_owner_that_continues_after_its_job_was_recovered_changes_no_charge(scene: Scene, case: str) -> None:
    model, step, action = CASES[case]
    asyncio.run(scene.open_accounts(ACCOUNT))
    owner = scene.signalled(model, ACCOUNT, step, STOPPED)
    until_stopped(owner.pid)
    scene.let_end()
    recovered = asyncio.run(scene.recover())[ACCOUNT]
    assert recovered.action == action
    os.kill(owner.pid or 0, signal.SIGCONT)
    assert ended(owner) == 0
    asyncio.run(check(scene, recovered.phase))


async def check(scene: Scene, phase: str) -> None:
    async with scene.studio() as studio:
        await check_account(studio, scene.fake, ACCOUNT, phase, jobs=1)
        check_late(studio, late=phase == "released")
        assert count(facts_of(studio), Dispatched) == 1
        assert await studio.upkeep.recover() == []
        assert await is_sound(studio)


def check_late(studio: Studio, *, late: bool) -> None:
    """What came after the release is delivered: our cost is booked, at no price."""
    facts = facts_of(studio)
    [completed] = [fact for fact in facts if isinstance(fact, ProviderCompleted)]
    assert (completed.late, len(completed.assets)) == (late, 1)
    assert [(fact.price, fact.cost) for fact in facts if isinstance(fact, Adjusted)] == ([(0, COST)] if late else [])
