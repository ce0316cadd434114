"""The one clock, and ids that sort by it."""

from __future__ import annotations

import secrets
import time

SECOND = 1_000_000
"""Microseconds."""


def now() -> int:
    """Epoch microseconds UTC."""
    return time.time_ns() // 1_000


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits, so that newer ids sort after older ones."""
    milliseconds = (now() // 1_000) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_secret() -> bytes:
    """Thirty-two random bytes, to key one batch's digest."""
    return secrets.token_bytes(32)
