"""Adapters pointed at the fake, on a clock that only sleeping moves, and tasks to give them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from application.ports import Delivery, Job, Media, Remote, Task, Value, silent
from infrastructure.clock import now
from infrastructure.downloads import HttpDownloads
from infrastructure.providers.wavespeed import WaveSpeed
from tests.infrastructure.providers.building import built
from tests.infrastructure.wire.servers import Time
from tests.wire.clients import PICTURE, fetch
from tests.wire.fake import media
from tests.wire.fake.server import Fake

PROMPT = "a very private pond"
IMAGE = Media(media.image(), "image/png", 64, 64)
VIDEO = Media(media.mp4(3), "video/mp4", 64, 64, 3_000)
AUDIO = Media(media.wav(3), "audio/wav", duration_ms=3_000)
TYPES = {"image": ("image/png",), "video": ("video/mp4",), "model": ("model/gltf-binary",), "text": ("text/plain",)}


@asynccontextmanager
async def wavespeed(fake: Fake, time: Time, **options: Any) -> AsyncIterator[WaveSpeed]:
    """The adapter to the fake WaveSpeed; `url` where it is reached by another way, as through a proxy."""
    url = options.pop("url", fake.url)
    downloads = HttpDownloads((fake.url, url))
    usual = {"key": fake.key("wavespeed"), "url": f"{url}/api/v3", "sleep": time.sleep, "monotonic": time}
    adapter = built("wavespeed", downloads=downloads, **{**usual, **options})
    assert isinstance(adapter, WaveSpeed)
    try:
        yield adapter
    finally:
        await adapter.close()
        await downloads.close()


def task(
    route: str = PICTURE,
    inputs: Mapping[str, Value] | None = None,
    files: Mapping[str, Sequence[Media]] | None = None,
    **more: Any,
) -> Task:
    """A task as the application hands it over; it is sent now."""
    values = {"prompt": PROMPT} if inputs is None else inputs
    sent = {name: tuple(several) for name, several in (files or {}).items()}
    given = {"media_types": TYPES["image"], "since": now(), **more}
    return Task("operation-1", 1, given.pop("kind", "text-to-image"), "model", route, 1, values, sent, **given)


async def performed(adapter: WaveSpeed, one: Task) -> Delivery:
    """Submitted and waited for, as the application does."""
    answer = await adapter.submit(one, silent)
    assert isinstance(answer, Job)
    return await adapter.collect(one, answer, silent)


def contents(delivery: Delivery) -> list[bytes]:
    """The outputs' bytes, fetched where they are elsewhere."""
    return [fetch(one.url).content if isinstance(one, Remote) else one.content for one in delivery.outputs]
