"""Files that travel as text are made and read in the pool where they are large, while the event loop goes on."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import httpx
import pytest

from application.ports import Delivery, Job, Media, Provider, ProviderUnknown, Task, silent
from infrastructure.wire.answers import Answer
from infrastructure.wire.api import QUICK
from tests.infrastructure.providers.benches import answer, odd_client, task
from tests.infrastructure.providers.building import built

P = ParamSpec("P")
T = TypeVar("T")

SMALL = b"a small picture"
LARGE = bytes(range(256)) * (QUICK // 256)
"""More than is quick, as text."""
LARGEST = bytes(3_000_000)
"""Longer than what is read in one go."""


class Pool(ThreadPoolExecutor):
    """One thread, and how often it was given something to do."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self.given += 1
        return super().submit(fn, *args, **kwargs)


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool() as pool:
        yield pool


def openai(client: httpx.AsyncClient, pool: Executor) -> Provider:
    return built("openai", client=client, key="key", executor=pool)


def stability(client: httpx.AsyncClient, pool: Executor) -> Provider:
    return built("stability", client=client, key="key", executor=pool)


def huggingface(client: httpx.AsyncClient, pool: Executor) -> Provider:
    return built("huggingface", client=client, key="key", executor=pool)


def wavespeed(client: httpx.AsyncClient, pool: Executor) -> Provider:
    return built("wavespeed", client=client, key="key", executor=pool)


def gemini(client: httpx.AsyncClient, pool: Executor) -> Provider:
    return built("gemini", client=client, key="key", executor=pool)


def fal(client: httpx.AsyncClient, pool: Executor) -> Provider:
    return built("fal", client=client, key="key", executor=pool)


@dataclass(frozen=True)
class Inline:
    """An API that answers with whole files: the adapter, a task, and the answers about a file as text."""

    open: Callable[[httpx.AsyncClient, Executor], Provider]
    task: Task
    answers: Callable[[str], tuple[Answer, ...]]


def of_fal(text: str) -> tuple[Answer, ...]:
    mapping = {"fal-ai": {"providerId": "fal-ai/flux"}}
    return (
        answer({"inferenceProviderMapping": mapping}),
        answer({"response_url": "https://queue.fal.run/fal-ai/flux/requests/r-1"}),
        answer({"status": "COMPLETED"}),
        answer({"images": [{"url": f"data:image/png;base64,{text}"}]}),
    )


def of_fal_itself(text: str) -> tuple[Answer, ...]:
    return answer({"request_id": "r-1"}), *of_fal(text)[2:]


def of_gemini(text: str) -> tuple[Answer, ...]:
    parts = [{"inlineData": {"mimeType": "image/png", "data": text}}]
    return (answer({"candidates": [{"content": {"parts": parts}}]}),)


def of_wavespeed(output: str) -> tuple[Answer, ...]:
    made = {"id": "job-1", "status": "created", "outputs": []}
    return answer({"data": made}), answer({"data": {**made, "status": "completed", "outputs": [output]}})


FAL, INFERENCE = "fal-ai/black-forest-labs/FLUX.1-Krea-dev", "hf-inference/black-forest-labs/FLUX.1-schnell"
V1 = "/v1/generation/stable-diffusion-xl-1024-v1-0/text-to-image"
INLINE = {
    "openai": Inline(
        openai,
        task("text-to-image", "gpt-image-2", prompt="a pond"),
        lambda text: (answer({"data": [{"b64_json": text}]}),),
    ),
    "stability, v1": Inline(
        stability,
        task("text-to-image", V1, prompt="a pond"),
        lambda text: (answer({"artifacts": [{"finishReason": "SUCCESS", "base64": text}]}),),
    ),
    "fal": Inline(huggingface, task("text-to-image", FAL, prompt="a pond"), of_fal),
    "fal itself": Inline(fal, task("text-to-image", "fal-ai/flux/dev", prompt="a pond"), of_fal_itself),
    "gemini": Inline(gemini, task("text-to-image", "gemini-3-pro-image", prompt="a pond"), of_gemini),
    "wavespeed": Inline(
        wavespeed,
        task("text-to-image", "wavespeed-ai/pond", prompt="a pond"),
        lambda text: of_wavespeed(f"data:image/png;base64,{text}"),
    ),
    "wavespeed, without a head": Inline(
        wavespeed, task("text-to-image", "wavespeed-ai/pond", prompt="a pond"), of_wavespeed
    ),
}


@asynccontextmanager
async def opened(inline: Inline, text: str, pool: Pool) -> AsyncIterator[Provider]:
    provider = inline.open(odd_client(*inline.answers(text)), pool)
    try:
        yield provider
    finally:
        await provider.close()


async def delivered(provider: Provider, wanted: Task) -> Delivery:
    answered = await provider.submit(wanted, silent)
    return await provider.collect(wanted, answered, silent) if isinstance(answered, Job) else answered


@pytest.mark.parametrize("name", INLINE)
@pytest.mark.parametrize(("content", "given"), [(SMALL, 0), (LARGE, 1), (LARGEST, 1)], ids=["small", "large", "huge"])
async def test_an_answer_that_holds_a_large_file_is_read_in_the_pool(
    pool: Pool, name: str, content: bytes, given: int
) -> None:
    inline = INLINE[name]
    async with opened(inline, base64.b64encode(content).decode(), pool) as provider:
        (output,) = (await delivered(provider, inline.task)).outputs
    assert isinstance(output, Media)
    assert (output.content == content, output.media_type) == (True, "image/png")
    assert pool.given == given


@pytest.mark.parametrize("name", ["openai", "stability, v1", "gemini"])
async def test_a_large_file_that_cannot_be_read_is_as_unknown_as_a_small_one(pool: Pool, name: str) -> None:
    text = base64.b64encode(LARGEST).decode()
    async with opened(INLINE[name], f"{text[:-1]}*", pool) as provider:
        with pytest.raises(ProviderUnknown, match="cannot be read"):
            await provider.submit(INLINE[name].task, silent)
    assert pool.given == 1


ANSWERED = {
    "huggingface": (huggingface, INFERENCE, (answer(SMALL, "image/png"),)),
    "fal": (huggingface, FAL, of_fal("")),
    "fal itself": (fal, "fal-ai/flux/dev", of_fal_itself("")),
    "gemini": (gemini, "gemini-3-pro-image", of_gemini("")),
    "wavespeed": (wavespeed, "wavespeed-ai/pond", of_wavespeed("")),
}


@pytest.mark.parametrize("name", ANSWERED)
@pytest.mark.parametrize(("content", "given"), [(SMALL, 0), (LARGE + b".", 1)], ids=["small", "large"])
async def test_a_large_file_that_is_sent_is_written_in_the_pool(
    pool: Pool, name: str, content: bytes, given: int
) -> None:
    make, route, answers = ANSWERED[name]
    provider = make(odd_client(*answers), pool)
    await provider.submit(task("image-edit", route, {"image": (Media(content, "image/png"),)}, prompt="red"), silent)
    await provider.close()
    assert pool.given == given
