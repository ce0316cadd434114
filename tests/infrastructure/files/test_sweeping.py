"""A sweep of a bucket: what is old and needed by nobody is put aside, and deleted once it is not asked for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from application.ports import Media
from domain.errors import AssetMissing
from infrastructure.clock import SECOND, now
from infrastructure.files.naming import account_folder
from infrastructure.files.shelf import Shelf
from infrastructure.files.where import place_of
from infrastructure.media import look_at
from infrastructure.settings import Settings
from tests.infrastructure.folders import keeping
from tests.objects import Server, running_swift, server_home

ACME = "acme"
PICTURE = Media(b"\x89PNG of a kind", "image/png", 20, 10, 40)
OTHER = Media(b"other bytes", "video/mp4")
LOOK = partial(look_at, max_bytes=10**8, max_pixels=10**8)
LATER = {"grace_seconds": -60, "now": 0}
"""As if every grace had been over for a minute."""


@pytest.fixture(params=["swift", "rclone"])
def shelf(request: pytest.FixtureRequest) -> Iterator[Shelf]:
    server: Server = request.getfixturevalue(request.param)
    with ThreadPoolExecutor(2) as pool:
        place = place_of(Settings(**server.settings(server.bucket())))  # type: ignore[arg-type]
        yield Shelf(place, pool, LOOK)


async def test_only_what_nobody_needs_is_swept_and_is_deleted_by_the_next_sweep(shelf: Shelf) -> None:
    kept, orphan = await shelf.save(ACME, PICTURE), await shelf.save(ACME, OTHER)
    found = await shelf.find_unneeded(keeping(kept.digest), **LATER)
    assert [name.rpartition("/")[2] for name in found.files] == [f"{orphan.digest}.mp4"]
    assert (await shelf.sweep(found, **LATER)).files == found.files
    assert await shelf.load(ACME, kept) == PICTURE
    aside = await shelf.find_unneeded(keeping(kept.digest), **LATER)
    assert aside.files == (f"{account_folder(ACME)}/dropped/{orphan.digest}.mp4",)
    await shelf.sweep(aside, **LATER)
    with pytest.raises(AssetMissing):
        await shelf.load(ACME, orphan)
    assert (await shelf.find_unneeded(keeping(kept.digest), **LATER)).files == ()


async def test_what_comes_into_use_while_it_is_dropped_is_still_read_and_stays(shelf: Shelf) -> None:
    asset = await shelf.save(ACME, PICTURE)
    await shelf.sweep(await shelf.find_unneeded(keeping(), **LATER), **LATER)
    assert await shelf.load(ACME, asset) == PICTURE
    assert await shelf.exists(ACME, asset)
    assert (await shelf.find_unneeded(keeping(asset.digest), **LATER)).files == ()


async def test_what_was_written_again_since_it_was_found_is_not_dropped(shelf: Shelf) -> None:
    asset = await shelf.save(ACME, PICTURE)
    found = await shelf.find_unneeded(keeping(), **LATER)
    swept = await shelf.sweep(found, grace_seconds=60, now=0)
    assert (swept.files, await shelf.load(ACME, asset)) == ((), PICTURE)


async def test_an_erased_file_is_not_read_from_aside(shelf: Shelf) -> None:
    asset = await shelf.save(ACME, PICTURE)
    await shelf.sweep(await shelf.find_unneeded(keeping(), **LATER), **LATER)
    assert await shelf.erase(ACME, asset.digest)
    with pytest.raises(AssetMissing):
        await shelf.load(ACME, asset)


@pytest.mark.parametrize("ahead", [-240, 240])
async def test_a_store_whose_clock_differs_is_swept_by_its_own(ahead: int) -> None:
    with server_home() as home, running_swift(home, ahead=ahead) as server, ThreadPoolExecutor(2) as pool:
        shelf = Shelf(place_of(Settings(**server.settings(server.bucket()))), pool, LOOK)  # type: ignore[arg-type]
        await shelf.save(ACME, PICTURE)
        ours = now()
        assert (await shelf.find_unneeded(keeping(), grace_seconds=120, now=ours)).files == ()
        found = await shelf.find_unneeded(keeping(), grace_seconds=-120, now=ours)
        assert abs(found.newest - ours) < 120 * SECOND
