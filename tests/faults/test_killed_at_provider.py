"""F1 at real providers: a process dies while its submission, its job or its file is under way; one job, one charge."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.recovery import Recovered
from tests.application.studios import is_sound, studio_on
from tests.faults.ponds import (
    BLIND,
    KEPT,
    KILLED,
    LISTED,
    check_account,
    check_repeat,
    leading_to,
    recover,
    signalled,
)
from tests.faults.processes import ended
from tests.providers.fake.behaviour import Behaviour
from tests.providers.fake.server import Fake, serving

RELEASED, FOUND, RESUMED = "released by policy", "found at the provider", "found its job"
WHAT_BECOMES = {
    LISTED: {
        "before submit": (RELEASED, 0),
        "while it is accepted": (FOUND, 1),
        "after submit": (FOUND, 1),
        "before collect": (RESUMED, 1),
        "while it is polled": (RESUMED, 1),
        "while receiving": (RESUMED, 1),
        "after receive": (RESUMED, 1),
    },
    KEPT: {
        "before submit": (RELEASED, 0),
        "while it is accepted": (RELEASED, 1),
        "before collect": (RESUMED, 1),
        "while it is polled": (RESUMED, 1),
        "after receive": (RESUMED, 1),
    },
    BLIND: {
        "before submit": (RELEASED, 0),
        "while it is accepted": (RELEASED, 1),
        "after receive": (RELEASED, 1),
    },
}
"""By model and by the step after which the process is dead: what recovery does, and how many jobs there ever were."""


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


def account_of(step: str) -> str:
    return step.replace(" ", "-")


@pytest.mark.parametrize("model", WHAT_BECOMES)
def test_a_process_killed_while_its_provider_works_leaves_one_job_and_at_most_one_charge(
    fake: Fake, database_url: str, tmp_path: Path, model: str
) -> None:
    settings, steps = leading_to(fake, tmp_path), WHAT_BECOMES[model]
    asyncio.run(open_accounts(database_url, tmp_path, [account_of(step) for step in steps]))
    for step in steps:
        child = signalled(fake, database_url, tmp_path, settings, model, account_of(step), step, KILLED)
        assert ended(child) == -KILLED
    fake.release()
    for job in fake.jobs():
        fake.change(job.id, Behaviour())
    recovered = asyncio.run(recover(database_url, tmp_path, settings))
    asyncio.run(check(fake, database_url, tmp_path, settings, model, recovered))


async def open_accounts(url: str, home: Path, accounts: list[str]) -> None:
    async with studio_on(url, home) as studio:
        await asyncio.gather(*(studio.open_account(account, plan="pro") for account in accounts))


async def check(
    fake: Fake, url: str, home: Path, settings: dict[str, Any], model: str, recovered: dict[str, Recovered]
) -> None:
    steps = WHAT_BECOMES[model]
    assert {account: one.action for account, one in recovered.items()} == {
        account_of(step): action for step, (action, _) in steps.items()
    }
    async with studio_on(url, home, **settings) as studio:
        for step, (action, jobs) in steps.items():
            phase = "released" if action == RELEASED else "charged"
            await check_account(studio, fake, account_of(step), phase, jobs)
            await check_repeat(studio, model, account_of(step))
        assert await studio.maintenance.recover() == []
        assert await is_sound(studio)
