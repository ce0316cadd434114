"""Files in a bucket of a real S3 server: durable, the same bytes, whole or not at all; else one clear error."""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from application.ports import Asset, Media
from domain.errors import AssetDamaged, AssetMissing, InvalidInput, NoMedia, StoreUnavailable
from infrastructure.files.bucket import PART
from infrastructure.files.naming import account_folder
from infrastructure.files.shelf import Shelf
from infrastructure.files.where import place_of
from infrastructure.media import look_at
from infrastructure.settings import Settings
from tests.infrastructure.test_media import encoded
from tests.infrastructure.test_receiving import VIDEO, film, stream
from tests.objects import Server, running_swift, server_home
from tests.wire.proxy import Fault, Proxy, proxied

ACME = "acme"
LOOK = partial(look_at, max_bytes=10**9, max_pixels=10**8)
PICTURE = Media(b"\x89PNG of a kind", "image/png", 20, 10, 40)
MEBIBYTE = 1024 * 1024


@contextmanager
def shelf_at(server: Server, bucket: str, **settings: object) -> Iterator[Shelf]:
    place = place_of(Settings(**{**server.settings(bucket), **settings}))  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        yield Shelf(place, pool, LOOK)


@contextmanager
def through_proxy(server: Server, bucket: str, **settings: object) -> Iterator[tuple[Proxy, Shelf]]:
    with ExitStack() as stack:
        proxy = stack.enter_context(proxied("127.0.0.1", server.port))
        yield proxy, stack.enter_context(shelf_at(server, bucket, s3_endpoint=proxy.url, **settings))


@pytest.fixture(params=["swift", "rclone"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def shelf(server: Server) -> Iterator[Shelf]:
    with shelf_at(server, server.bucket()) as found:
        yield found


@pytest.fixture
def bucket(swift: Server) -> str:
    return swift.bucket()


@pytest.fixture
def kept(swift: Server, bucket: str) -> Iterator[Shelf]:
    """A shelf whose bucket is seen and touched from outside."""
    with shelf_at(swift, bucket) as found:
        yield found


def name_in(bucket_prefix: str, asset: Asset, extension: str = "png") -> str:
    return f"{bucket_prefix}/{account_folder(ACME)}/{asset.digest[:2]}/{asset.digest}.{extension}"


async def test_what_was_saved_is_loaded_again(shelf: Shelf) -> None:
    asset = await shelf.save(ACME, PICTURE)
    assert asset == Asset(hashlib.sha256(PICTURE.content).hexdigest(), "image/png", 14, 20, 10, 40)
    assert await shelf.load(ACME, asset) == PICTURE
    assert shelf.path(ACME, asset) is None
    assert await shelf.save(ACME, PICTURE) == asset
    assert [found.size for found in shelf.place.files()] == [14]
    with pytest.raises(AssetMissing, match=asset.digest):
        await shelf.load("other", asset)


async def test_a_bucket_is_laid_out_as_a_folder_is(kept: Shelf, swift: Server, bucket: str) -> None:
    asset = await kept.receive(ACME, stream(encoded("PNG")), ())
    assert swift.names(bucket) == [name_in("files", asset)]
    assert swift.content(bucket, name_in("files", asset)) == encoded("PNG")


async def test_a_film_is_sent_in_parts_and_read_in_pieces(shelf: Shelf) -> None:
    asset = await shelf.receive(ACME, film(20), VIDEO)
    assert asset.size > 2 * PART
    sizes, hash = [], hashlib.sha256()
    for piece in await asyncio.to_thread(list, shelf.pieces(ACME, asset)):
        sizes.append(len(piece))
        hash.update(piece)
    assert (sum(sizes), hash.hexdigest()) == (asset.size, asset.digest)
    assert max(sizes) < 2 * PART


async def test_what_is_no_media_is_refused_before_anything_is_sent(shelf: Shelf) -> None:
    with pytest.raises(NoMedia):
        await shelf.receive(ACME, stream(b""), ())
    with pytest.raises(InvalidInput):
        await shelf.receive(ACME, stream(b"\x00\x01\x02\x03"), ())
    assert list(shelf.place.files()) == []


async def test_nothing_is_kept_of_a_stream_that_breaks(kept: Shelf, swift: Server, bucket: str) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        async for piece in film(20):
            yield piece
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await kept.receive(ACME, breaking(), VIDEO)
    assert swift.names(bucket) == []


async def test_an_erased_file_is_gone_and_can_be_saved_again(shelf: Shelf) -> None:
    asset = await shelf.save(ACME, PICTURE)
    assert await shelf.erase(ACME, asset.digest)
    with pytest.raises(AssetMissing):
        await shelf.load(ACME, asset)
    assert not await shelf.erase(ACME, asset.digest)
    assert await shelf.save(ACME, PICTURE) == asset


async def test_a_file_that_has_changed_is_told_and_never_delivered_whole(
    kept: Shelf, swift: Server, bucket: str
) -> None:
    asset = await kept.receive(ACME, film(3), VIDEO)
    name = name_in("files", asset, "mp4")
    content = swift.content(bucket, name)
    for other in (content[:-1] + b"?", b"?" + content[1:], content[: 2 * MEBIBYTE], content + b"?", b""):
        swift.put(bucket, name, other)
        with pytest.raises(AssetDamaged, match=asset.digest):
            await kept.load(ACME, asset)
        told: list[bytes] = []
        with pytest.raises(AssetDamaged):
            told.extend(kept.pieces(ACME, asset))
        assert len(b"".join(told)) < len(other) or other == b""


async def test_what_arrives_spoilt_is_refused_by_the_store_and_not_kept(swift: Server, bucket: str) -> None:
    """The checksum goes with the file; nothing is said to be durable that the store has not confirmed."""
    with through_proxy(swift, bucket) as (proxy, shelf):
        proxy.next(Fault("truncate", b"PUT"))
        asset = await shelf.save(ACME, PICTURE)  # the answer was lost, and it was sent again
        assert swift.names(bucket) == [name_in("files", asset)]


@pytest.mark.parametrize("kind", ["before", "after", "truncate", "drip", "delay"])
async def test_a_connection_that_fails_once_is_nobodys_trouble(swift: Server, bucket: str, kind: str) -> None:
    with through_proxy(swift, bucket) as (proxy, shelf):
        proxy.next(Fault(kind, b"PUT"))  # type: ignore[arg-type]
        asset = await shelf.save(ACME, PICTURE)
        proxy.next(Fault(kind, b"GET"))  # type: ignore[arg-type]
        assert await shelf.load(ACME, asset) == PICTURE
    assert len(swift.names(bucket)) == 1


async def test_a_large_file_that_is_cut_short_while_it_is_read_is_read_on(swift: Server, bucket: str) -> None:
    with through_proxy(swift, bucket) as (proxy, shelf):
        asset = await shelf.receive(ACME, film(5), VIDEO)
        proxy.next(Fault("truncate", b"GET", passed=30_000))
        assert hashlib.sha256((await shelf.load(ACME, asset)).content).hexdigest() == asset.digest


AWAY = {
    "wrong-secret": ({"s3_secret": "another"}, "it refuses this key (403 SignatureDoesNotMatch)"),
    "wrong-key": ({"s3_key": "studio:nobody"}, "it refuses this key (403"),
    "no-bucket": ({"assets": "s3://nowhere/files"}, "there is no such bucket (404 NoSuchBucket)"),
    "refused": ({"s3_endpoint": "http://127.0.0.1:1"}, "it cannot be reached"),
}


@pytest.mark.parametrize("why", AWAY)
async def test_a_store_that_cannot_be_used_is_one_clear_error_with_nothing_secret(swift: Server, why: str) -> None:
    settings, told = AWAY[why]
    with shelf_at(swift, swift.bucket(), s3_seconds=1, **settings) as shelf:
        where = shelf.place.where
        asset = Asset("a" * 64, "image/png", 1)
        for asked in (shelf.save(ACME, PICTURE), shelf.load(ACME, asset), shelf.erase(ACME, asset.digest)):
            with pytest.raises(StoreUnavailable) as caught:
                await asked
            assert caught.value.message.startswith(f"the files in {where} cannot be used: {told}")
            assert caught.value.hint
            whole = "".join(traceback.format_exception(caught.value)) + caught.value.hint
            assert swift.secret not in whole
            assert "Signature=" not in whole


async def test_a_store_that_stands_still_is_given_up_after_its_time(swift: Server, bucket: str) -> None:
    with through_proxy(swift, bucket, s3_seconds=1) as (proxy, shelf):
        proxy.next(Fault("stall"))
        with pytest.raises(StoreUnavailable, match="it does not answer in time"):
            await shelf.save(ACME, PICTURE)
        proxy.thaw()


async def test_a_server_killed_while_a_file_is_sent_keeps_it_whole_or_not_at_all(tmp_path: Path) -> None:
    with server_home() as home:
        with running_swift(home) as first:
            bucket = first.bucket()
            with shelf_at(first, bucket, s3_seconds=1) as shelf:
                kept = await shelf.save(ACME, PICTURE)
                sending = asyncio.create_task(shelf.receive(ACME, film(200), VIDEO))
                while not first.names(f"{bucket}+segments"):  # noqa: ASYNC110 - another process makes it
                    await asyncio.sleep(0.01)
                first.kill()
                with pytest.raises(StoreUnavailable):
                    await sending
        with running_swift(home) as second, shelf_at(second, bucket) as shelf:
            assert second.names(bucket) == [name_in("files", kept)]
            assert await shelf.load(ACME, kept) == PICTURE
            again = await shelf.receive(ACME, film(20), VIDEO)
            assert (await shelf.load(ACME, again)).content[:4] == (8 + 8).to_bytes(4, "big")


async def test_a_clock_that_is_far_off_is_said_to_be_it() -> None:
    with (
        server_home() as home,
        running_swift(home, ahead=3600) as server,
        shelf_at(server, server.bucket(), s3_seconds=1) as shelf,
        pytest.raises(StoreUnavailable, match="its clock and this machine's differ too much"),
    ):
        await shelf.save(ACME, PICTURE)
