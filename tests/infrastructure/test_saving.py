"""Files that are saved at the same time share a thread and the waits for the disk, and nothing else."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import resource
import signal
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image

from application.ports import Asset, Media
from domain.errors import InvalidInput, StoreUnavailable
from infrastructure.files.naming import account_folder
from infrastructure.files.saving import MEBIBYTE, MOST_FILES
from infrastructure.files.shelf import Look, Shelf, shelf_in
from infrastructure.media import Recognised, look_at
from tests.application.support import PATIENCE
from tests.faults.processes import Reaper, ended, started
from tests.infrastructure.folders import ACME, age, keeping, largest_file, stored, sweep
from tests.infrastructure.test_media import encoded
from tests.infrastructure.test_receiving import in_folder, stream

LOOK = partial(look_at, max_bytes=10**8, max_pixels=10**6)
NO_MEDIA = b"<html>not found</html>"
FULL = Media(bytes(100_000), "image/png")


def picture(number: int) -> bytes:
    return encoded("PNG", Image.new("RGB", (1, 1), (number % 256, number // 256, 1)))


@contextmanager
def store(root: Path, look: Look = LOOK, *, workers: int = 1, flushers: int = 0) -> Iterator[Shelf]:
    with ExitStack() as stack:
        helping: Executor | None = stack.enter_context(ThreadPoolExecutor(flushers)) if flushers else None
        yield shelf_in(root, stack.enter_context(ThreadPoolExecutor(workers)), look, helping)


@pytest.fixture(params=[0, 4], ids=["alone", "with-flushers"])
def assets(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shelf]:
    with store(tmp_path, flushers=request.param) as one:
        yield one


async def received(assets: Shelf, contents: list[bytes], account: str = ACME) -> list[Asset]:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*(assets.receive(account, stream(content), ()) for content in contents))


async def outcomes(*saves: asyncio.Task[Asset]) -> list[Asset | BaseException]:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*saves, return_exceptions=True)


Flush = Callable[[int], None]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Flush], None]:
    """Lets the disk do something of its own at every flush, before or instead of it."""
    flush = os.fsync

    def become(own: Flush) -> None:
        def both(descriptor: int) -> None:
            own(descriptor)
            flush(descriptor)

        monkeypatch.setattr(os, "fsync", both)

    return become


async def test_many_files_at_once_are_all_there(assets: Shelf, tmp_path: Path) -> None:
    contents = [picture(number) for number in range(3 * MOST_FILES)]
    saved = await received(assets, contents)
    assert [(await assets.load(ACME, asset)).content for asset in saved] == contents
    assert len(stored(tmp_path)) == len(contents)


async def test_a_file_is_flushed_before_its_name_and_its_name_before_anybody_is_told(
    assets: Shelf, tmp_path: Path, disk: Callable[[Flush], None]
) -> None:
    nameless: set[int] = set()
    named: set[str] = set()

    def watched(descriptor: int) -> None:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            named.update(os.listdir(descriptor))
        elif status.st_ino not in {file.stat().st_ino for file in tmp_path.rglob("*.png")}:
            nameless.add(status.st_ino)

    async def receive(content: bytes) -> None:
        asset = await assets.receive(ACME, stream(content), ())
        file = Path(assets.path(ACME, asset) or "")
        assert file.stat().st_ino in nameless
        assert {file.name, file.parent.name, file.parent.parent.name} <= named

    disk(watched)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(receive(picture(number)) for number in range(20)))


async def test_files_of_one_folder_share_its_flush(assets: Shelf, disk: Callable[[Flush], None]) -> None:
    files, folders = 0, 0

    def counted(descriptor: int) -> None:
        nonlocal files, folders
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        files, folders = files + (not is_folder), folders + is_folder

    one, two, three = islice(in_folder("aa"), 3)
    await received(assets, [one])
    disk(counted)
    await received(assets, [two, three])
    assert (files, folders) == (2, 1)


async def test_the_same_content_at_once_is_one_file(assets: Shelf, tmp_path: Path) -> None:
    saved = await received(assets, [picture(1)] * 20)
    assert len(set(saved)) == 1
    assert [file.read_bytes() for file in stored(tmp_path)] == [picture(1)]


async def test_what_fails_fails_alone(assets: Shelf, tmp_path: Path) -> None:
    (tmp_path / account_folder("broken")).write_bytes(b"no folder")
    with largest_file(50_000):
        one, unknown, full, broken, two = await outcomes(
            asyncio.create_task(assets.receive(ACME, stream(picture(1)), ())),
            asyncio.create_task(assets.receive(ACME, stream(NO_MEDIA), ())),
            asyncio.create_task(assets.save(ACME, FULL)),
            asyncio.create_task(assets.receive("broken", stream(picture(1)), ())),
            asyncio.create_task(assets.receive(ACME, stream(picture(2)), ())),
        )
    assert isinstance(unknown, InvalidInput)
    assert isinstance(full, StoreUnavailable)
    assert "File too large" in full.message
    assert isinstance(broken, StoreUnavailable)
    for asset, content in ((one, picture(1)), (two, picture(2))):
        assert isinstance(asset, Asset)
        assert (await assets.load(ACME, asset)).content == content
    assert len(stored(tmp_path / account_folder(ACME))) == 2


async def test_a_reader_that_breaks_fails_its_own_caller(tmp_path: Path) -> None:
    def breaking(content: bytes | BinaryIO, *, field: str, media_types: Sequence[str] = ()) -> Recognised:
        if content == NO_MEDIA:
            raise ZeroDivisionError("a reader's own mistake")
        return LOOK(content, field=field)

    with store(tmp_path, breaking) as assets:
        broken, saved = await outcomes(
            asyncio.create_task(assets.receive(ACME, stream(NO_MEDIA), ())),
            asyncio.create_task(assets.receive(ACME, stream(picture(1)), ())),
        )
    assert isinstance(broken, ZeroDivisionError)
    assert isinstance(saved, Asset)


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_what_cannot_be_flushed_is_told_to_whoever_saved_it(
    assets: Shelf, tmp_path: Path, disk: Callable[[Flush], None], what: str
) -> None:
    one, two = encoded("PNG"), picture(2)
    name = f"{hashlib.sha256(one).hexdigest()}.png"

    def failing(descriptor: int) -> None:
        status = os.fstat(descriptor)
        mine = name in os.listdir(descriptor) if stat.S_ISDIR(status.st_mode) else status.st_size == len(one)
        if mine and stat.S_ISDIR(status.st_mode) == (what == "folder"):
            raise OSError(errno.EIO, "Input/output error")

    disk(failing)
    failed, saved = await outcomes(
        asyncio.create_task(assets.receive(ACME, stream(one), ())),
        asyncio.create_task(assets.receive(ACME, stream(two), ())),
    )
    assert isinstance(failed, StoreUnavailable)
    assert "Input/output error" in failed.message
    assert isinstance(saved, Asset)
    assert not [file for file in stored(tmp_path) if file.suffix == ".tmp"]


async def test_a_folder_that_could_not_be_flushed_is_flushed_by_the_next_who_saves_there(
    assets: Shelf, disk: Callable[[Flush], None]
) -> None:
    """Nobody takes a folder's name for safe because somebody else has made it."""
    flushed: list[str] = []
    broken = True

    def watched(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            flushed.extend(os.listdir(descriptor))
            if broken:
                raise OSError(errno.EIO, "Input/output error")

    disk(watched)
    with pytest.raises(StoreUnavailable):
        await assets.receive(ACME, stream(picture(1)), ())
    broken = False
    flushed.clear()
    asset = await assets.receive(ACME, stream(picture(1)), ())
    assert {account_folder(ACME), asset.digest[:2], f"{asset.digest}.png"} <= set(flushed)


async def test_what_nobody_waits_for_any_more_is_not_begun(tmp_path: Path) -> None:
    released = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        assets = shelf_in(tmp_path, pool, LOOK)
        pool.submit(released.wait)
        one, two, three = [
            asyncio.create_task(assets.receive(ACME, stream(picture(number)), ())) for number in range(3)
        ]
        await asyncio.sleep(0)
        two.cancel()
        await asyncio.sleep(0)
        released.set()
        first, cancelled, last = await outcomes(one, two, three)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert isinstance(first, Asset)
    assert isinstance(last, Asset)
    assert len(stored(tmp_path)) == 2


async def test_what_was_begun_goes_on_without_its_caller(tmp_path: Path) -> None:
    looking, released = threading.Event(), threading.Event()

    def waiting(content: bytes | BinaryIO, *, field: str, media_types: Sequence[str] = ()) -> Recognised:
        looking.set()
        assert released.wait(PATIENCE)
        return LOOK(content, field=field)

    with store(tmp_path, waiting) as assets:
        one, two = [asyncio.create_task(assets.receive(ACME, stream(picture(number)), ())) for number in range(2)]
        assert await asyncio.to_thread(looking.wait, PATIENCE)
        one.cancel()
        released.set()
        cancelled, saved = await outcomes(one, two)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert isinstance(saved, Asset)
    assert len(stored(tmp_path)) == 2


async def test_what_is_more_than_a_mebibyte_together_is_not_one_group(tmp_path: Path) -> None:
    saved = threading.Event()

    def waiting(content: bytes | BinaryIO, *, field: str, media_types: Sequence[str] = ()) -> Recognised:
        if content == large:
            assert saved.wait(PATIENCE), "one waits for the other"
        return LOOK(content, field=field)

    large = encoded("PNG", Image.effect_noise((1000, 1000), 90))
    assert MEBIBYTE / 2 < len(large) < MEBIBYTE
    with store(tmp_path, waiting, workers=2) as assets:
        first = asyncio.create_task(assets.receive(ACME, stream(large), ()))
        await received(assets, [large + bytes(1), picture(1)])
        saved.set()
        assert (await first).size == len(large)


async def test_whatever_else_needs_the_threads_has_its_turn_between_groups(tmp_path: Path) -> None:
    """Each file is followed by another before it is saved, for as long as nobody else has had a turn."""
    loop, loaded, saves = asyncio.get_running_loop(), threading.Event(), list[asyncio.Task[Asset]]()

    async def follow() -> None:
        saves.append(asyncio.create_task(shelf.receive(ACME, stream(picture(len(saves))), ())))
        for _ in range(3):  # it begins, it is collected, it is queued
            await asyncio.sleep(0)

    def followed(content: bytes | BinaryIO, *, field: str, media_types: Sequence[str] = ()) -> Recognised:
        if not loaded.is_set():
            assert len(saves) < 100, "nobody else has a turn"
            asyncio.run_coroutine_threadsafe(follow(), loop).result(PATIENCE)
        return LOOK(content, field=field)

    with store(tmp_path, followed) as shelf:
        asset = await shelf.save(ACME, Media(picture(200), "image/png", 1, 1))
        await follow()
        assert await shelf.load(ACME, asset) == Media(picture(200), "image/png", 1, 1)
        loaded.set()
        assert all(isinstance(one, Asset) for one in await outcomes(*saves))


async def test_few_files_are_open_however_many_are_saved(tmp_path: Path) -> None:
    opened = {int(one.name) for one in Path("/proc/self/fd").iterdir()}
    unused = (number for number in count() if number not in opened)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(islice(unused, MOST_FILES + 40, None)), hard))
    try:
        with store(tmp_path, flushers=4) as assets:
            await received(assets, [picture(number) for number in range(5 * MOST_FILES)])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(stored(tmp_path)) == 5 * MOST_FILES


async def test_a_store_whose_threads_have_ended_says_so(tmp_path: Path) -> None:
    with store(tmp_path) as assets:
        pass
    with pytest.raises(RuntimeError, match="shutdown"):
        await received(assets, [picture(1), picture(2)])


async def save_until(root: Path, flush: int) -> None:
    """One file and then four at once; dead when it comes to that flush of theirs."""
    reaper, flushed = Reaper(flush + 1), os.fsync

    def dying(descriptor: int) -> None:
        reaper("flush")
        flushed(descriptor)

    with store(root) as assets:
        await received(assets, [picture(1)])
        with pytest.MonkeyPatch.context() as disk:
            disk.setattr(os, "fsync", dying)
            await received(assets, [picture(number) for number in range(2, 6)])


async def test_a_process_killed_at_any_flush_leaves_whole_files_and_what_is_swept(tmp_path: Path) -> None:
    contents = {hashlib.sha256(one).hexdigest(): one for one in map(picture, range(1, 6))}
    for flush in range(100):
        root = tmp_path / str(flush)
        code = await asyncio.to_thread(ended, started(save_until, root, flush))
        for file in stored(root):
            age(file)
            assert file.suffix == ".tmp" or file.read_bytes() == contents[file.stem]
        with store(root) as assets:
            await sweep(assets, keeping(*contents))
            assert not [file for file in stored(root) if file.suffix == ".tmp"]
            saved = await received(assets, list(contents.values()))
            assert [(await assets.load(ACME, asset)).content for asset in saved] == list(contents.values())
        if code == 0:
            assert flush >= 4 + 4, "four files and their folders were flushed"
            return
        assert code == -signal.SIGKILL
    raise AssertionError("there is no end of flushes")
