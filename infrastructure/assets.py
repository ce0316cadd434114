"""Keeps files under their SHA-256, a folder an account, so that what was saved survives a power cut.

    root / <account folder> ─┬─ <first two digits> / <digest>.<extension>
                             └─ incoming / what has no digest yet

A file appears whole or not at all: it is written under a temporary name, flushed, renamed, and its directory
flushed. If a save and a sweep would race for the same file, also in two processes, they take turns on one
lock file.

A file costs two flushes, and one more where it is the first of its folder; those saved at the same time wait for them
together.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final, ParamSpec, Protocol, TypeVar

from application.ports import Asset, Media, Swept, Unneeded
from domain.errors import AssetDamaged, AssetMissing, InvalidInput
from infrastructure.folders import MOST_REMEMBERED, account_folder
from infrastructure.media import Recognised, extension
from infrastructure.saving import MEBIBYTE, Saver, Steps, Temporary, flush_folder, reported, taking_turns

P = ParamSpec("P")
R = TypeVar("R")

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_INCOMING: Final = "incoming"
_MICROSECONDS: Final = 1_000_000


class Look(Protocol):
    """Says what bytes or a file are. Raises InvalidInput, naming `field`, where they are nothing known or too large,
    and NoMedia where there is nothing or a mere text."""

    def __call__(self, content: bytes | BinaryIO, *, field: str, media_types: Sequence[str] = ()) -> Recognised: ...


class FileAssets:
    """An AssetStore on a file system; what blocks runs in `executor`, what only waits for the disk in `flushers`."""

    def __init__(self, root: Path, executor: Executor, look: Look, flushers: Executor | None = None) -> None:
        self._look = look
        self._root = root.absolute()
        self._executor = executor
        self._saver = Saver(executor, flushers)
        self._made: set[Path] = set()

    async def save(self, account: str, media: Media) -> Asset:
        """Store `media`, once however often it is saved; on return it is on the disk.

        Raises StoreUnavailable where the disk is full, read-only or gone, and then leaves nothing behind.
        """
        return await self._saver.save(self._save(account, media.content, media), len(media.content))

    async def receive(self, account: str, content: AsyncIterator[bytes], media_types: Sequence[str]) -> Asset:
        """Store a stream as it comes, about a mebibyte of it in memory; on return it is on the disk.

        Raises InvalidInput where it is no media or too large (NoMedia where it is empty or a mere text),
        StoreUnavailable, and whatever the stream raises; then nothing is kept.
        """
        arrival: Arrival | None = None
        waiting = bytearray()
        try:
            async for piece in content:
                waiting += piece
                if len(waiting) >= MEBIBYTE:
                    arrival = arrival or Arrival(self._root / account_folder(account) / _INCOMING)
                    await self._run(arrival.take, waiting)
                    waiting = bytearray()
            if arrival is None:
                return await self._saver.save(self._see(account, bytes(waiting), media_types), len(waiting))
            return await self._saver.save(
                self._end(account, arrival, waiting, media_types), arrival.size + len(waiting)
            )
        finally:
            if arrival is not None and not arrival.file.ended:
                # Goes on where this task is cancelled once more.
                await asyncio.shield(self._run(arrival.file.close))

    async def load(self, account: str, asset: Asset) -> Media:
        """Raises AssetMissing where the content was erased or lost, AssetDamaged where it has changed."""
        return await self._run(self._load, account, asset)

    def path(self, account: str, asset: Asset) -> str | None:
        """The file's path, or None if it was erased or lost."""
        file = self._file(account, asset)
        return str(file) if file.is_file() else None

    async def erase(self, account: str, digest: str) -> bool:
        """Delete the content for good; False if there was none. The caller makes sure that nobody else needs it."""
        return await self._run(self._erase, account, digest)

    async def find_unneeded(
        self, referenced: Callable[[str], Collection[str]], *, grace_seconds: int, now: int
    ) -> Unneeded:
        """The remains of crashes and refusals: files that nothing references, and unfinished ones.

        `referenced` is called in a worker thread with an account's folder (see `account_folder`) and returns
        the digests to keep. A file touched less than `grace_seconds` before `now` (epoch microseconds) stays,
        since its first reference may not be written yet.
        """
        return await self._run(self._find_unneeded, referenced, now - grace_seconds * _MICROSECONDS)

    async def sweep(self, found: Unneeded, *, grace_seconds: int, now: int) -> Swept:
        """Delete what was found, but for what came into use again since then: it was touched."""
        return await self._run(self._sweep, found, now - grace_seconds * _MICROSECONDS)

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def guarded() -> R:
            with reported():
                return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._executor, guarded)

    def _file(self, account: str, asset: Asset) -> Path:
        return self._folder(account, asset.digest) / _name(asset)

    def _folder(self, account: str, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise InvalidInput("asset", "its digest is not a SHA-256 in lower-case hex")
        return self._root / f"{account_folder(account)}/{digest[:2]}"

    def _see(self, account: str, content: bytes, media_types: Sequence[str]) -> Steps:
        """Store what the content turns out to be."""
        seen = self._look(content, field="output", media_types=media_types)
        return (yield from self._save(account, content, seen))

    def _save(self, account: str, content: bytes, seen: Recognised | Media) -> Steps:
        asset = _asset(hashlib.sha256(content).hexdigest(), len(content), seen)
        folder = self._folder(account, asset.digest)
        with closing(Temporary(folder)) as temporary:
            return (yield from self._place(folder, asset, temporary, content))

    def _end(self, account: str, arrival: Arrival, rest: bytearray, media_types: Sequence[str]) -> Steps:
        """Take the rest of a stream, and store what it turns out to be."""
        with closing(arrival.file) as temporary:
            arrival.take(rest)
            with temporary.path.open("rb") as stream:
                seen = self._look(stream, field="output", media_types=media_types)
            asset = _asset(arrival.hash.hexdigest(), arrival.size, seen)
            return (yield from self._place(self._folder(account, asset.digest), asset, temporary, b""))

    def _place(self, folder: Path, asset: Asset, temporary: Temporary, rest: bytes) -> Steps:
        """See that the asset's file is there for good; where it is not, `temporary` becomes it, with the `rest`."""
        file = folder / _name(asset)
        changed = self._make_folder(folder)
        if not self._keep(file, asset.size):
            temporary.write(rest)
            yield (temporary,)
            temporary.move(file)
        # Also where another saver's file was found: its rename may not have reached the disk yet.
        yield {folder, *changed}
        self._remember(folder)
        return asset

    def _make_folder(self, folder: Path) -> set[Path]:
        """Create it; those to flush that it lasts, also where another saver has only just made it."""
        if folder in self._made and folder.is_dir():
            return set()
        missing: set[Path] = set()
        try:
            folder.mkdir()
        except FileExistsError:
            pass
        except FileNotFoundError:
            missing = {above for above in folder.parents if not above.exists()}
            folder.mkdir(parents=True, exist_ok=True)
        return {made.parent for made in missing | {folder} | (self._chain(folder) - self._made)}

    def _chain(self, folder: Path) -> set[Path]:
        return {folder, folder.parent, self._root}

    def _remember(self, folder: Path) -> None:
        """Make sure that it lasts."""
        if folder not in self._made:
            if len(self._made) >= MOST_REMEMBERED:
                self._made.clear()
            self._made |= self._chain(folder)

    def _keep(self, file: Path, size: int) -> bool:
        """Whether the file is there, whole; its grace then begins anew, which a running sweep respects."""
        if not file.exists():
            return False
        with taking_turns(self._root, fcntl.LOCK_SH):
            try:
                if file.stat().st_size != size:
                    return False
                os.utime(file)
            except FileNotFoundError:
                return False
        return True

    def _load(self, account: str, asset: Asset) -> Media:
        file = self._file(account, asset)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            raise AssetMissing(
                f"the content of asset {asset.digest} is gone",
                hint="it was erased, or the asset folder was moved",
            ) from None
        if hashlib.sha256(content).hexdigest() != asset.digest:
            raise AssetDamaged(
                f"the content of asset {asset.digest} has changed", hint="restore this file from a backup"
            )
        return Media(content, asset.media_type, asset.width, asset.height, asset.duration_ms)

    def _erase(self, account: str, digest: str) -> bool:
        folder = self._folder(account, digest)
        files = list(folder.glob(f"{digest}.*"))
        for file in files:
            file.unlink(missing_ok=True)
        if files:
            flush_folder(folder)
        return bool(files)

    def _find_unneeded(self, referenced: Callable[[str], Collection[str]], before: int) -> Unneeded:
        files: list[str] = []
        size = newest = 0
        for account in self._accounts():
            # Listed first, asked second: a reference written in between is then seen.
            old = {file: touched for file in account.glob("*/*") if (touched := _touched(file)) < before}
            kept = referenced(account.name) if old else ()
            for file, touched in old.items():
                if file.name.partition(".")[0] not in kept:
                    files.append(str(file.relative_to(self._root)))
                    size += file.stat().st_size
                    newest = max(newest, 0 if file.name.startswith(".") else touched)
        return Unneeded(tuple(sorted(files)), size, newest)

    def _sweep(self, found: Unneeded, before: int) -> Swept:
        freed = {name: self._sweep_file(self._root / name, before) for name in found.files}
        return Swept(
            tuple(name for name, size in freed.items() if size is not None), sum(size or 0 for size in freed.values())
        )

    def _accounts(self) -> list[Path]:
        if not self._root.is_dir():
            return []
        return sorted(entry for entry in self._root.iterdir() if entry.is_dir())

    def _sweep_file(self, file: Path, before: int) -> int | None:
        """The bytes freed, or None if it was gone or came into use again since it was listed."""
        with taking_turns(self._root):
            if _touched(file) >= before:
                return None
            size = file.stat().st_size
            file.unlink()
        return size


def _touched(file: Path) -> int:
    """Epoch microseconds; far in the future for what is gone or no file, so that nothing is done about it."""
    try:
        status = file.lstat()
    except FileNotFoundError:
        return 2**63
    return status.st_mtime_ns // 1000 if file.is_file() else 2**63


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


def _name(asset: Asset) -> str:
    return f"{asset.digest}.{extension(asset.media_type)}"


def _asset(digest: str, size: int, seen: Recognised | Media) -> Asset:
    return Asset(digest, seen.media_type, size, seen.width, seen.height, seen.duration_ms)
