"""The WaveSpeed adapter: what it sends, how it waits, and what becomes of every kind of job."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from application.ports import (
    Delivery,
    Job,
    Media,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    Remote,
    TaskFailed,
    Value,
    silent,
)
from infrastructure.media import read_media
from infrastructure.providers.wavespeed import WaveSpeed
from infrastructure.providers.wavespeed.predictions import KEPT
from infrastructure.wire.callbacks import operation_mac
from tests import patience
from tests.infrastructure.providers.wavespeed.tasks import (
    AUDIO,
    IMAGE,
    PROMPT,
    TYPES,
    VIDEO,
    contents,
    performed,
    task,
    wavespeed,
)
from tests.infrastructure.wire.servers import Time, answer, answering
from tests.wire.clients import EDIT, PICTURE, fetch
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.prices import models
from tests.wire.fake.server import Fake

FILES = {"image": IMAGE, "video": VIDEO, "audio": AUDIO}
LISTS = ("images", "source_image", "target_image")
DEADLINE = patience.SECONDS


async def failure(adapter: WaveSpeed, fake: Fake, behaviour: Behaviour) -> TaskFailed:
    """How a job with that script fails."""
    fake.next("wavespeed", behaviour)
    with pytest.raises(TaskFailed) as failed:
        await performed(adapter, task())
    assert PROMPT not in failed.value.message
    assert len(fake.submissions("wavespeed")) == 1
    return failed.value


async def test_every_model_is_asked_for_the_least_it_needs_and_delivers_what_it_is_for(
    fake: Fake, adapter: WaveSpeed
) -> None:
    for path, model in models().items():
        kinds = {name: next((kind for kind in FILES if kind in name), "") for name in model.needs}
        inputs: dict[str, Value] = {name: "en" for name, kind in kinds.items() if not kind}
        files = {name: [FILES[kind]] for name, kind in kinds.items() if kind}
        wanted = task(path, inputs, files, media_types=TYPES[model.makes], many=frozenset(LISTS) & {*files})
        (content,) = contents(await performed(adapter, wanted))
        read = read_media(content, field=path, max_bytes=10**6, max_pixels=10**7, media_types=wanted.media_types)
        assert read.media_type == wanted.media_types[0], path
    assert [one.path for one in fake.submissions("wavespeed")] == [*models()]


async def test_inputs_are_sent_flat_with_exact_decimals_sizes_with_a_star_and_files_where_they_belong(
    fake: Fake, adapter: WaveSpeed
) -> None:
    inputs: dict[str, Value] = {"prompt": "1024x768", "size": "96x48", "scale": Decimal("0.10"), "seed": 7, "on": True}
    second = Media(IMAGE.content + b"\0", "image/png")
    files = {"image": [IMAGE, second], "images": [IMAGE], "references": [IMAGE, second]}
    await performed(adapter, task(EDIT, inputs, files, many=frozenset({"images", "references"})))
    (sent,) = fake.submissions("wavespeed")
    image = sent.inputs["image"]
    assert image["bytes"] == len(IMAGE.content)
    assert sent.inputs["images"] == [image]
    assert len(sent.inputs["references"]) == 2
    plain = {name: sent.inputs[name] for name in inputs}
    assert plain == {"prompt": "1024x768", "size": "96*48", "scale": 0.1, "seed": 7, "on": True}


async def test_an_output_is_somewhere_else_until_a_week_after_its_job_was_made(fake: Fake, adapter: WaveSpeed) -> None:
    delivery = await performed(adapter, task())
    (job,) = fake.jobs("wavespeed")
    (output,) = delivery.outputs
    assert isinstance(output, Remote)
    assert output.expires == job.created + KEPT
    assert output.url not in repr(delivery)


@pytest.mark.parametrize("shape", ["string", "url", "image_url", "video_url", "output", "field"])
@pytest.mark.parametrize("bare", [True, False])
async def test_outputs_are_read_in_every_shape(fake: Fake, adapter: WaveSpeed, shape: str, bare: bool) -> None:
    fake.next("wavespeed", Behaviour(shape=shape, bare=bare, outputs=3, ending="succeeded"))  # type: ignore[arg-type]
    delivery = await performed(adapter, task())
    assert [content[:4] for content in contents(delivery)] == [b"\x89PNG"] * 3


async def test_an_output_that_comes_as_a_data_uri_needs_no_fetching(adapter: WaveSpeed) -> None:
    delivery = await performed(adapter, task(inputs={"prompt": PROMPT, "enable_base64_output": True}))
    (output,) = delivery.outputs
    assert isinstance(output, Media)
    assert (output.media_type, output.content[:4]) == ("image/png", b"\x89PNG")


async def test_a_text_is_an_output_of_its_own(adapter: WaveSpeed) -> None:
    delivery = await performed(adapter, task("wavespeed-ai/prompt-optimizer", {"text": "a"}, media_types=TYPES["text"]))
    (output,) = delivery.outputs
    assert isinstance(output, Media)
    assert (output.media_type, output.content.decode()[:9]) == ("text/plain", "A picture")


@pytest.mark.parametrize("sync", ["waits", "processing", "5004"])
async def test_a_job_that_was_answered_at_once_or_too_late_is_polled_all_the_same(
    fake: Fake, adapter: WaveSpeed, sync: str
) -> None:
    fake.next("wavespeed", Behaviour(sync=sync, polls=1))  # type: ignore[arg-type]
    delivery = await performed(adapter, task(inputs={"prompt": PROMPT, "enable_sync_mode": True}))
    assert len(delivery.outputs) == 1
    assert len(fake.submissions("wavespeed")) == 1


@pytest.mark.parametrize(
    ("made", "pauses"), [("image", [1.0, 1.5, 2.25, 3.375, 5.0, 5.0]), ("video", [5.0, 7.5, 11.25, 15.0, 15.0, 15.0])]
)
async def test_a_video_is_asked_about_more_slowly_than_a_picture(
    fake: Fake, adapter: WaveSpeed, time: Time, made: str, pauses: list[float]
) -> None:
    fake.next("wavespeed", Behaviour(polls=6))
    heard: list[tuple[float, str]] = []
    wanted = task(media_types=TYPES[made])
    job = await adapter.submit(wanted, silent)
    await adapter.collect(wanted, job, lambda fraction, message: heard.append((fraction, message)))
    assert time.slept == pauses
    assert heard == [*[(0.0, "processing")] * 6, (1.0, "done")]


@pytest.mark.parametrize(
    ("ending", "code"),
    [("failed", "failed"), ("cancelled", "cancelled"), ("timeout", "job_timeout"), ("deleted", "deleted")],
)
async def test_a_job_that_ends_badly_has_failed_in_the_providers_words(
    fake: Fake, adapter: WaveSpeed, ending: str, code: str
) -> None:
    said = f"no pond could be made of {PROMPT}"
    failed = await failure(adapter, fake, Behaviour(ending=ending, error=said, polls=1))  # type: ignore[arg-type]
    assert (failed.code, failed.message, failed.cost) == (code, "no pond could be made of …", 0)


async def test_a_result_that_is_not_allowed_has_failed_for_that_reason(fake: Fake, adapter: WaveSpeed) -> None:
    assert (await failure(adapter, fake, Behaviour(filtered="result"))).code == "content_moderation"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('"status": "completed", "outputs": [], "has_nsfw_contents": [true]', "content_moderation"),
        ('"status": "failed", "code": 1200, "error": "no"', "content_moderation"),
        ('"status": "failed", "code": 1402, "error": "no"', "media_unreachable"),
        ('"status": "failed", "code": 5003, "error": "no"', "unavailable"),
        ('"status": "failed", "error": null', "failed"),
    ],
)
async def test_a_failed_job_is_told_by_its_code(fake: Fake, time: Time, said: str, code: str) -> None:
    async with (
        answering(answer(200, b'{"id": "7", %s}' % said.encode())) as served,
        wavespeed(fake, time, url=served.url) as adapter,
    ):
        with pytest.raises(TaskFailed) as failed:
            await adapter.collect(task(), Job("7"), silent)
    assert failed.value.code == code


async def test_a_flagged_result_that_was_delivered_is_delivered(fake: Fake, time: Time) -> None:
    said = b'{"id": "7", "status": "completed", "outputs": ["https://x.test/a"], "has_nsfw_contents": [true]}'
    async with answering(answer(200, said)) as served, wavespeed(fake, time, url=served.url) as adapter:
        delivery = await adapter.collect(task(), Job("7"), silent)
    assert delivery == Delivery((Remote("https://x.test/a"),))


@pytest.mark.parametrize(
    "outputs", ['"iVBORw0KGgo="', '[{"output": "iVBORw0KGgo="}]', '["data:image/png;base64,iVBORw0KGgo="]']
)
async def test_a_file_without_the_head_of_its_data_uri_is_a_file(fake: Fake, time: Time, outputs: str) -> None:
    said = b'{"id": "7", "status": "completed", "outputs": %s}' % outputs.encode()
    async with answering(answer(200, said)) as served, wavespeed(fake, time, url=served.url) as adapter:
        delivery = await adapter.collect(task(), Job("7"), silent)
    assert delivery.outputs == (Media(b"\x89PNG\r\n\x1a\n", "image/png"),)


async def test_nothing_delivered_is_for_the_application_to_judge(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed", Behaviour(outputs=0))
    assert (await performed(adapter, task())).outputs == ()


async def test_a_job_that_never_ends_is_unknown_at_its_deadline_and_found_later(
    fake: Fake, adapter: WaveSpeed, time: Time
) -> None:
    fake.next("wavespeed", Behaviour(ending="never"))
    wanted = task(deadline=30)
    job = await adapter.submit(wanted, silent)
    with pytest.raises(ProviderUnknown) as unknown:
        await adapter.collect(wanted, job, silent)
    assert (unknown.value.code, time.now) == ("timeout", 30)
    fake.change(job.id, Behaviour())
    assert len((await adapter.collect(wanted, job, silent)).outputs) == 1
    assert len(fake.submissions("wavespeed")) == 1


async def test_a_job_that_the_provider_forgot_has_failed(fake: Fake, adapter: WaveSpeed) -> None:
    job = await adapter.submit(task(), silent)
    fake.advance(8 * 86_400)
    with pytest.raises(TaskFailed) as failed:
        await adapter.collect(task(), job, silent)
    assert failed.value.code == "unknown_job"


async def test_a_job_is_still_ours_when_the_key_is_not_accepted_any_more(fake: Fake, adapter: WaveSpeed) -> None:
    job = await adapter.submit(task(), silent)
    fake.revoke("wavespeed", "another")
    with pytest.raises(ProviderUnknown) as unknown:
        await adapter.collect(task(), job, silent)
    assert unknown.value.code == "bad_key"


async def test_a_callback_is_asked_for_at_an_address_that_only_its_operation_has(fake: Fake, time: Time) -> None:
    options = {"webhook": "https://studio.test/hooks/", "webhook_secret": "whsec_ours"}
    async with wavespeed(fake, time, **options) as adapter:
        await adapter.submit(replace(task(), operation="batch/1.2"), silent)
    async with wavespeed(fake, time) as adapter:
        await adapter.submit(task(), silent)
    asked, not_asked = fake.jobs("wavespeed")
    mac = operation_mac("batch/1.2", "ours")
    assert (asked.webhook, not_asked.webhook) == (f"https://studio.test/hooks/batch%2F1.2/{mac}", "")


async def test_a_callback_wakes_the_one_who_waits_for_its_job(fake: Fake) -> None:
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    fake.next("wavespeed", Behaviour(polls=2))
    async with asyncio.timeout(DEADLINE), wavespeed(fake, Time(), sleep=sleep) as adapter:
        job = await adapter.submit(task(), silent)
        waiting = asyncio.create_task(adapter.collect(task(), job, silent))
        for _ in range(2):
            await asleep.wait()
            asleep.clear()
            assert not adapter.notify("a job that nobody waits for")
            assert adapter.notify(job.id)
        delivery = await waiting
        assert not adapter.notify(job.id)
    assert len(delivery.outputs) == 1


async def test_who_waits_for_a_job_that_another_saw_end_need_wait_no_longer(fake: Fake) -> None:
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    fake.next("wavespeed", Behaviour(polls=1))
    async with asyncio.timeout(DEADLINE), wavespeed(fake, Time(), sleep=sleep) as adapter:
        job = await adapter.submit(task(), silent)
        waiting = asyncio.create_task(adapter.collect(task(), job, silent))
        await asleep.wait()
        assert await adapter.collect(task(), job, silent) == await waiting


async def test_without_a_key_it_says_what_to_set(fake: Fake, time: Time) -> None:
    async with wavespeed(fake, time, key="") as adapter:
        assert adapter.lacks(PICTURE) == "set IMAGESTUDIO_WAVESPEED_KEY"


async def test_it_is_findable_and_stops_nothing(adapter: WaveSpeed) -> None:
    assert (adapter.name, adapter.recovery, adapter.lacks(PICTURE)) == ("wavespeed", Recovery.FINDABLE, "")
    assert not await adapter.cancel(task(), Job("7"))


async def test_outputs_are_fetched_without_the_key(adapter: WaveSpeed) -> None:
    (output,) = (await performed(adapter, task())).outputs
    assert isinstance(output, Remote)
    assert fetch(output.url).status_code == 200


async def test_a_refusal_tells_the_providers_words_but_not_ours(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed", Behaviour(status=400, error=f"{PROMPT} is no prompt, {fake.key('wavespeed')} no key"))
    with pytest.raises(ProviderRefused) as refused:
        await adapter.submit(task(), silent)
    assert refused.value.message == "the provider answers 400: … is no prompt, … no key"
