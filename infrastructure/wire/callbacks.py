"""Addresses of callbacks: each belongs to one attempt at one operation, and nobody can make another's.

submission ── BASE/OPERATION/MAC ──> provider ── POST ──> the provider's own check, and `attempt_of` the address
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final
from urllib.parse import quote

from infrastructure.clock import SECOND

OLDEST: Final = 300
"""Seconds between a callback's time and ours, both ways."""
LARGEST: Final = 8 * 1024 * 1024
MOST_ATTEMPTS: Final = 9
"""Attempts at one operation whose callbacks are told apart; those of later ones are not known again."""
UNVERIFIED: Final = "the callback is not the provider's, or too old"
"""All that is said to whoever may be trying."""
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def address(base: str, operation: str, secret: str, attempt: int = 1) -> str:
    """The address at which the provider shall call back for an attempt at an operation, and nobody can for another."""
    return f"{base.rstrip('/')}/{quote(operation, safe='')}/{operation_mac(operation, secret, attempt)}"


def operation_mac(operation: str, secret: str, attempt: int = 1) -> str:
    """64 hexadecimal digits that only who knows the secret can make for an attempt at an operation."""
    what = f"operation.{operation}" if attempt == 1 else f"attempt.{attempt}.{operation}"
    return keyed(secret, what.encode())


def attempt_of(operation: str, mac: str, secret: str) -> int | None:
    """The attempt at the operation that an address was made for; None if it was made for none."""
    attempts = range(1, MOST_ATTEMPTS + 1)
    return next((one for one in attempts if equal(mac, operation_mac(operation, secret, one))), None)


def is_recent(at: str, now: int) -> bool:
    """Whether a time in whole epoch seconds is near `now`, in epoch microseconds."""
    return _SECONDS.fullmatch(at) is not None and abs(now - int(at) * SECOND) <= OLDEST * SECOND


def keyed(secret: str, message: bytes) -> str:
    """HMAC-SHA-256 in hexadecimal; the secret with or without whsec_."""
    return hmac.new(secret.removeprefix("whsec_").encode(), message, hashlib.sha256).hexdigest()


def equal(given: str, expected: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
