"""A submission whose answer was lost: its job is found by its inputs, and nobody else's is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from application.ports import Media, ProviderUnknown, Value, silent
from infrastructure.clock import SECOND, now
from infrastructure.providers.wavespeed import WaveSpeed
from infrastructure.wire.content import data_uri
from tests.infrastructure.providers.wavespeed.tasks import IMAGE, PROMPT, performed, task, wavespeed
from tests.infrastructure.wire.servers import Time, answer, answering
from tests.wire.clients import EDIT, PICTURE
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

OTHER_IMAGE = Media(media.image(seed=2), "image/png")
MADE = "2026-11-25T12:00:00Z"


@pytest.mark.parametrize("lost", ["drop", "truncate"])
async def test_the_job_of_a_submission_whose_answer_was_lost_is_found_and_delivers(
    fake: Fake, adapter: WaveSpeed, lost: str
) -> None:
    inputs: dict[str, Value] = {"prompt": PROMPT, "size": "96x48", "scale": Decimal("0.5"), "seed": -1, "on": True}
    one = task(EDIT, inputs, {"image": [IMAGE]})
    fake.next("wavespeed", Behaviour(lost=lost))  # type: ignore[arg-type]
    with pytest.raises(ProviderUnknown):
        await adapter.submit(one, silent)
    (found,) = await adapter.find(one)
    assert found.id == fake.jobs()[0].id
    assert len((await adapter.collect(one, found, silent)).outputs) == 1
    assert len(fake.submissions()) == 1


async def test_a_submission_that_never_arrived_is_not_found(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed", Behaviour(status=500))
    with pytest.raises(ProviderUnknown):
        await adapter.submit(task(), silent)
    assert await adapter.find(task()) == ()


async def test_jobs_of_other_inputs_are_nobodys_candidates(fake: Fake, adapter: WaveSpeed) -> None:
    ours = task(EDIT, {"prompt": PROMPT, "seed": 7}, {"image": [IMAGE]})
    for other in (
        replace(ours, inputs={"prompt": "another pond", "seed": 7}),
        replace(ours, inputs={"prompt": PROMPT, "seed": 8}),
        replace(ours, media={"image": (OTHER_IMAGE,)}),
        replace(ours, media={"image": (IMAGE, IMAGE)}, many=frozenset({"image"})),
        replace(ours, route="wavespeed-ai/step1x-edit"),
    ):
        await adapter.submit(other, silent)
    assert await adapter.find(ours) == ()
    job = await adapter.submit(ours, silent)
    assert await adapter.find(ours) == (job,)


async def test_of_several_that_fit_the_one_made_nearest_to_the_dispatch_comes_first(
    fake: Fake, adapter: WaveSpeed
) -> None:
    jobs = []
    for _ in range(3):
        jobs.append(await adapter.submit(task(), silent))
        fake.advance(20)
    made = [job.created for job in fake.jobs()]
    assert await adapter.find(task(since=made[0])) == tuple(jobs)
    assert await adapter.find(task(since=made[2])) == tuple(reversed(jobs))


@pytest.mark.parametrize(("since", "found"), [(-200, False), (-170, True), (0, True), (50, True), (70, False)])
async def test_only_jobs_of_the_minutes_around_the_dispatch_are_looked_at(
    adapter: WaveSpeed, since: int, found: bool
) -> None:
    await adapter.submit(task(), silent)
    assert bool(await adapter.find(task(since=now() + since * SECOND))) == found


async def test_a_job_that_failed_is_found_too(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed", Behaviour(ending="failed", lost="drop"))
    with pytest.raises(ProviderUnknown):
        await adapter.submit(task(), silent)
    assert [job.id for job in await adapter.find(task())] == [fake.jobs()[0].id]


@pytest.mark.parametrize("behaviour", [Behaviour(status=503), Behaviour(lost="drop")])
async def test_a_list_that_is_not_given_tells_nothing(fake: Fake, adapter: WaveSpeed, behaviour: Behaviour) -> None:
    fake.next("wavespeed.predictions", behaviour, times=None)
    with pytest.raises(ProviderUnknown):
        await adapter.find(task())


async def test_a_list_that_fails_once_is_asked_for_again(fake: Fake, adapter: WaveSpeed) -> None:
    job = await adapter.submit(task(), silent)
    fake.next("wavespeed.predictions", Behaviour(status=503))
    assert await adapter.find(task()) == (job,)


def listed(inputs: Mapping[str, Any] | None, id: str = "7") -> dict[str, Any]:
    shown = {"id": id, "model": PICTURE, "status": "completed", "created_at": MADE}
    return shown if inputs is None else {**shown, "input": inputs}


async def found_in(fake: Fake, time: Time, *items: dict[str, Any], **more: Any) -> list[str]:
    """Ids that are taken for the task's in a list of these jobs."""
    body = msgspec.json.encode({"code": 200, "data": {"items": items}})
    async with answering(answer(200, body)) as served, wavespeed(fake, time, url=served.url) as adapter:
        return [job.id for job in await adapter.find(task(**more))]


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"prompt": PROMPT, "seed": 7, "scale": 0.5, "on": True}, True),
        ({"prompt": f" {PROMPT} ", "seed": 7.0, "scale": 0.50, "on": True, "steps": 20}, True),
        ({"prompt": PROMPT}, True),
        ({"seed": 7, "scale": 0.5, "on": True}, False),
        ({"prompt": PROMPT, "on": 1}, False),
        ({"prompt": PROMPT, "scale": "0.5"}, False),
        ({"prompt": None}, False),
        ({}, False),
        (None, False),
    ],
)
async def test_inputs_agree_where_nothing_differs_and_all_texts_are_there(
    fake: Fake, time: Time, inputs: dict[str, Any] | None, found: bool
) -> None:
    ours: dict[str, Value] = {"prompt": PROMPT, "seed": 7, "scale": Decimal("0.5"), "on": True, "negative_prompt": ""}
    assert await found_in(fake, time, listed(inputs), inputs=ours) == (["7"] if found else [])


async def test_a_file_is_known_by_what_the_provider_shows_of_it(fake: Fake, time: Time, adapter: WaveSpeed) -> None:
    await performed(adapter, task())
    (job,) = fake.jobs()
    address = f"{fake.url}/files/{job.outputs[0]}"
    content = fake.state.content(job.outputs[0])
    shown = {
        "as a data URI": data_uri(IMAGE),
        "another data URI": data_uri(OTHER_IMAGE),
        "by its name": f"https://cdn.test/{'0' * 64}.png",
        "elsewhere": address,
        "gone": f"{fake.url}/files/nothing.png",
        "nonsense": "a pond",
        "nothing": None,
    }
    items = [listed({"prompt": PROMPT, "image": text}, name) for name, text in shown.items()]
    assert await found_in(fake, time, *items, files={"image": [IMAGE]}) == ["as a data URI"]
    there = Media(content, "image/png")
    assert await found_in(fake, time, *items, files={"image": [there]}) == ["elsewhere"]


async def test_a_list_that_is_too_long_to_be_sure_tells_nothing(fake: Fake, time: Time) -> None:
    with pytest.raises(ProviderUnknown) as unknown:
        await found_in(fake, time, *[listed({"prompt": PROMPT})] * 100)
    assert unknown.value.code == "too_many_items"


@pytest.mark.parametrize("body", [b"{}", b'{"code": 200, "data": {}}', b'{"code": 200, "data": {"items": [{}]}}'])
async def test_a_list_that_makes_no_sense_tells_nothing(fake: Fake, time: Time, body: bytes) -> None:
    async with answering(answer(200, body)) as served, wavespeed(fake, time, url=served.url) as adapter:
        with pytest.raises(ProviderUnknown):
            await adapter.find(task())
