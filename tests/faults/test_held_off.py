"""A provider that says 429 for now: the operation is back in the queue with its hold, and is sent again, by anybody."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from application.asking.requests import Request
from domain.errors import OperationFailed
from domain.operation import Charged, Dispatched, Postponed, Released, Requested, Validated
from infrastructure.service import Studio
from infrastructure.store.queue import SqlQueue
from infrastructure.working import working
from tests.application.asking.test_waiting import until
from tests.application.studios import count, database_of, facts_of, is_sound, studio_on
from tests.faults.ponds import BLIND, PRICE, Scene, leading_to
from tests.wire.fake.behaviour import Behaviour

PUDDLE = Request("text-to-image", "acme", {"prompt": "a puddle"}, model=BLIND)
"""Of a provider that can be asked nothing: whatever is not known of a submission is never known."""


def queued(studio: Studio) -> list[int]:
    """The places of what waits in the queue."""
    return [one.place for one in SqlQueue(database_of(studio)).waiting(100, (), 2**62)]


def held_off(scene: Scene, seconds: int, times: int = 1) -> None:
    scene.fake.next("stability", Behaviour(status=429, retry_after=str(seconds)), times=times)


async def test_it_goes_back_into_the_queue_and_is_charged_once_it_may_be_sent(scene: Scene) -> None:
    held_off(scene, 1, times=2)
    settings = leading_to(scene.fake, scene.home)
    async with studio_on(scene.url, scene.home, **settings) as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(replace(PUDDLE, priority="high"), queued=True)
        async with working(studio):
            result = await studio.operations.wait(begun.operation, account="acme")
        assert (result.status, result.price.micros, len(scene.fake.submissions())) == ("charged", PRICE, 3)
        story = [type(fact) for fact in facts_of(studio, "acme") if not isinstance(fact, Charged)]
        turn = [Dispatched, Postponed]
        assert story[:-1] == [Requested, Validated, *turn, *turn, Dispatched]
        assert await is_sound(studio)


async def test_meanwhile_it_holds_waits_for_anybody_and_keeps_its_place(scene: Scene) -> None:
    held_off(scene, 300)
    settings = leading_to(scene.fake, scene.home)
    async with studio_on(scene.url, scene.home, **settings) as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(replace(PUDDLE, priority="low"), queued=True)
        async with working(studio) as worker:
            await until(lambda: count(facts_of(studio), Postponed) == 1)
            await until(lambda: worker.working == 0)
        assert queued(studio) == [2]
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
        assert await is_sound(studio)
        assert len(scene.fake.submissions()) == 1
        cancelled = await studio.operations.cancel(begun.operation, account="acme")
        assert cancelled.status == "released"
        assert queued(studio) == []
        assert await is_sound(studio)


async def test_others_of_the_queue_are_not_sent_there_before_the_time_by_any_process(scene: Scene) -> None:
    held_off(scene, 300)
    settings = leading_to(scene.fake, scene.home)
    async with (
        studio_on(scene.url, scene.home, **settings) as studio,
        studio_on(scene.url, scene.home, **settings) as other,
    ):
        await studio.accounts.open("acme", plan="pro")
        async with working(studio):
            await studio.operations.submit(PUDDLE, queued=True)
            await until(lambda: count(facts_of(studio), Postponed) == 1)
            for number in range(5):
                await studio.operations.submit(replace(PUDDLE, key=f"order-{number}"), queued=True)
            async with working(other):
                await asyncio.sleep(0.5)
        assert len(queued(studio)) == 6
        assert len(scene.fake.submissions()) == 1
        assert await is_sound(studio)


async def test_if_the_time_is_longer_than_it_has_it_is_released_and_says_why(scene: Scene) -> None:
    held_off(scene, 3_600)
    settings = leading_to(scene.fake, scene.home)
    async with studio_on(scene.url, scene.home, **settings) as studio:
        await studio.accounts.open("acme", plan="pro")
        begun = await studio.operations.submit(PUDDLE, queued=True)
        async with working(studio):
            with pytest.raises(OperationFailed, match="asks to wait 3,600 seconds, longer than the operation has"):
                await studio.operations.wait(begun.operation, account="acme")
        assert (await studio.accounts.show("acme")).held["spend"] == 0
        [released] = [fact for fact in facts_of(studio) if isinstance(fact, Released)]
        assert (released.reason, released.cost) == ("rate_limited", 0)
        assert await is_sound(studio)


async def test_a_worker_that_stops_hands_over_what_waits_for_room(database_url: str, tmp_path: Path) -> None:
    """One is at the provider and the next one stands before it, claimed, when the worker is told to stop."""
    slow = Request("text-to-image", "acme", {"prompt": "x", "delay_ms": 600}, model="scripted-findable", n=3)
    async with studio_on(database_url, tmp_path, scripted_concurrency=1) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.submit(slow, queued=True)
        gates = studio.upkeep.recoverer.performer.gates
        async with working(studio) as worker:
            await until(lambda: len(gates.inside) == 1 and len(gates.outside) == 1)
        assert (worker.performed, worker.left, len(queued(studio))) == (1, 0, 2)
        assert await is_sound(studio)
