"""What is queued is held, and performed by whichever process has a worker; cancelled before, it is released at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from application.asking.requests import Request
from domain.errors import InvalidInput, KeyReused, OperationFailed, OperationPending, OperationRefused
from domain.operation import Charged, Dispatched, Released, Requested, Validated
from infrastructure.service import Studio
from infrastructure.store.queue import SqlQueue
from infrastructure.working import working
from tests.application.asking.test_waiting import looks, statements, until
from tests.application.studios import (
    JOBS,
    PRICE,
    SYNC,
    Pause,
    count,
    database_of,
    facts_of,
    is_sound,
    later,
    picture,
    studio_on,
    submissions,
    timeline,
)

LAKE = Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC)
MANY = 1_000


def waiting(studio: Studio) -> list[str]:
    """The operations in the queue."""
    return [one.operation for one in SqlQueue(database_of(studio)).waiting(100, (), 0)]


async def test_what_is_queued_is_held_and_another_process_performs_it(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as office, studio_on(database_url, tmp_path) as workshop:
        await office.accounts.open("acme", plan="pro")
        begun = await office.operations.submit(replace(LAKE, n=2, key="order-1"), queued=True)
        assert [type(fact) for fact in timeline(office, begun.operation)] == [Requested, Validated]
        assert (await office.accounts.show("acme")).held["spend"] == 2 * PRICE
        assert waiting(office) == list(begun.operations)
        assert submissions(tmp_path) == ()
        assert await is_sound(office)
        async with working(workshop):
            result = await office.operations.wait(begun.operation, account="acme")
        assert (result.status, result.price.micros, len(result.assets)) == ("charged", 2 * PRICE, 2)
        assert len(submissions(tmp_path)) == len(begun.operations)
        assert waiting(office) == []
        again = await office.operations.run(replace(LAKE, n=2, key="order-1"))
        assert (again.operation, again.repeated) == (begun.operation, True)
        assert await is_sound(office)


async def test_a_queued_repeat_answers_with_the_first_and_another_request_is_refused(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        first = await studio.operations.submit(replace(LAKE, key="order-1"), queued=True)
        again = await studio.operations.submit(replace(LAKE, key="order-1", priority="high"), queued=True)
        assert (again.operation, again.repeated) == (first.operation, True)
        with pytest.raises(KeyReused):
            await studio.operations.submit(replace(LAKE, key="order-1", inputs={"prompt": "a sea"}), queued=True)
        assert count(facts_of(studio), Requested) == 1


async def test_what_may_not_be_held_is_refused_and_never_queued(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "images", 1)
        with pytest.raises(OperationRefused, match="images limit"):
            await studio.operations.submit(replace(LAKE, n=2), queued=True)
        with pytest.raises(InvalidInput, match="no priority"):
            await studio.operations.submit(replace(LAKE, priority="urgent"), queued=True)
        assert waiting(studio) == []
        assert await is_sound(studio)


async def test_files_of_what_is_queued_reach_the_worker(database_url: str, tmp_path: Path) -> None:
    edit = Request("image-edit", "acme", {"prompt": "sepia"}, {"image": [picture()]}, model="scripted-edit")
    async with studio_on(database_url, tmp_path) as office, studio_on(database_url, tmp_path) as workshop:
        await office.accounts.open("acme", plan="pro")
        begun = await office.operations.submit(edit, queued=True)
        async with working(workshop):
            assert (await office.operations.wait(begun.operation, account="acme")).status == "charged"


async def test_what_is_cancelled_in_the_queue_is_released_at_once_and_never_sent(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(replace(LAKE, n=12), queued=True)
        with pytest.raises(OperationFailed, match="cancelled"):
            await _outcome(studio, begun.operation)
        view = await studio.accounts.show("acme")
        assert (view.held["spend"], view.open) == (0, 0)
        assert waiting(studio) == []
        async with working(studio) as worker:
            await worker.until_idle()
        assert submissions(tmp_path) == ()
        assert count(facts_of(studio), Released) == len(begun.operations)
        assert await is_sound(studio)


async def _outcome(studio: Studio, operation: str) -> None:
    await studio.operations.cancel(operation, account="acme")
    await studio.operations.wait(operation, account="acme")


async def test_a_failure_is_released_and_told_to_who_waits_elsewhere(sqlite_url: str, tmp_path: Path) -> None:
    failing = replace(LAKE, inputs={"prompt": "x", "outcome": "fail"})
    async with studio_on(sqlite_url, tmp_path) as office, studio_on(sqlite_url, tmp_path) as workshop:
        await office.accounts.open("acme", plan="pro")
        begun = await office.operations.submit(failing, queued=True)
        async with working(workshop):
            with pytest.raises(OperationFailed):
                await office.operations.wait(begun.operation, account="acme")
        assert (await office.accounts.show("acme")).held["spend"] == 0
        assert await is_sound(office)


async def test_ten_thousand_of_one_account_do_not_hold_up_another(database_url: str, tmp_path: Path) -> None:
    """Real turns: of what one worker with one place begins, every second is the other account's."""
    async with studio_on(database_url, tmp_path) as studio:
        for account in ("crowd", "late"):
            await studio.accounts.open(account, plan="pro")
        for _ in range(4):
            await studio.operations.submit(replace(LAKE, account="crowd", model=JOBS, n=20), queued=True)
        for priority in ("low", "normal", "high"):
            await studio.operations.submit(replace(LAKE, account="late", priority=priority, key=priority), queued=True)
        async with working(studio, places=1):
            for key in ("low", "normal", "high"):
                await studio.operations.run(replace(LAKE, account="late", key=key))
        begun = [fact.operation for fact in facts_of(studio) if isinstance(fact, Dispatched)]
        assert [one.account for one in begun[:6]].count("late") == 3
        assert len(begun) < 20
        asked = {one.operation.id: one.key for one in facts_of(studio) if isinstance(one, Requested)}
        assert [asked[one.id] for one in begun if one.account == "late"] == ["high", "normal", "low"]


async def test_a_thousand_wait_for_what_is_queued_and_cost_no_query(database_url: str, tmp_path: Path) -> None:
    async with (
        studio_on(database_url, tmp_path, wait_seconds=300) as office,
        studio_on(database_url, tmp_path) as other,
    ):
        await office.accounts.open("acme", plan="pro")
        await office.accounts.change_limit("acme", "images", None)
        wanted = Request("text-to-image", "acme", {"prompt": "a lake"}, model=JOBS, n=100)
        asked = [await office.operations.submit(wanted, queued=True) for _ in range(MANY // 100)]
        begun = [id for one in asked for id in one.operations]
        with statements(office) as heard:
            waits = [asyncio.create_task(office.operations.wait(one, account="acme")) for one in begun]
            await until(lambda: looks(heard) == 2 * MANY)
            heard.clear()
            await asyncio.sleep(0.5)
            assert looks(heard) == 0
            assert len(heard) < MANY / 20
            for wait in waits[3:]:
                wait.cancel()
        async with working(other):
            results = await asyncio.gather(*waits[:3])
        assert {result.status for result in results} == {"charged"}


async def test_a_worker_that_is_stopped_ends_what_it_has_begun_and_claims_no_more(
    database_url: str, tmp_path: Path
) -> None:
    pause = Pause()
    slow = replace(LAKE, inputs={"prompt": "a lake", "delay_ms": 1})
    async with studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(replace(slow, n=12), queued=True)
        async with working(studio, places=1) as worker:
            await pause.until_reached()
            worker.stop()
            pause.go_on.set()
        assert (worker.performed, worker.left) == (1, 0)
        assert count(facts_of(studio), Charged) == 1
        assert len(waiting(studio)) == len(begun.operations) - 1
        assert await is_sound(studio)


async def test_what_a_worker_must_leave_keeps_its_hold_for_recovery(database_url: str, tmp_path: Path) -> None:
    slow = replace(LAKE, inputs={"prompt": "a lake", "outcome": "hang"})
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(slow, queued=True)
        async with working(studio, seconds=0.1) as worker:
            await until(lambda: len(submissions(tmp_path)) == 1)
        assert worker.left == 1
        studio.operations.wait_seconds = 0.1
        with pytest.raises(OperationPending):
            await studio.operations.wait(begun.operation, account="acme")
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
        assert await is_sound(studio)
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        [one] = await studio.upkeep.recover()
        assert (one.action, one.phase) == ("found at the provider", "charged")
        assert len(submissions(tmp_path)) == 1
