"""Ranges of bytes that options say."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from domain.errors import InvalidInput

_SIZE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) ?([kMGT]?)i?B?", re.IGNORECASE)
_THOUSANDS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_ANY: Final = 2**63 - 1


def bytes_within(least: str | None, most: str | None) -> tuple[int, int] | None:
    """The bytes from and up to; None if neither is said. Raises InvalidInput."""
    if least is None and most is None:
        return None
    start = 0 if least is None else bytes_of("--min-size", least)
    end = _ANY if most is None else bytes_of("--max-size", most)
    if start > end:
        raise InvalidInput("--max-size", f"{most} is less than {least}", hint="name more")
    return start, end


def bytes_of(option: str, text: str) -> int:
    """Bytes as people write them: 300, 200kB, 1.5MB, and 2MiB in powers of 1,024. Raises InvalidInput."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise InvalidInput(option, f"{text!r} is no size", hint="write 300, 200kB, 1.5MB or 2MiB")
    units = _BINARY if "i" in text.lower() else _THOUSANDS
    return min(int(Decimal(found[1]) * units[found[2].lower()]), _ANY)
