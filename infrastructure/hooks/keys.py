"""The keys that webhooks' secrets follow from: from a setting, or from a file that is made once.

They are never in the database, so that whoever has a copy of it cannot sign. The first of several is used for new
secrets; the others sign with those that follow from them.
"""

from __future__ import annotations

from collections.abc import Sequence

from application.notifying.signing import SigningKey
from domain.keytext import sealed
from infrastructure.secretfiles import secret_words
from infrastructure.settings import Settings, revealed

FILE = "webhook-keys"
NAME = 8
"""Signs of a key's name, which tells nothing of it."""


def webhook_keys_of(settings: Settings) -> Sequence[SigningKey]:
    """The settings' keys, the newest first; without any, those of a file beside the ledger, which is made.

    Raises InvalidInput, StoreUnavailable.
    """
    words = secret_words(revealed(settings.webhook_keys), settings.home / FILE, "IMAGESTUDIO_WEBHOOK_KEYS")
    keys = [bytes.fromhex(word) for word in dict.fromkeys(words)]
    return [SigningKey(sealed("webhook-key", key)[:NAME], key) for key in keys]
