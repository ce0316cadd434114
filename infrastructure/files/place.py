"""The port of a place that keeps files, so that all above it is the same for a folder and a bucket.

    Shelf, Belonging, moving ──> FilePlace ─┬─ LocalFolder   a file system
                                            └─ Bucket        an S3-compatible store

Names are relative, with slashes. Every method blocks, but those of a Keeper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from application.ports import Asset
from infrastructure.files.saving import Temporary


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is there: its bytes, and when it was last written (epoch microseconds, by the place's clock)."""

    name: str
    size: int
    touched: int

    @property
    def is_whole(self) -> bool:
        """Whether it was ever complete; what is being written has a hidden name."""
        return not self.name.rpartition("/")[2].startswith(".")


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that may be kept: its content is in `arrived`, or else in `content`."""

    asset: Asset
    name: str
    content: bytes
    arrived: Temporary | None = None


class Keeper(Protocol):
    """Takes files in for one event loop."""

    def arriving(self, account: str) -> Path:
        """The folder in which what comes in pieces is put down until it is known."""

    async def keep(self, prepare: Callable[[], Ready], size: int) -> Asset:
        """Keep what `prepare` says, having called it in a thread; on return it is durable.

        Kept before, its age begins anew. Raises StoreUnavailable, and what `prepare` raises.
        """


class FilePlace(Protocol):
    """A place that keeps files. Each method raises StoreUnavailable if the place cannot be used now."""

    waiters: int
    """How many threads that only wait are worth having."""

    @property
    def where(self) -> str:
        """The folder's path, or the bucket's address: as it is shown and set."""

    def keeper(self, executor: Executor, helpers: Executor | None) -> Keeper:
        """The way in; `helpers` are threads that only wait."""

    def path(self, name: str) -> Path | None:
        """The file on this machine; None if it is not there, or not a file here."""

    def exists(self, name: str) -> bool:
        """Whether the file is there."""

    def read(self, name: str) -> Iterator[bytes]:
        """The content in pieces. Raises FileNotFoundError."""

    def put(self, name: str, content: Iterator[bytes]) -> None:
        """Keep it, in place of what was there; durable on return, and not at all if `content` raises."""

    def create(self, name: str, content: bytes) -> bool:
        """Keep it if there is nothing under this name; whether it was."""

    def files(self, under: str = "") -> Iterator[KeptFile]:
        """All files, or those under a folder, an account's together; also those that never became whole."""

    def link(self, name: str, seconds: int) -> str | None:
        """An address at which the place itself serves the file for so long; None if it serves none.

        Raises FileNotFoundError.
        """

    def delete(self, name: str) -> None:
        """Delete it for good; nothing if it is not there."""

    def drop(self, name: str, before: int) -> int | None:
        """Delete what nobody needs; its bytes, or None if it is gone or was written again since `before`."""

    def now(self, ours: int) -> int:
        """The time by the clock that tells when files were written; `ours` is this machine's."""

    def turns(self) -> AbstractContextManager[None]:
        """Take turns with all who change the marker, if the place can see to that; a folder is made."""
