"""The peppers that API keys' secrets are hashed under: from a setting, or from a file that is made once.

They are never in the database, so that whoever has a copy of it cannot try secrets. The first of several is used for
new keys; the others open the keys that were issued under them.
"""

from __future__ import annotations

from collections.abc import Sequence

from application.keeping.keyring import Pepper
from domain.errors import InvalidInput
from domain.keytext import sealed
from infrastructure.secretfiles import SECRET_WORD, kept_secret
from infrastructure.settings import Settings, revealed

FILE = "peppers"
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
        words, where = kept_secret(file, where).split(), str(file)
    for word in words:
        if not SECRET_WORD.fullmatch(word):
            told = "holds what is not a pepper: each has 64 hexadecimal digits"
            raise InvalidInput(where, told, hint="make one with: openssl rand -hex 32")
    if not words:
        raise InvalidInput(where, "holds no pepper", hint="bring it back: without it no key opens anything")
    return [_pepper(bytes.fromhex(word)) for word in dict.fromkeys(words)]


def _pepper(value: bytes) -> Pepper:
    return Pepper(sealed("pepper", value)[:NAME], value)
