"""Whole operations over a wire that spoils what it carries: charged, or pending with their hold, and sent once.

studio ──> proxy ──> fake        late, slow, cut off before the request or after it, in the middle of an answer
       <──       <──             429 and 5xx, once or for ever
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from domain.errors import OperationFailed, OperationPending
from domain.operation import Dispatched
from infrastructure.clock import now
from infrastructure.service import Studio
from tests.application.studios import NO_PAUSES, facts_of, is_sound, later
from tests.faults.ponds import BLIND, KEPT, LISTED, PRICE, PROVIDER, Scene, check_account, prompt_of, request_for
from tests.infrastructure.providers.building import built
from tests.infrastructure.providers.wavespeed.tasks import wavespeed
from tests.infrastructure.wire.servers import Time
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake
from tests.wire.proxy import Fault, Proxy, proxied

ACCOUNT = "acme"
SUBMISSION, POLL, FILE = prompt_of(ACCOUNT).encode(), b"/result", b"GET /files/"
POLLS = {LISTED: "wavespeed.polls", KEPT: "stability.results"}
FOR_EVER = 500

Kind = Literal["before", "after", "truncate", "drip", "delay"]


@pytest.fixture
def proxy(fake: Fake) -> Iterator[Proxy]:
    with proxied("127.0.0.1", fake.port) as proxy:
        yield proxy


@pytest.fixture
def scene(fake: Fake, proxy: Proxy, sqlite_url: str, tmp_path: Path) -> Scene:
    """By way of the proxy."""
    return Scene(fake, sqlite_url, tmp_path, proxy.url)


@asynccontextmanager
async def distant(scene: Scene, *, late: bool = False) -> AsyncIterator[Studio]:
    """A studio whose providers are beyond the proxy, and pause without waiting; late: after every lease is over."""
    fake, time = scene.fake, Time()
    stability = built("stability", key=fake.key("stability"), url=scene.way, sleep=time.sleep, monotonic=time)
    async with wavespeed(fake, time, url=scene.way) as adapter:
        providers = {"wavespeed": adapter, "stability": stability}
        async with scene.studio(providers=providers, clock=later() if late else now, pauses=NO_PAUSES) as studio:
            yield studio


async def ending(scene: Scene, model: str) -> str:
    """How one operation ends for who asked: charged, released, or pending, which keeps its hold."""
    await scene.open_accounts(ACCOUNT)
    async with distant(scene) as studio:
        try:
            result = await studio.operations.run(request_for(model, ACCOUNT))
        except OperationFailed:
            ended = "released"
        except OperationPending:
            ended = "pending"
        else:
            assert len(result.assets) == 1
            ended = "charged"
        view = await studio.accounts.show(ACCOUNT)
        assert (view.open, view.held["spend"]) == ((1, PRICE) if ended == "pending" else (0, 0))
        assert await is_sound(studio)
        return ended


async def truth(scene: Scene, **reached: Any) -> str:
    """What recovery brings to light, once the wire is whole again."""
    async with distant(scene, late=True) as studio:
        [one] = await studio.upkeep.recover()
        await check_account(studio, scene.fake, ACCOUNT, one.phase, **reached)
        assert await is_sound(studio)
        return one.action


# The submission


@pytest.mark.parametrize("model", [LISTED, KEPT, BLIND])
@pytest.mark.parametrize("kind", ["drip", "delay"])
async def test_a_late_or_slow_answer_is_an_answer(scene: Scene, proxy: Proxy, model: str, kind: Kind) -> None:
    proxy.next(Fault(kind, when=SUBMISSION))
    assert await ending(scene, model) == "charged"
    assert (len(scene.fake.submissions()), proxy.waiting) == (1, 0)


@pytest.mark.parametrize("model", [LISTED, KEPT, BLIND])
async def test_a_submission_that_never_arrived_keeps_its_hold_until_it_is_released(
    scene: Scene, proxy: Proxy, model: str
) -> None:
    proxy.next(Fault("before", when=SUBMISSION))
    assert await ending(scene, model) == "pending"
    assert await truth(scene, jobs=0) == "released by policy"


LOST: dict[str, Fault | Behaviour] = {
    "cut off": Fault("after", when=SUBMISSION),
    "cut short": Fault("truncate", when=SUBMISSION, passed=100),
    "an error in its place": Behaviour(status=503, accepted=True),
}
FOUND = {LISTED: "found at the provider", KEPT: "released by policy", BLIND: "released by policy"}


@pytest.mark.parametrize("model", FOUND)
@pytest.mark.parametrize("how", LOST)
async def test_a_submission_whose_answer_is_lost_is_found_where_it_can_be_and_never_sent_again(
    scene: Scene, proxy: Proxy, model: str, how: str
) -> None:
    match LOST[how]:
        case Fault() as fault:
            proxy.next(fault)
        case behaviour:
            scene.fake.next(PROVIDER[model], behaviour)
    assert await ending(scene, model) == "pending"
    assert await truth(scene, jobs=1) == FOUND[model]


@pytest.mark.parametrize("model", [LISTED, KEPT, BLIND])
@pytest.mark.parametrize("wait", ["", "3600"])
async def test_a_429_that_says_nothing_or_asks_for_too_long_is_a_refusal_and_not_tried_again(
    scene: Scene, model: str, wait: str
) -> None:
    scene.fake.next(PROVIDER[model], Behaviour(status=429, retry_after=wait), times=None)
    assert await ending(scene, model) == "released"
    async with distant(scene) as studio:
        await check_account(studio, scene.fake, ACCOUNT, "released", jobs=0, sent=1)


@pytest.mark.parametrize("model", [LISTED, KEPT, BLIND])
async def test_a_429_is_waited_out_and_sent_again_while_the_hold_stands(scene: Scene, model: str) -> None:
    scene.fake.next(PROVIDER[model], Behaviour(status=429, retry_after="1"), times=2)
    assert await ending(scene, model) == "charged"
    async with distant(scene) as studio:
        await check_account(studio, scene.fake, ACCOUNT, "charged", jobs=1, sent=3)
        assert [fact.attempt for fact in facts_of(studio, ACCOUNT) if isinstance(fact, Dispatched)] == [1, 2, 3]


@pytest.mark.parametrize("model", [LISTED, KEPT, BLIND])
async def test_a_storm_of_5xx_is_no_refusal_and_is_not_tried_again(scene: Scene, model: str) -> None:
    scene.fake.next(PROVIDER[model], Behaviour(status=502), times=None)
    assert await ending(scene, model) == "pending"
    assert await truth(scene, jobs=0, sent=1) == "released by policy"


# Polls


@pytest.mark.parametrize("model", POLLS)
@pytest.mark.parametrize("kind", ["before", "after", "truncate", "drip", "delay"])
async def test_faults_of_a_few_polls_are_outlived(scene: Scene, proxy: Proxy, model: str, kind: Kind) -> None:
    scene.fake.next(PROVIDER[model], Behaviour(polls=1))
    proxy.next(Fault(kind, when=POLL, passed=100), times=2)
    assert await ending(scene, model) == "charged"
    assert (len(scene.fake.submissions()), proxy.waiting) == (1, 0)


@pytest.mark.parametrize("model", POLLS)
async def test_a_storm_on_polls_is_outlived(scene: Scene, model: str) -> None:
    scene.fake.next(PROVIDER[model], Behaviour(poll_failures=(429, 500, 502, 503, 504, 429)))
    assert await ending(scene, model) == "charged"
    assert len(scene.fake.submissions()) == 1


@pytest.mark.parametrize("model", POLLS)
async def test_a_job_that_its_provider_does_not_know_at_first_is_charged(scene: Scene, model: str) -> None:
    scene.fake.next(PROVIDER[model], Behaviour(poll_failures=(404,)))
    assert await ending(scene, model) == "charged"
    assert len(scene.fake.submissions()) == 1


@pytest.mark.parametrize("model", POLLS)
@pytest.mark.parametrize("storm", [429, 503, "before", "after"])
async def test_a_job_that_cannot_be_asked_about_until_its_deadline_keeps_its_hold_and_is_charged_later(
    scene: Scene, proxy: Proxy, model: str, storm: Any
) -> None:
    if isinstance(storm, int):
        scene.fake.next(POLLS[model], Behaviour(status=storm), times=None)
    else:
        proxy.next(Fault(storm, when=POLL), times=FOR_EVER)
    assert await ending(scene, model) == "pending"
    proxy.heal()
    scene.fake.heal()
    assert await truth(scene, jobs=1) == "found its job"


# Outputs


@pytest.mark.parametrize("kind", ["before", "after", "truncate", "drip", "delay"])
async def test_faults_while_an_output_is_fetched_are_outlived(scene: Scene, proxy: Proxy, kind: Kind) -> None:
    proxy.next(Fault(kind, when=FILE), times=3)
    assert await ending(scene, LISTED) == "charged"
    assert (len(scene.fake.submissions()), proxy.waiting) == (1, 2 if kind in ("drip", "delay") else 0)


async def test_a_storm_on_outputs_is_outlived(scene: Scene) -> None:
    scene.fake.next("wavespeed", Behaviour(file_failures=(429, 503, 500)))
    assert await ending(scene, LISTED) == "charged"
    assert len(scene.fake.submissions()) == 1


@pytest.mark.parametrize("kind", ["before", "truncate"])
async def test_an_output_that_cannot_be_fetched_keeps_its_hold_and_is_charged_when_it_can(
    scene: Scene, proxy: Proxy, kind: Kind
) -> None:
    proxy.next(Fault(kind, when=FILE), times=FOR_EVER)
    assert await ending(scene, LISTED) == "pending"
    proxy.heal()
    assert await truth(scene, jobs=1) == "found its job"
