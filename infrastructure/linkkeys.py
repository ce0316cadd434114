"""The keys that links to files are signed with: from a setting, or from a file that is made once."""

from __future__ import annotations

from collections.abc import Sequence

from domain.errors import InvalidInput
from infrastructure.secretfiles import SECRET_WORD, kept_secret
from infrastructure.settings import Settings, revealed

FILE = "link-keys"
SETTING = "IMAGESTUDIO_LINK_KEYS"


def link_keys_of(settings: Settings) -> Sequence[bytes]:
    """The settings' keys, the newest first; without any, those of a file beside the ledger, which is made.

    Raises InvalidInput, StoreUnavailable.
    """
    words, where = revealed(settings.link_keys).split(), SETTING
    if not words:
        file = settings.home / FILE
        words, where = kept_secret(file, SETTING).split(), str(file)
    if not words or not all(SECRET_WORD.fullmatch(word) for word in words):
        told = "holds what is not a key: each has 64 hexadecimal digits"
        raise InvalidInput(where, told, hint="make one with: openssl rand -hex 32")
    return [bytes.fromhex(word) for word in words]
