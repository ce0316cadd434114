"""Thumbnails are drawn once, kept beside their file, in a folder and a bucket alike, and go when it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from application.ports import Media, Provider
from domain.errors import AssetDamaged, AssetMissing, InvalidInput, UnknownAsset
from imagestudio_workshop.provider import LocalProvider
from infrastructure.files.naming import thumbnail_name
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from tests.application.studios import Pause, is_sound, later, picture, studio_on
from tests.objects import Server

SIZE = (640, 480)


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as opened:
        yield await ready(opened)
        assert await is_sound(opened)


async def ready(studio: Studio) -> Studio:
    await studio.accounts.open("acme", plan="pro")
    await studio.accounts.allow("acme", "stand-in")
    return studio


async def brought(studio: Studio, content: bytes) -> str:
    """The asset that a request brings, of the quick kind."""
    result = await studio.operations.edit(content, "sepia", account="acme")
    places = await studio.library.of_operation("acme", result.operation)
    return next(link.asset for link in places if link.role == "input")


def beside(home: Path, content: bytes) -> Path:
    """The thumbnail of these bytes in a folder."""
    return home / "assets" / thumbnail_name("acme", sha256(content).hexdigest())


async def test_it_is_drawn_once_and_kept_beside_its_file(studio: Studio, tmp_path: Path) -> None:
    content = picture(*SIZE)
    asset = await brought(studio, content)
    first = await studio.library.thumbnail("acme", asset)
    assert (first.media_type, first.width, first.height) == ("image/webp", 320, 240)
    kept = beside(tmp_path, content)
    assert kept.read_bytes() == first.content
    other = picture(32, 24, "blue")
    kept.write_bytes(other)  # so that it shows whether the kept one is read
    assert (await studio.library.thumbnail("acme", asset)).content == other
    kept.write_bytes(b"no picture")
    assert (await studio.library.thumbnail("acme", asset)).content == kept.read_bytes() == first.content


async def test_it_goes_with_its_asset_and_no_sweep_takes_it_before(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        await ready(studio)
        gone, stays = picture(*SIZE), picture(480, 640)
        assets = [await brought(studio, gone), await brought(studio, stays)]
        for asset in assets:
            await studio.library.thumbnail("acme", asset)
        assert not (await studio.upkeep.sweep()).files
        assert beside(tmp_path, gone).exists()
        await studio.library.erase("acme", assets[0])
        assert not beside(tmp_path, gone).exists()
        beside(tmp_path, gone).write_bytes(b"left by a crash")
        assert [Path(one).name for one in (await studio.upkeep.sweep()).files] == [beside(tmp_path, gone).name]
        assert beside(tmp_path, stays).exists()
        with pytest.raises(AssetMissing, match="gone"):
            await studio.library.thumbnail("acme", assets[0])


async def test_erasing_an_operation_takes_the_thumbnails_of_its_files(studio: Studio, tmp_path: Path) -> None:
    content = picture(*SIZE)
    result = await studio.operations.edit(content, "sepia", account="acme")
    for link in await studio.library.of_operation("acme", result.operation):
        await studio.library.thumbnail("acme", link.asset)
    assert len(list((tmp_path / "assets").rglob("*.thumbnail.webp"))) == 2
    await studio.upkeep.erase(result.operation, account="acme")
    assert not list((tmp_path / "assets").rglob("*.thumbnail.webp"))


class Slow(LocalProvider):
    """Draws, and waits before it hands over."""

    def __init__(self, executor: Executor, pause: Pause) -> None:
        super().__init__(executor)
        self.pause = pause

    async def preview(self, file: Media, side: int) -> Media:
        drawn = await super().preview(file, side)
        await self.pause(0)
        return drawn


async def test_one_that_is_drawn_while_its_asset_is_erased_is_not_left(sqlite_url: str, tmp_path: Path) -> None:
    pause = Pause()
    with ThreadPoolExecutor(1) as pool:
        providers: dict[str, Provider] = {
            "scripted": ScriptedProvider(tmp_path / "scripted"),
            "local": Slow(pool, pause),
        }
        async with studio_on(sqlite_url, tmp_path, providers=providers) as studio:
            await studio.accounts.open("acme", plan="pro")
            made = await studio.operations.generate("a lake", account="acme", model="scripted-image")
            asset = made.assets[0].asset
            asked = asyncio.create_task(studio.library.thumbnail("acme", asset.id))
            await pause.until_reached()
            await studio.library.erase("acme", asset.id)
            pause.go_on.set()
            with pytest.raises(AssetMissing):
                await asked
    assert not list((tmp_path / "assets").rglob("*.webp"))


async def test_what_has_none_and_whom_nobody_draws_for_are_told(database_url: str, tmp_path: Path) -> None:
    only = {"scripted": ScriptedProvider(tmp_path / "scripted")}
    async with studio_on(database_url, tmp_path, providers=only) as studio:
        await studio.accounts.open("acme", plan="pro")
        made = (await studio.operations.generate("a lake", account="acme", model="scripted-image")).assets[0]
        with pytest.raises(InvalidInput, match="nothing on this machine draws any") as none:
            await studio.library.thumbnail("acme", made.asset.id)
        assert "image-studio[local]" in str(none.value.hint)
    async with studio_on(database_url, tmp_path) as studio:
        with pytest.raises(UnknownAsset):
            await studio.library.thumbnail("acme", "0" * 24)
        assert made.path is not None
        Path(made.path).write_bytes(picture(9, 9))
        with pytest.raises(AssetDamaged):
            await studio.library.thumbnail("acme", made.asset.id)


async def test_a_bucket_keeps_it_too_and_machines_share_it(swift: Server, database_url: str, tmp_path: Path) -> None:
    bucket = swift.bucket()
    settings: dict[str, Any] = swift.settings(bucket)
    content = picture(*SIZE)
    async with studio_on(database_url, tmp_path / "one", **settings) as studio:
        await ready(studio)
        asset = await brought(studio, content)
        drawn = await studio.library.thumbnail("acme", asset)
    name = f"files/{thumbnail_name('acme', sha256(content).hexdigest())}"
    assert swift.content(bucket, name) == drawn.content
    async with studio_on(database_url, tmp_path / "two", **settings) as studio:
        assert await studio.library.thumbnail("acme", asset) == drawn
        await studio.library.erase("acme", asset)
    assert not [one for one in swift.names(bucket) if sha256(content).hexdigest() in one]
