"""The keys that links to files are signed with: from a setting, or from a file that is made once."""

from __future__ import annotations

from collections.abc import Sequence

from infrastructure.secretfiles import secret_words
from infrastructure.settings import Settings, revealed

FILE = "link-keys"
SETTING = "IMAGESTUDIO_LINK_KEYS"


def link_keys_of(settings: Settings) -> Sequence[bytes]:
    """The settings' keys, the newest first; without any, those of a file beside the ledger, which is made.

    Raises InvalidInput, StoreUnavailable.
    """
    words = secret_words(revealed(settings.link_keys), settings.home / FILE, SETTING)
    return [bytes.fromhex(word) for word in words]
