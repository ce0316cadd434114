"""An API key as text: an id that anybody may see, and a secret that is shown once.

    key_7hq2m9x4ka                                            the id, in facts, lists and logs
    isk_7hq2m9x4ka + 32 signs of chance + 6 signs of a check  the secret, which names its id

Scanners for lost secrets find one by its beginning and length, and the check tells it from what only looks like one.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Five bits a sign, by Crockford: no sign is taken for another, and none needs a capital."""

BEGIN: Final = "isk_"
PUBLIC, HIDDEN, CHECK = 10, 32, 6
"""Signs of the id, of the chance that nobody can guess (160 bits), and of the check."""

SECRET: Final = re.compile(f"{BEGIN}([{ALPHABET}]{{{PUBLIC}}})[{ALPHABET}]{{{HIDDEN}}}([{ALPHABET}]{{{CHECK}}})")
KEY_ID: Final = re.compile(f"key_[{ALPHABET}]{{{PUBLIC}}}")


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key's id and secret."""

    id: str
    secret: str = field(repr=False)


def mint(noise: bytes) -> MintedKey:
    """The key that random bytes make; 32 of them are enough."""
    drawn = _signs(int.from_bytes(noise, "big"), PUBLIC + HIDDEN)
    return MintedKey(f"key_{drawn[:PUBLIC]}", f"{BEGIN}{drawn}{_check_of(drawn)}")


def id_in(secret: object) -> str | None:
    """The id that a secret names; None for what was never one of our secrets, such as one that was typed wrongly."""
    found = SECRET.fullmatch(secret) if isinstance(secret, str) else None
    if found is None or _check_of(found[0][len(BEGIN) : -CHECK]) != found[2]:
        return None
    return f"key_{found[1]}"


def sealed(secret: str, pepper: bytes) -> str:
    """The secret as it is kept: its HMAC-SHA256 under a pepper, in hex."""
    return hmac.new(pepper, secret.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _check_of(drawn: str) -> str:
    return _signs(int.from_bytes(sha256(f"{BEGIN}{drawn}".encode()).digest(), "big"), CHECK)


def _signs(number: int, count: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(count))
