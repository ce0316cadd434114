"""F8: a callback that is repeated, reordered, forged, early or never sent: settled exactly once all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from application.providing.callbacks import Callbacks
from domain.errors import OperationPending, Unverified
from domain.operation import Adjusted, Charged, ProviderCompleted, Released, Submitted
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound, timeline
from tests.faults.worlds import HOOKS, LAKE, POND, World, ask
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake, serving
from tests.wire.fake.state import Job

HOUR, DAY = 3_600, 86_400
LEASE_OVER = 120
DISHONEST = ("forged", "tampered", "stale", "unsigned")


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    with serving(tmp_path / "fake") as fake:
        yield World(fake, database_url, tmp_path)


@dataclass
class Post:
    """Hands the provider's messages over to a studio, as its server would: what came of each."""

    fake: Fake
    callbacks: Callbacks

    async def deliver(self, job: Job, kind: str, address: str = "") -> str:
        operation, mac = (address or job.webhook).removeprefix(f"{HOOKS}/").split("/")
        headers, body = self.fake.message(job.id, kind)
        try:
            return "taken" if await self.callbacks.take(operation, mac, headers, body) else "known"
        except Unverified:
            return "turned away"


async def opened(studio: Studio) -> None:
    await studio.accounts.open("acme", plan="pro")


async def lost(world: World, studio: Studio) -> tuple[str, Job]:
    """An operation whose job was made and whose answer never came."""
    world.fake.next("wavespeed", Behaviour(lost="drop"))
    with pytest.raises(OperationPending) as pending:
        await studio.operations.run(ask())
    return pending.value.operation, world.fake.jobs()[-1]


async def is_settled_once(world: World, studio: Studio, operation: str) -> bool:
    """One job, one posting at the price, nothing held, sound books."""
    facts = timeline(studio, operation)
    money = [fact.price for fact in facts if isinstance(fact, Charged | Released)]
    view = await studio.accounts.show("acme")
    return (
        (count(facts, Submitted), money, view.held["spend"], view.open) == (1, [POND], 0, 0)
        and len(world.fake.submissions()) == 1
        and await is_sound(studio)
    )


@pytest.mark.parametrize(
    ("kinds", "answers"),
    [
        (("signed",), ["taken"]),
        (("signed", "signed", "signed"), ["taken", "known", "known"]),
        (("processing", "signed"), ["known", "taken"]),
        (("signed", "processing", "signed"), ["taken", "known", "known"]),
        (DISHONEST, ["turned away"] * 4),
        ((*DISHONEST, "signed"), ["turned away"] * 4 + ["taken"]),
        ((), []),
    ],
    ids=["once", "repeated", "in order", "reordered", "forged", "forged, then true", "never"],
)
async def test_whatever_is_delivered_in_whatever_order_it_is_settled_once(
    world: World, kinds: Sequence[str], answers: list[str]
) -> None:
    async with world.studio() as studio:
        await opened(studio)
        operation, job = await lost(world, studio)
        post = Post(world.fake, studio.providers.callbacks("wavespeed"))
        assert [await post.deliver(job, kind) for kind in kinds] == answers
        assert count(facts_of(studio), Charged) == ("taken" in answers)
        world.advance(LEASE_OVER)
        await studio.upkeep.recover()
        assert await is_settled_once(world, studio, operation)


async def test_a_callback_that_comes_before_the_submission_is_answered_changes_nothing(world: World) -> None:
    world.fake.next("wavespeed", Behaviour(held=True))
    async with world.studio() as studio:
        await opened(studio)
        running = asyncio.create_task(studio.operations.run(ask()))
        [job] = await asyncio.to_thread(world.fake.wait_for, world.fake.jobs)
        assert await Post(world.fake, studio.providers.callbacks("wavespeed")).deliver(job, "signed") == "taken"
        assert count(facts_of(studio), Charged) == 0
        world.fake.release()
        assert await is_settled_once(world, studio, (await running).operation)


async def test_a_callback_that_comes_before_an_answer_that_is_lost_names_the_job(world: World) -> None:
    """Nothing has to be looked up: the list of jobs is never asked for."""
    world.fake.next("wavespeed", Behaviour(held=True, lost="drop"))
    world.fake.next("wavespeed.predictions", Behaviour(status=503), times=None)
    async with world.studio() as studio:
        await opened(studio)
        running = asyncio.create_task(studio.operations.run(ask()))
        [job] = await asyncio.to_thread(world.fake.wait_for, world.fake.jobs)
        assert await Post(world.fake, studio.providers.callbacks("wavespeed")).deliver(job, "signed") == "taken"
        world.fake.release()
        assert await is_settled_once(world, studio, (await running).operation)


async def test_a_callback_of_a_refused_attempt_is_never_taken_for_the_next_one_s(world: World) -> None:
    """The first model refuses and makes the picture all the same, the second's answer is lost."""
    world.fake.next("wavespeed", Behaviour(status=400, accepted=True))
    world.fake.next("wavespeed", Behaviour(held=True, lost="drop"))
    async with world.studio() as studio, world.studio() as other:
        await opened(studio)
        running = asyncio.create_task(studio.operations.run(ask("cheapest")))
        await asyncio.to_thread(world.fake.wait_for, lambda: len(world.fake.jobs()) == 2)
        refused, its = world.fake.jobs()
        posts = [Post(world.fake, one.providers.callbacks("wavespeed")) for one in (studio, other)]
        for post in posts:
            with pytest.raises(OperationPending, match="another attempt"):
                await post.deliver(refused, "signed")
        world.fake.release()
        with pytest.raises(OperationPending) as pending:
            await running
        for post in posts:
            with pytest.raises(OperationPending, match="another attempt"):
                await post.deliver(refused, "signed")
        assert await posts[0].deliver(its, "signed") == "taken"
        facts = timeline(studio, pending.value.operation)
        assert [fact.job for fact in facts if isinstance(fact, Submitted)] == [its.id]
        assert [(fact.price, fact.operation.model) for fact in facts if isinstance(fact, Charged)] == [(LAKE, "lake")]
        assert await posts[1].deliver(refused, "signed") == "taken"
        assert await is_sound(studio)


async def test_a_callback_of_a_later_attempt_names_its_job_where_its_answer_is_lost(world: World) -> None:
    world.fake.next("wavespeed", Behaviour(status=400))
    world.fake.next("wavespeed", Behaviour(held=True, lost="drop"))
    world.fake.next("wavespeed.predictions", Behaviour(status=503), times=None)
    async with world.studio() as studio:
        await opened(studio)
        running = asyncio.create_task(studio.operations.run(ask("cheapest")))
        [job] = await asyncio.to_thread(world.fake.wait_for, world.fake.jobs)
        assert await Post(world.fake, studio.providers.callbacks("wavespeed")).deliver(job, "signed") == "taken"
        world.fake.release()
        assert (await running).price.micros == LAKE
        assert count(facts_of(studio), Submitted) == 1


async def test_a_callback_settles_what_its_batch_has_lost_while_others_of_it_go_on(world: World) -> None:
    world.fake.next("wavespeed", Behaviour(lost="drop"))
    world.fake.next("wavespeed", Behaviour(held=True))
    async with world.studio() as studio, world.studio() as other:
        await opened(studio)
        running = asyncio.create_task(studio.operations.run(ask(n=2)))
        await asyncio.to_thread(world.fake.wait_for, lambda: len(world.fake.jobs()) == 2)
        [job] = [one for one in world.fake.jobs() if one.behaviour.lost]
        assert await Post(world.fake, studio.providers.callbacks("wavespeed")).deliver(job, "signed") == "taken"
        operation = job.webhook.removeprefix(f"{HOOKS}/").split("/")[0]
        assert (await other.operations.wait(operation, account="acme")).price.micros == POND
        assert count(facts_of(studio), Charged) == 1
        world.fake.release()
        assert len((await running).assets) == 2
        assert await is_sound(studio)


async def test_processes_that_are_told_at_once_while_one_waits_settle_it_once(world: World) -> None:
    async with world.studio() as owner, world.studio() as other:
        await opened(owner)
        running = asyncio.create_task(owner.operations.run(ask()))
        [job] = await asyncio.to_thread(world.fake.wait_for, world.fake.jobs)
        posts = [Post(world.fake, one.providers.callbacks("wavespeed")) for one in (owner, other, other)]
        told = await asyncio.gather(*(post.deliver(job, "signed") for post in posts))
        result = await running
        assert (told, result.status) == (["taken"] * 3, "charged")
        assert await is_settled_once(world, owner, result.operation)


async def test_a_callback_about_another_operations_job_settles_nothing(world: World) -> None:
    async with world.studio() as studio:
        await opened(studio)
        await studio.operations.run(ask())
        [its] = world.fake.jobs()
        _, job = await lost(world, studio)
        post = Post(world.fake, studio.providers.callbacks("wavespeed"))
        for _ in range(2):
            with pytest.raises(OperationPending, match="job_of_another"):
                await post.deliver(its, "signed", job.webhook)
        assert await post.deliver(its, "signed", job.webhook[:-1] + "?") == "turned away"
        assert (count(facts_of(studio), Charged), (await studio.accounts.show("acme")).held["spend"]) == (1, POND)
        assert await post.deliver(job, "signed") == "taken"
        assert count(facts_of(studio), Charged) == 2


async def test_a_callback_that_cannot_be_dealt_with_now_is_dealt_with_when_it_is_repeated(world: World) -> None:
    async with world.studio() as studio:
        await opened(studio)
        operation, job = await lost(world, studio)
        post = Post(world.fake, studio.providers.callbacks("wavespeed"))
        world.fake.next("wavespeed.polls", Behaviour(status=503), times=20)
        with pytest.raises(OperationPending):
            await post.deliver(job, "signed")
        world.fake.heal()
        assert await post.deliver(job, "signed") == "taken"
        assert await is_settled_once(world, studio, operation)


async def test_a_callback_after_a_release_by_policy_delivers_once_and_never_charges(world: World) -> None:
    world.fake.next("wavespeed", Behaviour(ending="never"))
    async with world.studio(abandon_seconds=HOUR) as studio:
        await opened(studio)
        with pytest.raises(OperationPending) as pending:
            await studio.operations.run(ask())
        world.advance(2 * HOUR)
        assert [one.phase for one in await studio.upkeep.recover()] == ["released"]
        [job] = world.fake.jobs()
        world.fake.change(job.id, Behaviour())
    async with world.studio() as studio, world.studio() as other:
        posts = [Post(world.fake, one.providers.callbacks("wavespeed")) for one in (studio, other)]
        await asyncio.gather(*(post.deliver(job, "signed") for post in posts))
        facts = timeline(studio, pending.value.operation)
        assert [fact.late for fact in facts if isinstance(fact, ProviderCompleted)] == [True]
        assert [(fact.price, fact.cost) for fact in facts if isinstance(fact, Adjusted)] == [(0, POND)]
        assert (count(facts, Charged), count(facts, Released)) == (0, 1)
        assert await is_sound(studio)
