"""F17 at real providers: an owner stopped past its lease while its job runs, recovered elsewhere, then continued."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.operation import Adjusted, Dispatched, ProviderCompleted
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound, studio_on
from tests.faults.ponds import (
    BLIND,
    COST,
    KEPT,
    LISTED,
    STOPPED,
    check_account,
    leading_to,
    recover,
    signalled,
)
from tests.faults.processes import ended
from tests.faults.test_stopped import until_stopped
from tests.providers.fake.behaviour import Behaviour
from tests.providers.fake.server import Fake, serving

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


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.mark.parametrize("case", CASES)
def test_an_owner_that_continues_after_its_job_was_recovered_changes_no_charge(
    fake: Fake, database_url: str, tmp_path: Path, case: str
) -> None:
    model, step, action = CASES[case]
    settings = leading_to(fake, tmp_path)
    asyncio.run(open_account(database_url, tmp_path))
    owner = signalled(fake, database_url, tmp_path, settings, model, ACCOUNT, step, STOPPED)
    until_stopped(owner.pid)
    for job in fake.jobs():
        fake.change(job.id, Behaviour())
    recovered = asyncio.run(recover(database_url, tmp_path, settings))
    assert recovered[ACCOUNT].action == action
    fake.release()
    os.kill(owner.pid or 0, signal.SIGCONT)
    assert ended(owner) == 0
    asyncio.run(check(fake, database_url, tmp_path, settings, recovered[ACCOUNT].phase))


async def open_account(url: str, home: Path) -> None:
    async with studio_on(url, home) as studio:
        await studio.open_account(ACCOUNT, plan="pro")


async def check(fake: Fake, url: str, home: Path, settings: dict[str, Any], phase: str) -> None:
    async with studio_on(url, home, **settings) as studio:
        await check_account(studio, fake, ACCOUNT, phase, jobs=1)
        check_late(studio, late=phase == "released")
        assert count(facts_of(studio), Dispatched) == 1
        assert await studio.maintenance.recover() == []
        assert await is_sound(studio)


def check_late(studio: Studio, *, late: bool) -> None:
    """What came after the release is delivered: our cost is booked, at no price."""
    facts = facts_of(studio)
    [completed] = [fact for fact in facts if isinstance(fact, ProviderCompleted)]
    assert (completed.late, len(completed.assets)) == (late, 1)
    assert [(fact.price, fact.cost) for fact in facts if isinstance(fact, Adjusted)] == ([(0, COST)] if late else [])
