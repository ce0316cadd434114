"""F17: an owner is stopped past its lease, recovered elsewhere, and continued: one job, one charge, one history."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from application.performing.recovery import Recovered
from domain.errors import OperationFailed, OperationPending, StoreUnavailable
from domain.operation import Charged, Released, Requested
from infrastructure.bootstrap import open_studio
from tests.application.studios import (
    BLIND,
    JOBS,
    LOCAL,
    SYNC,
    count,
    facts_of,
    is_sound,
    later,
    settings_for,
    studio_on,
    submissions,
)
from tests.faults.killed import request_for, tapped_parts
from tests.faults.processes import DEADLINE, ended, signal_here, started

CASES = {
    "before it sends a job": (JOBS, "before submit", "released by policy", "released"),
    "before the job's id is recorded": (JOBS, "after submit", "found at the provider", "charged"),
    "while the job runs": (JOBS, "before collect", "found its job", "charged"),
    "before its outputs are kept": (JOBS, "before receive", "found its job", "charged"),
    "before it settles": (JOBS, "after receive", "found its job", "charged"),
    "after a synchronous answer": (SYNC, "after submit", "found at the provider", "charged"),
    "after an answer nobody can ask for": (BLIND, "after submit", "released by policy", "released"),
    "after work on its own machine": (LOCAL, "after submit", "run again", "charged"),
}


async def perform(url: str, home: Path, model: str, last: str) -> None:
    """One operation; the process stops itself at a step, and goes on when it is continued."""
    stops = [last]

    def tap(step: str) -> None:
        if step in stops:
            stops.remove(step)
            signal_here(signal.SIGSTOP)

    async with open_studio(settings_for(url, home), tapped_parts(home, tap), serve=False) as studio:
        with suppress(OperationFailed, OperationPending):
            await studio.operations.run(request_for(model, "acme"))


def until_stopped(pid: int | None) -> None:
    """As the system tells it."""
    deadline = time.monotonic() + DEADLINE
    state = ["ps", "-o", "stat=", "-p", str(pid)]
    while "T" not in subprocess.run(state, capture_output=True, text=True, check=False).stdout:
        assert time.monotonic() < deadline, "the process never stopped"


async def prepare(url: str, home: Path) -> None:
    async with studio_on(url, home) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.open("beta", plan="pro")


async def recover(url: str, home: Path) -> list[Recovered]:
    async with studio_on(url, home, clock=later()) as studio:
        return await studio.upkeep.recover()


@pytest.mark.parametrize("case", CASES)
def test_an_owner_that_was_stopped_past_its_lease_and_continued_changes_nothing(
    sqlite_url: str, tmp_path: Path, case: str
) -> None:
    stop_recover_continue(sqlite_url, tmp_path, case)


@pytest.mark.parametrize("case", ["before it sends a job", "while the job runs"])
def test_on_postgresql_too(postgres_url: str, tmp_path: Path, case: str) -> None:
    stop_recover_continue(postgres_url, tmp_path, case)


def stop_recover_continue(url: str, home: Path, case: str) -> None:
    model, step, action, phase = CASES[case]
    asyncio.run(prepare(url, home))
    owner = started(perform, url, home, model, step)
    until_stopped(owner.pid)
    [recovered] = asyncio.run(recover(url, home))
    assert (recovered.action, recovered.phase) == (action, phase)
    os.kill(owner.pid or 0, signal.SIGCONT)
    assert ended(owner) == 0
    asyncio.run(check(url, home, model, phase))


async def check(url: str, home: Path, model: str, phase: str) -> None:
    async with studio_on(url, home, clock=later()) as studio:
        facts = facts_of(studio)
        assert count(facts, Requested) == 1
        assert (count(facts, Charged), count(facts, Released)) == ((1, 0) if phase == "charged" else (0, 1))
        sent = submissions(home, "blind" if model == BLIND else "scripted")
        assert len(sent) == (0 if model == LOCAL else 1)
        view = await studio.accounts.show("acme")
        assert (view.open, view.held["spend"]) == (0, 0)
        assert await studio.upkeep.recover() == []
        assert await is_sound(studio)


def test_who_is_stopped_holding_the_file_keeps_others_waiting_and_loses_nothing(
    sqlite_url: str, tmp_path: Path
) -> None:
    asyncio.run(prepare(sqlite_url, tmp_path))
    owner = started(perform, sqlite_url, tmp_path, SYNC, "before commit")
    until_stopped(owner.pid)

    async def blocked() -> None:
        async with studio_on(sqlite_url, tmp_path, lock_seconds=1) as studio:
            with pytest.raises(StoreUnavailable, match="locked"):
                await studio.operations.generate("a lake", account="beta", model=SYNC)

    asyncio.run(blocked())
    os.kill(owner.pid or 0, signal.SIGCONT)
    assert ended(owner) == 0

    async def free() -> None:
        async with studio_on(sqlite_url, tmp_path) as studio:
            assert count(facts_of(studio, "acme"), Charged) == 1
            await studio.operations.generate("a lake", account="beta", model=SYNC)
            assert await is_sound(studio)

    asyncio.run(free())
