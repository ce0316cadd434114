"""The peppers that API keys' secrets are hashed under: from a setting, or from a file that is made once.

They are never in the database, so that whoever has a copy of it cannot try secrets. The first of several is used for
new keys; the others open the keys that were issued under them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from application.keeping.keyring import Pepper
from domain.errors import InvalidInput, StoreUnavailable
from domain.keytext import sealed
from infrastructure.clock import new_secret
from infrastructure.settings import Settings, revealed

FILE = "peppers"
WORD = re.compile("[0-9a-f]{64}")
NAME = 8
"""Signs of a pepper's name, which tells nothing of it."""


def peppers_of(settings: Settings) -> Sequence[Pepper]:
    """The settings' peppers, the newest first; without any, those of a file beside the ledger, which is made.

    Raises InvalidInput, StoreUnavailable.
    """
    words = revealed(settings.peppers).split()
    where = "IMAGESTUDIO_PEPPERS"
    if not words:
        file = settings.home / FILE
        words, where = _kept(file).split(), str(file)
    for word in words:
        if not WORD.fullmatch(word):
            told = "holds what is not a pepper: each has 64 hexadecimal digits"
            raise InvalidInput(where, told, hint="make one with: openssl rand -hex 32")
    if not words:
        raise InvalidInput(where, "holds no pepper", hint="bring it back: without it no key opens anything")
    return [_pepper(bytes.fromhex(word)) for word in dict.fromkeys(words)]


def _pepper(value: bytes) -> Pepper:
    return Pepper(sealed("pepper", value)[:NAME], value)


def _kept(file: Path) -> str:
    """The file's text; of several processes that make it at once, one does."""
    try:
        if not file.exists():
            _make(file)
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeError) as error:
        raise StoreUnavailable(
            f"the peppers in {file} cannot be read: {error}", hint="make it readable, or set IMAGESTUDIO_PEPPERS"
        ) from error


def _make(file: Path) -> None:
    """Make it whole or not at all, for its owner's eyes alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{FILE}.{os.getpid()}.{new_secret().hex()[:8]}")
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
