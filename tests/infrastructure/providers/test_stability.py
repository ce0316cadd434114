"""Stability's endpoints, each with the least it needs, and what its answers mean."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest

from application.ports import Job, Media, ProviderRefused, ProviderUnknown, TaskFailed, silent
from infrastructure.providers.stability import LARGEST
from tests.infrastructure.providers.benches import (
    GLB,
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
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.endpoints import ENDPOINTS, SDXL
from tests.wire.fake.server import Fake

SD3 = "/v2beta/stable-image/generate/sd3"
V1 = f"/v1/generation/{SDXL}/text-to-image"
RELIGHT = "/v2beta/stable-image/edit/replace-background-and-relight"


@pytest.fixture
def worker(open_worker: Open) -> Worker:
    return open_worker("stability")


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_every_endpoint_delivers_the_file_itself(fake: Fake, worker: Worker, path: str) -> None:
    endpoint = ENDPOINTS[path]
    files = {name: (PICTURE,) for name in endpoint.needs if name in endpoint.pictures}
    texts: dict[str, Any] = {name: "a pond" for name in endpoint.needs if name not in files}
    delivery = await worker.run(task("any", f"/v2beta/{path}", files, media_types=(endpoint.makes,), **texts))
    (output,) = delivery.outputs
    assert isinstance(output, Media)
    assert output.media_type == media.media_type(output.content)
    assert output.media_type == (GLB if endpoint.makes == GLB else "image/png")
    assert (delivery.metadata, delivery.cost) == ({"seed": "4242"}, None)
    (sent,) = fake.submissions("stability")
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert set(endpoint.needs) <= sent.inputs.keys()


async def test_inputs_arrive_in_the_notation_of_forms(fake: Fake, worker: Worker) -> None:
    wanted = task(
        "background-replace",
        RELIGHT,
        {"subject_image": (PICTURE,), "light_reference": (OTHER_PICTURE,)},
        light_source_strength=Decimal("0.30"),
        keep_original_background=True,
        seed=7,
        background_prompt="a red café",
    )
    delivery = await worker.run(wanted)
    (sent,) = fake.submissions()
    subject, light = sent.inputs.pop("subject_image"), sent.inputs.pop("light_reference")
    assert (subject["media_type"], light["media_type"]) == ("image/png", "image/jpeg")
    assert sent.inputs == {
        "light_source_strength": "0.3",
        "keep_original_background": "true",
        "seed": "7",
        "background_prompt": "a red café",
    }
    assert delivery.metadata == {"seed": "7"}


async def test_a_mask_is_sent_as_the_mask(fake: Fake, worker: Worker) -> None:
    await worker.run(task("erase", "/v2beta/stable-image/edit/erase", {"image": (PICTURE,), "mask": (MASK,)}))
    (sent,) = fake.submissions()
    assert (sent.inputs["mask"]["bytes"], sent.inputs["mask"]["media_type"]) == (len(MASK.content), "image/png")


async def test_a_picture_makes_it_a_variation_of_that_picture(fake: Fake, worker: Worker) -> None:
    await worker.run(
        task(
            "text-to-image", SD3, {"image": (PICTURE,)}, prompt="a pond", model="sd3.5-medium", strength=Decimal("0.5")
        )
    )
    (sent,) = fake.submissions()
    assert (sent.inputs["mode"], sent.inputs["model"]) == ("image-to-image", "sd3.5-medium")
    await worker.run(task("text-to-image", SD3, prompt="a pond"))
    assert "mode" not in fake.submissions()[1].inputs


async def test_the_first_api_gets_weighted_prompts_and_delivers_several_pictures(fake: Fake, worker: Worker) -> None:
    wanted = task(
        "text-to-image", V1, outputs=3, prompt="a pond", negative_prompt="ducks", cfg_scale=Decimal("7.5"), steps=30
    )
    delivery = await worker.run(wanted)
    (sent,) = fake.submissions()
    assert sent.inputs == {
        "text_prompts": [{"text": "a pond", "weight": 1}, {"text": "ducks", "weight": -1}],
        "cfg_scale": 7.5,
        "steps": 30,
        "samples": 3,
    }
    assert [output.media_type for output in delivery.outputs if isinstance(output, Media)] == ["image/png"] * 3
    assert delivery.metadata == {"seed": "4242, 4242, 4242"}


@pytest.mark.parametrize(
    ("route", "files"),
    [("/v2beta/stable-image/generate/core", {}), (V1, {}), (RELIGHT, {"subject_image": (PICTURE,)})],
)
async def test_what_was_made_and_filtered_has_failed_and_is_billed(
    fake: Fake, worker: Worker, route: str, files: dict[str, tuple[Media, ...]]
) -> None:
    fake.next("stability", Behaviour(filtered="result"))
    with pytest.raises(TaskFailed) as caught:
        await worker.run(task("text-to-image", route, files, prompt="a pond"))
    assert (caught.value.code, caught.value.cost) == ("content_moderation", None)


async def test_results_are_asked_for_no_more_than_every_ten_seconds(fake: Fake, worker: Worker) -> None:
    fake.next("stability", Behaviour(polls=2))
    await worker.run(task("relight", RELIGHT, {"subject_image": (PICTURE,)}))
    assert worker.time.slept == [10.0, 10.0]


async def test_a_result_is_kept_for_a_day(fake: Fake, worker: Worker) -> None:
    wanted = task("relight", RELIGHT, {"subject_image": (PICTURE,)})
    job = await worker.provider.submit(wanted, silent)
    assert isinstance(job, Job)
    fake.advance(86_000)
    assert (await worker.provider.collect(wanted, job, silent)).outputs
    fake.advance(1_000)
    with pytest.raises(TaskFailed) as caught:
        await worker.provider.collect(wanted, job, silent)
    assert caught.value.code == "unknown_job"


async def test_an_output_that_is_too_large_to_be_read_is_unknown() -> None:
    client = odd_client(answer(bytes(LARGEST + 1), "image/png"))
    provider = built("stability", key="k", url="https://stability.test", client=client)
    with pytest.raises(ProviderUnknown) as caught:
        await provider.submit(task("text-to-image", "/v2beta/stable-image/generate/core", prompt="a pond"), silent)
    assert caught.value.code == "unreadable_answer"
    await provider.close()


async def test_a_refusal_repeats_the_provider_s_words_and_not_ours(fake: Fake, worker: Worker) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await worker.run(task("erase", "/v2beta/stable-image/edit/erase", prompt="a secret wish"))
    assert "image: is required" in caught.value.message
    assert "a secret wish" not in caught.value.message


async def test_the_balance_is_told_in_credits(fake: Fake, worker: Worker) -> None:
    fake.set_balance("stability", "12.5")
    assert await worker.provider.check() == "12.5 credits left"
    assert worker.provider.name == "stability"


ODD = {
    "an empty file": ("/v2beta/any", answer(b"", "image/png")),
    "a page": ("/v2beta/any", answer(b"<h1>Welcome</h1>", "text/html")),
    "no job": ("/v2beta/any", answer({"status": "fine"})),
    "a job whose id is a path": ("/v2beta/any", answer({"id": "../../v1/user/balance"})),
    "a list": ("/v2beta/any", answer(b"[]")),
    "broken JSON": ("/v2beta/any", answer(b'{"id": ')),
    "no artifacts": (V1, answer({"artifacts": None})),
    "artifacts that are none": (V1, answer({"artifacts": ["a"]})),
    "an artifact without a picture": (V1, answer({"artifacts": [{"finishReason": "SUCCESS", "seed": 1}]})),
    "a picture that is no base64": (V1, answer({"artifacts": [{"finishReason": "SUCCESS", "base64": "é"}]})),
}


@pytest.mark.parametrize("what", ODD)
async def test_a_success_that_makes_no_sense_is_unknown(what: str) -> None:
    route, reply = ODD[what]
    client = odd_client(reply)
    provider = built("stability", client=client, key="key")
    with pytest.raises(ProviderUnknown) as caught:
        await provider.submit(task("text-to-image", route, prompt="a pond"), silent)
    assert caught.value.code == "unreadable_answer"
    await provider.close()


async def test_a_picture_that_was_filtered_is_left_out_of_several() -> None:
    good = {"finishReason": "SUCCESS", "base64": base64.b64encode(b"picture").decode(), "seed": 3}
    reply = answer({"artifacts": [{"finishReason": "CONTENT_FILTERED"}, good]})
    client = odd_client(reply)
    provider = built("stability", client=client, key="key")
    delivery = await provider.submit(task("text-to-image", V1, outputs=2, prompt="a pond"), silent)
    assert not isinstance(delivery, Job)
    assert [output.content for output in delivery.outputs if isinstance(output, Media)] == [b"picture"]
    await provider.close()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "insufficient_balance", "message": "no credits"}, 429, "no_credit"),
        ({"name": "invalid_prompts", "message": "not that"}, 400, "content_moderation"),
        ({"name": "unauthorized", "message": "missing authorization header"}, 403, "bad_key"),
        (b"<html>", 404, "unknown_model"),
    ],
)
async def test_the_first_api_s_words_are_understood(body: bytes | dict[str, object], status: int, code: str) -> None:
    client = odd_client(answer(body, status=status))
    provider = built("stability", client=client, key="key")
    with pytest.raises(ProviderRefused) as caught:
        await provider.submit(task("text-to-image", V1, prompt="a pond"), silent)
    assert caught.value.code == code
    await provider.close()
