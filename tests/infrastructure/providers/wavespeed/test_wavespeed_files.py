"""Files of a submission: small ones inside it, large ones uploaded once, and nothing sent where that fails."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec
import pytest

from application.ports import Media, ProviderRefused, silent
from infrastructure.providers.wavespeed import WaveSpeed
from infrastructure.providers.wavespeed.inputs import KEPT_SECONDS, LARGEST_INLINE
from tests.infrastructure.providers.wavespeed.tasks import IMAGE, PROMPT, task, wavespeed
from tests.infrastructure.wire.servers import Time, answer, answering
from tests.wire.clients import EDIT, fetch
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

LARGE = Media(media.image() + bytes(LARGEST_INLINE), "image/png")
HALF = Media(media.image() + bytes(LARGEST_INLINE // 2), "image/png")


def uploads(fake: Fake) -> set[str]:
    """Addresses of uploaded files that were submitted."""
    return {str(one.inputs["image"]) for one in fake.submissions() if isinstance(one.inputs["image"], str)}


async def test_a_large_file_is_uploaded_and_its_address_submitted(fake: Fake, adapter: WaveSpeed) -> None:
    await adapter.submit(task(EDIT, files={"image": [LARGE]}), silent)
    (url,) = uploads(fake)
    assert fetch(url).content == LARGE.content


async def test_small_files_travel_inside_as_long_as_they_are_small_together(fake: Fake, adapter: WaveSpeed) -> None:
    await adapter.submit(task(EDIT, files={"image": [HALF]}), silent)
    await adapter.submit(task(EDIT, files={"image": [HALF], "mask_image": [IMAGE]}), silent)
    alone, beside = fake.submissions()
    assert alone.inputs["image"]["sha256"] == hashlib.sha256(HALF.content).hexdigest()
    assert isinstance(beside.inputs["image"], str)
    assert beside.inputs["mask_image"]["bytes"] == len(IMAGE.content)


async def test_the_operations_of_a_batch_upload_their_file_once(fake: Fake, adapter: WaveSpeed, time: Time) -> None:
    one = task(EDIT, files={"image": [LARGE]})
    await asyncio.gather(*[adapter.submit(one, silent) for _ in range(3)])
    assert (len(fake.submissions()), len(uploads(fake))) == (3, 1)
    time.now += KEPT_SECONDS
    await adapter.submit(one, silent)
    assert len(uploads(fake)) == 2


async def test_an_uploaded_file_is_compared_when_its_job_is_looked_for(fake: Fake, adapter: WaveSpeed) -> None:
    one = task(EDIT, files={"image": [LARGE]})
    job = await adapter.submit(one, silent)
    async with wavespeed(fake, Time()) as later:
        assert await later.find(one) == (job,)
        assert await later.find(task(EDIT, files={"image": [HALF]})) == ()


async def test_a_job_is_looked_for_as_long_as_its_files_may_have_taken(fake: Fake, adapter: WaveSpeed) -> None:
    large, small = task(EDIT, files={"image": [LARGE]}), task(EDIT, files={"image": [IMAGE]})
    fake.advance(1_000)
    job = await adapter.submit(large, silent)
    await adapter.submit(small, silent)
    assert (await adapter.find(large), await adapter.find(small)) == ((job,), ())


async def test_an_upload_is_tried_again(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed.uploads", Behaviour(status=503), times=2)
    await adapter.submit(task(EDIT, files={"image": [LARGE]}), silent)
    assert len(fake.submissions()) == 1


@pytest.mark.parametrize("behaviour", [Behaviour(status=503), Behaviour(status=400), Behaviour(lost="drop")])
async def test_a_submission_whose_file_cannot_be_uploaded_was_never_sent(
    fake: Fake, adapter: WaveSpeed, behaviour: Behaviour
) -> None:
    fake.next("wavespeed.uploads", behaviour, times=None)
    with pytest.raises(ProviderRefused) as refused:
        await adapter.submit(task(EDIT, files={"image": [LARGE]}), silent)
    assert (refused.value.code, refused.value.final, fake.submissions()) == ("upload_failed", False, [])
    assert PROMPT not in refused.value.message


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"upload": {"url": "https://x.test/a"}},
        {"upload": None, "download_url": "https://x.test/a"},
        {"upload": {"method": "DELETE", "url": "https://x.test/a"}, "download_url": "https://x.test/a"},
        {"upload": {"url": "/elsewhere"}, "download_url": "https://x.test/a"},
        {"upload": {"url": "https://x.test/a", "headers": []}, "download_url": 7},
    ],
)
async def test_a_place_that_makes_no_sense_is_not_used(fake: Fake, time: Time, data: dict[str, Any]) -> None:
    body = msgspec.json.encode({"code": 200, "data": data})
    async with answering(answer(200, body)) as served, wavespeed(fake, time, url=served.url) as adapter:
        with pytest.raises(ProviderRefused) as refused:
            await adapter.submit(task(EDIT, files={"image": [LARGE]}), silent)
    assert (refused.value.code, len(served.requests)) == ("upload_failed", 1)
