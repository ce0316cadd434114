"""A file may be given by its address: it is fetched as guarded as any, before anything is held or recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from application.asking.requests import Request
from domain.errors import InvalidInput, InvalidRequest, OperationPending
from domain.operation import Requested
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, later, picture, studio_on
from tests.infrastructure.sites import Script, Site, answer, moved, running_site, silent

PICTURE = picture(16, 8)
EDIT = "scripted-edit"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        yield site


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path, site: Site) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path, own_origins=(site.origin,), largest_file=10_000) as studio:
        await studio.accounts.open("acme", plan="pro")
        yield studio


async def test_a_picture_is_edited_by_its_address(studio: Studio, site: Site) -> None:
    result = await studio.operations.edit(
        site.put("/a.png?key=1", answer(PICTURE)), "sepia", account="acme", allow="stand-in"
    )
    [output] = result.assets
    assert (result.status, output.asset.width, output.asset.height) == ("charged", 16, 8)
    assert site.asked == ["/a.png?key=1"]


async def test_nothing_is_fetched_for_a_model_that_cannot_be_used_here(studio: Studio, site: Site) -> None:
    url = site.put("/a.png", answer(PICTURE))
    for model in ("image-face-swap", "no-such-model", "local-canvas"):
        with pytest.raises(InvalidRequest):
            await studio.operations.run(Request("face-swap", "acme", {}, {"image": [url]}, model=model))
    assert site.asked == []


async def test_a_caller_s_address_does_not_lead_into_an_api_s_private_network(
    sqlite_url: str, tmp_path: Path, site: Site
) -> None:
    url = site.put("/admin.png", answer(PICTURE))
    async with studio_on(sqlite_url, tmp_path, wavespeed_url=f"{site.origin}/api/v3") as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(InvalidInput, match="cannot be fetched"):
            await studio.operations.edit(url, "sepia", account="acme", allow="stand-in")
    assert site.asked == []


async def test_a_picture_that_was_moved_is_found(studio: Studio, site: Site) -> None:
    site.put("/b.png", answer(PICTURE))
    result = await studio.operations.upscale(site.put("/a.png", moved("/b.png")), account="acme")
    assert result.assets[0].asset.width == 32


async def test_what_was_fetched_is_kept_for_recovery_and_not_fetched_again(
    sqlite_url: str, tmp_path: Path, site: Site
) -> None:
    url = site.put("/a.png", answer(PICTURE), answer(status=404))
    wanted = Request("image-edit", "acme", {"prompt": "x", "outcome": "timeout"}, {"image": [url]}, model=EDIT)
    async with studio_on(sqlite_url, tmp_path, own_origins=(site.origin,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending):
            await studio.operations.run(wanted)
    async with studio_on(sqlite_url, tmp_path, clock=later()) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]
    assert len(site.asked) == 1


async def test_an_estimate_looks_at_the_file_and_keeps_nothing(studio: Studio, site: Site, tmp_path: Path) -> None:
    url = site.put("/a.png", answer(PICTURE))
    estimate = await studio.operations.estimate(Request("upscale", "acme", media={"image": [url]}))
    assert estimate.refused is None
    assert not list(tmp_path.rglob("*.png"))


REFUSED: dict[str, tuple[bytes | Script, str]] = {
    "not there": (answer(status=404), "cannot be fetched: 127.0.0.1 answers 404"),
    "a broken server": (answer(status=500), "cannot be fetched: 127.0.0.1 answers 500"),
    "cut short": (answer(PICTURE[:50], length=len(PICTURE)), "cannot be fetched: the connection failed"),
    "too large": (silent(answer(length=10_001)), "cannot be fetched: it has 10001 bytes; at most 10000 are accepted"),
    "moved inside": (moved("http://169.254.169.254/"), "169.254.169.254 is not on the public internet"),
    "no picture": (answer(b"<html>hello</html>"), "is no image"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_file_that_cannot_be_had_is_refused_before_anything_is_recorded(
    studio: Studio, site: Site, case: str
) -> None:
    page, why = REFUSED[case]
    before = facts_of(studio)
    with pytest.raises(InvalidInput, match=why) as caught:
        await studio.operations.upscale(site.put("/a.png?key=secret", page), account="acme")
    assert caught.value.field == "image"
    assert caught.value.hint
    assert "secret" not in f"{caught.value}{caught.value.hint}"
    assert facts_of(studio) == before


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/a.png",
        "http://127.0.0.1/a.png",
        "http://[::1]/a.png",
        "http://169.254.169.254/latest/meta-data",
    ]
    + ["http://2130706433/", "https://ann:pw@files.test/a.png", "http://127.0.0.1:22/a.png"],
)
async def test_a_file_inside_is_refused(studio: Studio, url: str) -> None:
    with pytest.raises(InvalidInput, match="image: cannot be fetched") as caught:
        await studio.operations.upscale(url, account="acme")
    assert caught.value.hint == "send the file itself"


@pytest.mark.parametrize("text", ["a.png", "/etc/passwd", "file:///etc/passwd", "ftp://files.test/a.png"])
async def test_text_that_is_no_address_is_refused(studio: Studio, text: str) -> None:
    with pytest.raises(InvalidInput, match="is neither an http or https address nor asset:ID"):
        await studio.operations.upscale(text, account="acme")


async def test_the_same_address_under_the_same_key_is_the_same_request(studio: Studio, site: Site) -> None:
    url = site.put("/a.png", answer(PICTURE))
    first, again = [
        await studio.operations.run(Request("upscale", "acme", media={"image": [url]}, key="k")) for _ in range(2)
    ]
    assert (again.operation, again.repeated) == (first.operation, True)
    assert count(facts_of(studio), Requested) == 1
