"""A repeat that names files by their address is answered by its key: nothing is fetched, and nothing need be there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from application.asking.preparing import fingerprint_before_fetching
from application.asking.requests import File, Request
from domain.errors import InvalidInput, KeyReused
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from tests.application.studios import Pause, count, facts_of, picture, studio_on, submissions
from tests.infrastructure.sites import Site, answer, running_site

PICTURE = picture(16, 8)
GONE = answer(status=404)
KEY = "order-17"

TWO_FILES = """
currency = "USD"
[[model]]
id = "scripted-swap"
provider = "scripted"
route = "edit"
kinds = ["face-swap"]
outputs = ["image/png"]
unit = "image"
auto = false
prices = [{ rate = "0.04" }]
inputs.image = { type = "image", required = true }
inputs.face = { type = "image", required = true }
"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        yield site


@pytest.fixture
async def studio(database_url: str, tmp_path: Path, site: Site) -> AsyncIterator[Studio]:
    async with studio_near(site, database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        yield studio


def studio_near(site: Site, url: str, home: Path, pause: Pause | None = None) -> AbstractAsyncContextManager[Studio]:
    """A studio that may fetch from the site."""
    overlay = home / "overlay.toml"
    overlay.write_text(TWO_FILES)
    providers = pause.providers(home) if pause else None
    return studio_on(url, home, own_origins=(site.origin,), catalogues=(overlay,), providers=providers)


def ask(image: File, prompt: str = "sepia", key: str | None = KEY, **inputs: Any) -> Request:
    wanted = {"prompt": prompt, **inputs}
    return Request("image-edit", "acme", wanted, {"image": [image]}, "ann", model="scripted-edit", key=key)


def swap(image: File, face: File) -> Request:
    return Request("face-swap", "acme", {}, {"image": [image], "face": [face]}, model="scripted-swap", key=KEY)


async def test_a_repeat_is_answered_although_the_address_is_dead(studio: Studio, site: Site, tmp_path: Path) -> None:
    url = site.put("/a.png", answer(PICTURE), GONE)
    first = await studio.operations.run(ask(url))
    length = studio.log.reader.end()
    again = await studio.operations.run(ask(url))
    assert (again.operation, again.repeated, again.price) == (first.operation, True, first.price)
    assert [one.content for one in again.assets] == [one.content for one in first.assets]
    assert studio.log.reader.end() == length
    assert len(submissions(tmp_path)) == 1
    assert site.asked == ["/a.png"]


async def test_a_repeat_is_answered_although_something_else_is_at_the_address(studio: Studio, site: Site) -> None:
    url = site.put("/a.png", answer(PICTURE), answer(picture(color="blue")))
    first = await studio.operations.run(ask(url))
    assert (await studio.operations.run(ask(url))).operation == first.operation
    assert len(site.asked) == 1


async def test_a_repeat_that_does_not_wait_is_answered_too(studio: Studio, site: Site) -> None:
    url = site.put("/a.png", answer(PICTURE), GONE)
    first = await studio.operations.submit(ask(url))
    again = await studio.operations.submit(ask(url))
    assert (again.operation, again.operations, again.repeated) == (first.operation, first.operations, True)
    assert (await studio.operations.wait(first.operation, account="acme")).status == "charged"
    assert len(site.asked) == 1


async def test_a_repeat_in_flight_waits_for_the_first(database_url: str, tmp_path: Path, site: Site) -> None:
    pause = Pause()
    async with studio_near(site, database_url, tmp_path, pause) as studio:
        await studio.accounts.open("acme", plan="pro")
        wanted = ask(site.put("/a.png", answer(PICTURE), GONE), delay_ms=1)
        first = asyncio.create_task(studio.operations.run(wanted))
        await pause.until_reached()
        again = asyncio.create_task(studio.operations.run(wanted))
        submission = await studio.operations.submit(wanted)
        pause.go_on.set()
        assert {(await one).operation for one in (first, again)} == {submission.operation}
        assert count(facts_of(studio), Charged) == 1
    assert len(site.asked) == 1


async def test_many_at_once_that_all_come_before_the_key_are_one(studio: Studio, site: Site, tmp_path: Path) -> None:
    """They all look too early; under the account's lock the key answers all but one."""
    wanted = ask(site.put("/a.png", answer(PICTURE)))
    results = await asyncio.gather(*(studio.operations.run(wanted) for _ in range(8)))
    assert len({one.operation for one in results}) == 1
    assert sorted(one.repeated for one in results) == [False] + [True] * 7
    assert len(submissions(tmp_path)) == 1


async def test_files_beside_the_address_are_compared_by_what_is_in_them(
    studio: Studio, site: Site, tmp_path: Path
) -> None:
    url = site.put("/a.png", answer(PICTURE), GONE)
    face = tmp_path / "face.png"
    face.write_bytes(picture(color="green"))
    first = await studio.operations.run(swap(url, face))
    assert (await studio.operations.run(swap(url, face))).operation == first.operation
    assert (await studio.operations.run(swap(url, picture(color="green")))).operation == first.operation
    face.write_bytes(picture(color="blue"))
    site.put("/a.png", answer(PICTURE))
    with pytest.raises(KeyReused, match=first.operation):
        await studio.operations.run(swap(url, face))


async def test_a_path_is_no_stable_name_and_its_file_is_needed_again(studio: Studio, tmp_path: Path) -> None:
    """What was there is all that tells a repeat from another request."""
    path = tmp_path / "a.png"
    path.write_bytes(PICTURE)
    first = await studio.operations.run(ask(path))
    assert (await studio.operations.run(ask(path))).operation == first.operation
    assert (await studio.operations.run(ask(PICTURE))).operation == first.operation
    path.unlink()
    with pytest.raises(InvalidInput, match="cannot be read"):
        await studio.operations.run(ask(path))


@pytest.mark.parametrize("other", ["prompt", "address", "as bytes"])
async def test_another_request_under_the_key_is_refused_and_nothing_is_written(
    studio: Studio, site: Site, other: str
) -> None:
    """The same content at another address is another request, as it always was."""
    url, mirror = site.put("/a.png", answer(PICTURE)), site.put("/b.png", answer(PICTURE))
    first = await studio.operations.run(ask(url))
    length = studio.log.reader.end()
    asked = {"prompt": ask(url, prompt="grey"), "address": ask(mirror), "as bytes": ask(PICTURE)}[other]
    with pytest.raises(KeyReused, match=first.operation):
        await studio.operations.run(asked)
    assert studio.log.reader.end() == length


async def test_another_request_is_told_from_the_first_although_its_address_is_dead(studio: Studio, site: Site) -> None:
    first = await studio.operations.run(ask(site.put("/a.png", answer(PICTURE))))
    with pytest.raises(KeyReused, match=first.operation):
        await studio.operations.run(ask(site.put("/b.png", GONE)))


async def test_a_key_whose_content_was_erased_answers_without_the_address(studio: Studio, site: Site) -> None:
    url = site.put("/a.png", answer(PICTURE), GONE)
    first = await studio.operations.submit(ask(url))
    await studio.operations.wait(first.operation, account="acme")
    await studio.upkeep.erase(first.operation, account="acme")
    assert (await studio.operations.submit(ask(url))).operation == first.operation
    assert len(site.asked) == 1


async def test_another_account_s_key_answers_nobody_else(studio: Studio, site: Site) -> None:
    await studio.accounts.open("beta", plan="pro")
    url = site.put("/a.png", answer(PICTURE))
    first = await studio.operations.upscale(url, account="acme", key=KEY)
    other = await studio.operations.upscale(url, account="beta", key=KEY)
    assert (other.repeated, other.operation != first.operation) == (False, True)


@pytest.mark.parametrize("inputs", [{"seed": 0.5}, {"seed": object()}, {"seed": {1, 2}}, {"prompt": "\ud800"}])
async def test_what_could_never_be_recorded_is_refused_as_ever(
    studio: Studio, site: Site, inputs: dict[str, Any]
) -> None:
    url = site.put("/a.png", answer(PICTURE))
    with pytest.raises(InvalidInput):
        await studio.operations.run(ask(url, **inputs))
    assert count(facts_of(studio), Requested) == 0


async def test_a_key_that_is_none_is_refused_before_it_is_looked_up(studio: Studio, site: Site) -> None:
    with pytest.raises(InvalidInput, match="key: "):
        await studio.operations.run(ask(site.put("/a.png", answer(PICTURE)), key="a\0b"))
    assert site.asked == []


async def test_without_a_key_the_address_is_fetched_each_time(studio: Studio, site: Site) -> None:
    url = site.put("/a.png", answer(PICTURE))
    first, second = [await studio.operations.run(ask(url, key=None)) for _ in range(2)]
    assert first.operation != second.operation
    assert len(site.asked) == 2


async def test_keys_that_were_recorded_before_are_recognised() -> None:
    """The fingerprint that is stored with a key, as it has been since files may be given by their address."""
    wanted = Request(
        "image-edit",
        "acme",
        {"prompt": "sepia", "seed": 7},
        {"image": ["https://files.test/a.png"], "mask": [b"mask"]},
        "ann",
        "p",
        "best",
        2,
        KEY,
    )
    recorded = "db122b472f379efcc248d0d663fe709c941387e27b950c156d10d1715b1bf4d4"
    assert await fingerprint_before_fetching(wanted) == recorded
