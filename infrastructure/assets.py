"""Keeps files under their SHA-256, a folder an account, so that what was saved survives a power cut.

    root / <account folder> ─┬─ <first two digits> / <digest>.<extension>
                             └─ incoming / what has no digest yet

A file appears whole or not at all: it is written under a temporary name, flushed, renamed, and its directory
flushed. Where a save and a sweep would race for the same file, also in two processes, they take turns on one
lock file.

Savers do not share flushes: file systems group those of several threads by themselves, and doing it here as well
measured no faster. What is spared is flushes: a file costs two, and one more where it is the first of its folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final, ParamSpec, Protocol, TypeVar

from application.ports import Asset, Media, Swept
from domain.errors import AssetDamaged, AssetMissing, InvalidInput, StoreUnavailable
from infrastructure.media import Seen, extension

P = ParamSpec("P")
R = TypeVar("R")

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LOCK: Final = ".lock"
_INCOMING: Final = "incoming"
_WRITTEN_AT_ONCE: Final = 1024 * 1024
_MOST_REMEMBERED: Final = 10_000
_MICROSECONDS: Final = 1_000_000


def account_folder(account: str) -> str:
    """The one folder name of `account`: readable, short, and distinct even where letter case is ignored.

    The caller's id is opaque and may hold anything; the digest, not the readable part, tells accounts apart.
    """
    slug = _NO_SLUG.sub("-", account.lower()).strip("-")[:32].strip("-")
    digest = hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"{slug}-{digest}" if slug else digest


class Look(Protocol):
    """Says what an open file is. Raises InvalidInput, naming `field`, where it is nothing known or too large, and
    NoMedia where it is empty or a mere text."""

    def __call__(self, file: BinaryIO, *, field: str, media_types: Sequence[str] = ()) -> Seen: ...


class FileAssets:
    """An AssetStore on a file system; everything that blocks runs in `executor`."""

    def __init__(self, root: Path, executor: Executor, look: Look) -> None:
        self._look = look
        self._root = root.absolute()
        self._executor = executor
        self._made: set[Path] = set()

    async def save(self, account: str, media: Media) -> Asset:
        """Store `media`, once however often it is saved; on return it is on the disk.

        Raises StoreUnavailable where the disk is full, read-only or gone, and then leaves nothing behind.
        """
        return await self._run(self._save, account, media)

    async def receive(self, account: str, content: AsyncIterator[bytes], media_types: Sequence[str]) -> Asset:
        """Store a stream as it comes, about a mebibyte of it in memory; on return it is on the disk.

        Raises InvalidInput where it is no media or too large (NoMedia where it is empty or a mere text),
        StoreUnavailable, and whatever the stream raises; then nothing is kept.
        """
        arrival = Arrival(self._root / account_folder(account) / _INCOMING)
        try:
            waiting = bytearray()
            async for piece in content:
                waiting += piece
                if len(waiting) >= _WRITTEN_AT_ONCE:
                    await self._run(arrival.take, [bytes(waiting)])
                    waiting.clear()
            return await self._run(self._publish, account, arrival, [bytes(waiting)], media_types)
        finally:
            if not arrival.file.ended:
                # Goes on where this task is cancelled once more.
                await asyncio.shield(self._run(arrival.file.close))

    async def load(self, account: str, asset: Asset) -> Media:
        """Raises AssetMissing where the content was erased or lost, AssetDamaged where it has changed."""
        return await self._run(self._load, account, asset)

    def path(self, account: str, asset: Asset) -> str | None:
        """Where the file is, or None where it was erased or lost."""
        file = self._file(account, asset.digest, asset.media_type)
        return str(file) if file.is_file() else None

    @staticmethod
    def folder(account: str) -> str:
        """The name under which an account's files are swept."""
        return account_folder(account)

    async def erase(self, account: str, digest: str) -> bool:
        """Delete the content for good; False if there was none. Who else needs it is the caller's to know."""
        return await self._run(self._erase, account, digest)

    async def sweep(self, referenced: Callable[[str], Collection[str]], *, grace_seconds: int, now: int) -> Swept:
        """Delete what crashes left behind: files that nothing references, and unfinished ones.

        `referenced` is called in a worker thread with an account's folder (see `account_folder`) and returns
        the digests to keep. A file touched less than `grace_seconds` before `now` (epoch microseconds) stays,
        since its first reference may not be written yet.
        """
        before = now - grace_seconds * _MICROSECONDS
        return await self._run(self._sweep, referenced, before)

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def guarded() -> R:
            with _reported():
                return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._executor, guarded)

    def _file(self, account: str, digest: str, media_type: str) -> Path:
        return self._folder(account, digest) / f"{digest}.{extension(media_type)}"

    def _folder(self, account: str, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise InvalidInput("asset", "its digest is not a SHA-256 in lower-case hex")
        return self._root / account_folder(account) / digest[:2]

    def _save(self, account: str, media: Media) -> Asset:
        digest = hashlib.sha256(media.content).hexdigest()
        asset = Asset(digest, media.media_type, len(media.content), media.width, media.height, media.duration_ms)
        return self._place(account, asset, lambda file: _write(file, media.content))

    def _publish(self, account: str, arrival: Arrival, rest: Sequence[bytes], media_types: Sequence[str]) -> Asset:
        """Take the rest of a stream, and store what it turns out to be."""
        with contextlib.closing(arrival.file) as file:
            arrival.take(rest or [b""])  # a stream without content is a file too
            with file.path.open("rb") as stream:
                seen = self._look(stream, field="output", media_types=media_types)
            digest, size = arrival.hash.hexdigest(), arrival.size
            asset = Asset(digest, seen.media_type, size, seen.width, seen.height, seen.duration_ms)
            return self._place(account, asset, file.move)

    def _place(self, account: str, asset: Asset, put: Callable[[Path], None]) -> Asset:
        """See that the asset's file is there for good; `put` lets it appear, whole and flushed."""
        file = self._file(account, asset.digest, asset.media_type)
        self._make_folder(file.parent)
        if not self._keep(file, asset.size):
            put(file)
        # Also where another saver's file was found: its rename may not have reached the disk yet.
        _flush_folder(file.parent)
        return asset

    def _make_folder(self, folder: Path) -> None:
        """Create it and flush it into its parent, also where another saver has only just made it."""
        if folder in self._made and folder.is_dir():
            return
        missing = {above for above in (folder, *folder.parents) if not above.exists()}
        folder.mkdir(parents=True, exist_ok=True)
        chain = {folder, folder.parent, self._root}
        for made in missing | (chain - self._made):
            _flush_folder(made.parent)
        if len(self._made) >= _MOST_REMEMBERED:
            self._made.clear()
        self._made |= chain

    def _keep(self, file: Path, size: int) -> bool:
        """Whether the file is there, whole; its grace then begins anew, which a running sweep respects."""
        if not file.exists():
            return False
        with self._locked(fcntl.LOCK_SH):
            try:
                if file.stat().st_size != size:
                    return False
                os.utime(file)
            except FileNotFoundError:
                return False
        return True

    def _load(self, account: str, asset: Asset) -> Media:
        file = self._file(account, asset.digest, asset.media_type)
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
            _flush_folder(folder)
        return bool(files)

    def _sweep(self, referenced: Callable[[str], Collection[str]], before: int) -> Swept:
        files: list[str] = []
        size = 0
        for account in self._accounts():
            # Listed first, asked second: a reference written in between is then seen.
            old = [file for file in account.glob("*/*") if _touched(file) < before]
            kept = referenced(account.name) if old else ()
            for file in old:
                if file.name.partition(".")[0] not in kept:
                    freed = self._sweep_file(file, before)
                    files += [str(file.relative_to(self._root))] if freed is not None else []
                    size += freed or 0
        return Swept(tuple(sorted(files)), size)

    def _accounts(self) -> list[Path]:
        if not self._root.is_dir():
            return []
        return sorted(entry for entry in self._root.iterdir() if entry.is_dir())

    def _sweep_file(self, file: Path, before: int) -> int | None:
        """The bytes freed, or None if it was gone or came into use again since it was listed."""
        with self._locked(fcntl.LOCK_EX):
            if _touched(file) >= before:
                return None
            size = file.stat().st_size
            file.unlink()
        return size

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        descriptor = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def _touched(file: Path) -> int:
    """Epoch microseconds; far in the future for what is gone or no file, so that nothing is done about it."""
    try:
        status = file.lstat()
    except FileNotFoundError:
        return 2**63
    return status.st_mtime_ns // 1000 if file.is_file() else 2**63


class Temporary:
    """A file that is being written; its methods block, and take turns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f".{secrets.token_hex(8)}.tmp"
        self.ended = self._moved = False
        self._stream: FileIO | None = None
        self._turn = Lock()

    def write(self, piece: bytes) -> None:
        """Append a piece; nothing once it has ended, as a cancelled writer's last piece may come after that."""
        with self._turn:
            if self.ended:
                return
            if self._stream is None:
                self._stream = self._opened()
            rest = memoryview(piece)
            while rest:  # unbuffered, it may take less than all
                rest = rest[self._stream.write(rest) :]

    def move(self, file: Path) -> None:
        """Let it appear as `file`, once it is on the disk."""
        assert self._stream is not None
        os.fsync(self._stream.fileno())
        self.path.replace(file)
        self._moved = True

    def close(self) -> None:
        """End it, leaving nothing behind where it was not moved."""
        with self._turn:
            self.ended = True
            if self._stream is not None:
                self._stream.close()
                if not self._moved:
                    self.path.unlink(missing_ok=True)

    def _opened(self) -> FileIO:
        try:
            return self.path.open("xb", buffering=0)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.open("xb", buffering=0)


class Arrival:
    """What has arrived of a stream."""

    def __init__(self, folder: Path) -> None:
        self.file = Temporary(folder)
        self.hash = hashlib.sha256()
        self.size = 0

    def take(self, pieces: Sequence[bytes]) -> None:
        """Write the next pieces; blocking."""
        for piece in pieces:
            self.file.write(piece)
            self.hash.update(piece)
            self.size += len(piece)


def _write(file: Path, content: bytes) -> None:
    with contextlib.closing(Temporary(file.parent)) as temporary:
        temporary.write(content)
        temporary.move(file)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"the asset folder cannot be used: {error.strerror or type(error).__name__}",
            hint="free disk space, or choose a folder that this user may write to",
        ) from error
