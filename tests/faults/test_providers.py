"""F5-F7, F9, F10 and F14 with a provider that is paid, on its real wire: one job, one posting, in the right period."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from application.keeping.reconciliation import ReconciledJob
from domain.errors import IllegalTransition, OperationFailed, OperationPending
from domain.ledger import BalanceReturned, Fact
from domain.money import Money
from domain.operation import Adjusted, Charged, ProviderCompleted, ProviderFailed, Released, Validated
from domain.periods import local_day
from infrastructure.clock import SECOND
from infrastructure.service import Studio
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.periods import PERIODS, PeriodFilter
from tests.amounts import micros
from tests.application.studios import count, facts_of, is_sound, timeline
from tests.domain.wall_clocks import wall
from tests.faults.worlds import LAKE, POND, ROUTES, World, ask
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import serving

HOUR, DAY = 3_600, 86_400
LEASE_OVER = 120
PAID = 10 * POND
ACCEPTED_AND_LOST = Behaviour(lost="drop")
NEVER_ARRIVED = Behaviour(lost="drop", accepted=False)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """It is not the last hour of a month: tests let time pass until that begins."""
    with serving(tmp_path / "fake") as fake:
        world = World(fake, database_url, tmp_path)
        now, later = (local_day(world.clock() + hours * HOUR * SECOND, "UTC") for hours in (0, 2))
        if now[:7] != later[:7]:
            world.advance(2 * HOUR)
        yield world


async def pending(studio: Studio, model: str = "pond") -> str:
    """An operation that is left open."""
    with pytest.raises(OperationPending) as left:
        await studio.operations.run(ask(model))
    return left.value.operation


async def recovered(studio: Studio) -> list[str]:
    return [one.phase for one in await studio.upkeep.recover()]


# F5: a client that gives up and asks again


@pytest.mark.parametrize("retries", [1, 2])
async def test_a_client_that_gives_up_and_asks_again_has_one_job(world: World, retries: int) -> None:
    world.fake.next("wavespeed", Behaviour(held=True))
    async with world.studio() as studio:
        await studio.accounts.open("acme", plan="pro")
        for _ in range(retries):
            client = asyncio.create_task(studio.operations.run(ask(key="key-1")))
            await asyncio.to_thread(world.fake.wait_for, world.fake.submissions)
            client.cancel()
            with suppress(asyncio.CancelledError):
                await client
        last = asyncio.create_task(studio.operations.run(ask(key="key-1")))
        world.fake.release()
        result = await last
        assert (result.status, result.price.micros, result.repeated) == ("charged", POND, True)
        assert count(facts_of(studio), Charged) == len(world.fake.submissions()) == len(world.fake.jobs()) == 1
        assert await is_sound(studio)


# F6: the truth comes after the period's end


async def near_the_end(world: World, studio: Studio) -> int:
    """A prepaid account an hour before its period ends; the start of the next."""
    await studio.accounts.open("acme", plan="pro", prepaid=True)
    await studio.accounts.add_credit("acme", Money(PAID, "USD"), "payment-1")
    end = (await studio.accounts.show("acme")).period.end
    world.advance_to(end - HOUR * SECOND)
    return end


async def balance(studio: Studio) -> int | None:
    return (await studio.accounts.show("acme")).balance


async def test_a_late_success_is_charged_in_its_own_period_while_its_hold_stands(world: World) -> None:
    world.fake.next("wavespeed", ACCEPTED_AND_LOST)
    async with world.studio() as studio:
        end = await near_the_end(world, studio)
        operation = await pending(studio)
        world.advance(2 * HOUR)
        await studio.operations.run(ask())
        assert await balance(studio) == PAID - 2 * POND
        assert await recovered(studio) == ["charged"]
        [posted] = [fact for fact in timeline(studio, operation) if isinstance(fact, Charged)]
        assert posted.operation.period.end == end <= posted.at
        assert (await balance(studio), count(facts_of(studio), BalanceReturned)) == (PAID - 2 * POND, 0)
        studio.views.catch_up()
        assert [one.price for one in studio.views.rows(PERIODS, PeriodFilter(account="acme"))] == [POND, POND]
        assert len(world.fake.submissions()) == 2
        assert await is_sound(studio)


async def test_a_release_after_the_periods_end_is_spendable_once_in_the_current_one(world: World) -> None:
    world.fake.next("wavespeed", NEVER_ARRIVED)
    async with world.studio() as studio:
        end = await near_the_end(world, studio)
        await pending(studio)
        world.advance(2 * HOUR)
        await studio.operations.run(ask())
        assert await balance(studio) == PAID - 2 * POND
        for _ in range(3):
            await studio.upkeep.recover()
            world.advance(HOUR)
        facts = facts_of(studio)
        [returned] = [fact for fact in facts if isinstance(fact, BalanceReturned)]
        assert (returned.amount, returned.period.start) == (POND, end)
        assert (count(facts, Released), await balance(studio)) == (1, PAID - POND)
        assert await is_sound(studio)


async def test_a_job_that_ends_after_its_release_by_policy_delivers_and_never_charges(world: World) -> None:
    """What is given up after a day succeeds on the next, in another period, and is found with the bills."""
    world.fake.next("wavespeed", Behaviour(ending="never"))
    async with world.studio(abandon_seconds=DAY) as studio:
        await near_the_end(world, studio)
        operation = await pending(studio)
        world.advance(DAY + HOUR)
        assert await recovered(studio) == ["released"]
        assert await balance(studio) == PAID
        [job] = world.fake.jobs()
        world.fake.change(job.id, Behaviour())
        world.advance(DAY)
        for _ in range(2):
            await reconciled(world, studio)
        facts = timeline(studio, operation)
        [completed] = [fact for fact in facts if isinstance(fact, ProviderCompleted)]
        [booked] = [fact for fact in facts if isinstance(fact, Adjusted)]
        assert (completed.late, len(completed.assets), booked.price, booked.cost) == (True, 1, 0, POND)
        assert (count(facts, Charged), count(facts, Released), await balance(studio)) == (0, 1, PAID)
        assert await is_sound(studio)


# F7: it fails after it was accepted


FAILURES = {
    "failed": Behaviour(ending="failed"),
    "cancelled": Behaviour(ending="cancelled"),
    "job_timeout": Behaviour(ending="timeout"),
    "deleted": Behaviour(ending="deleted"),
    "content_moderation": Behaviour(filtered="result"),
    "nothing_delivered": Behaviour(outputs=0, bill="0"),
    "unreadable_output": Behaviour(files="damaged", bill="0"),
}
"""By the code under which they are recorded."""


@pytest.mark.parametrize("bill", ["", "0.05"])
async def test_what_fails_after_it_was_accepted_is_released_and_its_bill_is_our_cost(world: World, bill: str) -> None:
    world.pauses = (0.0,)
    async with world.studio() as studio:
        await studio.accounts.open("acme", plan="pro")
        operations = {}
        for code, behaviour in FAILURES.items():
            world.fake.next("wavespeed", replace(behaviour, bill=bill) if bill else behaviour)
            with pytest.raises(OperationFailed) as failed:
                await studio.operations.run(ask())
            operations[code] = failed.value.operation
        await reconciled(world, studio)
        found = {code: released(timeline(studio, operation)) for code, operation in operations.items()}
        assert found == {code: (code, 0, 1, POND if bill else 0) for code in FAILURES}
        view = await studio.accounts.show("acme")
        assert (view.used["spend"], view.held["spend"], view.open) == (0, 0, 0)
        assert await is_sound(studio)


@pytest.mark.parametrize("files", ["empty", "not media", "missing"])
async def test_what_it_delivered_and_nobody_could_fetch_for_days_is_lost_while_its_job_is_known(
    world: World, files: Literal["empty", "not media", "missing"]
) -> None:
    world.pauses = ()
    world.fake.next("wavespeed", Behaviour(files=files))
    async with world.studio() as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await pending(studio)
        for phases in (["submitted"], ["submitted"], ["charged"]):
            world.advance(2 * DAY + HOUR)
            assert await recovered(studio) == phases
        [completed] = [fact for fact in timeline(studio, operation) if isinstance(fact, ProviderCompleted)]
        [posted] = [fact for fact in timeline(studio, operation) if isinstance(fact, Charged)]
        assert (completed.lost, posted.price, posted.cost) == (1, 0, POND)
        assert (await studio.accounts.show("acme")).held["spend"] == 0
        assert await is_sound(studio)


def released(facts: list[Fact]) -> tuple[str, int, int, int]:
    """The code of a failure, how often it was charged and released, and what it costs us in all."""
    [told] = [fact for fact in facts if isinstance(fact, ProviderFailed)]
    cost = sum(fact.cost or 0 for fact in facts if isinstance(fact, Released | Adjusted))
    return told.code, count(facts, Charged), count(facts, Released), cost


# F9: it bills something else

BILLS = {
    "0.07": ("differs", 70_000),
    "0.03": ("differs", 30_000),
    "0": ("differs", 0),
    "nothing": ("missing there", POND),
    "unreadable": ("unreadable", POND),
    "0.05": ("matched", POND),
}
"""What is found of each, and what it costs us then."""


async def reconciled(world: World, studio: Studio) -> dict[str, ReconciledJob]:
    """What became of each operation when the bills of these months were read, and differences booked."""
    month = 40 * DAY * SECOND
    lines = await studio.providers.reconcile("wavespeed", world.clock() - month, world.clock() + SECOND, correct=True)
    return {line.operation: line for line in lines}


async def test_whatever_is_billed_the_price_stays_and_the_difference_shows(world: World) -> None:
    async with world.studio() as studio:
        await studio.accounts.open("acme", plan="pro")
        operations = {}
        for bill in BILLS:
            world.fake.next("wavespeed", Behaviour(bill=bill))
            operations[bill] = (await studio.operations.run(ask())).operation
        lines = await reconciled(world, studio)
        again = await reconciled(world, studio)
        for bill, (status, cost) in BILLS.items():
            operation, differs = operations[bill], status == "differs"
            line = lines[operation]
            assert (line.status, line.recorded, line.is_explained) == (status, POND, differs or status == "matched")
            assert (again[operation].status, again[operation].booked) == ("matched" if differs else status, 0)
            found = await studio.operations.wait(operation, account="acme")
            assert (found.price.micros, micros(found.cost)) == (POND, cost)
        assert (await studio.accounts.show("acme")).used["spend"] == len(BILLS) * POND
        assert [row.id for row in studio.views.rows(OPERATIONS, OperationFilter(flag="overbilled"))] == [
            operations["0.07"]
        ]
        assert await is_sound(studio)


# F10: a cancellation meets the end


async def test_a_cancellation_that_meets_the_end_of_its_job_has_one_outcome(world: World) -> None:
    """This provider stops nothing, so that the job's end is always the outcome."""
    world.fake.next("wavespeed", Behaviour(polls=2))
    async with world.studio() as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(ask())
        ended = await asyncio.gather(
            *(studio.operations.cancel(begun.operation, account="acme") for _ in range(3)),
            studio.operations.wait(begun.operation, account="acme"),
            return_exceptions=True,
        )
        assert [type(one) for one in ended[:3]] == [IllegalTransition] * 3
        assert (await studio.operations.wait(begun.operation, account="acme")).price.micros == POND
        facts = timeline(studio, begun.operation)
        assert (count(facts, Charged), count(facts, Released), len(world.fake.jobs())) == (1, 0, 1)
        assert await is_sound(studio)


# F14: the price changes under way


async def test_a_price_that_changes_under_way_changes_neither_the_hold_nor_the_charge(world: World) -> None:
    world.fake.next("wavespeed", ACCEPTED_AND_LOST)
    async with world.studio() as studio:
        await studio.accounts.open("acme", plan="pro")
        operation = await pending(studio)
    world.advance(LEASE_OVER)
    world.fake.price(ROUTES["pond"], "0.5")
    async with world.studio(catalogue=world.catalogue(pond='{ rate = "0.5" }'), provider_quotes=True) as studio:
        assert await recovered(studio) == ["charged"]
        facts = timeline(studio, operation)
        [held] = [fact.quote for fact in facts if isinstance(fact, Validated)]
        [posted] = [fact for fact in facts if isinstance(fact, Charged)]
        assert (held.price, posted.price, posted.cost, posted.price_book) == (POND, POND, POND, held.price_book)
        assert (await studio.operations.run(ask())).price.micros == 500_000
        assert await is_sound(studio)


async def test_a_dated_price_holds_for_what_is_asked_from_then_on(world: World) -> None:
    async with world.studio() as studio:
        await studio.accounts.open("acme", plan="pro")
        end = (await studio.accounts.show("acme")).period.end
    since = wall(end, "UTC").date()
    dated = world.catalogue(lake=f'{{ rate = "0.06" }}, {{ rate = "0.08", from = {since} }}')
    world.advance_to(end - HOUR * SECOND)
    world.fake.next("wavespeed", ACCEPTED_AND_LOST)
    async with world.studio(catalogue=dated) as studio:
        operation = await pending(studio, model="lake")
        world.advance(2 * HOUR)
        assert (await studio.operations.run(ask("lake"))).price.micros == 80_000
        assert await recovered(studio) == ["charged"]
        assert (await studio.operations.wait(operation, account="acme")).price.micros == LAKE
        assert await is_sound(studio)
