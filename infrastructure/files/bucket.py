"""Files in a bucket of an S3-compatible store, which several machines share.

A file appears whole or not at all, and is durable once the store has said so; its SHA-256 goes with it, and the store
refuses what differs. A large one is sent in parts, and never held in memory.

A bucket has no lock. So what a sweep drops is first put aside under its account, is still read from there, and deleted
by a later sweep: what was saved again in the very moment in which it was dropped is not lost.

    <account>/<two digits>/<digest>.<extension> ── drop ──> <account>/dropped/<digest>.<extension> ── drop ──> gone
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from application.ports import Asset
from infrastructure.files.place import KeptFile, Ready
from infrastructure.files.s3 import telling
from infrastructure.files.saving import MEBIBYTE, reported

if TYPE_CHECKING:
    from obstore.store import S3Store

PART: Final = 8 * MEBIBYTE
PARTS_AT_ONCE: Final = 4
PAGE: Final = 1_000
DEEP: Final = 2
"""Slashes in a file's name."""

_DROPPED: Final = "dropped"
_CLOCK: Final = "clock"


class Bucket:
    """A place in a bucket."""

    waiters = 32

    def __init__(self, where: str, store: S3Store) -> None:
        self._where, self._store = where, store

    @property
    def where(self) -> str:
        return self._where

    def keeper(self, executor: Executor, helpers: Executor | None) -> BucketKeeper:
        return BucketKeeper(self, executor, helpers or executor)

    def path(self, _name: str) -> Path | None:
        return None

    def exists(self, name: str) -> bool:
        for kept in (name, _dropped(name)):
            with suppress(FileNotFoundError), telling(self._where):
                self._store.head(kept)
                return True
        return False

    def read(self, name: str) -> Iterator[bytes]:
        with telling(self._where):
            try:
                got = self._store.get(name)
            except FileNotFoundError:
                got = self._store.get(_dropped(name))
            for piece in got.stream(min_chunk_size=MEBIBYTE):
                yield bytes(piece)

    def put(self, name: str, content: Iterator[bytes]) -> None:
        first = bytearray()
        for piece in content:
            first += piece
            if len(first) >= PART:
                return self._send(name, chain((bytes(first),), content))
        return self._send(name, bytes(first))

    def create(self, name: str, content: bytes) -> bool:
        """A store that knows no conditions takes what comes last; who comes first then sees whose it is."""
        from obstore.exceptions import AlreadyExistsError, GenericError

        with telling(self._where):
            try:
                self._store.put(name, content, mode="create")
            except AlreadyExistsError:
                return False
            except GenericError as error:
                if "status code: 501" not in str(error):
                    raise
                self._store.put(name, content)
        return b"".join(self.read(name)) == content

    def files(self, under: str = "") -> Iterator[KeptFile]:
        aside = f"{under.partition('/')[0]}/{_DROPPED}"
        with telling(self._where):
            for start in (under, aside) if under else (None,):
                for page in self._store.list(start, chunk_size=PAGE):
                    for one in page:
                        if one["path"].count("/") == DEEP:
                            yield KeptFile(one["path"], one["size"], _instant(one["last_modified"]))

    def link(self, name: str, seconds: int) -> str | None:
        """Signed by the key of this process, and so no longer good for anything once that is changed."""
        from obstore import sign

        for kept in (name, _dropped(name)):
            with suppress(FileNotFoundError), telling(self._where):
                self._store.head(kept)
                return sign(self._store, "GET", kept, timedelta(seconds=seconds))
        raise FileNotFoundError(name)

    def delete(self, name: str) -> None:
        with telling(self._where):
            self._store.delete(name)

    def drop(self, name: str, before: int) -> int | None:
        try:
            with telling(self._where):
                found = self._store.head(name)
                if _instant(found["last_modified"]) >= before:
                    return None
                if name != _dropped(name):
                    self._store.copy(name, _dropped(name))
                self._store.delete(name)
        except FileNotFoundError:
            return None
        return found["size"]

    def now(self, ours: int) -> int:
        """By a file that is written for it, since a store has no other way to say."""
        with telling(self._where):
            self._store.put(_CLOCK, str(ours).encode())
            return _instant(self._store.head(_CLOCK)["last_modified"])

    def turns(self) -> nullcontext[None]:
        return nullcontext()

    def keep(self, ready: Ready) -> None:
        """Send a file; its age begins anew if it is there already."""
        self._send(ready.name, ready.content if ready.arrived is None else ready.arrived.path, ready.asset.media_type)

    def _send(self, name: str, content: bytes | Path | Iterator[bytes], media_type: str = "") -> None:
        with telling(self._where):
            self._store.put(
                name,
                content,
                attributes={"Content-Type": media_type} if media_type else None,
                chunk_size=PART,
                max_concurrency=PARTS_AT_ONCE,
            )


class BucketKeeper:
    """Sends files to a bucket: what they are is found out in `executor`, and `waiters` wait for the store."""

    def __init__(self, bucket: Bucket, executor: Executor, waiters: Executor) -> None:
        self._bucket, self._executor, self._waiters = bucket, executor, waiters

    def arriving(self, _account: str) -> Path:
        return Path(tempfile.gettempdir())

    async def keep(self, prepare: Callable[[], Ready], _size: int) -> Asset:
        loop = asyncio.get_running_loop()
        ready = await loop.run_in_executor(self._executor, _prepared, prepare)
        await loop.run_in_executor(self._waiters, self._bucket.keep, ready)
        return ready.asset


def _prepared(prepare: Callable[[], Ready]) -> Ready:
    with reported():
        return prepare()


def _dropped(name: str) -> str:
    return f"{name.partition('/')[0]}/{_DROPPED}/{name.rpartition('/')[2]}"


def _instant(told: datetime) -> int:
    return int(told.timestamp() * 1_000_000)
