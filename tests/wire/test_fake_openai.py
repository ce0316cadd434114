"""The fake OpenAI refuses what the real one does, always with the four keys of an error."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.wire.clients import client_for
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

MODEL = "gpt-image-2"
DRAW = {"model": MODEL, "prompt": "a pond", "quality": "low"}
PICTURE = ("image", ("pond.png", media.image()))
GIF = {"model": "gpt-image-2.6-flare", "output_format": "gif"}
NOTES = ("markup", ("notes.png", media.mask()))


@pytest.fixture
def client(fake: Fake) -> Iterator[httpx.Client]:
    with client_for(fake, "openai", "/v1") as client:
        yield client


def refused(reply: httpx.Response, status: int, param: str | None) -> None:
    error = reply.json()["error"]
    assert (reply.status_code, error["param"], set(error)) == (status, param, {"message", "type", "param", "code"})


@pytest.mark.parametrize(
    ("inputs", "status", "param"),
    [
        ({"prompt": ""}, 400, "prompt"),
        ({"prompt": "x" * 32_001}, 400, "prompt"),
        ({"model": "dall-e-2"}, 404, "model"),
        ({"response_format": "url"}, 400, "response_format"),
        ({"n": 11}, 400, "n"),
        ({"n": "many"}, 400, "n"),
        ({"size": "large"}, 400, "size"),
        ({"size": "64x64"}, 400, "size"),
        ({"quality": "hd"}, 400, "quality"),
        ({"output_format": "gif"}, 400, "output_format"),
        ({"background": "green"}, 400, "background"),
        ({"background": "transparent", "output_format": "jpeg"}, 400, "background"),
        ({"output_compression": 50}, 400, "output_compression"),
        ({"quality": "xhigh"}, 400, "quality"),
        ({"steps": 20}, 400, "steps"),
        ({"input_fidelity": "high"}, 400, "input_fidelity"),
        ({"size": "1000x1000"}, 400, "size"),
        ({"size": "800x800"}, 400, "size"),
        ({"size": "3856x1600"}, 400, "size"),
        ({"size": "3200x1024"}, 400, "size"),
        ({"size": "3840x2176"}, 400, "size"),
        ({"size": "1536x864", "model": "gpt-image-1-mini"}, 400, "size"),
        ({"frame_count": 4}, 400, "frame_count"),
        ({"frame_count": 17, **GIF}, 400, "frame_count"),
        ({"size": "1024x1024", **GIF}, 400, "size"),
    ],
)
def test_a_drawing_that_breaks_a_rule_is_refused(
    fake: Fake, client: httpx.Client, inputs: dict[str, Any], status: int, param: str
) -> None:
    refused(client.post("/images/generations", json={**DRAW, **inputs}), status, param)
    assert ([one.path for one in fake.submissions()], fake.jobs()) == (["images/generations"], [])


@pytest.mark.parametrize(
    ("files", "status", "param"),
    [
        ([], 400, "image"),
        ([PICTURE] * 17, 400, "image"),
        ([("image", ("pond.gif", media.image(image_format="GIF")))], 400, "image"),
        ([("image", ("pond.png", media.image() + bytes(51 * 2**20)))], 413, "image"),
        ([PICTURE, ("mask", ("mask.jpg", media.image(image_format="JPEG")))], 400, "mask"),
        ([PICTURE, ("mask", ("mask.png", media.mask(32, 32)))], 400, "mask"),
        ([PICTURE, NOTES], 400, "markup"),
    ],
)
def test_an_edit_with_files_that_break_a_rule_is_refused(
    fake: Fake, client: httpx.Client, files: list[Any], status: int, param: str
) -> None:
    refused(client.post("/images/edits", data=DRAW, files=files or [("user", ("", b""))]), status, param)
    assert fake.jobs() == []


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([PICTURE, NOTES], 200),
        ([PICTURE, NOTES, ("mask", ("mask.png", media.mask()))], 400),
        ([PICTURE, ("markup", ("notes.png", media.mask(32, 32)))], 400),
    ],
)
def test_notes_are_as_large_as_the_picture_and_no_mask_is_beside_them(
    client: httpx.Client, files: list[Any], status: int
) -> None:
    reply = client.post("/images/edits", data={**DRAW, "model": "gpt-image-2.5-flare"}, files=files)
    assert reply.status_code == status


@pytest.mark.parametrize(
    ("model", "fidelity", "status"),
    [
        ("gpt-image-2", "low", 400),
        ("gpt-image-2.5-sunburst", "high", 400),
        ("gpt-image-1-mini", "high", 400),
        ("gpt-image-1-mini", "low", 200),
        ("gpt-image-1.5", "high", 200),
    ],
)
def test_fidelity_is_for_some_models_alone(client: httpx.Client, model: str, fidelity: str, status: int) -> None:
    reply = client.post("/images/edits", data={**DRAW, "model": model, "input_fidelity": fidelity}, files=[PICTURE])
    assert reply.status_code == status
    if status == 400:
        assert reply.json()["error"]["code"] == "invalid_input_fidelity_model"


@pytest.mark.parametrize(
    "inputs",
    [
        {"size": "1536x864"},
        {"size": "1024x640"},
        {"size": "3840x2160"},
        {"background": "transparent", "output_format": "webp", "output_compression": 50},
        {"quality": "max", "model": "gpt-image-2.6-flare"},
        {**GIF, "size": "512x288", "frame_count": 16},
        {"size": "auto", "quality": "auto"},
    ],
)
def test_what_newer_models_take_is_drawn(client: httpx.Client, inputs: dict[str, Any]) -> None:
    assert client.post("/images/generations", json={**DRAW, **inputs}).status_code == 200


def test_an_edit_must_be_multipart_and_a_drawing_json(client: httpx.Client) -> None:
    refused(client.post("/images/edits", json=DRAW), 400, None)
    refused(client.post("/images/generations", content=b"{"), 400, None)


def test_another_key_is_refused(fake: Fake, client: httpx.Client) -> None:
    assert [one["id"] for one in client.get("/models").json()["data"]].count(MODEL) == 1
    fake.revoke("openai", "another")
    refused(client.get("/models"), 401, None)
    for path in ("/images/generations", "/images/edits"):
        refused(client.post(path, json=DRAW), 401, None)


@pytest.mark.parametrize(("form", "kind"), [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")])
def test_a_picture_has_the_format_and_the_size_that_was_asked_for(client: httpx.Client, form: str, kind: str) -> None:
    body = {**DRAW, "output_format": form, "size": "1536x1024"}
    reply = client.post("/images/generations", json=body).json()
    content = base64.b64decode(reply["data"][0]["b64_json"])
    assert (media.media_type(content), media.size_of(content)) == (kind, (1536, 1024))
    assert (reply["output_format"], reply["size"], reply["quality"]) == (form, "1536x1024", "low")


def test_larger_and_better_pictures_and_pictures_given_take_more_tokens(client: httpx.Client) -> None:
    small = client.post("/images/generations", json={**DRAW, "size": "1024x1024"}).json()["usage"]
    large = client.post("/images/generations", json={**DRAW, "size": "2048x2048"}).json()["usage"]
    better = client.post("/images/generations", json={**DRAW, "quality": "high"}).json()["usage"]
    edited = client.post("/images/edits", data=DRAW, files=[PICTURE, PICTURE]).json()["usage"]
    assert small["output_tokens"] * 4 == large["output_tokens"]
    assert small["output_tokens"] < better["output_tokens"]
    assert edited["input_tokens_details"] == {"text_tokens": 2, "image_tokens": 2 * 323}
    assert edited["total_tokens"] == edited["input_tokens"] + edited["output_tokens"]


def test_usage_may_be_without_details_or_missing(fake: Fake, client: httpx.Client) -> None:
    fake.next("openai", Behaviour(usage="no details"))
    fake.next("openai", Behaviour(usage="none"))
    replies = [client.post("/images/generations", json=DRAW).json() for _ in range(3)]
    assert ["output_tokens_details" in reply.get("usage", {}) for reply in replies] == [False, False, True]
    assert ["usage" in reply for reply in replies] == [True, False, True]


def test_a_reply_may_lack_its_picture_or_hold_something_else(fake: Fake, client: httpx.Client) -> None:
    for script in (Behaviour(outputs=0), Behaviour(files="missing"), Behaviour(files="not media")):
        fake.next("openai", script)
    first, second, third = (client.post("/images/generations", json=DRAW).json()["data"] for _ in range(3))
    assert (first, second) == ([], [{"b64_json": None}])
    assert base64.b64decode(third[0]["b64_json"]).startswith(b"<!doctype html>")


def test_a_picture_may_be_blocked_before_or_after_it_is_made(fake: Fake, client: httpx.Client) -> None:
    for script in (Behaviour(filtered="refused"), Behaviour(filtered="result"), Behaviour(ending="failed")):
        fake.next("openai", script)
    replies = [client.post("/images/generations", json=DRAW) for _ in range(3)]
    codes = [(reply.status_code, reply.json()["error"]["code"]) for reply in replies]
    assert codes == [(400, "moderation_blocked"), (400, "moderation_blocked"), (500, None)]
    assert [job.behaviour.filtered for job in fake.jobs()] == ["result", ""]


def test_a_price_that_a_test_sets_is_billed(fake: Fake, client: httpx.Client) -> None:
    fake.price(MODEL, "0.5")
    client.post("/images/generations", json=DRAW)
    assert [job.price for job in fake.jobs()] == ["0.5"]
