"""Google Gemini's images: what it counted is billed, and why there is no picture is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.ports import Delivery, Media, ProviderRefused, ProviderUnknown, TaskFailed, silent
from application.providing.listings import ListsOffers
from tests.infrastructure.providers.benches import OTHER_PICTURE, PICTURE, Time, answer, gemini, odd_client, task
from tests.infrastructure.providers.building import built
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.gemini import THOUGHTS
from tests.wire.fake.server import Fake, serving

FLASH = "gemini-3.1-flash-image"
DRAW = task("text-to-image", FLASH, prompt="a pond", imageSize="2K", aspectRatio="16:9")
COUNTED = {"text_input": 3, "image_input": 0, "image_output": 1680, "text_output": THOUGHTS}


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.fixture
def provider(fake: Fake) -> Any:
    return gemini(fake.url, fake.key("gemini"), Time())


async def delivered(reply: object, wanted: Any = DRAW) -> Delivery:
    provider: Any = built("gemini", client=odd_client(answer(reply)), key="key")
    try:
        delivery: Delivery = await provider.submit(wanted, silent)
        return delivery
    finally:
        await provider.close()


async def test_a_picture_is_drawn_in_its_shape_and_its_tokens_counted(fake: Fake, provider: Any) -> None:
    delivery = await provider.submit(DRAW, silent)
    assert (delivery.usage, delivery.rough, len(delivery.outputs)) == (COUNTED, False, 1)
    assert fake.submissions()[0].inputs == {"prompt": "a pond", "images": [], "imageSize": "2K", "aspectRatio": "16:9"}
    await provider.close()


async def test_pictures_are_edited_and_each_is_counted(fake: Fake, provider: Any) -> None:
    wanted = task("image-edit", "gemini-3-pro-image", {"image": (PICTURE, OTHER_PICTURE)}, prompt="join them")
    delivery = await provider.submit(wanted, silent)
    assert delivery.usage == {"text_input": 3, "image_input": 1120, "image_output": 1120, "text_output": THOUGHTS}
    assert [one["media_type"] for one in fake.submissions()[0].inputs["images"]] == ["image/png", "image/jpeg"]
    await provider.close()


@pytest.mark.parametrize(
    ("usage", "counts", "rough"),
    [
        ("none", {}, False),
        ("no details", {"text_input": 3, "image_input": 0, "image_output": 1680, "text_output": THOUGHTS}, True),
    ],
)
async def test_what_is_not_told_apart_is_taken_for_pictures(
    fake: Fake, provider: Any, usage: Any, counts: dict[str, int], rough: bool
) -> None:
    fake.next("gemini", Behaviour(usage=usage))
    delivery = await provider.submit(DRAW, silent)
    assert (delivery.usage, delivery.rough) == (counts, rough)
    await provider.close()


@pytest.mark.parametrize(("filtered", "counted"), [("refused", 4), ("result", 3)])
async def test_what_was_blocked_is_a_failure_that_is_billed_by_what_it_counted(
    fake: Fake, provider: Any, filtered: Any, counted: int
) -> None:
    fake.next("gemini", Behaviour(filtered=filtered))
    with pytest.raises(TaskFailed) as failed:
        await provider.submit(DRAW, silent)
    assert (failed.value.code, failed.value.cost) == ("content_moderation", None)
    assert failed.value.usage["text_input"] == counted
    await provider.close()


PART = {"inlineData": {"mimeType": "image/png", "data": "cGljdHVyZQ=="}}


async def test_what_it_thought_with_is_no_output() -> None:
    parts = [{"text": "thinking", "thought": True}, {**PART, "thought": True}, {"text": "here"}, PART]
    delivery = await delivered({"candidates": [{"content": {"parts": parts}}]})
    assert delivery.outputs == (Media(b"picture", "image/png"),)


@pytest.mark.parametrize("reason", ["NO_IMAGE", "MAX_TOKENS", "MALFORMED_FUNCTION_CALL"])
async def test_an_answer_without_a_picture_has_failed_for_its_reason(reason: str) -> None:
    with pytest.raises(TaskFailed) as failed:
        await delivered({"candidates": [{"content": {"parts": [{"text": "sorry"}]}, "finishReason": reason}]})
    assert (failed.value.code, reason in failed.value.message) == ("no_image", True)


@pytest.mark.parametrize(
    "reply",
    [
        b"<html>",
        [],
        {},
        {"candidates": 7},
        {"candidates": [7]},
        {"candidates": [{"content": {"parts": [{"inlineData": {"data": "?"}}]}}]},
        {"candidates": [{"content": {"parts": [{"inlineData": {"data": 7}}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "sorry"}]}}]},
        {"promptFeedback": {"blockReason": "x" * 500}},
    ],
)
async def test_a_success_that_makes_no_sense_is_unknown(reply: object) -> None:
    with pytest.raises(ProviderUnknown):
        await delivered(reply)


@pytest.mark.parametrize("count", [-1, True, "7", 10**10, 1.5, None, [7]])
async def test_a_count_that_is_none_is_not_counted(count: Any) -> None:
    usage = {"promptTokenCount": count, "candidatesTokenCount": count, "thoughtsTokenCount": count}
    usage |= {"candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": count}, 7]}
    delivery = await delivered({"candidates": [{"content": {"parts": [PART]}}], "usageMetadata": usage})
    assert delivery.usage == {}


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, {"message": "API key not valid", "details": [{"reason": "API_KEY_INVALID"}]}, "bad_key"),
        (400, {"message": "only for paid accounts", "status": "FAILED_PRECONDITION"}, "no_credit"),
        (429, {"message": "quota", "status": "RESOURCE_EXHAUSTED"}, "rate_limited"),
        (403, {"message": "denied"}, "bad_key"),
        (400, "a text", "invalid_request"),
        (400, {"details": 7}, "invalid_request"),
    ],
)
async def test_its_errors_are_understood(status: int, error: object, code: str) -> None:
    provider: Any = built("gemini", client=odd_client(answer({"error": error}, status=status)), key="key")
    with pytest.raises(ProviderRefused) as refused:
        await provider.submit(DRAW, silent)
    assert refused.value.code == code
    await provider.close()


async def test_its_list_holds_what_makes_images_on_all_pages(fake: Fake, provider: Any) -> None:
    listing: object = provider
    assert isinstance(listing, ListsOffers)
    found = await listing.offers({FLASH})
    assert {one.route for one in found.models} == {FLASH, "gemini-3-pro-image", "gemini-3.1-flash-lite-image"}
    assert (found.is_whole, found.notes) == (True, ("left out: 1 model of no images, by name",))
    await provider.close()
