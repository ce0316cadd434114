"""F1: a process is killed after every step from request to view; nothing is lost and nothing is charged twice."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from application.performing.recovery import Recovered
from domain.errors import OperationFailed
from domain.operation import CLOSED_PHASES, Charged, Dispatched, Released, Requested, Submitted
from infrastructure.service import Studio
from tests.application.studios import (
    BLIND,
    JOBS,
    LOCAL,
    SYNC,
    charged,
    count,
    facts_of,
    is_sound,
    studio_on,
    submissions,
)
from tests.faults.killed import perform, recover, request_for
from tests.faults.processes import ended, in_processes, started

ACTIONS = {
    SYNC: {"found at the provider", "released by policy"},
    JOBS: {"found its job", "found at the provider", "released by policy"},
    BLIND: {"released by policy"},
    LOCAL: {"run again"},
}
"""What is done about an operation that was left open, by what its provider can tell."""


async def open_accounts(url: str, home: Path, accounts: list[str]) -> None:
    async with studio_on(url, home) as studio:
        await asyncio.gather(*(studio.accounts.open(account, plan="pro") for account in accounts))


def kill_after_every_step(url: str, home: Path, model: str) -> list[str]:
    """One account a step; the last one's process lives to the end."""
    accounts = [f"killed-after-{step}" for step in range(1, 120)]
    asyncio.run(open_accounts(url, home, accounts))
    for step, account in enumerate(accounts, start=1):
        code = ended(started(perform, url, home, model, account, step))
        if code == 0:
            return accounts[:step]
        assert code == -signal.SIGKILL
    raise AssertionError("there is no end of steps")


@pytest.mark.parametrize("model", ACTIONS)
def test_a_process_killed_after_any_step_loses_nothing_and_charges_nothing_twice(
    database_url: str, tmp_path: Path, model: str
) -> None:
    accounts = kill_after_every_step(database_url, tmp_path, model)
    asyncio.run(check_reach(database_url, tmp_path, model, accounts))
    [recovered] = in_processes(recover, [(database_url, tmp_path)])
    asyncio.run(check(database_url, tmp_path, model, accounts, recovered))


async def check(url: str, home: Path, model: str, accounts: list[str], recovered: list[Recovered]) -> None:
    assert {one.action for one in recovered} == ACTIONS[model]
    assert {one.phase for one in recovered} <= CLOSED_PHASES
    async with studio_on(url, home) as studio:
        for account in accounts:
            await check_account(studio, home, model, account)
        assert await studio.upkeep.recover() == []
        assert await is_sound(studio)


async def check_reach(url: str, home: Path, model: str, accounts: list[str]) -> None:
    """Later deaths left no fewer facts, and there were several between any two appends."""
    appends = (Dispatched, Submitted, Charged)
    async with studio_on(url, home) as studio:
        stories = [facts_of(studio, account) for account in accounts]
    stages = [sum(count(story, kind) for kind in appends) for story in stories]
    assert stages == sorted(stages)
    assert Counter(stages).keys() == set(range(4 if model == JOBS else 3))
    assert min(Counter(stages).values()) >= 2


async def check_account(studio: Studio, home: Path, model: str, account: str) -> None:
    """Settled or released, at most one submission, charged if the provider is known to have done it."""
    facts = facts_of(studio, account)
    assert count(facts, Charged) + count(facts, Released) == count(facts, Requested) <= 1
    view = await studio.accounts.show(account)
    assert (view.open, set(view.held.values())) == (0, {0})
    ids = {fact.operation.id for fact in facts}  # type: ignore[union-attr]
    sent = [one for one in submissions(home, "blind" if model == BLIND else "scripted") if one.operation in ids]
    assert len(sent) <= 1
    assert count(facts, Charged) == 1 or not sent or model == BLIND
    await check_repeat(studio, model, account)


async def check_repeat(studio: Studio, model: str, account: str) -> None:
    """The client comes back under its key: the same operation, or the first, and never a second charge."""
    before = facts_of(studio, account)
    try:
        result = await studio.operations.run(request_for(model, account))
    except OperationFailed as failed:
        assert count(before, Released) == 1
        operation = failed.operation
    else:
        operation = result.operation
        assert len(result.assets) == 1
        assert Path(result.assets[0].path or "").read_bytes() == result.assets[0].content
    after = facts_of(studio, account)
    assert {fact.operation.id for fact in after} == {operation}  # type: ignore[union-attr]
    assert not before or charged(after) == charged(before)
    assert count(after, Charged) <= 1
