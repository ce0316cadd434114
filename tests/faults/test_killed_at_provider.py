"""F1 at real providers: a process dies while its submission, its job or its file is under way; one job, one charge."""

from __future__ import annotations

import asyncio

import pytest

from tests.application.studios import LONG_AFTER, is_sound
from tests.faults.ponds import BLIND, KEPT, KILLED, LISTED, Scene, check_account, check_repeat, recover
from tests.faults.processes import ended, started

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


@pytest.mark.parametrize("model", WHAT_BECOMES)
def test_a_process_killed_while_its_provider_works_leaves_one_job_and_at_most_one_charge(
    scene: Scene, model: str
) -> None:
    steps = WHAT_BECOMES[model]
    asyncio.run(scene.open_accounts(*map(account_of, steps)))
    for step in steps:
        assert ended(scene.signalled(model, account_of(step), step, KILLED)) == -KILLED
    scene.let_end()
    recovered = asyncio.run(scene.recover())
    assert {one.account: one.action for one in recovered.values()} == {
        account_of(step): action for step, (action, _) in steps.items()
    }
    asyncio.run(check(scene, model))


async def check(scene: Scene, model: str) -> None:
    async with scene.studio() as studio:
        for step, (action, jobs) in WHAT_BECOMES[model].items():
            phase = "released" if action == RELEASED else "charged"
            await check_account(studio, scene.fake, account_of(step), phase, jobs)
            await check_repeat(studio, model, account_of(step))
        assert await studio.upkeep.recover() == []
        assert await is_sound(studio)


def test_who_recovers_may_be_killed_too_and_is_recovered_from(scene: Scene) -> None:
    steps = ("before collect", "while receiving", "after receive")
    asyncio.run(scene.open_accounts("acme"))
    assert ended(scene.signalled(LISTED, "acme", "while it is accepted", KILLED)) == -KILLED
    scene.let_end()
    for number, step in enumerate(steps, start=1):
        assert ended(started(recover, scene.place(number * LONG_AFTER), step, KILLED)) == -KILLED
    recovered = asyncio.run(scene.recover((len(steps) + 1) * LONG_AFTER))
    assert recovered["acme"].action == RESUMED
    asyncio.run(check_ended(scene, "acme"))


async def check_ended(scene: Scene, account: str) -> None:
    async with scene.studio() as studio:
        await check_account(studio, scene.fake, account, "charged", jobs=1)
        await check_repeat(studio, LISTED, account)
        assert await is_sound(studio)


def account_of(step: str) -> str:
    return step.replace(" ", "-")
