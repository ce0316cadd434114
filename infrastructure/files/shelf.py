"""Keeps files under their SHA-256, in whichever place is set: what they are, whose, and that they are still the same.

save, receive ── looked at, hashed, named ──> place        durable, or an error and nothing
load, pieces  <── the digest must be the same ── place     what differs is told, and never delivered whole
find_unneeded, sweep ── old, and nothing references it ──> dropped

A thumbnail stands beside the file that it was made of, under the same digest, and goes with it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final, ParamSpec, Protocol, TypeVar

from application.ports import Asset, Media, Swept, Unneeded
from domain.errors import AssetMissing, InvalidInput
from infrastructure.files.folder import LocalFolder
from infrastructure.files.naming import digest_in, folder_of, is_thumbnail, thumbnail_name
from infrastructure.files.place import FilePlace, KeptFile, Ready
from infrastructure.files.saving import MEBIBYTE, Temporary, reported
from infrastructure.files.verifying import verified_pieces
from infrastructure.media import Recognised, extension

P = ParamSpec("P")
R = TypeVar("R")

_MICROSECONDS: Final = 1_000_000


class Look(Protocol):
    """Says what bytes or a file are. Raises InvalidInput, naming `field`, for what is nothing known or too large,
    and NoMedia for nothing or a mere text."""

    def __call__(self, content: bytes | BinaryIO, *, field: str, media_types: Sequence[str] = ()) -> Recognised: ...


class Shelf:
    """An AssetStore in a place; what blocks runs in `executor`, what only waits in `helpers`."""

    def __init__(self, place: FilePlace, executor: Executor, look: Look, helpers: Executor | None = None) -> None:
        self.place = place
        self._look = look
        self._executor = executor
        self._keeper = place.keeper(executor, helpers)

    async def save(self, account: str, media: Media) -> Asset:
        """Store `media`, once however often it is saved; on return it is durable.

        Raises StoreUnavailable if the place is full, read-only or away, and then leaves nothing behind.
        """
        return await self._keeper.keep(lambda: _ready(account, media.content, media), len(media.content))

    async def receive(
        self, account: str, content: AsyncIterator[bytes], media_types: Sequence[str], *, field: str = "output"
    ) -> Asset:
        """Store a stream as it comes, about a mebibyte of it in memory; on return it is durable.

        Raises InvalidInput of the field if it is no media or too large (NoMedia if it is empty or a mere text),
        StoreUnavailable, and whatever the stream raises; then nothing is kept.
        """
        arrival: Arrival | None = None
        waiting, look = bytearray(), partial(self._look, field=field, media_types=media_types)
        try:
            async for piece in content:
                waiting += piece
                if len(waiting) >= MEBIBYTE:
                    arrival = arrival or Arrival(self._keeper.arriving(account))
                    await self._run(arrival.take, waiting)
                    waiting = bytearray()
            size = len(waiting) + (arrival.size if arrival else 0)
            return await self._keeper.keep(partial(self._seen, account, arrival, waiting, look), size)
        finally:
            if arrival is not None and not arrival.file.ended:
                # Goes on if this task is cancelled once more.
                await asyncio.shield(self._run(arrival.file.close))

    async def load(self, account: str, asset: Asset) -> Media:
        """Raises AssetMissing if the content was erased or lost, AssetDamaged if it has changed."""
        content = await self._run(lambda: b"".join(self.pieces(account, asset)))
        return Media(content, asset.media_type, asset.width, asset.height, asset.duration_ms)

    def pieces(self, account: str, asset: Asset) -> Iterator[bytes]:
        """The content as it is read; blocking. The last piece comes once the digest is known to be the same.

        Raises AssetMissing, AssetDamaged, StoreUnavailable.
        """
        try:
            yield from verified_pieces(self.place.read(file_name(account, asset)), asset.digest)
        except FileNotFoundError:
            raise missing(asset.digest) from None

    async def exists(self, account: str, asset: Asset) -> bool:
        """Whether the content is there; for one that is kept elsewhere this asks. Raises StoreUnavailable."""
        return await self._run(self.place.exists, file_name(account, asset))

    def where(self, account: str, asset: Asset) -> str:
        """The path or address of the content, whether it is there or not."""
        return f"{self.place.where}/{file_name(account, asset)}"

    def path(self, account: str, asset: Asset) -> str | None:
        """The file on this machine; None if it was erased or lost, or is kept elsewhere."""
        file = self.place.path(file_name(account, asset))
        return None if file is None else str(file)

    async def erase(self, account: str, digest: str) -> bool:
        """Delete the content for good; False if there was none. The caller makes sure that nobody else needs it."""
        return await self._run(self._erase, account, digest)

    async def link(self, account: str, asset: Asset, seconds: int) -> str | None:
        """An address at which the place itself serves the content for so long; None if it serves none.

        Raises AssetMissing, StoreUnavailable.
        """
        return await self._run(self._link, account, asset, seconds)

    async def thumbnail(self, account: str, digest: str) -> Media | None:
        """The thumbnail that is kept beside a file; None if there is none, or none that can be read any more."""
        return await self._run(self._thumbnail, thumbnail_name(account, digest))

    async def keep_thumbnail(self, account: str, digest: str, drawn: Media) -> None:
        """Keep what was drawn beside its file, in place of what was there."""
        await self._run(self.place.put, thumbnail_name(account, digest), iter((drawn.content,)))

    async def drop_thumbnail(self, account: str, digest: str) -> None:
        """Delete it, if there is one."""
        await self._run(self.place.delete, thumbnail_name(account, digest))

    async def find_unneeded(
        self, referenced: Callable[[str], Collection[str]], *, grace_seconds: int, now: int
    ) -> Unneeded:
        """The remains of crashes and refusals: files that nothing references, and unfinished ones.

        `referenced` is called in a worker thread with an account's folder (see `account_folder`) and returns
        the digests to keep. A file touched less than `grace_seconds` before `now` (epoch microseconds) stays,
        since its first reference may not be written yet.
        """
        return await self._run(self._find_unneeded, referenced, grace_seconds * _MICROSECONDS, now)

    async def sweep(self, found: Unneeded, *, grace_seconds: int, now: int) -> Swept:
        """Delete what was found, but for what came into use again since then: it was touched."""
        return await self._run(self._sweep, found, grace_seconds * _MICROSECONDS, now)

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def guarded() -> R:
            with reported():
                return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._executor, guarded)

    def _seen(
        self, account: str, arrival: Arrival | None, rest: bytearray, look: Callable[[bytes | BinaryIO], Recognised]
    ) -> Ready:
        """A stream with what it turns out to be; `rest` is what came last."""
        if arrival is None:
            content = bytes(rest)
            return _ready(account, content, look(content))
        arrival.take(rest)
        with arrival.file.path.open("rb") as stream:
            seen = look(stream)
        asset = _asset(arrival.hash.hexdigest(), arrival.size, seen)
        return Ready(asset, file_name(account, asset), b"", arrival.file)

    def _link(self, account: str, asset: Asset, seconds: int) -> str | None:
        try:
            return self.place.link(file_name(account, asset), seconds)
        except FileNotFoundError:
            raise missing(asset.digest) from None

    def _thumbnail(self, name: str) -> Media | None:
        with suppress(FileNotFoundError, InvalidInput):
            content = b"".join(self.place.read(name))
            seen = self._look(content, field="thumbnail")
            return Media(content, seen.media_type, seen.width, seen.height)
        return None

    def _erase(self, account: str, digest: str) -> bool:
        folder = folder_of(account, digest)
        names = [found.name for found in self.place.files(folder) if digest_in(found.name) == digest]
        for name in names:
            self.place.delete(name)
        return bool(names)

    def _find_unneeded(self, referenced: Callable[[str], Collection[str]], grace: int, now: int) -> Unneeded:
        theirs = self.place.now(now)
        unneeded: list[KeptFile] = []
        for folder, files in groupby(self.place.files(), lambda found: found.name.partition("/")[0]):
            # Listed first, asked second: a reference written in between is then seen.
            old = [found for found in files if found.touched < theirs - grace]
            kept = referenced(folder) if old else ()
            unneeded += [found for found in old if digest_in(found.name) not in kept]
        # A thumbnail may be newer than every fact, and says nothing about those that are missing.
        made = (found.touched for found in unneeded if found.is_whole and not is_thumbnail(found.name))
        newest = max(made, default=0)
        names, size = tuple(sorted(found.name for found in unneeded)), sum(found.size for found in unneeded)
        return Unneeded(names, size, newest and newest + now - theirs)

    def _sweep(self, found: Unneeded, grace: int, now: int) -> Swept:
        before = self.place.now(now) - grace
        freed = {name: size for name in found.files if (size := self.place.drop(name, before)) is not None}
        return Swept(tuple(freed), sum(freed.values()))


class Arrival:
    """The part of a stream that has arrived."""

    def __init__(self, folder: Path) -> None:
        self.file = Temporary(folder)
        self.hash = hashlib.sha256()
        self.size = 0

    def take(self, piece: bytearray) -> None:
        """Write the next piece; blocking."""
        self.file.write(piece)
        self.hash.update(piece)
        self.size += len(piece)


def shelf_in(root: Path, executor: Executor, look: Look, flushers: Executor | None = None) -> Shelf:
    """A shelf in a folder."""
    return Shelf(LocalFolder(root), executor, look, flushers)


def file_name(account: str, asset: Asset) -> str:
    """Raises InvalidInput as `folder_of`."""
    return f"{folder_of(account, asset.digest)}/{asset.digest}.{extension(asset.media_type)}"


def missing(digest: str) -> AssetMissing:
    """The error that content is not there."""
    return AssetMissing(
        f"the content of asset {digest} is gone", hint="it was erased, or the files were moved to another place"
    )


def _ready(account: str, content: bytes, seen: Recognised | Media) -> Ready:
    asset = _asset(hashlib.sha256(content).hexdigest(), len(content), seen)
    return Ready(asset, file_name(account, asset), content)


def _asset(digest: str, size: int, seen: Recognised | Media) -> Asset:
    return Asset(digest, seen.media_type, size, seen.width, seen.height, seen.duration_ms)
