"""Whoever goes away, a caller or the studio itself: what was put to the ledger is settled or left whole to recovery."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from application.asking.requests import Request
from domain.errors import OperationRefused, ShuttingDown
from domain.operation import Charged, Rejected, Requested
from infrastructure.service import Studio
from tests.application.studios import (
    JOBS,
    LOCAL,
    PRICE,
    SMALL,
    SYNC,
    Pause,
    charged,
    count,
    facts_of,
    is_sound,
    later,
    studio_on,
    submissions,
    zone_amid_its_month,
)
from tests.application.support import PATIENCE


def ask(model: str = SYNC, **inputs: str | int) -> Request:
    return Request("text-to-image", "acme", {"prompt": "a lake", "delay_ms": 1, **inputs}, model=model)


async def gone(task: asyncio.Task[object]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until_settled(studio: Studio) -> None:
    """Everything that was asked is closed; asked of the ledger itself."""
    async with asyncio.timeout(PATIENCE):
        while (await studio.accounts.show("acme")).open:  # noqa: ASYNC110
            await asyncio.sleep(0)


# A caller goes away


@pytest.mark.parametrize("model", [SYNC, JOBS])
async def test_what_was_sent_is_settled_although_its_caller_went_away(
    database_url: str, tmp_path: Path, model: str
) -> None:
    pause = Pause()
    async with studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        caller = asyncio.create_task(studio.operations.run(ask(model)))
        await pause.until_reached()
        await gone(caller)
        pause.go_on.set()
        await until_settled(studio)
        assert charged(facts_of(studio)) == PRICE


async def test_a_caller_who_goes_away_while_the_ledger_decides_leaves_no_hold_behind(
    database_url: str, tmp_path: Path
) -> None:
    """Cancelled at every moment of its request, one after another."""
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        for turns in range(40):
            caller = asyncio.create_task(
                studio.operations.run(Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC))
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            await gone(caller)
        await studio.operations.close()  # all that was begun ends, also what the ledger had not decided yet
        facts = facts_of(studio)
        assert count(facts, Charged) == count(facts, Requested) == len(submissions(tmp_path)) > 0
        assert (await studio.accounts.show("acme")).held["spend"] == 0


async def test_a_caller_who_goes_away_before_the_ledger_is_asked_was_never_there(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        caller = asyncio.create_task(studio.operations.run(ask()))
        await gone(caller)
        assert count(facts_of(studio), Requested) == 0


async def test_a_refusal_whose_caller_went_away_is_recorded_all_the_same(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "images", 0)
        for turns in range(30):
            caller = asyncio.create_task(studio.operations.run(ask()))
            for _ in range(turns):
                await asyncio.sleep(0)
            with contextlib.suppress(OperationRefused):  # who goes away too late has its answer already
                await gone(caller)
        with pytest.raises(OperationRefused):
            await studio.operations.run(ask())
        facts = facts_of(studio)
        assert count(facts, Rejected) == count(facts, Requested) > 0


async def test_one_of_several_who_wait_may_go_away(sqlite_url: str, tmp_path: Path) -> None:
    pause = Pause()
    async with studio_on(sqlite_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        submission = await studio.operations.submit(ask())
        waiting = [asyncio.create_task(studio.operations.wait(submission.operation, account="acme")) for _ in range(3)]
        await pause.until_reached()
        await gone(waiting[0])
        pause.go_on.set()
        assert [(await one).status for one in waiting[1:]] == ["charged", "charged"]


# The studio goes away


async def test_closing_waits_for_what_is_in_flight(database_url: str, tmp_path: Path) -> None:
    pause = Pause()
    async with studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        callers = [asyncio.create_task(studio.operations.run(ask())) for _ in range(5)]
        await studio.operations.submit(ask(JOBS))
        await pause.until_reached()
        asyncio.get_running_loop().call_soon(pause.go_on.set)
    assert [(await caller).status for caller in callers] == ["charged"] * 5
    async with studio_on(database_url, tmp_path) as studio:
        assert charged(facts_of(studio)) == 6 * PRICE
        assert (await studio.accounts.show("acme")).open == 0
        assert await is_sound(studio)


async def test_closing_at_any_moment_loses_nothing_and_holds_nothing(database_url: str, tmp_path: Path) -> None:
    """Requests are on their way through every stage when the studio closes; each is refused or carried to its end."""
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="enterprise")
    ends = 0
    for turns in (*range(0, 60, 6), 200, 2_000, 20_000):
        async with studio_on(database_url, tmp_path) as studio:
            wanted = Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC)
            callers = [asyncio.create_task(studio.operations.run(wanted)) for _ in range(4)]
            for _ in range(turns):
                await asyncio.sleep(0)
        answers = await asyncio.gather(*callers, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert {type(answer) for answer in refused} <= {ShuttingDown}
        ends += len(answers) - len(refused)
    async with studio_on(database_url, tmp_path) as studio:
        facts = facts_of(studio)
        assert count(facts, Charged) == count(facts, Requested) == len(submissions(tmp_path)) == ends > 0
        assert (await studio.accounts.show("acme")).open == 0


async def test_what_does_not_end_in_time_keeps_its_hold_and_is_found_by_recovery(
    database_url: str, tmp_path: Path
) -> None:
    pause = Pause()
    async with studio_on(database_url, tmp_path, providers=pause.providers(tmp_path), wait_seconds=1) as studio:
        await studio.accounts.open("acme", plan="pro", zone=zone_amid_its_month())
        submission = await studio.operations.submit(ask())
        await pause.until_reached()
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
        [recovered] = await studio.upkeep.recover()
        assert (recovered.operation, recovered.phase) == (submission.operation, "charged")
        assert len(submissions(tmp_path)) == 1


async def test_a_closed_studio_takes_nothing_new(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
    with pytest.raises(ShuttingDown) as refused:
        await studio.operations.run(ask())
    assert "same key" in refused.value.hint


async def test_a_studio_that_fails_to_open_leaves_nothing_running(tmp_path: Path, sqlite_url: str) -> None:
    overlay = tmp_path / "broken.toml"
    overlay.write_text("[[model]]\n")
    with pytest.raises(Exception, match=r"broken\.toml"):
        async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)):
            pass
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        assert (await studio.operations.generate("a lake", account="acme", model=LOCAL, **SMALL)).status == "charged"  # type: ignore[arg-type]
