"""What a file says of itself."""

from __future__ import annotations

from typing import NamedTuple


class Measured(NamedTuple):
    """Pixels as they are shown, and milliseconds; None where the file does not say."""

    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None


def unsigned(content: memoryview, start: int, size: int) -> int:
    """The big-endian number of `size` bytes at `start`; 0 where the content ends before it."""
    part = content[start : start + size]
    return int.from_bytes(part, "big") if len(part) == size else 0
