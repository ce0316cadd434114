"""The fake WaveSpeed answers as the real one is documented to, and misbehaves as it is told to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.media import read_media
from tests.wire.clients import EDIT, PICTURE, client_for, fetch, outputs, poll, submit
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.desk import inline_uri
from tests.wire.fake.files import OVERSIZED
from tests.wire.fake.prices import models
from tests.wire.fake.server import Fake, serving

WEEK = 7 * 86_400
MEDIA = {
    "image": media.image(),
    "video": media.mp4(7),
    "audio": media.wav(7),
}


@pytest.fixture
def client(fake: Fake) -> Iterator[httpx.Client]:
    with client_for(fake, "wavespeed", "/api/v3") as client:
        yield client


def test_a_job_is_created_then_processing_then_completed_and_its_output_is_a_picture(
    fake: Fake, client: httpx.Client
) -> None:
    fake.next("wavespeed", Behaviour(polls=1))
    created = client.post(f"/{PICTURE}", json={"prompt": "a pond", "size": "96*48"}).json()
    assert (created["code"], created["message"], created["data"]["status"]) == (200, "success", "created")
    assert client.get(created["data"]["urls"]["get"]).json()["data"]["status"] == "processing"
    assert poll(client, created["data"]["id"])["status"] == "completed"
    (file,) = outputs(client, created["data"]["id"])
    read = read_media(file.content, field="output", max_bytes=10**6, max_pixels=10**6)
    assert (read.media_type, read.width, read.height) == ("image/png", 96, 48)
    (job,) = fake.jobs("wavespeed")
    assert (job.id, job.price, job.inputs["prompt"]) == (created["data"]["id"], "0.05", "a pond")


def needed(path: str) -> dict[str, Any]:
    """The least inputs that a model takes."""
    values = {}
    for name in models()[path].needs:
        kind = next((kind for kind in MEDIA if kind in name), "")
        value = inline_uri(MEDIA[kind]) if kind else "en"
        values[name] = [value] if name.endswith("s") or name in ("source_image", "target_image") else value
    return values


def test_every_model_makes_what_it_is_for_of_the_least_it_needs(fake: Fake, client: httpx.Client) -> None:
    types = {"image": "image/png", "video": "video/mp4", "model": "model/gltf-binary"}
    for path, model in models().items():
        shown = poll(client, submit(client, path, **needed(path)))
        if model.makes == "text":
            assert shown["outputs"][0].startswith("A picture")
        else:
            content = fetch(shown["outputs"][0]).content
            assert read_media(content, field=path, max_bytes=10**6, max_pixels=10**7).media_type == types[model.makes]
    assert [job.path for job in fake.jobs()] == [*models()]


@pytest.mark.parametrize(
    ("path", "inputs", "status", "words"),
    [
        ("acme/unheard-of", {"prompt": "a pond"}, 404, "model not found"),
        (EDIT, {"prompt": "a pond"}, 400, "property 'image' is missing"),
        (EDIT, {"prompt": "a pond", "image": "pond.png"}, 400, "image must be a URL or a data URI"),
        (EDIT, {"prompt": "a pond", "image": inline_uri(media.wav(1))}, 400, "image is not a supported image"),
        (EDIT, {"prompt": "a pond", "image": inline_uri(media.image() + bytes(11 * 2**20))}, 400, "image is too large"),
        ("heygen/video-translate", {"video": inline_uri(media.image()), "output_language": "fr"}, 400, "video is not"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_makes_no_job(
    fake: Fake, client: httpx.Client, path: str, inputs: dict[str, str], status: int, words: str
) -> None:
    reply = client.post(f"/{path}", json=inputs)
    assert (reply.status_code, reply.json()["code"]) == (status, status)
    assert words in reply.json()["message"]
    assert fake.jobs() == []
    assert [(one.path, one.status, one.job) for one in fake.submissions()] == [(path, status, None)]


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_a_body_that_is_no_object_is_refused(client: httpx.Client, body: bytes) -> None:
    assert client.post(f"/{PICTURE}", content=body).status_code == 400


def test_another_key_is_refused_everywhere(fake: Fake, client: httpx.Client) -> None:
    id = submit(client)
    fake.revoke("wavespeed", "another")
    for path in (f"predictions/{id}/result", "webhook/secret", "balance"):
        assert client.get(f"/{path}").status_code == 401
    for path in (PICTURE, "predictions", "media/uploads", "model/price", "billings/search"):
        assert client.post(f"/{path}", json={"prompt": "a pond"}).status_code == 401


def test_a_submission_is_kept_without_its_files_and_without_the_key(fake: Fake, client: httpx.Client) -> None:
    content = media.image(seed=3)
    submit(client, EDIT, image=inline_uri(content))
    (kept,) = fake.submissions("wavespeed")
    digest = hashlib.sha256(content).hexdigest()
    assert kept.inputs == {
        "prompt": "a pond",
        "image": {"sha256": digest, "bytes": len(content), "media_type": "image/png"},
    }
    assert kept.headers["content-type"] == "application/json"
    assert fake.key("wavespeed") not in str(kept)
    assert fake.submissions("openai") == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_storm_makes_no_jobs_and_passes(fake: Fake, client: httpx.Client, status: int) -> None:
    fake.next("wavespeed", Behaviour(status=status, retry_after="2"), times=2)
    for _ in range(2):
        reply = client.post(f"/{PICTURE}", json={"prompt": "a pond"})
        assert (reply.status_code, reply.headers["retry-after"]) == (status, "2")
    assert fake.jobs() == []
    submit(client)
    assert [one.status for one in fake.submissions()] == [status, status, 200]


def test_an_error_may_hide_a_job(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(status=502, accepted=True))
    assert client.post(f"/{PICTURE}", json={"prompt": "a pond"}).status_code == 502
    (job,) = fake.jobs()
    assert poll(client, job.id)["status"] == "completed"


@pytest.mark.parametrize(("lost", "error"), [("drop", "disconnected"), ("truncate", "complete message body")])
def test_an_answer_may_be_lost_though_the_job_is_made(fake: Fake, client: httpx.Client, lost: str, error: str) -> None:
    fake.next("wavespeed", Behaviour.read({**Behaviour().stored(), "lost": lost}))
    with pytest.raises(httpx.RemoteProtocolError, match=error):
        client.post(f"/{PICTURE}", json={"prompt": "a pond"})
    assert len(fake.jobs()) == 1


def test_an_answer_may_be_held_back_until_it_is_released(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(held=True))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(submit, client)
        (job,) = fake.wait_for(fake.jobs)
        assert not waiting.done()
        fake.release()
        assert waiting.result() == job.id


def test_a_fake_that_stops_drops_what_it_holds_back(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with serving(tmp_path) as fake, client_for(fake, "wavespeed", "/api/v3") as client:
            fake.next("wavespeed", Behaviour(held=True))
            waiting = pool.submit(submit, client)
            fake.wait_for(fake.submissions)
        assert isinstance(waiting.exception(), httpx.TransportError)


def test_all_submissions_may_follow_one_script_until_it_is_taken_back(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(status=500), times=None)
    for _ in range(3):
        assert client.post(f"/{PICTURE}", json={"prompt": "a pond"}).status_code == 500
    fake.heal()
    submit(client)


@pytest.mark.parametrize("ending", ["failed", "cancelled", "timeout", "deleted"])
def test_a_job_may_end_without_outputs(fake: Fake, client: httpx.Client, ending: str) -> None:
    fake.next("wavespeed", Behaviour.read({**Behaviour(error="no").stored(), "ending": ending}))
    shown = poll(client, submit(client))
    assert (shown["status"], shown["outputs"], shown["error"]) == (ending, [], "no")


def test_the_content_filter_refuses_before_or_spoils_after(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(filtered="refused"))
    assert client.post(f"/{PICTURE}", json={"prompt": "a pond"}).status_code == 400
    assert fake.jobs() == []
    fake.next("wavespeed", Behaviour(filtered="result"))
    shown = poll(client, submit(client))
    assert (shown["status"], shown["has_nsfw_contents"]) == ("failed", [True])


def test_a_job_that_never_ends_may_be_given_an_end(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(ending="never"))
    id = submit(client)
    assert [poll(client, id)["status"] for _ in range(3)] == ["processing"] * 3
    fake.change(id, Behaviour(ending="succeeded", shape="field"))
    shown = poll(client, id)
    assert (shown["status"], len(shown["output"])) == ("succeeded", 1)


def test_polls_may_fail_before_they_count(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(polls=1, poll_failures=(503, 429)))
    id = submit(client)
    assert [client.get(f"/predictions/{id}").status_code for _ in range(2)] == [503, 429]
    assert [poll(client, id)["status"] for _ in range(2)] == ["processing", "completed"]


def test_a_reply_may_come_without_its_envelope(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(bare=True))
    created = client.post(f"/{PICTURE}", json={"prompt": "a pond"}).json()
    assert client.get(f"/predictions/{created['id']}/result").json()["status"] == "completed"


@pytest.mark.parametrize("shape", ["url", "image_url", "video_url", "output"])
def test_an_output_may_be_an_object(fake: Fake, client: httpx.Client, shape: str) -> None:
    fake.next("wavespeed", Behaviour.read({**Behaviour().stored(), "shape": shape}))
    (output,) = poll(client, submit(client))["outputs"]
    assert fetch(output[shape]).status_code == 200


def test_there_may_be_more_outputs_or_none(fake: Fake, client: httpx.Client) -> None:
    assert len(outputs(client, submit(client, num_images=3))) == 3
    fake.next("wavespeed", Behaviour(outputs=0))
    assert outputs(client, submit(client)) == []


def test_a_text_may_be_in_a_file(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(texts="file"))
    (file,) = outputs(client, submit(client, "wavespeed-ai/image-captioner", image=inline_uri(media.image())))
    assert (file.headers["content-type"], file.text[:9]) == ("text/plain; charset=utf-8", "A picture")


def test_outputs_and_jobs_are_gone_after_a_week(fake: Fake, client: httpx.Client) -> None:
    id = submit(client)
    (url,) = poll(client, id)["outputs"]
    fake.advance(WEEK - 60)
    assert fetch(url).status_code == 200
    fake.advance(120)
    assert fetch(url).status_code == 404
    assert client.get(f"/predictions/{id}/result").status_code == 404


@pytest.mark.parametrize(
    ("files", "status", "size"), [("missing", 404, None), ("forbidden", 403, None), ("empty", 200, 0)]
)
def test_an_output_may_not_be_there(
    fake: Fake, client: httpx.Client, files: str, status: int, size: int | None
) -> None:
    fake.next("wavespeed", Behaviour.read({**Behaviour().stored(), "files": files}))
    (file,) = outputs(client, submit(client))
    assert file.status_code == status
    assert size is None or len(file.content) == size


@pytest.mark.parametrize("files", ["truncated", "overlong"])
def test_an_output_may_end_too_early(fake: Fake, client: httpx.Client, files: str) -> None:
    fake.next("wavespeed", Behaviour.read({**Behaviour().stored(), "files": files}))
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        outputs(client, submit(client))


def test_an_output_may_be_a_page_or_larger_than_it_says(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(files="not media"))
    assert outputs(client, submit(client))[0].headers["content-type"].startswith("text/html")
    fake.next("wavespeed", Behaviour(files="oversized"))
    (url,) = poll(client, submit(client))["outputs"]
    with httpx.stream("GET", url) as reply:
        assert "content-length" not in reply.headers
        assert sum(len(chunk) for chunk in reply.iter_bytes()) == OVERSIZED


def test_an_output_may_fail_at_first_and_counts_who_asks(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed", Behaviour(file_failures=(503, 500)))
    id = submit(client)
    assert [outputs(client, id)[0].status_code for _ in range(3)] == [503, 500, 200]
    assert fake.fetches(fake.job(id).outputs[0]) == 3


def test_the_store_of_files_takes_no_key(fake: Fake, client: httpx.Client) -> None:
    (url,) = poll(client, submit(client))["outputs"]
    assert client.get(url).status_code == 400


def test_a_job_can_be_found_in_the_list_by_model_status_time_and_inputs(fake: Fake, client: httpx.Client) -> None:
    early = submit(client)
    fake.advance(3_600)
    fake.next("wavespeed", Behaviour(polls=9))
    late = submit(client, EDIT, image=inline_uri(media.image()))
    created = poll(client, late)["created_at"]

    def found(**filters: object) -> list[str]:
        items = client.post("/predictions", json={"page": 1, "page_size": 100, **filters}).json()["data"]["items"]
        return [item["id"] for item in items]

    assert found() == [late, early]
    assert found(model=EDIT) == found(status="processing") == found(created_after=created) == [late]
    assert found(status="completed") == [early]
    assert found(created_before=created, page=2, page_size=1) == [early]
    listed = {"page": 1, "page_size": 1, "include_inputs": True}
    (item,) = client.post("/predictions", json=listed).json()["data"]["items"]
    assert item["input"]["prompt"] == "a pond"
    assert item["input"]["image"].startswith(f"{fake.url}/files/input-")
    assert client.post("/predictions", json={"page": 0, "page_size": 500}).status_code == 400


def test_an_upload_must_be_as_long_as_it_was_announced(fake: Fake, client: httpx.Client) -> None:
    ticket = client.post("/media/uploads", json={"filename": "pond.png", "size": 4}).json()["data"]
    assert fetch(ticket["download_url"]).status_code == 404
    with httpx.Client(verify=False) as anybody:
        put = [anybody.put(ticket["upload"]["url"], content=one).status_code for one in (b"12345", b"1234", b"4321")]
    assert put == [400, 200, 403]
    assert fetch(ticket["download_url"]).content == b"1234"
    assert client.post("/media/uploads", json={"filename": "pond.png", "size": 2**30}).status_code == 400


def test_other_requests_follow_their_own_scripts(fake: Fake, client: httpx.Client) -> None:
    fake.next("wavespeed.balance", Behaviour(status=503))
    fake.next("wavespeed.predictions", Behaviour(lost="drop"))
    assert client.get("/balance").status_code == 503
    assert client.get("/balance").status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/predictions", json={"page": 1, "page_size": 1})
