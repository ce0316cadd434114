"""The official SDKs, pointed at the fake, find in it the provider they were written for."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import openai
import pytest

from tests.providers.fake import media
from tests.providers.fake.server import Fake


@pytest.fixture
def openai_client(fake: Fake) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{fake.url}/v1", api_key=fake.key("openai"), max_retries=0) as client:
        yield client


def test_openai_generates_a_picture_and_says_what_it_took(fake: Fake, openai_client: openai.OpenAI) -> None:
    reply = openai_client.images.generate(model="gpt-image-2", prompt="a pond", n=2, size="1024x1024", quality="low")
    assert reply.data is not None
    assert reply.usage is not None
    pictures = [base64.b64decode(one.b64_json or "") for one in reply.data]
    assert [media.size_of(one) for one in pictures] == [(1024, 1024)] * 2
    assert reply.usage.output_tokens == 2 * 272
    assert reply.usage.output_tokens_details is not None
    assert [job.price for job in fake.jobs("openai")] == ["0.016330"]


def test_openai_edits_several_pictures_with_a_mask(fake: Fake, openai_client: openai.OpenAI) -> None:
    images = [("one.png", media.image(seed=1)), ("two.png", media.image(seed=2))]
    reply = openai_client.images.edit(
        model="gpt-image-2", prompt="remove the frog", image=images, mask=("mask.png", media.mask()), quality="low"
    )
    assert reply.data is not None
    (sent,) = fake.submissions("openai")
    assert [one["bytes"] for one in sent.inputs["image[]"]] == [len(content) for _, content in images]
    assert sent.inputs["mask"]["media_type"] == "image/png"
