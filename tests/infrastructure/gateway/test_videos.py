"""Films in OpenAI's shape, created, polled, listed, fetched and deleted by OpenAI's own client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.infrastructure.gateway.gateways import Gateway
from tests.wire.fake import media
from tests.wire.fake.server import Fake

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
FIRST = ("a.png", media.image(512, 512), "image/png")


@pytest.fixture
def client(gateway: Gateway) -> Any:
    return gateway.openai()


def made(client: Any, **fields: Any) -> Any:
    """A film that is done."""
    asked: dict[str, Any] = {"prompt": "a lake", "model": "wan-2.6-t2v", "seconds": "5", **fields}
    film = client.videos.create_and_poll(**asked, poll_interval_ms=100)
    assert film.status == "completed", film
    return film


def test_a_film_is_made_told_and_charged(client: Any) -> None:
    film = made(client, size="1280x720")
    assert (film.seconds, film.size, film.prompt, film.progress) == ("5", "1280x720", "a lake", 100)
    assert (film.error, film.usage["cost"], film.usage["cost_source"]) == (None, "0.50", "quoted")
    assert film.completed_at >= film.created_at
    assert film.unsigned_urls == [f"/v1/videos/{film.id}/content"]


def test_a_film_begins_with_a_picture(client: Any, fake: Fake) -> None:
    made(client, input_reference=FIRST, model="wan-2.6-i2v")
    assert "image-to-video" in fake.submissions("wavespeed")[-1].path


def test_openrouters_words_make_the_same_film(gateway: Gateway) -> None:
    asked = {"prompt": "a lake", "model": "wan-2.6-t2v", "duration": 5, "resolution": "720p", "aspect_ratio": "16:9"}
    with gateway.client() as plain:
        film = plain.post("/v1/videos", json=asked).json()
        assert plain.get(film["polling_url"]).json()["id"] == film["id"]
    assert film["status"] in ("queued", "in_progress", "completed")


def test_films_are_listed_the_newest_first_after_an_id(client: Any, gateway: Gateway) -> None:
    films = [made(client, extra_body={"metadata": {"number": str(one)}}).id for one in range(3)][::-1]
    gateway.openai().images.generate(model="gpt-image-2", prompt="no film", quality="low")
    page = client.videos.list(limit=2)
    assert ([one.id for one in page.data], page.has_more) == (films[:2], True)
    assert [one.metadata for one in page.data] == [{"number": "2"}, {"number": "1"}]
    assert client.videos.retrieve(films[2]).metadata == {"number": "0"}
    assert client.videos.list(limit=1, after=films[1]).data[0].id == films[2]


def test_the_film_is_fetched_whole_in_part_or_not_again(client: Any, gateway: Gateway) -> None:
    film = made(client)
    where, whole = f"/v1/videos/{film.id}/content", client.videos.download_content(film.id).read()
    with gateway.client() as plain:
        first = plain.get(where)
        part = plain.get(where, headers={"range": "bytes=4-9"})
        end = plain.get(where, headers={"range": "bytes=-3"})
        beyond = plain.get(where, headers={"range": f"bytes={len(whole)}-"})
        known = plain.get(where, headers={"if-none-match": first.headers["etag"]})
    assert first.content == whole
    assert first.headers["content-type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, whole[4:10])
    assert (end.status_code, end.content) == (206, whole[-3:])
    assert beyond.status_code == 416
    assert (known.status_code, known.content) == (304, b"")


def test_a_film_that_is_deleted_is_gone_and_its_price_stays(client: Any, gateway: Gateway) -> None:
    film = made(client)
    assert client.videos.delete(film.id).deleted
    with gateway.client() as plain:
        gone = plain.get(f"/v1/videos/{film.id}/content")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "asset_missing")
    assert client.videos.retrieve(film.id).usage["cost"] == "0.50"


def test_a_picture_is_no_film(gateway: Gateway) -> None:
    with gateway.client() as plain:
        drawn = plain.post("/v1/images/generations", json={"model": "gpt-image-2", "prompt": "x", "quality": "low"})
        answers = [plain.get(f"/v1/videos/{drawn.headers['x-imagestudio-operation']}"), plain.get("/v1/videos/none")]
    assert [one.json()["error"]["code"] for one in answers] == ["unknown_operation"] * 2


def test_two_pictures_are_too_many(gateway: Gateway) -> None:
    address = "https://pictures.example/a.png"
    with gateway.client() as plain:
        answer: httpx.Response = plain.post("/v1/videos", json={"prompt": "x", "frame_images": [address, address]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input_reference")
