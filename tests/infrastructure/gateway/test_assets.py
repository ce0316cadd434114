"""The library over HTTP: what was made is found, shown with its cost, fetched, described and thrown away."""

from __future__ import annotations

import io
import json
from typing import Any
from zipfile import ZipFile

import pytest
from PIL import Image

from tests.infrastructure.gateway.gateways import ADMIN, Gateway
from tests.wire.fake import media


@pytest.fixture
def asset(gateway: Gateway, request: pytest.FixtureRequest) -> str:
    """The id of a picture that was drawn just now."""
    drawn = {"kind": "text-to-image", "inputs": {"prompt": request.node.name, "quality": "low"}, "model": "gpt-image-2"}
    with gateway.client(prefer="wait=30") as client:
        found: dict[str, Any] = client.post("/v1/operations", json=drawn).json()
    return str(found["operations"][0]["outputs"][0]["asset"])


def test_an_asset_is_found_by_its_words_and_shown_with_its_price(gateway: Gateway, asset: str) -> None:
    with gateway.client() as client:
        words = client.patch(f"/v1/assets/{asset}", json={"title": "The lake", "tags": ["spring"], "favourite": True})
        found = client.get("/v1/assets", params={"text": "lake", "tag": "spring", "favourite": "true"}).json()["assets"]
        shown, lineage = client.get(f"/v1/assets/{asset}").json(), client.get(f"/v1/assets/{asset}/lineage").json()
        gone = client.patch(f"/v1/assets/{asset}", json={"untag": ["spring"]})
    assert words.json()["tags"] == ["spring"]
    assert asset in [one["id"] for one in found]
    assert (shown["price"]["currency"], shown["words"]["title"]) == ("USD", "The lake")
    assert lineage["asset"]["id"] == asset
    assert gone.json()["tags"] == []


def test_its_file_and_a_small_picture_of_it_are_fetched(gateway: Gateway, asset: str) -> None:
    with gateway.client() as client:
        shown = client.get(f"/v1/assets/{asset}").json()
        whole = client.get(shown["content"])
        part = client.get(shown["content"], headers={"range": "bytes=0-7"})
        small = client.get(f"/v1/assets/{asset}/thumbnail")
    with Image.open(io.BytesIO(whole.content)) as opened:
        assert opened.size == (1024, 1024)
    assert part.content == whole.content[:8]
    assert whole.headers["x-content-type-options"] == "nosniff"
    with Image.open(io.BytesIO(small.content)) as opened:
        assert max(opened.size) == 320


def test_it_is_thrown_away_restored_and_erased(gateway: Gateway, asset: str) -> None:
    where = f"/v1/assets/{asset}"
    with gateway.client() as client:
        trashed = client.post(f"{where}/trash", json={"reason": "blurred"}).json()["standing"]
        restored = client.post(f"{where}/restore", json={}).json()["standing"]
        expiring = client.post(f"{where}/expire", json={"at": "2090-01-01"}).json()["expires"]
        erased = client.post(f"{where}/erase", json={})
        gone = client.get(f"{where}/content")
        still = client.get(where).json()
    assert (trashed, restored) == ("trashed", "kept")
    assert expiring.startswith("2090-01-01")
    assert erased.json()["assets"] == [asset]
    assert (gone.status_code, gone.json()["code"]) == (410, "asset_missing")
    assert still["standing"] == "erased"


def test_the_log_names_the_key_that_threw_it_away(gateway: Gateway, asset: str) -> None:
    end = gateway.studio.log.reader.end()
    with gateway.client() as client:
        client.post(f"/v1/assets/{asset}/trash", json={})
    (entry,) = gateway.studio.log.reader.read(end, 10)
    assert entry.link.actor.startswith("key:")


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "standing=lost",
        "favourite=perhaps",
        "limit=0",
        "after=x",
        "type=smell",
        "since=x",
        "since=2026-02-01&until=2026-01-01",
    ],
)
def test_a_wrong_parameter_is_told(gateway: Gateway, query: str) -> None:
    with gateway.client() as client:
        answer = client.get(f"/v1/assets?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_where_files_are_kept_is_told_to_administrators_alone(gateway: Gateway, asset: str) -> None:
    found = []
    for secret in (gateway.secret, gateway.issue("acme", ADMIN)):
        with gateway.client(secret) as client:
            found.append("path" in client.get(f"/v1/assets/{asset}").json())
    assert found == [False, True]


# Brought and linked to


def test_a_file_is_brought_as_a_body_or_in_a_form_once(gateway: Gateway) -> None:
    picture = media.image(128, 96, seed=5)
    with gateway.client() as client:
        first = client.post("/v1/assets?title=Mine", content=picture, headers={"content-type": "image/png"})
        again = client.post("/v1/assets", files={"file": ("a.png", picture, "image/png")})
        shown = client.get(f"/v1/assets/{first.json()['id']}").json()
        fetched = client.get(shown["content"])
    assert (first.status_code, first.json()["new"], again.status_code, again.json()["new"]) == (201, True, 200, False)
    assert first.json()["id"] == again.json()["id"]
    assert (shown["width"], shown["height"], shown["words"]["title"]) == (128, 96, "Mine")
    assert fetched.content == picture


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b""}, 400),
        ({"content": b"words", "headers": {"content-type": "image/png"}}, 400),
        ({"files": [("file", ("a.txt", b"words"))]}, 400),
        ({"files": [("a", ("a.png", b"x")), ("b", ("b.png", b"y"))]}, 400),
    ],
)
def test_a_file_that_is_none_is_told_and_nothing_is_recorded(
    gateway: Gateway, sent: dict[str, Any], status: int
) -> None:
    end = gateway.studio.log.reader.end()
    with gateway.client() as client:
        answer = client.post("/v1/assets", **sent)
    assert answer.status_code == status, answer.text
    assert gateway.studio.log.reader.end() == end


def test_whoever_has_a_link_reads_the_file_until_it_is_changed(gateway: Gateway, asset: str) -> None:
    with gateway.client() as client:
        link = client.post(f"/v1/assets/{asset}/link", json={"expires": 60}).json()["url"]
    with gateway.client("") as anybody:
        fetched = anybody.get(link)
        changed = anybody.get(link.replace("expires=", "expires=9"))
        nonsense = anybody.get(link.replace("expires=", "expires=soon"))
        without = anybody.get(f"/v1/assets/{asset}/content")
    assert (fetched.status_code, fetched.headers["content-type"]) == (200, "image/png")
    assert (changed.status_code, changed.json()["code"]) == (401, "unverified")
    assert nonsense.status_code == 400
    assert without.status_code == 401


def test_who_asks_for_addresses_gets_addresses_that_lead_to_the_pictures(gateway: Gateway) -> None:
    asked = {"model": "gpt-image-2", "prompt": "x", "quality": "low", "response_format": "url"}
    (one,) = gateway.openai().images.generate(**asked).data
    assert one.b64_json is None
    with gateway.client("") as anybody, Image.open(io.BytesIO(anybody.get(one.url).content)) as opened:
        assert opened.size == (1024, 1024)


def test_many_are_fetched_as_one_archive_that_tells_no_more_than_their_pages(gateway: Gateway, asset: str) -> None:
    with gateway.client() as client:
        packed = client.post("/v1/assets/archive", json={"names": {"front": asset}})
        shown, file = client.get(f"/v1/assets/{asset}").json(), client.get(f"/v1/assets/{asset}/content").content
    with ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.read("front.png") == file
        [entry] = json.loads(archive.read("manifest.json"))["assets"]
    assert packed.headers["content-type"] == "application/zip"
    assert entry.keys() - shown.keys() == {"path"}, "what is the operator's own is not in it"
    assert entry["path"] == "front.png"
    assert all(shown[name] == told for name, told in entry.items() if name != "path")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "assets"),
        ({"assets": ["5a" * 12], "names": {"a": "5a" * 12}}, "assets"),
        ({"names": {"../up": "5a" * 12}}, "names"),
        ({"assets": ["5a" * 12] * 1_001}, "assets"),
    ],
)
def test_an_archive_that_cannot_be_is_told_before_anything_is_sent(
    gateway: Gateway, asked: dict[str, Any], field: str
) -> None:
    with gateway.client() as client:
        told = client.post("/v1/assets/archive", json=asked)
    assert (told.status_code, told.headers["content-type"]) == (400, "application/problem+json")
    assert field in told.json()["detail"]


def test_an_archive_of_what_nobody_knows_is_not_begun(gateway: Gateway, asset: str) -> None:
    with gateway.client() as client:
        told = client.post("/v1/assets/archive", json={"assets": [asset, "5a" * 12]})
    assert (told.status_code, told.json()["code"]) == (404, "unknown_asset")
