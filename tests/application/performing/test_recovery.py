"""What a dead process left open is sent, found, run again, settled or released, each once, as its provider allows."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from application.asking.requests import Request
from application.ledger.transaction import Conflict
from application.ledger.writer import LedgerWriter
from application.performing.ownership import Ownership
from application.performing.recovery import Recovered
from application.ports import Delivery, Job, Progress, Provider, ProviderRefused, ProviderUnknown, Recovery, Task
from domain.errors import OperationPending, StoreUnavailable
from domain.operation import Adjusted, Charged, Dispatched, ProviderCompleted, ProviderFailed, Released
from infrastructure.clock import SECOND, now
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.store.database import Database
from infrastructure.store.tables import SqlLeases
from tests.amounts import micros
from tests.application.studios import (
    BLIND,
    GRACE,
    JOBS,
    LONG_AFTER,
    PRICE,
    SYNC,
    Deaf,
    Held,
    Pause,
    charged,
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
from tests.application.support import Clock
from tests.faults.overlays import painter
from tests.infrastructure.providers.building import built

SOON = 2 * 60 * SECOND
"""Leases are over, the grace is not."""


def ask(model: str = SYNC, **inputs: str | int) -> Request:
    return Request("text-to-image", "acme", {"prompt": "a lake", **inputs}, model=model)


async def left_pending(
    url: str, home: Path, wanted: Request, providers: dict[str, Provider] | None = None, *overlays: Path
) -> str:
    """An operation whose provider's answer never came, and whose process is gone."""
    async with studio_on(url, home, providers=providers, catalogues=overlays) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as pending:
            await studio.operations.run(wanted)
    return pending.value.operation


async def recovered(url: str, home: Path, by: int = LONG_AFTER) -> list[Recovered]:
    async with studio_on(url, home, clock=later(by)) as studio:
        done = await studio.upkeep.recover()
        assert await is_sound(studio)
        return done


ABANDONED = 8 * 24 * 60 * 60 * SECOND

WHAT_BECOMES = {
    "done, and its answer lost": (SYNC, "timeout", SOON, "found at the provider", "charged"),
    "never arrived, soon": (SYNC, "lost", SOON, "left open: within its grace", "dispatched"),
    "never arrived, late": (SYNC, "lost", 2 * GRACE, "released by policy", "released"),
    "nothing can be learned, soon": (BLIND, "timeout", SOON, "left open: within its grace", "dispatched"),
    "nothing can be learned, late": (BLIND, "timeout", 2 * GRACE, "released by policy", "released"),
    "a job that never finishes": (JOBS, "never", 2 * GRACE, "left open: the provider's answer is unknown", "submitted"),
    "a job that is given up": (JOBS, "never", ABANDONED, "released by policy", "released"),
    "a job whose id was lost": (JOBS, "timeout", SOON, "found at the provider", "charged"),
}


@pytest.mark.parametrize("case", WHAT_BECOMES)
async def test_what_becomes_of_an_open_operation(sqlite_url: str, tmp_path: Path, case: str) -> None:
    model, outcome, by, action, phase = WHAT_BECOMES[case]
    operation = await left_pending(sqlite_url, tmp_path, ask(model, outcome=outcome))
    [one] = await recovered(sqlite_url, tmp_path, by)
    assert (one.operation, one.account, one.phase) == (operation, "acme", phase)
    assert one.action.startswith(action)
    assert len(submissions(tmp_path, "blind" if model == BLIND else "scripted")) == (outcome != "lost")


async def test_nothing_is_claimed_before_its_lease_is_over(sqlite_url: str, tmp_path: Path) -> None:
    await left_pending(sqlite_url, tmp_path, ask(outcome="timeout"))
    assert await recovered(sqlite_url, tmp_path, 0) == []


async def test_what_stays_open_is_looked_at_again_once_the_new_lease_is_over(sqlite_url: str, tmp_path: Path) -> None:
    await left_pending(sqlite_url, tmp_path, ask(BLIND, outcome="timeout"))
    assert len(await recovered(sqlite_url, tmp_path, SOON)) == 1
    assert await recovered(sqlite_url, tmp_path, SOON) == []
    assert [one.phase for one in await recovered(sqlite_url, tmp_path, 2 * GRACE)] == ["released"]


async def test_a_failure_that_is_found_is_released_with_its_cost(sqlite_url: str, tmp_path: Path) -> None:
    wanted = ask(outcome="fail-billed", cost="0.03", failure="blocked")
    operation = await left_pending(sqlite_url, tmp_path, wanted, {"scripted": Deaf(tmp_path / "scripted")})
    assert [one.phase for one in await recovered(sqlite_url, tmp_path)] == ["released"]
    async with studio_on(sqlite_url, tmp_path) as studio:
        *_, failed, released = timeline(studio, operation)
    assert isinstance(failed, ProviderFailed)
    assert isinstance(released, Released)
    assert (released.cost, released.reason) == (30_000, "blocked")


async def test_a_refused_question_about_a_job_says_nothing_about_the_job(sqlite_url: str, tmp_path: Path) -> None:
    class Stern(ScriptedProvider):
        async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
            raise ProviderRefused("bad_key", "the key was changed")

    providers: dict[str, Provider] = {"scripted": Stern(tmp_path / "scripted")}
    operation = await left_pending(sqlite_url, tmp_path, ask(JOBS), providers)
    [one] = await recovered(sqlite_url, tmp_path)
    assert (one.operation, one.action, one.phase) == (operation, "found its job", "charged")


async def test_a_provider_that_never_tells_what_became_of_a_submission_is_not_waited_for_for_ever(
    sqlite_url: str, tmp_path: Path
) -> None:
    class Mute(Deaf):
        async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
            raise ProviderUnknown("unavailable", "the list of jobs is not to be had")

    providers: dict[str, Provider] = {"scripted": Mute(tmp_path / "scripted")}
    await left_pending(sqlite_url, tmp_path, ask(), providers)
    for by, action in ((2 * GRACE, "left open"), (ABANDONED, "released by policy")):
        async with studio_on(sqlite_url, tmp_path, providers=providers, clock=later(by)) as studio:
            [one] = await studio.upkeep.recover()
            assert one.action.startswith(action)
            assert await is_sound(studio)


async def test_inputs_and_place_in_the_batch_are_what_they_were(sqlite_url: str, tmp_path: Path) -> None:
    """The pictures that recovery finds are those that the first process would have got."""
    wanted = Request("text-to-image", "acme", {"prompt": "a lake", "seed": 7}, model=SYNC, n=6)
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        expected = await studio.operations.run(wanted)
    batch = await left_pending(sqlite_url, tmp_path, wanted, {"scripted": Deaf(tmp_path / "scripted")})
    assert len(await recovered(sqlite_url, tmp_path)) == 2
    async with studio_on(sqlite_url, tmp_path) as studio:
        found = await studio.operations.wait(batch.partition(".")[0], account="acme")
    assert [one.asset for one in found.assets] == [one.asset for one in expected.assets]


# Several processes


async def test_of_several_that_recover_at_once_one_recovers(database_url: str, tmp_path: Path) -> None:
    for _ in range(4):
        await left_pending(database_url, tmp_path, ask(outcome="timeout"))
    both = await asyncio.gather(*(recovered(database_url, tmp_path) for _ in range(3)))
    done = [one.operation for some in both for one in some]
    assert len(done) == len(set(done)) == 4
    async with studio_on(database_url, tmp_path) as studio:
        assert charged(facts_of(studio)) == 4 * PRICE


async def test_a_late_success_after_a_release_by_policy_is_delivered_and_never_charged(
    database_url: str, tmp_path: Path
) -> None:
    pause = Pause()
    async with studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)) as studio:
        await studio.accounts.open("acme", plan="pro")
        late = asyncio.create_task(studio.operations.run(ask(BLIND, delay_ms=1, cost="0.03")))
        await pause.until_reached()
        assert [one.phase for one in await recovered(database_url, tmp_path)] == ["released"]
        pause.go_on.set()
        result = await late
        assert (result.price.micros, micros(result.cost), len(result.assets)) == (0, 30_000, 1)
        facts = facts_of(studio)
        [completed] = [fact for fact in facts if isinstance(fact, ProviderCompleted)]
        assert completed.late
        assert (count(facts, Charged), count(facts, Released), count(facts, Adjusted)) == (0, 1, 1)
        view = await studio.accounts.show("acme")
        assert (view.used["spend"], view.held["spend"]) == (0, 0)


async def test_a_former_owner_that_comes_back_from_local_work_changes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    pause = Pause()
    with ThreadPoolExecutor(2) as pool:
        providers: dict[str, Provider] = {"local": Held(built("local", executor=pool), pause)}
        async with studio_on(database_url, tmp_path, providers=providers) as studio:
            await studio.accounts.open("acme", plan="pro")
            late = asyncio.create_task(studio.operations.edit(picture(), "sepia", account="acme", allow="stand-in"))
            await pause.until_reached()
            [again] = await recovered(database_url, tmp_path)
            assert (again.action, again.phase) == ("run again", "charged")
            pause.go_on.set()
            result = await late
            assert (result.operation, result.status) == (again.operation, "charged")
            facts = facts_of(studio)
            assert (count(facts, Dispatched), count(facts, Charged)) == (2, 1)


@pytest.mark.parametrize("robbed", [True, False])
async def test_who_slept_past_its_lease_sends_only_what_is_still_its_own(
    database_url: str, tmp_path: Path, robbed: bool
) -> None:
    """The process sleeps between the commit of Dispatched and the sending."""
    clock = Clock(now())
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")
        other = SqlLeases(database_of(studio))

        def sleep(_position: int | None, _links: object) -> None:
            clock.now += SOON
            for lease in other.expired(clock.now) if robbed else ():
                assert other.claim(lease, "another process", clock.now + SOON)

        assert isinstance(studio.accounts.writer, LedgerWriter)
        studio.accounts.writer.after_commit = sleep
        if robbed:
            with pytest.raises(OperationPending, match="lease was lost"):
                await studio.operations.run(ask())
        else:
            await studio.operations.run(ask())
        assert len(submissions(tmp_path)) == (not robbed)


class FirstHeld(Held):
    """Keeps back the first answer alone."""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        return await (self._provider.submit(task, progress) if task.attempt > 1 else super().submit(task, progress))


@pytest.mark.parametrize("by", [SOON, 2 * GRACE, ABANDONED])
@pytest.mark.parametrize("repeatable", [True, False])
async def test_what_this_very_process_still_works_on_is_renewed_and_not_recovered(
    database_url: str, tmp_path: Path, by: int, repeatable: bool
) -> None:
    """It slept past its lease, and past every grace, while its provider answered."""
    pause, clock = Pause(), Clock(now())
    with ThreadPoolExecutor(2) as pool:
        blind = ScriptedProvider(tmp_path / "scripted", name="blind", recovery=Recovery.BLIND)
        providers: dict[str, Provider] = {
            "local": FirstHeld(built("local", executor=pool), pause),
            "blind": FirstHeld(blind, pause),
        }
        async with studio_on(database_url, tmp_path, providers=providers, clock=clock) as studio:
            await studio.accounts.open("acme", plan="pro")
            wanted = Request("image-edit", "acme", {"prompt": "sepia"}, {"image": [picture()]}, allow="stand-in")
            running = asyncio.create_task(studio.operations.run(wanted if repeatable else ask(BLIND)))
            await pause.until_reached()
            clock.now += by
            assert await studio.upkeep.recover() == []
            assert SqlLeases(database_of(studio)).expired(clock.now) == []
            pause.go_on.set()
            assert (await running).status == "charged"
            facts = facts_of(studio)
            assert (count(facts, Dispatched), count(facts, Charged), count(facts, Released)) == (1, 1, 0)
            assert await is_sound(studio)


async def test_an_attempt_that_a_later_one_of_the_same_process_overtook_is_answered_all_the_same(
    sqlite_url: str, tmp_path: Path
) -> None:
    pause, clock = Pause(), Clock(now())
    with ThreadPoolExecutor(2) as pool:
        providers: dict[str, Provider] = {"local": FirstHeld(built("local", executor=pool), pause)}
        async with studio_on(sqlite_url, tmp_path, providers=providers, clock=clock) as studio:
            await studio.accounts.open("acme", plan="pro")
            late = asyncio.create_task(studio.operations.edit(picture(), "sepia", account="acme", allow="stand-in"))
            await pause.until_reached()
            studio.operations.performer.ownership.drop(*studio.operations.performer.ownership.held)
            clock.now += SOON
            [again] = await studio.upkeep.recover()
            assert (again.action, again.phase) == ("run again", "charged")
            pause.go_on.set()
            result = await late
            assert (result.operation, result.status, len(result.assets)) == (again.operation, "charged", 1)
            assert count(facts_of(studio), Charged) == 1


# One that cannot be helped keeps no other from its end

OVERLAY = """
currency = "USD"
[[model]]
id = "short-lived"
provider = "scripted"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
prices = [{ rate = "0.10" }]
inputs.prompt = { type = "text", required = true }
inputs.outcome = { type = "choice", choices = ["timeout"] }
"""


async def test_a_provider_that_is_gone_leaves_its_operation_open_and_the_others_are_recovered(
    sqlite_url: str, tmp_path: Path
) -> None:
    first = await left_pending(sqlite_url, tmp_path, ask(BLIND, outcome="timeout"))
    second = await left_pending(sqlite_url, tmp_path, ask(outcome="timeout"))
    only: dict[str, Provider] = {"scripted": ScriptedProvider(tmp_path / "scripted")}
    async with studio_on(sqlite_url, tmp_path, providers=only, clock=later()) as studio:
        done = {one.operation: one for one in await studio.upkeep.recover()}
    assert (done[first].phase, done[second].phase) == ("dispatched", "charged")
    assert "no provider 'blind'" in done[first].action


async def test_a_model_that_is_gone_leaves_its_operation_open_and_the_others_are_recovered(
    sqlite_url: str, tmp_path: Path
) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(OVERLAY)
    first = await left_pending(sqlite_url, tmp_path, ask("short-lived", outcome="timeout"), None, overlay)
    second = await left_pending(sqlite_url, tmp_path, ask(outcome="timeout"))
    done = {one.operation: one for one in await recovered(sqlite_url, tmp_path)}
    assert done[second].phase == "charged"
    assert done[first].phase == "dispatched"
    assert "short-lived" in done[first].action


async def test_an_operation_whose_inputs_are_gone_is_released(sqlite_url: str, tmp_path: Path) -> None:
    wanted = Request(
        "image-edit", "acme", {"prompt": "sepia", "outcome": "lost"}, {"image": [picture()]}, model="scripted-edit"
    )
    await left_pending(sqlite_url, tmp_path, wanted)
    [file] = (tmp_path / "assets").rglob("*.png")
    file.unlink()
    [one] = await recovered(sqlite_url, tmp_path)
    assert (one.action, one.phase) == ("released by policy", "released")


# Leases


def ownership(url: str, leases: SqlLeases) -> Ownership:
    held = Ownership("desk-1", 60 * SECOND, leases, now)
    held.take(["op-1"])
    return held


async def test_what_is_settled_while_leases_are_renewed_is_not_held_again(sqlite_url: str) -> None:
    class Slow(SqlLeases):
        def renew(self, operations: Sequence[str], owner: str, expires: int) -> set[str]:
            held.drop("op-1")
            return {*super().renew(operations, owner, expires), "op-1"}

    database = Database(sqlite_url)
    held = ownership(sqlite_url, Slow(database))
    await held.renew()
    assert held.held == {}
    database.close()


async def test_a_deadlock_while_leases_are_renewed_is_told_as_the_databases(sqlite_url: str) -> None:
    class Unlucky(SqlLeases):
        def renew(self, operations: Sequence[str], owner: str, expires: int) -> set[str]:
            raise Conflict("deadlock detected")

    database = Database(sqlite_url)
    with pytest.raises(StoreUnavailable, match="deadlock detected"):
        await ownership(sqlite_url, Unlucky(database)).renew()
    database.close()


class Broken(ScriptedProvider):
    """Has a mistake where it looks things up."""

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        raise KeyError(f"a private prompt: {task.inputs}")


async def test_a_provider_s_own_mistake_keeps_no_other_operation_from_its_end(sqlite_url: str, tmp_path: Path) -> None:
    broken = await left_pending(sqlite_url, tmp_path, ask(outcome="timeout"))
    fine = await left_pending(sqlite_url, tmp_path, ask(BLIND, outcome="timeout"))
    folder = tmp_path / "scripted"
    providers: dict[str, Provider] = {
        "scripted": Broken(folder),
        "blind": ScriptedProvider(folder, name="blind", recovery=Recovery.BLIND),
    }
    async with studio_on(sqlite_url, tmp_path, clock=later(LONG_AFTER), providers=providers) as studio:
        told = {one.operation: one for one in await studio.upkeep.recover()}
    assert told[broken].phase == "dispatched"
    assert told[broken].action.startswith("left open: provider 'scripted' raised KeyError while it worked on")
    assert told[fine].phase == "released"


async def test_content_that_is_damaged_keeps_no_other_operation_from_its_end(sqlite_url: str, tmp_path: Path) -> None:
    broken = await left_pending(sqlite_url, tmp_path, ask(outcome="timeout"))
    fine = await left_pending(sqlite_url, tmp_path, ask(outcome="timeout"))
    async with studio_on(sqlite_url, tmp_path, clock=later(SOON)) as studio:
        with database_of(studio).transaction() as connection:
            statement = "UPDATE contents SET body = 'a private lake' WHERE batch = ?"
            assert connection.exec_driver_sql(statement, (broken,)).rowcount == 1
        told = {one.operation: one for one in await studio.upkeep.recover()}
    said = f"left open: what is kept of operation {broken} is not what was asked; it is not sent"
    assert (told[broken].phase, told[broken].action) == ("dispatched", said)
    assert told[fine].phase == "charged"


async def test_a_job_that_runs_is_waited_for_although_its_input_files_are_gone(
    database_url: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    async with studio_on(database_url, home) as studio:
        await studio.accounts.open("acme", plan="pro")
        overlay = {"prompt": "a lake", "outcome": "timeout"}
        wanted = Request("image-edit", "acme", overlay, {"image": [picture()]}, model="scripted-edit")
        with pytest.raises(OperationPending) as sent:
            await studio.operations.run(wanted)
    folders = [path for path in (home / "assets").iterdir() if path.is_dir()]
    away = [(folder.rename(home / folder.name), folder) for folder in folders]
    async with studio_on(database_url, home, clock=later(SOON)) as studio:
        [one] = await studio.upkeep.recover()
        assert (one.phase, one.action) == ("dispatched", "left open: within its grace, and its content is gone")
    for place, folder in away:
        shutil.rmtree(folder, ignore_errors=True)
        place.rename(folder)
    async with studio_on(database_url, home, clock=later(2 * SOON)) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]
        assert (await studio.operations.wait(sent.value.operation, account="acme")).price.micros == PRICE


async def test_what_a_model_that_is_gone_left_open_is_released_at_last(sqlite_url: str, tmp_path: Path) -> None:
    overlay = painter(tmp_path, '{ rate = "0.04" }')
    await left_pending(sqlite_url, tmp_path, ask("painter", outcome="timeout"), None, overlay)
    [early] = await recovered(sqlite_url, tmp_path, LONG_AFTER)
    assert (early.phase, "there is no model" in early.action) == ("dispatched", True)
    [late] = await recovered(sqlite_url, tmp_path, 9 * 24 * 60 * 60 * SECOND)
    assert (late.phase, late.action) == ("released", "released by policy")


async def test_what_is_still_open_in_a_batch_makes_its_cost_partial(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, wait_seconds=1) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as pending:
            await studio.operations.generate("a lake", account="acme", model=JOBS, outcome="timeout")
        result = await studio.operations.results.of(pending.value.operation)
        assert (result.status, result.cost, result.cost_source) == ("dispatched", None, "unknown")


async def test_what_is_run_again_waits_for_room_however_long_ago_it_was_asked(sqlite_url: str, tmp_path: Path) -> None:
    pause = Pause()
    with ThreadPoolExecutor(1) as pool:
        providers: dict[str, Provider] = {"local": Held(built("local", executor=pool), pause)}
        async with studio_on(sqlite_url, tmp_path, providers=providers, wait_seconds=1) as studio:
            await studio.accounts.open("acme", plan="pro")
            edit = Request("image-edit", "acme", {"prompt": "sepia"}, {"image": [picture()]}, allow="stand-in")
            await studio.operations.submit(edit)
            await pause.until_reached()
    async with studio_on(sqlite_url, tmp_path, clock=later(), local_concurrency=1) as studio:
        [one] = await studio.upkeep.recover()
        assert (one.action, one.phase) == ("run again", "charged")
