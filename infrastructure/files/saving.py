"""Saves files in groups: those that come at the same time share a thread, the waits for the disk and one answer.

    save ── the loop's turn ends ── queue ── a group ─┬─ each goes on to its next flush ─┬─ answers, all at once
                                                      └──── flush, several at a time ◄───┘

The cost of a file is less the disk's work than being handed from thread to thread, and a ledger that commits one at a
time what comes one at a time (docs/decisions/0012). A file of a group fails alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from application.ports import Asset

MEBIBYTE: Final = 1024 * 1024
MOST_FILES: Final = 64
"""Of a group, which are open at the same time."""

SIDE_BY_SIDE: Final = 8
"""Flushes at a time. A file system groups those of several threads, and the threads do nothing but wait."""

LOCK: Final = ".lock"

FEW: Final = 3
"""So few flushes are not worth a hand-over."""


class Temporary:
    """A file that is being written; its methods block, and take turns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f".{secrets.token_hex(8)}.tmp"
        self.ended = self._moved = False
        self._stream: FileIO | None = None
        self._turn = Lock()

    def write(self, piece: bytes | bytearray) -> None:
        """Append a piece; nothing once it has ended, as a cancelled writer's last piece may come after that."""
        with self._turn:
            if self.ended:
                return
            if self._stream is None:
                self._stream = self._opened()
            rest = memoryview(piece)
            while rest:  # unbuffered, it may take less than all
                rest = rest[self._stream.write(rest) :]

    def flush(self) -> None:
        """On return what was written is on the disk; nothing once it has ended."""
        with self._turn:
            if self._stream is not None and not self.ended:
                os.fsync(self._stream.fileno())

    def move(self, file: Path) -> None:
        """Let it appear as `file`, once it is flushed. Raises OSError where it has ended."""
        with self._turn:
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
            return FileIO(self.path, "xb")
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return FileIO(self.path, "xb")


Flushed = Temporary | Path
"""The thing that can be flushed: a file that is being written, or a folder, that is the names in it."""

Steps = Generator[Collection[Flushed], None, "Asset"]
"""How a file is saved: it stops wherever it wants something flushed, and goes on, or is told why not, when it is."""


@dataclass(slots=True, eq=False)
class Saving:
    """A file of so many bytes on its way, and whoever waits for it."""

    steps: Steps
    size: int
    answer: asyncio.Future[Asset]
    wanted: Collection[Flushed] = ()
    asset: Asset | None = None
    error: Exception | None = None

    @property
    def goes_on(self) -> bool:
        return self.asset is None and self.error is None

    def go_on(self, failed: Mapping[Flushed, OSError]) -> None:
        """To the next flush, or the end; `failed` says which flushes failed and why."""
        failure = next((failed[one] for one in self.wanted if one in failed), None)
        try:
            self.wanted = next(self.steps) if failure is None else self.steps.throw(failure)
        except StopIteration as end:
            self.asset = end.value
        except OSError as error:
            self.error = unusable(error)
            self.error.__cause__ = error
        except Exception as error:  # noqa: BLE001 - what breaks fails its own caller, and the group goes on
            self.error = error

    def tell(self) -> None:
        """On the loop of whoever waits."""
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        elif self.asset is not None:
            self.answer.set_result(self.asset)


class Saver:
    """Serves one event loop. Groups run in `executor`; where there are `flushers`, they share a group's flushes."""

    def __init__(self, executor: Executor, flushers: Executor | None) -> None:
        self._executor, self._flushers = executor, flushers
        self._collected: list[Saving] = []
        self._queue: deque[Saving] = deque()
        self._taking = Lock()

    async def save(self, steps: Steps, size: int) -> Asset:
        """Take all the steps; raises what they raise, an OSError as StoreUnavailable.

        A caller that is cancelled stops waiting; its file goes on once it has begun.
        """
        loop = asyncio.get_running_loop()
        saving = Saving(steps, size, loop.create_future())
        if not self._collected:
            loop.call_soon(self._begin)
        self._collected.append(saving)
        return await saving.answer

    def _begin(self) -> None:
        """Hand over what came in one turn of the loop, to a thread for each group that it makes."""
        collected, self._collected = self._collected, []
        self._queue.extend(collected)
        size = sum(saving.size for saving in collected)
        try:
            for _ in range(1 + max(size // MEBIBYTE, (len(collected) - 1) // MOST_FILES)):
                self._executor.submit(self._save_next)
        except RuntimeError as error:  # it was shut down
            for saving in collected:
                saving.error = error
                saving.tell()

    def _save_next(self) -> None:
        """Save a group; what came meanwhile has its turn after whatever else the threads have to do."""
        while group := self._take():
            self._save(group)
            _tell(group)
            with suppress(RuntimeError):  # shut down: this thread does the rest
                if self._queue:
                    self._executor.submit(self._save_next)
                return

    def _save(self, group: Sequence[Saving]) -> None:
        going, failed = group, dict[Flushed, OSError]()
        while going:
            for saving in going:
                saving.go_on(failed)
            going = [saving for saving in going if saving.goes_on]
            failed = self._flush({one for saving in going for one in saving.wanted})

    def _take(self) -> list[Saving]:
        """The next of the queue: at most a mebibyte together, or one that is larger, so that no small file waits for a
        large one. Without those that nobody waits for any more."""
        group: list[Saving] = []
        size = 0
        with self._taking:
            while self._queue and len(group) < MOST_FILES:
                if group and size + self._queue[0].size > MEBIBYTE:
                    break
                saving = self._queue.popleft()
                if not saving.answer.done():
                    group.append(saving)
                    size += saving.size
        return group

    def _flush(self, wanted: Collection[Flushed]) -> dict[Flushed, OSError]:
        """Those that failed, and why."""
        if self._flushers is None or len(wanted) <= FEW:
            return dict(_flush_each(wanted))
        every = list(wanted)
        shares = [every[start::SIDE_BY_SIDE] for start in range(min(SIDE_BY_SIDE, len(every)))]
        return dict(chain.from_iterable(self._flushers.map(_flush_each, shares)))


def _flush_each(wanted: Collection[Flushed]) -> list[tuple[Flushed, OSError]]:
    failed: list[tuple[Flushed, OSError]] = []
    for one in wanted:
        try:
            one.flush() if isinstance(one, Temporary) else flush_folder(one)
        except OSError as error:
            failed.append((one, error))
    return failed


def _tell(group: Sequence[Saving]) -> None:
    with suppress(RuntimeError):  # the loop was closed: nobody waits any more
        group[0].answer.get_loop().call_soon_threadsafe(_tell_each, group)


def _tell_each(group: Sequence[Saving]) -> None:
    for saving in group:
        saving.tell()


def flush_folder(folder: Path) -> None:
    """On return the names in it are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def taking_turns(root: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold the folder's lock file, in turns with all processes; blocking. Raises OSError."""
    descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def reported() -> Iterator[None]:
    """An OSError as StoreUnavailable."""
    try:
        yield
    except OSError as error:
        raise unusable(error) from error


def unusable(error: OSError) -> StoreUnavailable:
    """The error that callers are told."""
    return StoreUnavailable(
        f"the asset folder cannot be used: {error.strerror or type(error).__name__}",
        hint="free disk space, or choose a folder that this user may write to",
    )
