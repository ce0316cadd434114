"""An adapter on the bench: built as the studio builds it, in front of the fake, with a time of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from application.ports import Delivery, Job, Media, Progress, Provider, Task, Value, silent
from infrastructure.wire.answers import Answer
from tests.infrastructure.providers.building import built
from tests.wire.fake import media
from tests.wire.fake.server import Fake

PICTURE = Media(media.image(256, 256), "image/png", 256, 256)
OTHER_PICTURE = Media(media.image(256, 256, "JPEG", 5), "image/jpeg", 256, 256)
MASK = Media(media.mask(256, 256), "image/png", 256, 256)
GLB = "model/gltf-binary"
SECRET_PROMPT = "a secret wish of somebody"


@dataclass
class Time:
    """A time that passes only while somebody sleeps in it."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return self.now


Make = Callable[[str, str, Time], Provider]


def stability(url: str, key: str, time: Time) -> Provider:
    return built("stability", key=key, url=url, sleep=time.sleep, monotonic=time.monotonic)


def openai(url: str, key: str, time: Time) -> Provider:
    return built("openai", key=key, url=f"{url}/v1", sleep=time.sleep, monotonic=time.monotonic)


def huggingface(url: str, key: str, time: Time) -> Provider:
    own: dict[str, Any] = {"url": url, "hub_url": url, "bill_to": "acme-org"}
    return built("huggingface", key=key, **own, sleep=time.sleep, monotonic=time.monotonic)


def fal(url: str, key: str, time: Time, **more: Any) -> Provider:
    own: dict[str, Any] = {"url": f"{url}/queue", "api_url": f"{url}/fal/v1", "keys_url": f"{url}/fal/jwks.json"}
    return built("fal", key=key, **own, **more, sleep=time.sleep, monotonic=time.monotonic)


def gemini(url: str, key: str, time: Time) -> Provider:
    return built("gemini", key=key, url=f"{url}/v1beta", sleep=time.sleep, monotonic=time.monotonic)


def task(
    kind: str,
    route: str,
    files: Mapping[str, tuple[Media, ...]] | None = None,
    *,
    outputs: int = 1,
    media_types: tuple[str, ...] = ("image/png",),
    deadline: int = 60,
    **inputs: Value,
) -> Task:
    return Task(
        "op-1", 1, kind, "a-model", route, outputs, inputs, files or {}, media_types=media_types, deadline=deadline
    )


@dataclass(frozen=True)
class Bench:
    """One adapter of the table, and a task that it can do."""

    provider: str
    make: Make
    task: Task


BENCHES = {
    "stability": Bench(
        "stability",
        stability,
        task("text-to-image", "/v2beta/stable-image/generate/core", prompt=SECRET_PROMPT),
    ),
    "stability, v1": Bench(
        "stability",
        stability,
        task("text-to-image", "/v1/generation/stable-diffusion-xl-1024-v1-0/text-to-image", prompt=SECRET_PROMPT),
    ),
    "stability, later": Bench(
        "stability",
        stability,
        task("upscale", "/v2beta/stable-image/upscale/creative", {"image": (PICTURE,)}, prompt=SECRET_PROMPT),
    ),
    "openai": Bench("openai", openai, task("text-to-image", "gpt-image-2", prompt=SECRET_PROMPT)),
    "openai, edit": Bench(
        "openai", openai, task("image-edit", "gpt-image-2", {"image": (PICTURE,)}, prompt=SECRET_PROMPT)
    ),
    "huggingface": Bench(
        "huggingface",
        huggingface,
        task("text-to-image", "hf-inference/black-forest-labs/FLUX.1-schnell", prompt=SECRET_PROMPT),
    ),
    "fal": Bench(
        "huggingface",
        huggingface,
        task("text-to-image", "fal-ai/black-forest-labs/FLUX.1-Krea-dev", prompt=SECRET_PROMPT),
    ),
    "fal itself": Bench(
        "fal", fal, task("text-to-image", "fal-ai/flux/dev", width=256, height=256, prompt=SECRET_PROMPT)
    ),
    "gemini": Bench("gemini", gemini, task("text-to-image", "gemini-3.1-flash-image", prompt=SECRET_PROMPT)),
    "gemini, edit": Bench(
        "gemini", gemini, task("image-edit", "gemini-3-pro-image", {"image": (PICTURE,)}, prompt=SECRET_PROMPT)
    ),
}
LATER = ("stability, later", "fal", "fal itself")
"""Those that hand out jobs."""


@dataclass
class Worker:
    """An adapter in front of a fake, and its time."""

    fake: Fake
    provider: Provider
    time: Time = field(default_factory=Time)

    async def run(self, wanted: Task, progress: Progress = silent) -> Delivery:
        """Submit, and collect what comes later."""
        answer = await self.provider.submit(wanted, progress)
        return await self.provider.collect(wanted, answer, progress) if isinstance(answer, Job) else answer


def worker(fake: Fake, bench: Bench, *, url: str = "", key: str | None = None) -> Worker:
    time = Time()
    return Worker(fake, bench.make(url or fake.url, fake.key(bench.provider) if key is None else key, time), time)


def answer(content: bytes | object, media_type: str = "application/json", status: int = 200) -> Answer:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Answer(status, httpx.Headers({"content-type": media_type}), body)


def odd_client(*replies: Answer) -> httpx.AsyncClient:
    """A client of an API that gives these answers in turn, the last one for ever; the fake is too faithful for them."""
    left = list(replies)

    def reply(request: httpx.Request) -> httpx.Response:
        given = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(given.status, headers=given.headers, content=given.content)

    return httpx.AsyncClient(transport=httpx.MockTransport(reply))
