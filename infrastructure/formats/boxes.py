"""Nested boxes of size, kind and body, of which MP4, QuickTime, HEIC and AVIF are made (ISO/IEC 14496-12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from infrastructure.formats.measured import unsigned

MOST_BOXES: Final = 500_000
"""Of one file; half an hour in fragments of one frame each, and days in fragments of a second."""
_NOTHING: Final = memoryview(b"")
_LONG: Final = b"\x01"


class TooMuch(Exception):
    """The file holds more than is walked, so that what was found so far may be a part of it."""


class Boxes:
    """Walks the boxes of one file, at most MOST_BOXES of them."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST_BOXES

    def of(self, content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
        """Kind and body of each box; a body that the content cuts short comes as far as it goes.

        Raises TooMuch.
        """
        position, whole = 0, len(content)
        while position + 8 <= whole:
            if not self.left:
                raise TooMuch
            self.left -= 1
            size, start = int.from_bytes(content[position : position + 4], "big"), 8
            if size == 1:
                size, start = unsigned(content, position + 8, 8), 16
            elif size == 0:
                size = whole - position
            if size < start:
                return
            yield bytes(content[position + 4 : position + 8]), content[position + start : position + size]
            position += size

    def first(self, content: memoryview, *path: bytes) -> memoryview:
        """The body of the first box of each kind within the one before; nothing where there is none."""
        for wanted in path:
            content = next((body for kind, body in self.of(content) if kind == wanted), _NOTHING)
        return content


def is_long(header: memoryview) -> bool:
    """Whether a box is of version 1, in which times have eight bytes."""
    return bytes(header[:1]) == _LONG
