"""A store's folder, seen and touched from outside."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

from application.ports import Swept
from infrastructure.files.shelf import Shelf

ACME = "acme"
PAST = 1_600_000_000
NOW = 1_700_000_000
MICROSECONDS = 1_000_000


def stored(root: Path) -> list[Path]:
    return sorted(file for file in root.rglob("*") if file.is_file() and file.name != ".lock")


def age(file: str | Path | None, seconds: int = PAST) -> Path:
    assert file is not None
    os.utime(file, (seconds, seconds))
    return Path(file)


def overwrite(file: str | None, content: bytes) -> None:
    assert file is not None
    Path(file).write_bytes(content)


async def sweep(assets: Shelf, referenced: Callable[[str], set[str]], grace_seconds: int = 60) -> Swept:
    """Find and delete what is not referenced, at NOW."""
    when = {"grace_seconds": grace_seconds, "now": NOW * MICROSECONDS}
    return await assets.sweep(await assets.find_unneeded(referenced, **when), **when)


def keeping(*digests: str) -> Callable[[str], set[str]]:
    return lambda folder: set(digests)


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The system itself refuses to write more than `size` bytes into a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
