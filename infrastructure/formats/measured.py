"""Sizes and lengths that a file says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """Pixels as they are shown, and milliseconds; None where the file does not say.

    `only_sound` is a container that usually holds films and holds no picture.
    """

    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    only_sound: bool = False


def unsigned(content: memoryview, start: int, size: int) -> int:
    """The big-endian number of `size` bytes at `start`; 0 where the content ends before it."""
    part = content[start : start + size]
    return int.from_bytes(part, "big") if len(part) == size else 0


def signed(content: memoryview, start: int, size: int) -> int:
    """As `unsigned`, in two's complement."""
    part = content[start : start + size]
    return int.from_bytes(part, "big", signed=True) if len(part) == size else 0


def milliseconds(ticks: int, scale: int) -> int:
    """So many ticks of so many a second, to the nearest millisecond; halves are rounded up."""
    return (2000 * ticks + scale) // (2 * scale)
