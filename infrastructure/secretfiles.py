"""Secrets that a file beside the ledger holds: made once, whole or not at all, for its owner's eyes alone."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from domain.errors import InvalidInput, StoreUnavailable
from infrastructure.clock import new_secret

SECRET_WORD = re.compile("[0-9a-f]{64}")
FILES = 16
"""Whose texts are remembered; a service has three."""


def kept_secret(file: Path, setting: str) -> str:
    """The file's text, made if there is no file; of several processes that make it at once, one does.

    Raises StoreUnavailable, which names the setting that would do instead.
    """
    try:
        if not file.exists():
            _make(file)
        seen = file.stat()
        return _read(file, (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns))
    except (OSError, UnicodeError) as error:
        raise StoreUnavailable(
            f"the {file.name} in {file} cannot be read: {error}", hint=f"make it readable, or set {setting}"
        ) from error


def secret_words(said: str, file: Path, setting: str) -> Sequence[str]:
    """The keys that a setting says, else those of a file beside the ledger, which is made; at least one.

    Raises InvalidInput, StoreUnavailable.
    """
    words, where = said.split(), setting
    if not words:
        words, where = kept_secret(file, setting).split(), str(file)
    if not words or not all(SECRET_WORD.fullmatch(word) for word in words):
        told = "holds what is not a key: each has 64 hexadecimal digits"
        raise InvalidInput(where, told, hint="make one with: openssl rand -hex 32")
    return words


@lru_cache(FILES)
def _read(file: Path, _as_it_is: tuple[int, ...]) -> str:
    """Its text, read once as long as nobody changes it: a page asks several times."""
    return file.read_text(encoding="ascii")


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.{new_secret().hex()[:8]}")
    opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, "w", encoding="ascii") as written:
            written.write(f"{new_secret().hex()}\n")
            written.flush()
            os.fsync(written.fileno())
        with suppress(FileExistsError):
            os.link(partial, file)
    finally:
        partial.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
