"""What a provider billed is held against what we recorded, operation by operation, and what differs becomes a fact."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from application.asking.requests import Request
from application.keeping.reconciliation import ReconciledJob
from application.ports import Bill, Delivery, Job, Progress, ProviderUnknown, Recovery, Task
from domain.errors import InvalidInput, OperationFailed, OperationPending, ProviderUnavailable
from domain.operation import Adjusted, Charged
from infrastructure.clock import now
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from projections.views.operations import OPERATIONS, OperationFilter
from tests.amounts import micros
from tests.application.studios import GRACE, JOBS, PRICE, count, facts_of, is_sound, later, studio_on

DAY = 24 * 60 * 60 * 1_000_000
CENT = 10_000


class Billed(ScriptedProvider):
    """A provider whose bills a test writes."""

    def __init__(self, home: Path, bills: Mapping[str, int | None]) -> None:
        super().__init__(home / "scripted")
        self.written = dict(bills)

    async def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        for job, amount in self.written.items():
            yield Bill(job, amount, (since + until) // 2, "its-own-name")


def ask(**inputs: str | int) -> Request:
    return Request("text-to-image", "acme", {"prompt": "a lake", **inputs}, model=JOBS)


async def reconciled(studio: Studio, *, correct: bool = False) -> dict[str, ReconciledJob]:
    lines = await studio.providers.reconcile("scripted", now() - DAY, now() + DAY, correct=correct)
    return {line.job: line for line in lines}


async def test_each_job_is_matched_differs_or_is_missing_on_one_side(database_url: str, tmp_path: Path) -> None:
    bills = {"same": PRICE, "more": PRICE + CENT, "odd": None, "stranger": CENT, "failed": 0}
    async with studio_on(database_url, tmp_path, providers={"scripted": Billed(tmp_path, bills)}) as studio:
        await studio.accounts.open("acme", plan="pro")
        for job in ("same", "more", "odd", "unbilled"):
            await studio.operations.run(ask(job=job))
        with pytest.raises(OperationFailed):
            await studio.operations.run(ask(job="failed", outcome="fail"))
        with pytest.raises(OperationPending):
            await studio.operations.run(ask(job="running", outcome="never"))
        found = await reconciled(studio)
        assert {job: line.status for job, line in found.items()} == {
            "same": "matched",
            "more": "differs",
            "odd": "unreadable",
            "unbilled": "missing there",
            "stranger": "missing here",
            "failed": "matched",
            "running": "open",
        }
        assert (found["more"].recorded, found["more"].billed, found["more"].difference) == (PRICE, PRICE + CENT, CENT)
        assert found["stranger"].model == "its-own-name"
        assert count(facts_of(studio), Adjusted) == 0


@pytest.mark.parametrize("change", [CENT, -CENT, -PRICE])
async def test_a_difference_becomes_a_cost_correction_once_and_no_price_moves(
    database_url: str, tmp_path: Path, change: int
) -> None:
    provider = Billed(tmp_path, {"job-1": PRICE + change})
    async with studio_on(database_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = (await studio.operations.run(ask(job="job-1"))).operation
        [line] = (await reconciled(studio, correct=True)).values()
        assert (line.status, line.booked, line.difference, line.is_explained) == ("differs", change, 0, True)
        [again] = (await reconciled(studio, correct=True)).values()
        assert (again.status, again.booked) == ("matched", 0)
        [correction] = [fact for fact in facts_of(studio) if isinstance(fact, Adjusted)]
        assert (correction.price, correction.cost, correction.reason) == (0, change, "reconciled")
        result = await studio.operations.wait(operation, account="acme")
        assert (result.price.micros, micros(result.cost)) == (PRICE, PRICE + change)
        assert await is_sound(studio)


async def test_a_bill_that_changes_again_is_booked_again(sqlite_url: str, tmp_path: Path) -> None:
    provider = Billed(tmp_path, {"job-1": PRICE + CENT})
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = (await studio.operations.run(ask(job="job-1"))).operation
        await reconciled(studio, correct=True)
        provider.written["job-1"] = 0
        [line] = (await reconciled(studio, correct=True)).values()
        assert (line.booked, micros((await studio.operations.wait(operation, account="acme")).cost)) == (
            -PRICE - CENT,
            0,
        )


async def test_what_was_billed_in_another_span_than_it_was_asked_in_is_still_ours(
    sqlite_url: str, tmp_path: Path
) -> None:
    provider = Billed(tmp_path, {"job-1": PRICE})
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": provider}) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.run(ask(job="job-1"))
        [line] = await studio.providers.reconcile("scripted", now() + DAY, now() + 2 * DAY, correct=False)
        assert line.status == "matched"


async def test_a_late_delivery_is_fetched_its_cost_booked_and_nothing_charged(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as left:
            await studio.operations.run(ask(outcome="timeout", job="job-1", cost="0.03"))
    blind = ScriptedProvider(tmp_path / "scripted", recovery=Recovery.BLIND)
    async with studio_on(database_url, tmp_path, clock=later(2 * GRACE), providers={"scripted": blind}) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["released"]
    provider = Billed(tmp_path, {"job-1": 3 * CENT})
    async with studio_on(database_url, tmp_path, clock=later(3 * GRACE), providers={"scripted": provider}) as studio:
        [line] = (await reconciled(studio, correct=True)).values()
        assert (line.status, line.recorded, line.late) == ("matched", 3 * CENT, True)
        studio.views.catch_up()
        [row] = studio.views.rows(OPERATIONS, OperationFilter(flag="late"))
        assert (row.id, row.cost, row.price, row.state) == (left.value.operation, 3 * CENT, 0, "released")
        assert len((await studio.operations.results.of(row.id)).outputs) == 1
        assert count(facts_of(studio), Charged) == 0
        assert await is_sound(studio)


class Alike(Billed):
    """Its jobs do not say whose they are, as where two requests were the same to the letter."""

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        return tuple(Job(str(one.job)) for one in self.submissions())

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        [its] = [one for one in self.submissions() if one.job == job.id]
        return await super().collect(replace(task, operation=its.operation), job, progress)


async def test_two_late_deliveries_alike_are_booked_a_bill_each(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        for job in ("job-1", "job-2"):
            with pytest.raises(OperationPending):
                await studio.operations.run(ask(outcome="timeout", job=job, cost="0.03"))
    blind = ScriptedProvider(tmp_path / "scripted", recovery=Recovery.BLIND)
    async with studio_on(database_url, tmp_path, clock=later(2 * GRACE), providers={"scripted": blind}) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["released"] * 2
    provider = Alike(tmp_path, {"job-1": 3 * CENT, "job-2": 3 * CENT})
    async with studio_on(database_url, tmp_path, clock=later(3 * GRACE), providers={"scripted": provider}) as studio:
        for _ in range(2):
            found = await reconciled(studio, correct=True)
            assert [(line.status, line.recorded, line.late) for line in found.values()] == [
                ("matched", 3 * CENT, True)
            ] * 2
            assert len({line.operation for line in found.values()}) == 2
        assert count(facts_of(studio), Adjusted) == 2
        assert await is_sound(studio)


async def test_a_provider_without_bills_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        with pytest.raises(InvalidInput, match="no bills that can be read"):
            await studio.providers.reconcile("local", 0, 1, correct=False)


class Shut(Billed):
    """Does not answer today."""

    async def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        async for bill in super().bills(since, until):
            yield bill
        raise ProviderUnknown("server_error", "the server answers 503")


async def test_bills_that_cannot_be_read_correct_nothing(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, providers={"scripted": Shut(tmp_path, {})}) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.run(ask())
        with pytest.raises(ProviderUnavailable, match="503"):
            await reconciled(studio, correct=True)
        assert count(facts_of(studio), Adjusted) == 0
