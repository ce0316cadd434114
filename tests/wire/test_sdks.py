"""The official SDKs, pointed at the fake, find in it the provider they were written for."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from decimal import Decimal

import fal_client
import fal_client.client
import huggingface_hub
import openai
import pytest
import wavespeed  # type: ignore[import-untyped]
from freezegun import freeze_time
from google import genai
from google.genai import errors as genai_errors
from huggingface_hub import InferenceClient, constants
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.inference._providers import _common, fal_ai
from huggingface_hub.inference._providers import wavespeed as routed_wavespeed
from PIL import Image

from tests.wire.clients import EDIT, PICTURE, fetch
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

SOON = 0.01
"""Seconds between two polls."""


@pytest.fixture
def wavespeed_client(fake: Fake) -> wavespeed.Client:
    return wavespeed.Client(api_key=fake.key("wavespeed"), base_url=fake.url, retry_interval=SOON)


@pytest.fixture
def openai_client(fake: Fake) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{fake.url}/v1", api_key=fake.key("openai"), max_retries=0) as client:
        yield client


@pytest.fixture
def hub(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """The fake, with huggingface_hub looking at it for its hub and its router, and polling fast."""
    monkeypatch.setattr(constants, "ENDPOINT", fake.url)
    monkeypatch.setattr(constants, "INFERENCE_PROXY_TEMPLATE", fake.url + "/{provider}")
    monkeypatch.setattr(fal_ai, "_POLLING_INTERVAL", SOON)
    monkeypatch.setattr(routed_wavespeed, "_POLLING_INTERVAL", SOON)
    _common._fetch_inference_provider_mapping.cache_clear()
    yield fake
    _common._fetch_inference_provider_mapping.cache_clear()
    huggingface_hub.close_session()


@pytest.fixture
def fal(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[fal_client.SyncClient]:
    """fal's own client, with its queue at the fake."""
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{fake.url}/queue/")
    client = fal_client.SyncClient(key=fake.key("fal"))
    yield client
    client._client.close()


@pytest.fixture
def gemini(fake: Fake) -> Iterator[genai.Client]:
    options = genai.types.HttpOptions(base_url=fake.url, api_version="v1beta")
    with genai.Client(api_key=fake.key("gemini"), http_options=options) as client:
        yield client


def test_wavespeed_runs_a_model_to_its_end(fake: Fake, wavespeed_client: wavespeed.Client) -> None:
    fake.next("wavespeed", Behaviour(polls=2))
    (url,) = wavespeed_client.run(PICTURE, {"prompt": "a pond"}, poll_interval=SOON)["outputs"]
    assert media.media_type(fetch(url).content) == "image/png"
    assert [job.polled for job in fake.jobs()] == [3]


def test_wavespeed_waits_in_one_request(fake: Fake, wavespeed_client: wavespeed.Client) -> None:
    reply = wavespeed_client.run(PICTURE, {"prompt": "a pond", "enable_base64_output": True}, enable_sync_mode=True)
    assert reply["outputs"][0].startswith("data:image/png;base64,")


@pytest.mark.parametrize("spelling", ["processing", "5004"])
def test_wavespeed_understands_that_a_request_took_too_long(
    fake: Fake, wavespeed_client: wavespeed.Client, spelling: str
) -> None:
    fake.next("wavespeed", Behaviour.read({**Behaviour().stored(), "sync": spelling}))
    answer = wavespeed_client.run_no_throw(PICTURE, {"prompt": "a pond"}, enable_sync_mode=True)
    (job,) = fake.jobs()
    assert (answer["status"], answer["task_id"]) == ("processing", job.id)
    assert wavespeed_client.get_result(job.id)["data"]["status"] == "completed"


def test_wavespeed_polls_through_a_storm(
    fake: Fake, wavespeed_client: wavespeed.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.next("wavespeed", Behaviour(poll_failures=(429, 503, 500)))
    assert wavespeed_client.run(PICTURE, {"prompt": "a pond"}, poll_interval=SOON)["outputs"]
    assert capsys.readouterr().out.count("retrying") == 3


def test_wavespeed_never_repeats_a_submission_whose_answer_was_lost(
    fake: Fake, wavespeed_client: wavespeed.Client
) -> None:
    fake.next("wavespeed", Behaviour(lost="drop"))
    with pytest.raises(RuntimeError, match="may already"):
        wavespeed_client.run(PICTURE, {"prompt": "a pond"}, max_retries=3)
    assert len(fake.submissions()) == len(fake.jobs()) == 1


def test_wavespeed_reports_what_a_failed_job_says(fake: Fake, wavespeed_client: wavespeed.Client) -> None:
    fake.next("wavespeed", Behaviour(ending="failed", error="out of memory"))
    with pytest.raises(RuntimeError, match="out of memory"):
        wavespeed_client.run(PICTURE, {"prompt": "a pond"}, poll_interval=SOON)


def test_wavespeed_gives_up_a_job_by_its_own_clock_and_the_job_goes_on(
    fake: Fake, wavespeed_client: wavespeed.Client
) -> None:
    fake.next("wavespeed", Behaviour(ending="never"))
    a_quarter_each_look = freeze_time(auto_tick_seconds=15 * 60, real_asyncio=True)
    with a_quarter_each_look, pytest.raises(TimeoutError, match="timed out after 3600 seconds"):
        wavespeed_client.run(PICTURE, {"prompt": "a pond"}, timeout=3600, poll_interval=SOON)
    (job,) = fake.jobs()
    assert job.polled > 0
    assert wavespeed_client.get_result(job.id)["data"]["status"] == "processing"


def test_wavespeed_uploads_a_file_and_uses_it(fake: Fake, wavespeed_client: wavespeed.Client) -> None:
    content = io.BytesIO(media.image(seed=5))
    content.name = "pond.png"
    url = wavespeed_client.upload(content)
    assert fetch(url).content == content.getvalue()
    assert wavespeed_client.run(EDIT, {"prompt": "more frogs", "image": url}, poll_interval=SOON)["outputs"]
    assert fake.submissions()[0].inputs["image"] == url


def test_wavespeed_is_refused_with_another_key(fake: Fake) -> None:
    with pytest.raises(RuntimeError, match="HTTP 401"):
        wavespeed.Client(api_key="another", base_url=fake.url).run(PICTURE, {"prompt": "a pond"})


def test_openai_generates_pictures_and_says_what_they_took(fake: Fake, openai_client: openai.OpenAI) -> None:
    reply = openai_client.images.generate(model="gpt-image-2", prompt="a pond", n=2, size="1024x1024", quality="low")
    assert reply.data is not None
    assert reply.usage is not None
    pictures = [base64.b64decode(one.b64_json or "") for one in reply.data]
    assert [media.size_of(one) for one in pictures] == [(1024, 1024)] * 2
    assert reply.usage.output_tokens == 2 * 272
    assert reply.usage.output_tokens_details is not None
    assert [Decimal(job.price or 0) for job in fake.jobs("openai")] == [Decimal("0.01633")]


def test_openai_edits_several_pictures_with_a_mask(fake: Fake, openai_client: openai.OpenAI) -> None:
    images = [("one.png", media.image(seed=1)), ("two.png", media.image(seed=2))]
    fake.next("openai", Behaviour(usage="no details"))
    reply = openai_client.images.edit(
        model="gpt-image-2", prompt="remove the frog", image=images, mask=("mask.png", media.mask()), quality="low"
    )
    assert reply.usage is not None
    assert reply.usage.input_tokens_details.image_tokens > 0
    assert reply.usage.output_tokens_details is None
    (sent,) = fake.submissions("openai")
    assert [one["bytes"] for one in sent.inputs["image[]"]] == [len(content) for _, content in images]
    assert sent.inputs["mask"]["media_type"] == "image/png"


def test_openai_edits_one_picture(fake: Fake, openai_client: openai.OpenAI) -> None:
    picture = ("one.webp", media.image(image_format="WEBP"))
    openai_client.images.edit(model="gpt-image-2", prompt="remove the frog", image=picture, output_format="webp")
    assert fake.submissions()[0].inputs["image"]["media_type"] == "image/webp"


@pytest.mark.parametrize(
    ("behaviour", "error", "code"),
    [
        (Behaviour(status=429), openai.RateLimitError, "rate_limit_exceeded"),
        (Behaviour(filtered="refused"), openai.BadRequestError, "moderation_blocked"),
        (Behaviour(status=500), openai.InternalServerError, None),
    ],
)
def test_openai_reads_each_error(
    fake: Fake, openai_client: openai.OpenAI, behaviour: Behaviour, error: type[openai.APIStatusError], code: str | None
) -> None:
    fake.next("openai", behaviour)
    with pytest.raises(error) as caught:
        openai_client.images.generate(model="gpt-image-2", prompt="a pond")
    assert caught.value.code == code
    assert set(caught.value.response.json()["error"]) == {"message", "type", "param", "code"}


def test_openai_counts_its_own_retries(fake: Fake, openai_client: openai.OpenAI) -> None:
    """Why our adapter is not built on it: a lost answer costs a second picture."""
    fake.next("openai", Behaviour(lost="drop"))
    openai_client.with_options(max_retries=1).images.generate(model="gpt-image-2", prompt="a pond", quality="low")
    assert [one.headers["x-stainless-retry-count"] for one in fake.submissions()] == ["0", "1"]
    assert len(fake.jobs()) == 2


def test_openai_refuses_a_retired_model(fake: Fake, openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        openai_client.images.generate(model="dall-e-3", prompt="a pond")
    assert [(one.status, one.job) for one in fake.submissions()] == [(404, None)]


def test_huggingface_draws_at_hf_inference(hub: Fake) -> None:
    model = f"{hub.url}/hf-inference/models/black-forest-labs/FLUX.1-schnell"
    client = InferenceClient(provider="hf-inference", api_key=hub.key("huggingface"), bill_to="the-pond")
    picture = client.text_to_image("a pond", model=model, width=96, height=48)
    assert isinstance(picture, Image.Image)
    assert picture.size == (96, 48)
    assert hub.submissions()[0].headers["x-hf-bill-to"] == "the-pond"


@pytest.mark.parametrize("steps", [None, 20])
def test_huggingface_edits_at_hf_inference(hub: Fake, steps: int | None) -> None:
    """Bytes as they are without parameters, JSON with base64 in it with them."""
    model = f"{hub.url}/hf-inference/models/black-forest-labs/FLUX.1-Kontext-dev"
    client = InferenceClient(provider="hf-inference", api_key=hub.key("huggingface"))
    client.image_to_image(media.image(), model=model, num_inference_steps=steps)
    (sent,) = hub.submissions()
    assert sent.inputs["inputs"]["media_type"] == "image/png"
    assert ("parameters" in sent.inputs) == (steps is not None)


def test_huggingface_is_told_that_a_model_is_loading(hub: Fake) -> None:
    hub.next("huggingface", Behaviour(status=503))
    model = f"{hub.url}/hf-inference/models/black-forest-labs/FLUX.1-schnell"
    with pytest.raises(HfHubHTTPError) as caught:
        InferenceClient(provider="hf-inference", api_key=hub.key("huggingface")).text_to_image("a pond", model=model)
    assert caught.value.response.json() == {"error": "Model is currently loading", "estimated_time": 20.0}


def test_huggingface_is_told_that_its_credits_are_spent(hub: Fake) -> None:
    hub.set_balance("huggingface", "0.05")
    model = f"{hub.url}/hf-inference/models/black-forest-labs/FLUX.1-schnell"
    client = InferenceClient(provider="hf-inference", api_key=hub.key("huggingface"))
    client.text_to_image("a pond", model=model)
    with pytest.raises(HfHubHTTPError, match="exceeded your monthly included credits") as caught:
        client.text_to_image("a pond", model=model)
    assert caught.value.response.status_code == 402


def test_huggingface_draws_edits_and_films_at_fal(hub: Fake) -> None:
    client = InferenceClient(provider="fal-ai", api_key=hub.key("huggingface"))
    drawn = client.text_to_image("a pond", model="black-forest-labs/FLUX.1-Krea-dev", width=96, height=48)
    hub.next("huggingface", Behaviour(polls=2))
    client.image_to_image(media.image(), prompt="more frogs", model="black-forest-labs/FLUX.1-Kontext-dev")
    hub.next("huggingface", Behaviour(polls=1))
    film = client.text_to_video("a pond", model="tencent/HunyuanVideo", num_frames=96)
    assert isinstance(drawn, Image.Image)
    assert (drawn.size, media.seconds_of(film)) == ((96, 48), 4.0)
    paths = ["fal-ai/flux/krea", "fal-ai/flux-kontext/dev", "fal-ai/hunyuan-video"]
    assert [(job.path, job.polled) for job in hub.jobs()] == [*zip(paths, (0, 3, 2), strict=True)]


def test_huggingface_draws_at_wavespeed_through_the_router(hub: Fake) -> None:
    client = InferenceClient(provider="wavespeed", api_key=hub.key("huggingface"))
    assert isinstance(client.text_to_image("a pond", model="Qwen/Qwen-Image"), Image.Image)
    assert [(job.provider, job.path) for job in hub.jobs()] == [("huggingface", PICTURE)]


def test_fal_draws_in_its_queue_and_says_what_it_bills(fake: Fake, fal: fal_client.SyncClient) -> None:
    fake.next("fal", Behaviour(polls=2))
    asked = {"prompt": "a pond", "image_size": {"width": 96, "height": 48}, "num_images": 2, "output_format": "png"}
    handle = fal.submit("fal-ai/flux/dev", arguments=asked, webhook_url="https://studio.test/hooks/1/2")
    assert [type(handle.status()) for _ in range(2)] == [fal_client.Queued, fal_client.InProgress]
    reply = handle.get(interval=SOON)
    assert [media.size_of(fetch(one["url"]).content) for one in reply["images"]] == [(96, 48), (96, 48)]
    [job] = fake.jobs("fal")
    assert (job.webhook, job.extra["units"]) == ("https://studio.test/hooks/1/2", "2")


def test_fal_stops_a_request_and_reads_each_error(fake: Fake, fal: fal_client.SyncClient) -> None:
    fake.next("fal", Behaviour(ending="never"))
    fal.submit("fal-ai/flux/dev", arguments={"prompt": "a pond"}).cancel()
    assert fake.jobs("fal")[0].cancelled
    for route, asked, status in (
        ("fal-ai/flux/dev", {}, 422),
        ("fal-ai/flux/dev", {"prompt": "a pond", "num_inference_steps": 99}, 422),
        ("fal-ai/no-such/model", {"prompt": "a pond"}, 404),
    ):
        with pytest.raises(fal_client.FalClientHTTPError) as refused:
            fal.submit(route, arguments=asked)
        assert refused.value.status_code == status


def test_gemini_draws_and_edits_and_says_what_it_took(fake: Fake, gemini: genai.Client) -> None:
    picture = genai.types.Part.from_bytes(data=media.image(), mime_type="image/png")
    shape = genai.types.ImageConfig(aspect_ratio="16:9", image_size="2K")
    config = genai.types.GenerateContentConfig(response_modalities=["IMAGE"], image_config=shape)
    asked = [genai.types.Part.from_text(text="more frogs"), picture]
    turn = genai.types.Content(role="user", parts=asked)
    reply = gemini.models.generate_content(model="gemini-3.1-flash-image", contents=turn, config=config)
    [part] = reply.parts or []
    assert part.inline_data is not None
    assert media.media_type(part.inline_data.data or b"") == "image/png"
    used = reply.usage_metadata
    assert used is not None
    assert (used.prompt_token_count, used.candidates_token_count, used.thoughts_token_count) == (1123, 1680, 200)
    assert fake.submissions("gemini")[0].inputs["imageSize"] == "2K"


def test_gemini_is_told_why_there_is_no_picture(fake: Fake, gemini: genai.Client) -> None:
    fake.next("gemini", Behaviour(filtered="result"))
    reply = gemini.models.generate_content(model="gemini-3-pro-image", contents="a pond")
    assert [one.finish_reason for one in reply.candidates or []] == [genai.types.FinishReason.IMAGE_SAFETY]
    fake.next("gemini", Behaviour(filtered="refused"))
    reply = gemini.models.generate_content(model="gemini-3-pro-image", contents="a pond")
    assert reply.prompt_feedback is not None
    assert reply.prompt_feedback.block_reason == genai.types.BlockedReason.PROHIBITED_CONTENT


def test_gemini_reads_each_error_and_the_list(fake: Fake, gemini: genai.Client) -> None:
    with pytest.raises(genai_errors.ClientError) as refused:
        gemini.models.generate_content(model="gemini-9-image", contents="a pond")
    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
    fake.next("gemini", Behaviour(status=429))
    with pytest.raises(genai_errors.ClientError) as refused:
        gemini.models.generate_content(model="gemini-3-pro-image", contents="a pond")
    assert refused.value.status == "RESOURCE_EXHAUSTED"
    assert "models/gemini-3.1-flash-image" in {one.name for one in gemini.models.list()}
