"""OpenAI's images: which call it is, what is sent, and how many tokens of which kind come back."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest

from application.ports import Delivery, Media, ProviderError, ProviderRefused, ProviderUnknown, Remote, silent
from domain.counts import counted
from tests.infrastructure.providers.benches import (
    MASK,
    OTHER_PICTURE,
    PICTURE,
    Worker,
    answer,
    odd_client,
    task,
)
from tests.infrastructure.providers.building import built
from tests.infrastructure.providers.conftest import Open
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.openai import offered
from tests.wire.fake.server import Fake

MODEL = "gpt-image-2"
DRAWN = base64.b64encode(b"a drawing").decode()
GENERATE = task("text-to-image", MODEL, prompt="a pond")
EDIT = task("image-edit", MODEL, {"image": (PICTURE,)}, prompt="a pond")


@pytest.fixture
def worker(open_worker: Open) -> Worker:
    return open_worker("openai")


async def test_a_prompt_alone_is_generated_from(fake: Fake, worker: Worker) -> None:
    wanted = task("text-to-image", MODEL, prompt="a pond", size="1024x1024", quality="low", output_format="webp")
    delivery = await worker.run(wanted)
    (sent,) = fake.submissions("openai")
    assert sent.path == "images/generations"
    assert sent.inputs == {
        "model": MODEL,
        "n": 1,
        "prompt": "a pond",
        "size": "1024x1024",
        "quality": "low",
        "output_format": "webp",
    }
    (output,) = delivery.outputs
    assert isinstance(output, Media)
    assert (output.media_type, output.content[8:12]) == ("image/webp", b"WEBP")
    assert delivery.usage == {"text_input": 2, "image_input": 0, "image_output": 272}


async def test_a_picture_is_edited(fake: Fake, worker: Worker) -> None:
    delivery = await worker.run(task("image-edit", MODEL, {"image": (PICTURE,), "mask": (MASK,)}, prompt="a pond"))
    (sent,) = fake.submissions("openai")
    assert sent.path == "images/edits"
    assert sent.headers["content-type"].startswith("multipart/form-data")
    assert (sent.inputs["image"]["media_type"], sent.inputs["mask"]["bytes"]) == ("image/png", len(MASK.content))
    assert delivery.usage == {"text_input": 2, "image_input": 323, "image_output": 1056}


async def test_several_pictures_are_an_array_in_their_order(fake: Fake, worker: Worker) -> None:
    await worker.run(task("image-edit", MODEL, {"image": (PICTURE, OTHER_PICTURE)}, prompt="a pond"))
    (sent,) = fake.submissions("openai")
    assert [file["media_type"] for file in sent.inputs["image[]"]] == ["image/png", "image/jpeg"]


async def test_what_the_catalogue_fixes_wins_over_the_route(fake: Fake, worker: Worker) -> None:
    await worker.run(task("text-to-image", "any", prompt="a pond", model="gpt-image-1.5", quality="low"))
    assert fake.submissions("openai")[0].inputs["model"] == "gpt-image-1.5"


@pytest.mark.parametrize("wanted", [GENERATE, EDIT])
async def test_without_details_what_came_out_is_an_image(fake: Fake, worker: Worker, wanted: Any) -> None:
    fake.next("openai", Behaviour(usage="no details"))
    delivery = await worker.run(wanted)
    assert (delivery.usage["image_output"], delivery.cost) == (1056, None)


async def test_without_usage_nothing_was_counted(fake: Fake, worker: Worker) -> None:
    fake.next("openai", Behaviour(usage="none"))
    assert (await worker.run(GENERATE)).usage == {}


COUNTS = [
    ({"input_tokens": 9, "output_tokens": 5}, {"text_input": 9, "image_input": 0, "image_output": 5}),
    (
        {"input_tokens": 9, "output_tokens": 5, "input_tokens_details": {"text_tokens": 4, "image_tokens": 5}},
        {"text_input": 4, "image_input": 5, "image_output": 5},
    ),
    (
        {"input_tokens": 9, "output_tokens": 5, "output_tokens_details": {"text_tokens": 2, "image_tokens": 3}},
        {"text_input": 9, "image_input": 0, "image_output": 3, "text_output": 2},
    ),
    ({"input_tokens": 20.0, "output_tokens": 196.0}, {"text_input": 20, "image_input": 0, "image_output": 196}),
    (
        {"input_tokens": 9, "output_tokens": 5, "input_tokens_details": {"text_tokens": 9, "cached_tokens": 8}},
        {"text_input": 1, "text_input_cached": 8, "image_input": 0, "image_output": 5},
    ),
    (
        {
            "output_tokens": 5,
            "input_tokens_details": {
                "text_tokens": 9,
                "image_tokens": 300,
                "cached_tokens": 208,
                "cached_tokens_details": {"text_tokens": 8, "image_tokens": 200},
            },
        },
        {
            "text_input": 1,
            "text_input_cached": 8,
            "image_input": 100,
            "image_input_cached": 200,
            "image_output": 5,
        },
    ),
    (
        {"output_tokens": 5, "input_tokens_details": {"text_tokens": 9, "image_tokens": 300, "cached_tokens": 100}},
        {"text_input": 0, "text_input_cached": 9, "image_input": 209, "image_input_cached": 91, "image_output": 5},
    ),
    ({"input_tokens": 9}, {"text_input": 9, "image_input": 0}),
    ({"input_tokens": -1, "output_tokens": 5}, {"image_output": 5}),
    ({"input_tokens": True, "output_tokens": 5}, {"image_output": 5}),
    ({"input_tokens": 9.5, "output_tokens": 5}, {"image_output": 5}),
    ({"input_tokens": 10**10, "output_tokens": 5}, {"image_output": 5}),
    (
        {"input_tokens": 9, "output_tokens": 5, "input_tokens_details": {"text_tokens": "many"}},
        {"image_input": 0, "image_output": 5},
    ),
    (
        {"input_tokens": 9, "output_tokens": 5, "input_tokens_details": {"image_tokens": 9}},
        {"image_input": 9, "image_output": 5},
    ),
    (None, {}),
    ("many", {}),
]


async def delivered(reply: object, wanted: Any = GENERATE) -> Any:
    provider = built("openai", client=odd_client(answer(reply)), key="key")
    try:
        return await provider.submit(wanted, silent)
    finally:
        await provider.close()


@pytest.mark.parametrize(("usage", "counted"), COUNTS)
async def test_tokens_are_counted_by_meter_as_far_as_they_are_told(usage: object, counted: dict[str, int]) -> None:
    delivery = await delivered({"data": [{"b64_json": DRAWN}], "usage": usage})
    assert delivery.usage == counted


async def test_what_went_into_an_edit_without_details_is_taken_for_images() -> None:
    usage = {"input_tokens": 9, "output_tokens": 5}
    delivery = await delivered({"data": [{"b64_json": DRAWN}], "usage": usage}, EDIT)
    assert (delivery.usage, delivery.rough) == ({"text_input": 0, "image_input": 9, "image_output": 5}, True)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (  # more than its parts: the rest is the dearest of what it can be
            {"input_tokens": 357, "output_tokens": 5, "input_tokens_details": {"text_tokens": 34, "image_tokens": 300}},
            {"text_input": 34, "image_input": 323, "image_output": 5},
        ),
        (  # a part of a kind that nobody knows here
            {"input_tokens": 9, "output_tokens": 5, "input_tokens_details": {"text_tokens": 4, "audio_tokens": 5}},
            {"text_input": 4, "image_input": 5, "image_output": 5},
        ),
        (  # less than its parts
            {"input_tokens": 8, "output_tokens": 5, "input_tokens_details": {"text_tokens": 4, "image_tokens": 5}},
            {"text_input": 4, "image_input": 5, "image_output": 5},
        ),
        (
            {"output_tokens": 6543, "output_tokens_details": {"image_tokens": 6208}},
            {"image_output": 6543},
        ),
        (
            {"output_tokens": 5, "output_tokens_details": {"image_tokens": 5, "text_tokens": 2}},
            {"image_output": 5, "text_output": 2},
        ),
        (  # nobody says of what, and a token of text saves less
            {"input_tokens_details": {"text_tokens": 9, "image_tokens": 300, "cached_tokens": 100}},
            {"text_input": 0, "text_input_cached": 9, "image_input": 209, "image_input_cached": 91},
        ),
    ],
)
async def test_details_that_do_not_add_up_are_taken_for_the_dearest_that_they_can_be_and_are_rough(
    usage: object, counted: dict[str, int]
) -> None:
    delivery = await delivered({"data": [{"b64_json": DRAWN}], "usage": usage}, EDIT)
    assert (delivery.usage, delivery.rough) == (counted, True)


@pytest.mark.parametrize(
    ("details", "counted"),
    [
        ({}, {"image_output": 5}),
        ({"text_tokens": 2}, {"image_output": 3, "text_output": 2}),
        ({"image_tokens": "3", "text_tokens": 2}, {"image_output": 3, "text_output": 2}),
    ],
)
async def test_what_a_whole_and_its_other_part_leave_is_known(details: object, counted: dict[str, int]) -> None:
    usage = {"output_tokens": 5, "output_tokens_details": details}
    delivery = await delivered({"data": [{"b64_json": DRAWN}], "usage": usage})
    assert (delivery.usage, delivery.rough) == (counted, False)


async def test_what_writing_an_svg_took_is_counted_apart() -> None:
    svg = {"model": "gpt-5", "input_tokens": 90, "output_tokens": 700, "reasoning_tokens": 300, "total_tokens": 790}
    usage = {"input_tokens": 9, "output_tokens": 5}
    delivery = await delivered({"data": [{"b64_json": DRAWN}], "usage": usage, "svg_usage": svg})
    assert delivery.usage == {
        "text_input": 9, "image_input": 0, "image_output": 5, "svg_input": 90, "svg_output": 700,
    }  # fmt: skip


@pytest.mark.parametrize("data", [None, [], 1, [{"b64_json": None}], [{"b64_json": "é"}]])
async def test_a_delivery_that_cannot_be_read_is_told_with_what_it_counted(data: object) -> None:
    delivery = await delivered({"data": data, "usage": {"input_tokens": 20, "output_tokens": 196}})
    assert delivery.usage == {"text_input": 20, "image_input": 0, "image_output": 196}
    assert all(isinstance(one, Media) and not one.content for one in delivery.outputs)


async def test_a_picture_may_be_elsewhere_and_one_that_is_nowhere_is_left_out() -> None:
    delivery = await delivered({"data": [{"url": "https://files/1"}, {"b64_json": None}, {"b64_json": DRAWN}]})
    assert delivery.outputs == (Remote("https://files/1"), Media(b"a drawing", "image/png"))


@pytest.mark.parametrize("reply", [{}, {"data": 1}, {"data": ["a"]}, {"data": [{"b64_json": "é"}]}, [], b"{", b""])
async def test_a_success_that_makes_no_sense_is_unknown(reply: object) -> None:
    with pytest.raises(ProviderUnknown) as caught:
        await delivered(reply)
    assert caught.value.code == "unreadable_answer"


@pytest.mark.parametrize(
    ("status", "error", "code", "final"),
    [
        (400, {"code": "moderation_blocked", "message": "not that"}, "content_moderation", True),
        (400, {"code": "content_policy_violation", "message": "not that"}, "content_moderation", True),
        (429, {"code": "insufficient_quota", "message": "pay"}, "no_credit", False),
        (400, {"code": "billing_hard_limit_reached", "message": "pay"}, "no_credit", False),
        (403, {"code": "model_not_found", "message": "no"}, "unknown_model", False),
        (429, {"code": None, "type": "requests", "message": "slow down"}, "rate_limited", False),
        (400, "a text", "invalid_request", False),
    ],
)
async def test_its_codes_are_understood(status: int, error: object, code: str, final: bool) -> None:
    provider = built("openai", client=odd_client(answer({"error": error}, status=status)), key="key")
    with pytest.raises(ProviderRefused) as caught:
        await provider.submit(GENERATE, silent)
    assert (caught.value.code, caught.value.final) == (code, final)
    await provider.close()


async def test_decimals_and_flags_of_an_edit_are_texts(fake: Fake, worker: Worker) -> None:
    wanted = task("image-edit", MODEL, {"image": (PICTURE,)}, prompt="a pond", user=Decimal("0.10"), stream=False)
    await worker.run(wanted)
    inputs = fake.submissions("openai")[0].inputs
    assert (inputs["user"], inputs["stream"], inputs["n"]) == ("0.1", "false", "1")


async def test_a_check_tells_how_many_models_there_are(worker: Worker) -> None:
    assert await worker.provider.check() == f"{counted(len(offered()), 'model')} may be used"


# Pictures on the way

STREAMED = task("text-to-image", MODEL, prompt="a pond", quality="low", partial_images=2)


class Watched:
    """Progress that keeps what it is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, Media]] = []

    def __call__(self, fraction: float, message: str) -> None:
        pass

    def glimpse(self, picture: Media, number: int) -> None:
        self.seen.append((number, picture))


async def test_pictures_on_the_way_are_shown_and_told_apart(fake: Fake, worker: Worker) -> None:
    watched = Watched()
    delivery = await worker.provider.submit(STREAMED, watched)
    assert isinstance(delivery, Delivery)
    assert [number for number, _ in watched.seen] == [0, 1]
    assert all(picture.content.startswith(b"\x89PNG") for _, picture in watched.seen)
    assert delivery.usage == {"text_input": 2, "image_input": 0, "image_output": 272, "partial_output": 200}
    (sent,) = fake.submissions("openai")
    assert (sent.inputs["stream"], sent.inputs["partial_images"]) == (True, 2)


async def test_of_several_pictures_none_are_asked_for_on_the_way(fake: Fake, worker: Worker) -> None:
    await worker.run(task("text-to-image", MODEL, prompt="a pond", quality="low", outputs=2, partial_images=2))
    (sent,) = fake.submissions("openai")
    assert not {"stream", "partial_images"} & sent.inputs.keys()


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Behaviour(error="moderation_blocked"), ProviderRefused),
        (Behaviour(ending="never"), ProviderUnknown),
        (Behaviour(lost="truncate"), ProviderUnknown),
        (Behaviour(status=400), ProviderRefused),
        (Behaviour(status=500), ProviderUnknown),
    ],
    ids=["not allowed", "ends early", "cut", "refused before", "breaks before"],
)
async def test_a_stream_without_its_picture_is_refused_or_unknown(
    fake: Fake, worker: Worker, behaviour: Behaviour, error: type[ProviderError]
) -> None:
    fake.next("openai", behaviour)
    with pytest.raises(error):
        await worker.run(STREAMED)
