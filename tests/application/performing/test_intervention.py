"""An operation that is stopped or called back from outside has one outcome, whoever else is settling it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from application.asking.requests import Request
from application.ports import Delivery, Job, Progress, Recovery, Task
from domain.errors import IllegalTransition, OperationFailed, OperationPending, UnknownOperation
from domain.operation import Adjusted, Charged, ProviderCompleted, ProviderFailed, Released, Submitted
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from tests.application.studios import (
    BLIND,
    GRACE,
    JOBS,
    PRICE,
    SYNC,
    Held,
    Pause,
    count,
    facts_of,
    is_sound,
    later,
    studio_on,
    submissions,
    timeline,
)


def ask(model: str = JOBS, **inputs: str | int) -> Request:
    return Request("text-to-image", "acme", {"prompt": "a lake", **inputs}, model=model)


class Stoppable(ScriptedProvider):
    """Stops whatever it is asked to stop, and remembers which jobs those were."""

    def __init__(self, home: Path) -> None:
        super().__init__(home / "scripted")
        self.stopped: list[str | None] = []

    async def cancel(self, task: Task, job: Job | None) -> bool:
        self.stopped.append(job.id if job is not None else None)
        return True


async def pending(studio: Studio, wanted: Request) -> str:
    """An operation whose provider has not answered in time."""
    with pytest.raises(OperationPending) as left:
        await studio.operations.run(wanted)
    return left.value.operation


# Cancelling


async def test_a_cancelled_operation_is_stopped_at_its_provider_and_released(database_url: str, tmp_path: Path) -> None:
    provider = Stoppable(tmp_path)
    async with studio_on(database_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await pending(studio, ask(outcome="never", job="job-1"))
        result = await studio.operations.cancel(operation, account="acme")
        assert (result.status, result.price.micros, result.operations[0].reason) == ("released", 0, "cancelled")
        assert provider.stopped == ["job-1"]
        *_, failed, released = timeline(studio, operation)
        assert (type(failed), type(released)) == (ProviderFailed, Released)
        view = await studio.accounts.show("acme")
        assert (view.used["spend"], view.held["spend"]) == (0, 0)
        assert await is_sound(studio)


async def test_cancelling_twice_records_nothing_more(sqlite_url: str, tmp_path: Path) -> None:
    provider = Stoppable(tmp_path)
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await pending(studio, ask(outcome="never"))
        await studio.operations.cancel(operation, account="acme")
        before = len(facts_of(studio))
        assert (await studio.operations.cancel(operation, account="acme")).status == "released"
        assert (len(facts_of(studio)), len(provider.stopped)) == (before, 1)


async def test_what_its_provider_cannot_stop_goes_on_with_its_hold(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await pending(studio, ask(BLIND, outcome="timeout"))
        with pytest.raises(IllegalTransition, match="cannot be stopped at its provider"):
            await studio.operations.cancel(operation, account="acme")
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE


class Fussy(Stoppable):
    """Stops all but one job."""

    async def cancel(self, task: Task, job: Job | None) -> bool:
        await super().cancel(task, job)
        return not task.operation.endswith(".1")


async def test_what_of_a_batch_can_be_stopped_is_stopped(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": Fussy(tmp_path)}) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending):
            await studio.operations.run(replace(ask(outcome="never"), n=3))
        [batch] = {one.operation.partition(".")[0] for one in submissions(tmp_path)}
        with pytest.raises(IllegalTransition, match=r"\.1 cannot be stopped"):
            await studio.operations.cancel(batch, account="acme")
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
        assert count(facts_of(studio), Released) == 2


async def test_what_was_charged_is_not_cancelled(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = (await studio.operations.run(ask(SYNC))).operation
        with pytest.raises(IllegalTransition, match="is charged: there is nothing to cancel"):
            await studio.operations.cancel(operation, account="acme")
        with pytest.raises(UnknownOperation):
            await studio.operations.cancel("nowhere", account="acme")


async def test_a_completion_and_a_cancellation_that_race_have_one_outcome(database_url: str, tmp_path: Path) -> None:
    """The provider stops the job while its outputs are on their way: whichever the ledger saw first holds."""
    pause = Pause()
    slow = ScriptedProvider(tmp_path / "scripted", sleep=pause)
    async with studio_on(database_url, tmp_path, providers={"scripted": slow}) as studio:
        await studio.accounts.open("acme", plan="pro")
        running = asyncio.create_task(studio.operations.run(ask(delay_ms=4)))
        await pause.until_reached()
        [submission] = submissions(tmp_path)
        async with studio_on(database_url, tmp_path, providers={"scripted": Stoppable(tmp_path)}) as elsewhere:
            assert (await elsewhere.operations.cancel(submission.operation, account="acme")).status == "released"
        pause.go_on.set()
        with pytest.raises(OperationFailed, match="cancelled"):
            await running
        facts = facts_of(studio)
        assert (count(facts, Charged), count(facts, Released)) == (0, 1)
        assert await is_sound(studio)


# Called back


async def test_a_call_back_settles_what_nobody_waits_for_any_more(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await pending(studio, ask(outcome="timeout", job="job-1"))
        await studio.operations.notified(operation, "job-1")
        assert (await studio.operations.wait(operation, account="acme")).price.micros == PRICE
        facts = facts_of(studio)
        assert (count(facts, Submitted), count(facts, Charged), len(submissions(tmp_path))) == (1, 1, 1)


async def test_a_repeated_call_back_changes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = (await studio.operations.run(ask(job="job-1"))).operation
        before = facts_of(studio)
        await studio.operations.notified(operation, "job-1")
        assert facts_of(studio) == before


async def test_a_call_back_with_another_operation_s_job_settles_nothing(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.run(ask(job="job-1"))
        open = await pending(studio, ask(outcome="timeout", job="job-2"))
        with pytest.raises(OperationPending, match="job_of_another"):
            await studio.operations.notified(open, "job-1")
        assert count(facts_of(studio), Charged) == 1


async def test_a_call_back_after_a_release_by_policy_delivers_and_never_charges(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        provider_lost = ask(outcome="timeout", job="job-1", cost="0.03")
        operation = await pending(studio, provider_lost)
    blind = ScriptedProvider(tmp_path / "scripted", recovery=Recovery.BLIND)
    async with studio_on(database_url, tmp_path, clock=later(2 * GRACE), providers={"scripted": blind}) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["released"]
    async with studio_on(database_url, tmp_path, clock=later(3 * GRACE)) as studio:
        await studio.operations.notified(operation, "job-1")
        await studio.operations.notified(operation, "job-1")
        facts = facts_of(studio)
        [completed] = [fact for fact in facts if isinstance(fact, ProviderCompleted)]
        [booked] = [fact for fact in facts if isinstance(fact, Adjusted)]
        assert (completed.late, len(completed.assets)) == (True, 1)
        assert (booked.price, booked.cost, count(facts, Charged)) == (0, 30_000, 0)
        assert await is_sound(studio)


# Ids


@pytest.mark.parametrize("id", ["x" * 9_000, "a\0b", "", "two\nlines"], ids=["too long", "NUL", "empty", "lines"])
async def test_a_job_whose_id_cannot_be_kept_stops_nobody_else(database_url: str, tmp_path: Path, id: str) -> None:
    class Odd(ScriptedProvider):
        """Hands out an id that is none."""

        async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
            answer = await super().submit(task, progress)
            return Job(id) if isinstance(answer, Job) else answer

    async with studio_on(database_url, tmp_path, providers={"scripted": Odd(tmp_path / "scripted")}) as studio:
        await studio.accounts.open("acme", plan="pro")
        await pending(studio, ask())
        assert (await studio.operations.run(ask(SYNC))).status == "charged"
        assert count(facts_of(studio), Submitted) == 0


async def test_a_delivery_that_comes_late_through_its_own_sender_claims_its_job(
    database_url: str, tmp_path: Path
) -> None:
    pause = Pause()
    held = Held(ScriptedProvider(tmp_path / "scripted"), pause)
    async with studio_on(database_url, tmp_path, providers={"scripted": held}) as studio:
        await studio.accounts.open("acme", plan="pro")
        late = asyncio.create_task(studio.operations.run(ask(job="job-1", cost="0.03")))
        await pause.until_reached()
        blind = ScriptedProvider(tmp_path / "scripted", recovery=Recovery.BLIND)
        async with studio_on(
            database_url, tmp_path, clock=later(2 * GRACE), providers={"scripted": blind}
        ) as elsewhere:
            assert [one.phase for one in await elsewhere.upkeep.recover()] == ["released"]
        pause.go_on.set()
        result = await late
        assert (result.price.micros, len(result.assets)) == (0, 1)
        index = studio.log.index
        assert index.jobs("scripted", ["job-1"]) == {"job-1": result.operation}


# Looked up


class Confusable(ScriptedProvider):
    """Its list of jobs does not say whose each is, as where two requests were the same to the letter."""

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        return tuple(Job(str(one.job)) for one in self.submissions())

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        [submission] = [one for one in self.submissions() if one.job == job.id]
        return await super().collect(
            Task(submission.operation, submission.attempt, task.kind, task.model, task.route, 1, {}, {}), job, progress
        )


async def test_two_lost_submissions_alike_find_a_job_each(database_url: str, tmp_path: Path) -> None:
    providers = {"scripted": Confusable(tmp_path / "scripted")}
    async with studio_on(database_url, tmp_path, providers=providers) as studio:
        await studio.accounts.open("acme", plan="pro")
        for number in (1, 2):
            await pending(studio, ask(outcome="timeout", job=f"job-{number}"))
    async with studio_on(database_url, tmp_path, clock=later(2 * 60_000_000), providers=providers) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged", "charged"]
        jobs = sorted(fact.job for fact in facts_of(studio) if isinstance(fact, Submitted))
        assert jobs == ["job-1", "job-2"]
        assert await is_sound(studio)
