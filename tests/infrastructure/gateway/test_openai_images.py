"""OpenAI's own client draws and edits through the gateway, unmodified, and what it gets is charged once."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from openai import APIStatusError, AuthenticationError
from PIL import Image

from application.ledger.reader import LogFilter
from domain.keys import KeyScope, KeyTerms
from tests.application.studios import facts_of
from tests.infrastructure.gateway.gateways import Gateway
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

PICTURE = ("a.png", media.image(256, 256), "image/png")
OTHER = ("b.jpg", media.image(256, 256, "JPEG", 5), "image/jpeg")
MASK = ("m.png", media.mask(256, 256), "image/png")
DRAW = {"model": "gpt-image-1", "prompt": "a lake at dawn", "quality": "low"}
URL = "/v1/images/generations"


def size_of(text: str | None) -> tuple[int, int]:
    with Image.open(io.BytesIO(base64.b64decode(text or ""))) as opened:
        return opened.size


def spent(gateway: Gateway) -> int:
    """What the account was charged so far, in micro-units."""
    view = gateway.run(gateway.studio.accounts.show("acme"))
    return int(view.used["spend"])


def test_a_picture_is_drawn_under_a_retired_name_and_charged_by_its_tokens(gateway: Gateway) -> None:
    before = spent(gateway)
    answer = gateway.openai().images.generate(**DRAW)
    assert [size_of(one.b64_json) for one in answer.data] == [(1024, 1024)]
    assert (answer.size, answer.output_format) == ("1024x1024", "png")
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (4, 272, 276)
    assert (answer.usage.cost, answer.usage.cost_source) == ("0.00818", "counted")
    assert spent(gateway) - before == 4 * 5 + 272 * 30


def test_several_pictures_are_one_batch(gateway: Gateway) -> None:
    answer = gateway.openai().images.generate(**DRAW, n=3)
    assert len(answer.data) == 3
    assert answer.usage.output_tokens == 3 * 272


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"image": PICTURE}, {"image"}),
        ({"image": [PICTURE, OTHER]}, {"image[]"}),
        ({"image": PICTURE, "mask": MASK}, {"image", "mask"}),
    ],
)
def test_pictures_are_edited(gateway: Gateway, fake: Fake, files: dict[str, Any], names: set[str]) -> None:
    answer = gateway.openai().images.edit(model="gpt-image-2", prompt="make it autumn", quality="low", **files)
    assert size_of(answer.data[0].b64_json) == (1024, 1024)
    (sent,) = fake.submissions("openai")[-1:]
    assert sent.path == "images/edits"
    assert names <= sent.inputs.keys()


def test_a_picture_that_is_addressed_in_json_is_edited(gateway: Gateway) -> None:
    address = f"data:image/png;base64,{base64.b64encode(PICTURE[1]).decode()}"
    body = {**DRAW, "images": [{"image_url": address}], "mask": {"image_url": address}}
    with gateway.client() as client:
        answer = client.post("/v1/images/edits", json=body)
    assert answer.status_code == 200, answer.text
    assert size_of(answer.json()["data"][0]["b64_json"]) == (1024, 1024)


def test_a_large_file_is_taken_from_the_disk(gateway: Gateway) -> None:
    noise = Image.effect_noise((1200, 1200), 90)
    stream = io.BytesIO()
    noise.convert("RGB").save(stream, "PNG", compress_level=0)
    assert len(stream.getvalue()) > 4_000_000
    picture = ("large.png", stream.getvalue(), "image/png")
    answer = gateway.openai().images.edit(model="gpt-image-2", prompt="x", quality="low", image=picture)
    assert size_of(answer.data[0].b64_json) == (1024, 1024)


def test_who_asks_for_a_stream_gets_each_picture_as_an_event(gateway: Gateway) -> None:
    stream = gateway.openai().images.generate(**DRAW, stream=True)
    events = list(stream)
    assert [event.type for event in events] == ["image_generation.completed"]
    assert size_of(events[0].b64_json) == (1024, 1024)
    assert events[0].usage.total_tokens == 276


def test_pictures_on_the_way_come_first_and_are_charged_as_they_are_counted(gateway: Gateway) -> None:
    before = spent(gateway)
    client = gateway.openai()
    drawn = list(client.images.generate(**DRAW, stream=True, partial_images=2))
    word = "image_generation"
    assert [event.type for event in drawn] == [f"{word}.partial_image"] * 2 + [f"{word}.completed"]
    assert [event.partial_image_index for event in drawn[:2]] == [0, 1]
    assert [size_of(event.b64_json) for event in drawn] == [(64, 64), (64, 64), (1024, 1024)]
    assert drawn[2].usage.output_tokens == 272 + 2 * 100
    assert spent(gateway) - before == 4 * 5 + (272 + 2 * 100) * 30
    edited = list(client.images.edit(**{**DRAW, "model": "gpt-image-2"}, image=PICTURE, stream=True, partial_images=1))
    assert [event.type for event in edited] == ["image_edit.partial_image", "image_edit.completed"]


@pytest.mark.parametrize(
    "changes", [{"stream": False}, {"n": 2}, {"model": "scripted-image", "quality": None}, {"model": "cheapest"}]
)
def test_where_none_come_on_the_way_the_pictures_come_alone_and_it_is_said(
    gateway: Gateway, fake: Fake, changes: dict[str, Any]
) -> None:
    body = {**DRAW, "stream": True, "partial_images": 3, **changes}
    with gateway.client() as client:
        answer = client.post(URL, json={name: value for name, value in body.items() if value is not None})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-imagestudio-ignored"] == "partial_images"
    assert answer.text.count("event: image_generation.completed") == (body.get("n", 1) if body["stream"] else 0)
    assert "partial_image" not in answer.text


def test_a_stream_of_what_fails_ends_with_the_error(gateway: Gateway, fake: Fake) -> None:
    fake.next("openai", Behaviour(filtered="refused"))
    with gateway.client() as client:
        answer = client.post(URL, json={**DRAW, "stream": True})
    assert answer.status_code == 200
    assert answer.text.startswith("event: error\ndata: ")
    assert '"code":"failed"' in answer.text


def test_headers_tell_the_operation_its_price_and_what_is_left(gateway: Gateway) -> None:
    with gateway.client(**{"x-request-id": "mine-1"}) as client:
        answer = client.post(URL, json={**DRAW, "style": "vivid"})
    told = answer.headers
    assert told["x-request-id"] == "mine-1"
    assert told["x-imagestudio-price"] == "0.00818 USD"
    assert told["x-litellm-response-cost"] == "0.00818"
    assert told["x-imagestudio-model"] == "gpt-image-2"
    assert told["x-imagestudio-ignored"] == "style"
    assert '"spend":{"micros":' in told["x-imagestudio-left"]
    operation = told["x-imagestudio-operation"]
    assert gateway.run(gateway.studio.operations.look(operation, account="acme")).status == "charged"


def test_every_fact_names_the_key_or_the_studio(gateway: Gateway) -> None:
    with gateway.client() as client:
        operation = client.post(URL, json=DRAW).headers["x-imagestudio-operation"]
    key = gateway.run(gateway.studio.keys.list("acme"))[0].id
    entries = gateway.studio.log.reader.read(0, 100, LogFilter(operations=(operation,)))
    actors = [entry.link.actor for entry in entries]
    assert actors[:2] == [f"key:{key}"] * 2
    assert {actor.partition(":")[0] for actor in actors} == {"key", "studio"}


# Errors


@pytest.mark.parametrize(
    ("changes", "status", "code", "param"),
    [
        ({"model": "no-such-model"}, 404, "unknown_model", None),
        ({"prompt": ""}, 400, "invalid_input", "prompt"),
        ({"n": 0}, 400, "invalid_input", "n"),
        ({"n": 1000}, 400, "invalid_input", "n"),
        ({"size": "7x7"}, 400, "invalid_input", "size"),
        ({"quality": "splendid"}, 400, "invalid_input", "quality"),
        ({"user": "two words"}, 400, "invalid_input", "user"),
        ({"partial_images": 4, "stream": True}, 400, "invalid_input", "partial_images"),
        ({"partial_images": "some"}, 400, "invalid_input", "partial_images"),
    ],
)
def test_what_is_wrong_is_one_error_in_openais_envelope_and_nothing_is_recorded(
    gateway: Gateway, changes: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    end = gateway.studio.log.reader.end()
    with gateway.client() as client:
        answer = client.post(URL, json={**DRAW, **changes})
    assert answer.status_code == status, answer.text
    assert answer.headers["x-should-retry"] == "false"
    told = answer.json()["error"]
    assert {"message", "type", "param", "code"} <= told.keys()
    assert (told["type"], told["code"], told["param"]) == ("invalid_request_error", code, param)
    assert gateway.studio.log.reader.end() == end


def test_a_refusal_is_recorded_and_never_asks_to_be_sent_again(gateway: Gateway) -> None:
    gateway.run(gateway.studio.accounts.open("poor", plan="free"))
    gateway.run(gateway.studio.accounts.change_limit("poor", "images", 0))
    with gateway.client(gateway.issue("poor")) as client:
        answer = client.post(URL, json=DRAW)
    assert answer.status_code == 402
    assert answer.headers["x-should-retry"] == "false"
    told = answer.json()["error"]
    assert (told["type"], told["code"]) == ("insufficient_quota", "refused")
    assert (told["refusal"]["measure"], told["refusal"]["limit"], told["refusal"]["asked"]) == ("images", 0, 1)
    assert told["operation"] == answer.headers["x-imagestudio-operation"]
    assert [type(fact).__name__ for fact in facts_of(gateway.studio, "poor")] == ["Requested", "Rejected"]


def test_openais_client_raises_its_own_errors(gateway: Gateway) -> None:
    with pytest.raises(APIStatusError) as raised:
        gateway.openai().images.generate(**{**DRAW, "size": "7x7"})
    assert (raised.value.status_code, raised.value.code, raised.value.param) == (400, "invalid_input", "size")


@pytest.mark.parametrize("secret", ["isk_wrong", "sk-something", "é"])
def test_a_key_that_is_none_opens_nothing(gateway: Gateway, secret: str) -> None:
    with gateway.client("") as client:
        answer = client.post(URL, json=DRAW, headers={b"authorization": f"Bearer {secret}".encode()})
    assert answer.status_code == 401
    told = answer.json()["error"]
    assert (told["type"], told["code"]) == ("authentication_error", "unauthenticated")
    assert secret not in answer.text


def test_a_request_without_a_key_is_told_how_to_send_one(gateway: Gateway) -> None:
    with gateway.client("") as client:
        answer = client.post(URL, json=DRAW)
    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json()["error"]["message"]


def test_a_key_to_read_does_not_draw(gateway: Gateway) -> None:
    with gateway.client(gateway.issue("acme", KeyTerms((KeyScope.READ,)))) as client:
        answer = client.post(URL, json=DRAW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_openais_client_knows_that_its_key_is_none(gateway: Gateway) -> None:
    client = gateway.openai().with_options(api_key="isk_wrong")
    with pytest.raises(AuthenticationError):
        client.images.generate(**DRAW)


# Users


def test_a_forwarded_user_counts_if_the_key_forwards(gateway: Gateway) -> None:
    forwarding = gateway.issue("acme", KeyTerms((KeyScope.OPERATE,), forwards=True))
    fixed = gateway.issue("acme", KeyTerms((KeyScope.OPERATE,), user="shop"))
    found = []
    for secret in (forwarding, fixed, gateway.secret):
        with gateway.client(secret, **{"x-openwebui-user-id": "ann"}) as client:
            operation = client.post(URL, json=DRAW).headers["x-imagestudio-operation"]
        found.append(gateway.run(gateway.studio.operations.look(operation, account="acme")).operations[0].user)
    assert found == ["ann", "shop", "acme"]


# Models


def test_models_are_listed_once_each_under_the_ids_that_clients_send(gateway: Gateway) -> None:
    ids = [one.id for one in gateway.openai().models.list()]
    assert len(ids) == len(set(ids))
    assert "gpt-image-2" in ids
    assert "gpt-image-2-edit" not in ids
    assert gateway.openai().models.retrieve("dall-e-3").owned_by == "openai"
    with gateway.client() as client:
        assert client.get("/v1/models/none").json()["error"]["code"] == "unknown_model"


def tags_of(gateway: Gateway, operation: str) -> Any:
    return gateway.run(gateway.studio.operations.look(operation, account="acme")).tags


def test_metadata_are_tags_as_far_as_openai_takes_them(gateway: Gateway) -> None:
    """In JSON, and in a form as its client writes an object, or as one text."""
    told = {"team": "red", "cost centre": "é" * 512}
    with gateway.client() as client:
        drawn = client.post(URL, json={**DRAW, "metadata": told})
        raw = gateway.openai().images.with_raw_response
        edited = raw.edit(
            model="gpt-image-2", prompt="autumn", quality="low", image=PICTURE, extra_body={"metadata": told}
        )
        fields = {"model": "gpt-image-2", "prompt": "a", "quality": "low", "metadata": '{"team": "red"}'}
        written = client.post("/v1/images/edits", data=fields, files={"image": PICTURE})
        for answer, tags in ((drawn, told), (edited, told), (written, {"team": "red"})):
            assert "metadata" not in answer.headers.get("x-imagestudio-ignored", "")
            assert tags_of(gateway, answer.headers["x-imagestudio-operation"]) == tags
        many = {f"t{number}": "x" for number in range(17)}
        for wrong in ({"a": 7}, {"a": "x" * 513}, {"k" * 65: "x"}, many, ["red"], "red", {"a": {"b": "c"}}):
            refused = client.post(URL, json={**DRAW, "metadata": wrong})
            assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error"), (
                refused.text
            )
