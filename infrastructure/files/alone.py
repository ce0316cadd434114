"""One process at a time writes a copy: two that were begun for one place would mix their halves."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import InvalidInput


@contextmanager
def alone(target: Path, name: str) -> Iterator[None]:
    """Nobody else makes this file or folder meanwhile; the lock ends with the process.

    Raises InvalidInput of the named argument if somebody does, OSError if nothing can be written there.
    """
    lock = target.with_name(f".{target.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _is_ours(descriptor, lock):
            told = f"{target} is being written by another process"
            raise InvalidInput(name, told, hint="wait for it, or name another place")
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _is_ours(descriptor: int, lock: Path) -> bool:
    """Whether it is locked, and still the file that others see."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), lock.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
