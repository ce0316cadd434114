"""Hugging Face's two services: what each is sent, and what becomes of a job in fal's queue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from application.ports import Delivery, Job, Media, ProviderRefused, ProviderUnknown, Remote, TaskFailed, silent
from infrastructure.providers.huggingface.inference import body
from tests.infrastructure.providers.benches import (
    MASK,
    OTHER_PICTURE,
    PICTURE,
    Time,
    Worker,
    answer,
    odd_client,
    task,
)
from tests.infrastructure.providers.building import built
from tests.infrastructure.providers.conftest import Open
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

KREA = "fal-ai/black-forest-labs/FLUX.1-Krea-dev"
PAINT = task("text-to-image", KREA, prompt="a pond")
NAME_AT_FAL = {"providerId": "fal-ai/flux/krea", "status": "live", "task": "text-to-image"}
QUEUED = Job("fal-ai/flux/requests/r-1")


@pytest.fixture
def worker(open_worker: Open) -> Worker:
    return open_worker("huggingface")


# hf-inference


async def test_a_prompt_is_the_input_and_the_rest_are_parameters(fake: Fake, worker: Worker) -> None:
    wanted = task(
        "text-to-image",
        "hf-inference/black-forest-labs/FLUX.1-schnell",
        media_types=("image/jpeg",),
        prompt="a pond",
        width=128,
        height=96,
        guidance_scale=Decimal("3.5"),
    )
    (output,) = (await worker.run(wanted)).outputs
    (sent,) = fake.submissions("huggingface")
    assert sent.inputs == {"inputs": "a pond", "parameters": {"width": 128, "height": 96, "guidance_scale": 3.5}}
    assert (sent.headers["accept"], sent.headers["x-hf-bill-to"]) == ("image/jpeg", "acme-org")
    assert isinstance(output, Media)
    assert output.media_type == "image/jpeg"


async def test_a_picture_is_the_input_and_its_prompt_a_parameter(fake: Fake, worker: Worker) -> None:
    wanted = task(
        "image-edit",
        "hf-inference/{model_id}",
        {"image": (PICTURE,), "mask_image": (MASK,)},
        prompt="a pond",
        model_id="black-forest-labs/FLUX.1-Kontext-dev",
    )
    assert len((await worker.run(wanted)).outputs) == 1
    (sent,) = fake.submissions("huggingface")
    assert sent.path == "hf-inference/black-forest-labs/FLUX.1-Kontext-dev"
    assert sent.inputs["inputs"]["bytes"] == len(PICTURE.content)
    assert sent.inputs["parameters"].keys() == {"prompt", "mask_image"}


def test_what_a_film_is_to_avoid_is_a_list() -> None:
    wanted = task("text-to-video", "hf-inference/owner/name", prompt="a pond", negative_prompt="ducks")
    assert body(wanted, wanted.inputs) == {"inputs": "a pond", "parameters": {"negative_prompt": ["ducks"]}}


@pytest.mark.parametrize(
    "model", ["", "..", "a/../b", "a/b/c", "a//b", "/etc", "a/b?x=1", "a/b#c", "a b", "http://elsewhere/x", ".hidden/x"]
)
async def test_a_model_that_is_no_name_of_the_hub_is_refused_before_anything_is_sent(
    fake: Fake, worker: Worker, model: str
) -> None:
    wanted = task("image-edit", "hf-inference/{model_id}", {"image": (PICTURE,)}, model_id=model)
    with pytest.raises(ProviderRefused) as caught:
        await worker.run(wanted)
    assert caught.value.code == "invalid_request"
    assert fake.submissions() == []


async def test_a_route_to_an_unknown_service_is_refused(fake: Fake, worker: Worker) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await worker.run(task("text-to-image", "replicate/owner/name", prompt="a pond"))
    assert (caught.value.code, fake.submissions()) == ("unknown_route", [])


async def test_a_success_that_is_no_file_is_unknown() -> None:
    wanted = task("text-to-image", "hf-inference/owner/name", prompt="a pond")
    for reply in (answer({"error": "odd"}), answer(b"", "image/png"), answer(b"<html>", "text/html")):
        with pytest.raises(ProviderUnknown):
            await through(reply, wanted)


# fal


async def test_a_painting_is_queued_and_its_files_are_at_an_address(fake: Fake, worker: Worker) -> None:
    wanted = task("text-to-image", KREA, prompt="a pond", width=128, height=96, guidance_scale=Decimal("4.5"), seed=3)
    fake.next("huggingface", Behaviour(polls=1))
    job = await worker.provider.submit(wanted, silent)
    (sent,) = fake.submissions("huggingface")
    assert job == Job(f"fal-ai/flux/requests/{sent.job}")
    assert sent.path == "fal-ai/flux/krea"
    assert sent.headers["x-hf-bill-to"] == "acme-org"
    size = {"width": 128, "height": 96}
    assert sent.inputs == {"prompt": "a pond", "image_size": size, "guidance_scale": 4.5, "seed": 3}
    happened: list[str] = []
    delivery = await worker.provider.collect(wanted, job, lambda fraction, message: happened.append(message))
    assert [isinstance(output, Remote) and output.url.startswith(fake.url) for output in delivery.outputs] == [True]
    assert (delivery.metadata, happened) == ({"seed": "4242"}, ["waiting in the queue"])


async def test_a_film_is_polled_slowly(fake: Fake, worker: Worker) -> None:
    fake.next("huggingface", Behaviour(polls=2))
    wanted = task(
        "text-to-video",
        "fal-ai/tencent/HunyuanVideo",
        media_types=("video/mp4",),
        prompt="a pond",
        num_frames=96,
        negative_prompt="ducks",
    )
    (output,) = (await worker.run(wanted)).outputs
    assert isinstance(output, Remote)
    assert output.url.endswith(".mp4")
    assert worker.time.slept[0] == 5.0
    (sent,) = fake.submissions()
    assert sent.inputs == {"prompt": "a pond", "num_frames": 96, "negative_prompt": "ducks"}


async def test_a_picture_goes_to_fal_as_a_data_uri(fake: Fake, worker: Worker) -> None:
    wanted = task(
        "image-edit",
        "fal-ai/black-forest-labs/FLUX.1-Kontext-dev",
        {"image": (PICTURE, OTHER_PICTURE), "mask": (MASK,)},
        prompt="a pond",
    )
    await worker.run(wanted)
    (sent,) = fake.submissions()
    assert sent.inputs["image_url"] == sent.inputs["image_urls"][0]
    assert [file["media_type"] for file in sent.inputs["image_urls"]] == ["image/png", "image/jpeg"]
    assert sent.inputs["mask_url"]["bytes"] == len(MASK.content)


async def test_several_pictures_are_asked_for_at_once(fake: Fake, worker: Worker) -> None:
    assert len((await worker.run(task("text-to-image", KREA, outputs=3, prompt="a pond"))).outputs) == 3
    assert fake.submissions()[0].inputs == {"prompt": "a pond", "num_images": 3}


async def test_what_fal_calls_a_model_is_asked_once() -> None:
    queue = answer({"response_url": "https://queue.fal.run/fal-ai/flux/requests/r-1"})
    client = odd_client(answer({"inferenceProviderMapping": {"fal-ai": NAME_AT_FAL}}), queue, queue)
    provider = built("huggingface", client=client, key="key")
    assert [await provider.submit(PAINT, silent) for _ in range(2)] == [QUEUED, QUEUED]
    await provider.close()


@pytest.mark.parametrize("model", ["nobody/has-this", "black-forest-labs/FLUX.1-Krea-dev-2"])
async def test_a_model_that_the_hub_does_not_know_is_refused(fake: Fake, worker: Worker, model: str) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await worker.run(task("text-to-image", f"fal-ai/{model}", prompt="a pond"))
    assert (caught.value.code, fake.submissions()) == ("unknown_model", [])


@pytest.mark.parametrize(
    "mapping",
    [
        None,
        {},
        {"wavespeed": NAME_AT_FAL},
        {"fal-ai": {**NAME_AT_FAL, "providerId": "fal-ai/../../other"}},
        {"fal-ai": {**NAME_AT_FAL, "providerId": "https://elsewhere/x"}},
        {"fal-ai": {**NAME_AT_FAL, "providerId": None}},
        {"fal-ai": {**NAME_AT_FAL, "adapterWeightsPath": "lora.safetensors"}},
        [{"provider": "wavespeed", **NAME_AT_FAL}],
    ],
)
async def test_a_model_that_fal_does_not_serve_is_refused(mapping: object) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await through(answer({"inferenceProviderMapping": mapping}), PAINT)
    assert caught.value.code == "unknown_model"


async def test_a_hub_that_does_not_answer_is_a_refusal_as_nothing_was_sent() -> None:
    for reply in (answer(b"", status=500), answer(b"{")):
        with pytest.raises(ProviderRefused) as caught:
            await through(reply, PAINT)
        assert caught.value.code == "unreachable"


async def test_both_shapes_of_the_hub_s_table_are_read() -> None:
    reply = {"request_id": "r-1", "response_url": "https://queue.fal.run/fal-ai/flux/requests/r-1"}
    for mapping in ({"fal-ai": NAME_AT_FAL}, [{"provider": "fal-ai", **NAME_AT_FAL}]):
        assert await through(answer({"inferenceProviderMapping": mapping}), PAINT, answer(reply)) == QUEUED


@pytest.mark.parametrize(
    "reply",
    [
        {"request_id": "r-1"},
        {"response_url": "https://queue.fal.run/fal-ai/flux"},
        {"response_url": "https://queue.fal.run/fal-ai/flux/requests/.."},
        {"response_url": "http://[::1"},
        {"response_url": 7},
        ["r-1"],
    ],
)
async def test_a_queue_that_names_no_job_leaves_it_unknown(reply: object) -> None:
    mapping = {"inferenceProviderMapping": {"fal-ai": NAME_AT_FAL}}
    with pytest.raises(ProviderUnknown):
        await through(answer(mapping), PAINT, answer(reply))


# Jobs in the queue


async def test_a_job_that_is_only_asked_to_stop_is_not_definitely_stopped(fake: Fake, worker: Worker) -> None:
    fake.next("huggingface", Behaviour(polls=5))
    job = await worker.provider.submit(PAINT, silent)
    assert isinstance(job, Job)
    assert not await worker.provider.cancel(PAINT, job)
    with pytest.raises(TaskFailed) as caught:
        await worker.provider.collect(PAINT, job, silent)
    assert caught.value.code == "cancelled"


@pytest.mark.parametrize(
    ("reply", "stopped"),
    [
        (answer({"status": "OK"}), True),
        (answer({"status": "CANCELLATION_REQUESTED"}, status=202), False),
        (answer({"status": "ALREADY_COMPLETED"}, status=400), False),
        (answer({"status": "NOT_FOUND"}, status=404), False),
        (answer(b"?"), False),
        (answer(b"", status=500), False),
    ],
)
async def test_only_what_was_taken_out_of_the_queue_is_stopped(reply: Any, stopped: bool) -> None:
    time = Time()
    provider = built("huggingface", client=odd_client(reply), key="key", sleep=time.sleep, monotonic=time.monotonic)
    assert await provider.cancel(PAINT, QUEUED) is stopped
    assert not await provider.cancel(PAINT, None)
    await provider.close()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.", "no_credit"),
        ("Access denied", "bad_key"),
    ],
)
async def test_fal_says_with_one_status_that_its_credit_is_spent_and_that_a_key_is_not_let_in(
    said: str, code: str
) -> None:
    names = answer({"inferenceProviderMapping": {"fal-ai": NAME_AT_FAL}})
    provider = built("huggingface", client=odd_client(names, answer({"detail": said}, status=403)), key="key")
    with pytest.raises(ProviderRefused) as refused:
        await provider.submit(PAINT, silent)
    await provider.close()
    assert refused.value.code == code


DONE = {"status": "COMPLETED"}
BROKEN: dict[str, tuple[Any, str, int | None]] = {
    "an error beside its status": (answer({**DONE, "error": "boom", "error_type": "runner_error"}), "failed", 0),
    "a policy beside its status": (
        answer({**DONE, "error": "no", "error_type": "content_policy_violation"}),
        "content_moderation",
        0,
    ),
    "a failure": (answer({"status": "FAILED", "error": "boom"}), "failed", 0),
    "a cancellation": (answer({"status": "CANCELED"}), "cancelled", 0),
}
RESULTS: dict[str, tuple[Any, str, int | None]] = {
    "inputs that the model would not take": (
        answer({"detail": [{"loc": ["body"], "msg": "too wide", "input": "a pond"}]}, status=422),
        "invalid_request",
        0,
    ),
    "a policy": (
        answer({"detail": [{"type": "content_policy_violation", "msg": "no"}]}, status=422),
        "content_moderation",
        0,
    ),
    "an error of its own": (answer({"detail": "it fell over"}, status=500), "job_broke", 0),
    "an error of its own that no gateway has": (answer({"detail": "it fell over"}, status=501), "job_broke", 0),
    "a black picture": (
        answer({"images": [{"url": "https://files/1"}], "has_nsfw_concepts": [True]}),
        "content_moderation",
        None,
    ),
}


@pytest.mark.parametrize("what", [*BROKEN, *RESULTS])
async def test_a_job_that_ended_badly_has_failed(what: str) -> None:
    reply, code, cost = (BROKEN | RESULTS)[what]
    replies = (reply,) if what in BROKEN else (answer(DONE), reply)
    with pytest.raises(TaskFailed) as caught:
        await collected(*replies)
    assert (caught.value.code, caught.value.cost) == (code, cost)
    assert "a pond" not in caught.value.message


async def test_a_gateway_that_fails_says_nothing_about_the_job() -> None:
    with pytest.raises(ProviderUnknown):
        await collected(answer(DONE), answer(b"<html>bad gateway</html>", "text/html", 502))


async def test_a_result_that_is_not_there_yet_is_asked_for_again() -> None:
    not_yet = answer({"detail": "Request is still in progress"}, status=400)
    delivery = await collected(answer(DONE), not_yet, answer(DONE), answer({"images": [{"url": "https://files/1"}]}))
    assert delivery.outputs == (Remote("https://files/1"),)


@pytest.mark.parametrize(
    "result",
    [
        {"images": [{"url": "data:image/png;base64,YQ=="}]},
        {"image": {"url": "data:image/png;base64,YQ=="}},
        {"videos": [{"url": "data:image/png;base64,YQ=="}], "has_nsfw_concepts": [False]},
    ],
)
async def test_a_file_may_come_with_the_answer(result: object) -> None:
    assert (await collected(answer(DONE), answer(result))).outputs == (Media(b"a", "image/png"),)


async def test_a_result_without_files_delivers_nothing() -> None:
    assert (await collected(answer(DONE), answer({"images": [], "seed": 1}))).outputs == ()


@pytest.mark.parametrize("reply", [{"status": "THINKING"}, {"status": None}, {"status": ["IN_QUEUE"]}, {}, ["x"]])
async def test_a_status_that_cannot_be_read_stays_unknown(reply: object) -> None:
    with pytest.raises(ProviderUnknown):
        await collected(answer(reply))


async def test_a_result_that_cannot_be_read_stays_unknown() -> None:
    for result in ({"images": [{"url": "ftp://files/1"}]}, {"video": {"url": None}}, ["x"]):
        with pytest.raises(ProviderUnknown):
            await collected(answer(DONE), answer(result))


async def test_a_check_tells_whose_key_it_is(worker: Worker) -> None:
    assert await worker.provider.check() == "the key belongs to somebody"


async def through(hub: Any, wanted: Any, *queue: Any) -> Delivery | Job:
    """Submit at an API that gives these answers: of the Hub first, then of the router."""
    time, client = Time(), odd_client(hub, *queue)
    provider = built("huggingface", client=client, key="key", sleep=time.sleep, monotonic=time.monotonic)
    try:
        return await provider.submit(wanted, silent)
    finally:
        await provider.close()


async def collected(*replies: Any) -> Delivery:
    time = Time()
    provider = built("huggingface", client=odd_client(*replies), key="key", sleep=time.sleep, monotonic=time.monotonic)
    try:
        return await provider.collect(PAINT, QUEUED, silent)
    finally:
        await provider.close()
