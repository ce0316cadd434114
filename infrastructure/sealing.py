"""The keys of seals, Ed25519: from a setting, or from a file that is made once; and public keys, as they are handed on.

The first of several signs; the others still have their public halves told, so that their seals can be checked.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.errors import InvalidInput
from infrastructure.sealfiles import KEYS_FILE
from infrastructure.secretfiles import SECRET_WORD, kept_secret
from infrastructure.settings import Settings, revealed

SETTING: Final = "IMAGESTUDIO_SEAL_KEYS"
NAME: Final = 16
"""Signs of a public key's name, which are of its hash."""
_WORD: Final = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=")
"""A public key as it is handed on."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """A key that signs."""

    _private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """Its public half, to be kept where seals are checked."""
        raw = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"ed25519:{base64.b64encode(raw).decode()}"

    @property
    def name(self) -> str:
        return public_name(self.public)

    def sign(self, text: bytes) -> bytes:
        """The signature, of 64 bytes."""
        return self._private.sign(text)


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """Public keys by name."""

    known: Mapping[str, Ed25519PublicKey]

    @classmethod
    def of(cls, words: Iterable[str]) -> PublicKeys:
        """The keys that are written so. Raises InvalidInput."""
        found = {}
        for word in words:
            if not _WORD.fullmatch(word):
                raise InvalidInput("public key", f"{word!r} is none", hint="give one such as ed25519:…")
            raw = base64.b64decode(word.removeprefix("ed25519:"))
            found[public_name(word)] = Ed25519PublicKey.from_public_bytes(raw)
        return cls(found)

    def holds(self, name: str, text: bytes, signature: bytes) -> bool:
        """Whether the key of this name signed the text. Raises InvalidInput if there is no such key."""
        if name not in self.known:
            there = ", ".join(sorted(self.known)) or "none"
            raise InvalidInput("public key", f"key {name} is not known here (there are: {there})")
        try:
            self.known[name].verify(signature, text)
        except InvalidSignature:
            return False
        return True


def public_name(public: str) -> str:
    """The name of a public key, which tells it from others."""
    return sha256(public.encode()).hexdigest()[:NAME]


def seal_keys_of(settings: Settings) -> Sequence[SealKey]:
    """The settings' keys, the newest first; without any, that of a file beside the ledger, which is made.

    Raises InvalidInput, StoreUnavailable.
    """
    words, where = revealed(settings.seal_keys).split(), SETTING
    if not words:
        file = settings.home / KEYS_FILE
        words, where = kept_secret(file, SETTING).split(), str(file)
    if not words or not all(SECRET_WORD.fullmatch(word) for word in words):
        told = "holds what is not a key: each has 64 hexadecimal digits"
        raise InvalidInput(where, told, hint="make one with: openssl rand -hex 32")
    return [SealKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(word))) for word in words]
