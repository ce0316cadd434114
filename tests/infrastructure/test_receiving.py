"""A stream is stored as it comes: known by its content, whole or not at all, and never as a whole in memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from application.ports import Asset, DownloadFailed
from domain.errors import InvalidInput, NoMedia, StoreUnavailable
from infrastructure.files.naming import account_folder
from infrastructure.files.shelf import Shelf, shelf_in
from infrastructure.media import look_at, read_media
from tests.application.support import PATIENCE
from tests.infrastructure.folders import ACME, NOW, age, keeping, largest_file, stored, sweep
from tests.infrastructure.test_media import animation, box, encoded, mp4

LARGEST = 100 * 1024 * 1024
LOOK = partial(look_at, max_bytes=LARGEST, max_pixels=10**6)
READ = partial(read_media, max_bytes=LARGEST, max_pixels=10**6)
FILM_START = box(b"ftyp", b"isom\x00\x00\x02\x00")
PICTURE = encoded("PNG")
VIDEO = ("video/mp4",)
MEBIBYTE = 1024 * 1024


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def assets(tmp_path: Path, pool: ThreadPoolExecutor) -> Shelf:
    return shelf_in(tmp_path, pool, LOOK)


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def cut(content: bytes, size: int) -> AsyncIterator[bytes]:
    return stream(*[content[start : start + size] for start in range(0, len(content), size)])


async def film(mebibytes: int) -> AsyncIterator[bytes]:
    """A film of so many mebibytes and a little, in pieces as they come from a socket."""
    yield FILM_START + (8 + mebibytes * MEBIBYTE).to_bytes(4, "big") + b"mdat"
    for _ in range(mebibytes * 16):
        yield bytes(64 * 1024)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PICTURE, ("image/png",)),
        (encoded("JPEG"), ()),
        (encoded("WEBP"), ()),
        (animation("GIF", 3), ()),
        (animation("WEBP", 3), ()),
        (mp4(b"\0" * 12 + (600).to_bytes(4, "big") + (3000).to_bytes(4, "big")), VIDEO),
        (b"glTF\x02\x00\x00\x00\x14\x00\x00\x00" + bytes(8), ("model/gltf-binary",)),
        ("a text with Ünïcødé".encode(), ("text/plain",)),
    ],
    ids="png jpeg webp gif animated-webp mp4 glb text".split(),
)
async def test_what_is_received_is_what_it_would_be_if_it_were_saved(
    tmp_path: Path, pool: ThreadPoolExecutor, content: bytes, expected: tuple[str, ...]
) -> None:
    media = READ(content, field="output", media_types=expected)
    saved = await shelf_in(tmp_path / "saved", pool, LOOK).save(ACME, media)
    assets = shelf_in(tmp_path / "received", pool, LOOK)
    received = await assets.receive(ACME, cut(content, 7), expected)
    assert received == saved
    assert await assets.load(ACME, received) == media
    assert [file.name for file in stored(tmp_path / "received")] == [file.name for file in stored(tmp_path / "saved")]


async def test_a_stream_of_many_pieces_is_one_file(assets: Shelf, tmp_path: Path) -> None:
    content = b"".join([piece async for piece in film(3)])
    asset = await assets.receive(ACME, cut(content, 100_000), VIDEO)
    assert asset == Asset(hashlib.sha256(content).hexdigest(), "video/mp4", len(content))
    assert (await assets.load(ACME, asset)).content == content
    assert len(stored(tmp_path)) == 1


async def test_a_film_larger_than_memory_may_be_is_received(assets: Shelf) -> None:
    tracemalloc.start()
    try:
        asset = await assets.receive(ACME, film(64), VIDEO)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert asset.size > 64 * MEBIBYTE
    assert most < 8 * MEBIBYTE


async def test_the_same_content_received_again_is_one_file_whose_grace_begins_anew(
    assets: Shelf, tmp_path: Path
) -> None:
    asset = await assets.save(ACME, READ(PICTURE, field="image"))
    age(assets.path(ACME, asset))
    assert await assets.receive(ACME, cut(PICTURE, 10), ()) == asset
    assert len(stored(tmp_path)) == 1
    await sweep(assets, keeping())
    assert assets.path(ACME, asset)


async def test_many_streams_at_once_do_not_mix(assets: Shelf) -> None:
    contents = [encoded("PNG", Image.new("RGB", (4, 4), (number, 0, 0))) for number in range(20)]
    received = await asyncio.gather(*(assets.receive(ACME, cut(one, 9), ()) for one in contents))
    assert [asset.digest for asset in received] == [hashlib.sha256(one).hexdigest() for one in contents]


@pytest.mark.parametrize(
    ("content", "kind", "why"),
    [
        (b"", NoMedia, "is empty"),
        (b"<html>not found</html>", NoMedia, "is no image, video, sound or model"),
        ("<html>introuvable, désolé</html>".encode("latin-1"), NoMedia, "is no image, video, sound or model"),
        ("<html>introuvable</html>".encode("utf-16"), NoMedia, "is no image, video, sound or model"),
        (b'{"error": "not ready"}', NoMedia, "is no image, video, sound or model"),
        (b"\0\x01\x02 of a kind to come", InvalidInput, "is no image, video, sound or model"),
        (PICTURE[:-20], InvalidInput, "damaged or truncated image/png"),
        (encoded("PNG", Image.new("1", (2000, 2000))), InvalidInput, "2000 x 2000 pixels"),
        (b"glTF\x02\x00\x00\x00\xff\x00\x00\x00" + bytes(8), InvalidInput, "truncated GLB"),
    ],
    ids="nothing page Latin-1-page UTF-16-page error something half-a-picture a-large-picture half-a-model".split(),
)
async def test_what_is_no_media_is_refused_and_not_kept(
    assets: Shelf, tmp_path: Path, content: bytes, kind: type[InvalidInput], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        await assets.receive(ACME, cut(content, 1000), ("image/png",))
    assert (type(caught.value), caught.value.field) == (kind, "output")
    assert stored(tmp_path) == []


async def test_a_stream_that_is_too_large_is_refused_and_not_kept(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    assets = shelf_in(tmp_path, pool, partial(look_at, max_bytes=MEBIBYTE, max_pixels=1))
    with pytest.raises(InvalidInput, match="at most 1048576 are accepted"):
        await assets.receive(ACME, film(2), VIDEO)
    assert stored(tmp_path) == []


@pytest.mark.parametrize("mebibytes", [0, 3])
async def test_nothing_is_kept_of_a_stream_that_breaks(assets: Shelf, tmp_path: Path, mebibytes: int) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        async for piece in film(mebibytes):
            yield piece
        raise DownloadFailed("the connection failed")

    with pytest.raises(DownloadFailed, match="the connection failed"):
        await assets.receive(ACME, breaking(), VIDEO)
    assert stored(tmp_path) == []


async def test_nothing_is_kept_of_a_stream_nobody_waits_for_any_more(assets: Shelf, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        async for piece in film(3):
            yield piece
        begun.set()
        await asyncio.Event().wait()

    receiving = asyncio.create_task(assets.receive(ACME, endless(), VIDEO))
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
    assert [file.parent.name for file in stored(tmp_path)] == ["incoming"]
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    assert stored(tmp_path) == []


async def test_nothing_is_kept_where_a_cancellation_meets_a_write_that_has_not_begun(tmp_path: Path) -> None:
    released, begun = threading.Event(), asyncio.Event()

    async def full() -> AsyncIterator[bytes]:
        begun.set()
        yield FILM_START + bytes(2 * MEBIBYTE)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(released.wait)
        receiving = asyncio.create_task(shelf_in(tmp_path, pool, LOOK).receive(ACME, full(), VIDEO))
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        for _ in range(3):
            receiving.cancel()
            await asyncio.sleep(0)
        released.set()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    assert stored(tmp_path) == []


async def test_a_full_disk_is_reported_and_leaves_nothing(assets: Shelf, tmp_path: Path) -> None:
    with largest_file(MEBIBYTE + 1000), pytest.raises(StoreUnavailable, match="File too large"):
        await assets.receive(ACME, film(3), VIDEO)
    assert stored(tmp_path) == []


async def test_an_unfinished_file_is_swept_once_its_grace_is_over(assets: Shelf, tmp_path: Path) -> None:
    folder = tmp_path / account_folder(ACME) / "incoming"
    folder.mkdir(parents=True)
    young, old = folder / ".young.tmp", folder / ".old.tmp"
    for file, seconds in ((young, NOW - 59), (old, NOW - 61)):
        file.write_bytes(b"half")
        age(file, seconds)
    swept = await sweep(assets, keeping())
    assert swept.files == (str(old.relative_to(tmp_path)),)
    assert stored(tmp_path) == [young]


RECEIVER = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from infrastructure.files.shelf import shelf_in
from tests.infrastructure.test_receiving import ACME, LOOK, VIDEO, film

async def endless():
    async for piece in film(2):
        yield piece
    sys.stdout.write("under way\\n")
    sys.stdout.flush()
    await asyncio.Event().wait()

asyncio.run(shelf_in(Path(sys.argv[1]), ThreadPoolExecutor(1), LOOK).receive(ACME, endless(), VIDEO))
"""


async def test_a_process_killed_while_it_receives_leaves_only_what_is_swept(assets: Shelf, tmp_path: Path) -> None:
    command = (sys.executable, "-c", RECEIVER, str(tmp_path))
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await process.stdout.readline() == b"under way\n"
    finally:
        process.kill()
        await process.wait()
    [left] = stored(tmp_path)
    assert (left.parent.name, left.suffix) == ("incoming", ".tmp")
    age(left)
    swept = await sweep(assets, keeping())
    assert swept.size >= 2 * MEBIBYTE
    assert stored(tmp_path) == []


def in_folder(digits: str) -> Iterator[bytes]:
    """Pictures whose digests begin so."""
    pictures = (encoded("PNG", Image.new("RGB", (1, 1), (number % 256, number // 256, 0))) for number in range(65536))
    return (one for one in pictures if hashlib.sha256(one).hexdigest().startswith(digits))


async def test_a_file_costs_two_flushes_and_one_more_where_it_is_the_first_of_its_folder(
    assets: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes = 0
    flush = os.fsync

    def counted(descriptor: int) -> None:
        nonlocal flushes
        flushes += 1
        flush(descriptor)

    first, (one, two) = next(in_folder("aa")), islice(in_folder("bb"), 2)
    await assets.receive(ACME, stream(first), ())
    monkeypatch.setattr(os, "fsync", counted)
    costs = []
    for content in (one, two, one):
        flushes = 0
        await assets.receive(ACME, stream(content), ())
        costs.append(flushes)
    assert costs == [3, 2, 1]
