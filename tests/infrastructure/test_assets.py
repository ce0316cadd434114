"""What was saved is on the disk, whole, once, in its account's own folder; only leftovers are ever swept."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports import Asset, AssetStore, Media
from domain.errors import AssetDamaged, AssetMissing, InvalidInput, StoreUnavailable
from infrastructure.files.naming import account_folder
from infrastructure.files.shelf import Shelf, shelf_in
from infrastructure.media import look_at
from tests.infrastructure.folders import ACME, NOW, age, keeping, largest_file, overwrite, stored, sweep

PICTURE = Media(b"\x89PNG of a kind", "image/png", 20, 10, 40)
OTHER = Media(b"other bytes", "video/mp4")
NOBODY = 65534


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


LOOK = partial(look_at, max_bytes=10**8, max_pixels=10**8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "new" / "assets"


@pytest.fixture
def assets(root: Path, pool: ThreadPoolExecutor) -> Shelf:
    return shelf_in(root, pool, LOOK)


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root may write anywhere; everybody else is already without privileges."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_what_was_saved_is_loaded_again(assets: Shelf, root: Path) -> None:
    store: AssetStore = assets
    asset = await store.save(ACME, PICTURE)
    assert asset == Asset(hashlib.sha256(PICTURE.content).hexdigest(), "image/png", 14, 20, 10, 40)
    assert await store.load(ACME, asset) == PICTURE
    file = root / account_folder(ACME) / asset.digest[:2] / f"{asset.digest}.png"
    assert store.path(ACME, asset) == str(file)
    assert stored(root) == [file]


async def test_the_same_content_is_one_file_an_account(assets: Shelf, root: Path) -> None:
    first, again = [await assets.save(ACME, PICTURE) for _ in range(2)]
    assert first == again
    assert len(stored(root)) == 1
    await assets.save("other", PICTURE)
    assert len(stored(root)) == 2


async def test_many_savers_of_the_same_content_leave_one_whole_file(root: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = [shelf_in(root, pool, LOOK) for _ in range(40)]
        saved = await asyncio.gather(*(store.save(ACME, PICTURE) for store in stores))
        assert len(set(saved)) == 1
        assert len(stored(root)) == 1
        assert await stores[0].load(ACME, saved[0]) == PICTURE


async def test_a_file_that_was_cut_short_is_written_anew(assets: Shelf) -> None:
    asset = await assets.save(ACME, PICTURE)
    overwrite(assets.path(ACME, asset), b"cut")
    await assets.save(ACME, PICTURE)
    assert await assets.load(ACME, asset) == PICTURE


async def test_a_changed_byte_is_found_when_it_is_loaded(assets: Shelf) -> None:
    asset = await assets.save(ACME, PICTURE)
    overwrite(assets.path(ACME, asset), PICTURE.content[:-1] + b"?")
    with pytest.raises(AssetDamaged, match=asset.digest):
        await assets.load(ACME, asset)


async def test_one_account_cannot_load_what_another_saved(assets: Shelf) -> None:
    asset = await assets.save(ACME, PICTURE)
    assert assets.path("other", asset) is None
    with pytest.raises(AssetMissing):
        await assets.load("other", asset)


async def test_an_erased_asset_is_missing_and_can_be_saved_again(assets: Shelf, root: Path) -> None:
    asset = await assets.save(ACME, PICTURE)
    assert await assets.erase(ACME, asset.digest)
    assert stored(root) == []
    assert assets.path(ACME, asset) is None
    with pytest.raises(AssetMissing, match=asset.digest):
        await assets.load(ACME, asset)
    assert not await assets.erase(ACME, asset.digest)
    assert await assets.save(ACME, PICTURE) == asset


@pytest.mark.parametrize("digest", ["", "../../../etc/passwd", "A" * 64, "a" * 63, "*" * 64])
async def test_a_digest_that_is_none_reaches_no_file(assets: Shelf, digest: str) -> None:
    asset = replace(await assets.save(ACME, PICTURE), digest=digest)
    with pytest.raises(InvalidInput):
        assets.path(ACME, asset)
    with pytest.raises(InvalidInput):
        await assets.erase(ACME, digest)
    with pytest.raises(InvalidInput):
        await assets.load(ACME, asset)


@pytest.mark.parametrize(
    "account", ["../../escape", "/etc", "..", "CON", "a" * 5000, "a\x00b", "Ünïcødé/账户", "\ud800"]
)
async def test_any_account_id_stays_inside_the_store(assets: Shelf, root: Path, account: str) -> None:
    asset = await assets.save(account, PICTURE)
    assert await assets.load(account, asset) == PICTURE
    assert [file.parent.parent.parent for file in stored(root.parent.parent)] == [root]


@given(st.text(), st.text())
def test_two_accounts_never_share_a_folder_even_where_letter_case_is_ignored(one: str, two: str) -> None:
    assert (account_folder(one).casefold() == account_folder(two).casefold()) == (one == two)


@given(st.text())
def test_a_folder_name_is_plain_and_short(account: str) -> None:
    name = account_folder(account)
    assert len(name) <= 60
    assert name.isascii()
    assert name.replace("-", "").isalnum()


@pytest.mark.parametrize(("one", "two"), [("Acme", "acme"), ("a/b", "a-b"), ("x" * 100, "x" * 101)])
def test_ids_that_read_alike_have_folders_of_their_own(one: str, two: str) -> None:
    assert account_folder(one).lower() != account_folder(two).lower()


async def test_a_full_disk_is_reported_and_leaves_nothing_half_written(assets: Shelf, root: Path) -> None:
    await assets.save(ACME, OTHER)
    before = stored(root)
    with largest_file(1_000), pytest.raises(StoreUnavailable) as caught:
        await assets.save(ACME, Media(bytes(100_000), "image/png"))
    assert "disk space" in caught.value.hint
    assert stored(root) == before


async def test_a_read_only_folder_is_reported(assets: Shelf, root: Path) -> None:
    await assets.save(ACME, OTHER)
    before = stored(root)
    folder = root / account_folder(ACME)
    folder.chmod(0o555)
    try:
        with without_privileges(), pytest.raises(StoreUnavailable) as caught:
            await assets.save(ACME, PICTURE)
    finally:
        folder.chmod(0o755)
    assert "Permission denied" in caught.value.message
    assert str(root) not in caught.value.message
    assert stored(root) == before


async def test_a_root_that_is_no_folder_is_reported(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable):
        await shelf_in(tmp_path / "file", pool, LOOK).save(ACME, PICTURE)


async def test_a_sweep_deletes_only_what_is_old_and_unreferenced(assets: Shelf, root: Path) -> None:
    referenced, young, orphan = [
        await assets.save(ACME, Media(content, "image/png")) for content in (b"kept", b"young", b"orphan")
    ]
    age(assets.path(ACME, referenced))
    age(assets.path(ACME, young), NOW - 59)
    lost = age(assets.path(ACME, orphan), NOW - 61)
    leftover = lost.parent / ".0123456789abcdef.tmp"
    leftover.write_bytes(b"half")
    age(leftover)
    swept = await sweep(assets, keeping(referenced.digest))
    assert swept.files == tuple(sorted(str(file.relative_to(root)) for file in (lost, leftover)))
    assert swept.size == len(b"orphan") + len(b"half")
    assert (await assets.load(ACME, referenced)).content == b"kept"
    assert (await assets.load(ACME, young)).content == b"young"
    assert assets.path(ACME, orphan) is None
    assert not leftover.exists()


async def test_a_reference_keeps_content_in_its_own_account_only(assets: Shelf) -> None:
    asset = await assets.save(ACME, PICTURE)
    await assets.save("other", PICTURE)
    for account in (ACME, "other"):
        age(assets.path(account, asset))
    kept = {account_folder(ACME): {asset.digest}}
    await sweep(assets, lambda folder: kept.get(folder, set()))
    assert assets.path(ACME, asset)
    assert assets.path("other", asset) is None


async def test_saving_old_content_again_begins_its_grace_anew(assets: Shelf) -> None:
    asset = await assets.save(ACME, PICTURE)
    age(assets.path(ACME, asset))
    await assets.save(ACME, PICTURE)
    await sweep(assets, keeping())
    assert await assets.load(ACME, asset) == PICTURE


async def test_content_saved_again_while_a_sweep_decides_is_kept(root: Path, pool: ThreadPoolExecutor) -> None:
    assets = shelf_in(root, pool, LOOK)
    asset = await assets.save(ACME, PICTURE)
    age(assets.path(ACME, asset))
    loop = asyncio.get_running_loop()

    def saved_meanwhile(folder: str) -> set[str]:
        asyncio.run_coroutine_threadsafe(assets.save(ACME, PICTURE), loop).result()
        return set()

    swept = await sweep(assets, saved_meanwhile)
    assert swept.files == ()
    assert await assets.load(ACME, asset) == PICTURE


async def test_a_sweep_of_a_store_that_was_never_used_finds_nothing(assets: Shelf) -> None:
    assert (await sweep(assets, keeping(), 0)).files == ()


async def test_the_event_loop_is_free_while_a_save_waits_for_its_pool(root: Path) -> None:
    released = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(released.wait)
        waiting = asyncio.create_task(shelf_in(root, pool, LOOK).save(ACME, PICTURE))
        await asyncio.sleep(0)
        assert not waiting.done()
        released.set()
        assert (await waiting).media_type == "image/png"
