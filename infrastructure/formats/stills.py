"""HEIC and AVIF: pictures as items of one file, of which one is the primary (ISO/IEC 23008-12).

meta ─┬─ pitm              the primary item
      ├─ iinf ─ infe       what each item is coded as; "grid" is put together of others
      ├─ iref ─ dimg       of which
      ├─ iloc              where in the file the bytes of each are
      └─ iprp ─┬─ ipco     properties: ispe (pixels), clap (which of them are shown), irot (quarter turns)
               └─ ipma     which item has which of them, in the order in which they apply
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from infrastructure.formats.boxes import Boxes, TooMuch
from infrastructure.formats.measured import unsigned
from infrastructure.formats.shapes import Size

_MOST_ITEMS: Final = 65_536
_MOST_PARTS: Final = 200_000
_NOWHERE: Final = 1 << 64
_QUARTERS: Final = 3


@dataclass(frozen=True, slots=True)
class Still:
    """The primary picture: its size as shown, what it is coded as, and whether all bytes of all items are there."""

    size: Size
    coded: bytes
    whole: bool


def read_still(content: memoryview) -> Still | None:
    """None where the file holds no picture whose size is told."""
    boxes = Boxes()
    try:
        meta = dict(boxes.of(boxes.first(content, b"meta")[4:]))
        primary = meta.get(b"pitm", memoryview(b""))
        id = unsigned(primary, 4, 4 if bytes(primary[:1]) == b"\1" else 2)
        size = _size(boxes, meta.get(b"iprp", memoryview(b"")), id)
        coded = _kinds(boxes, meta.get(b"iinf", memoryview(b""))).get(id, b"")
        if coded == b"grid":
            coded = next((kind for kind in _kinds(boxes, meta[b"iinf"]).values() if kind in (b"hvc1", b"av01")), b"")
    except TooMuch:
        return None
    if size is None:
        return None
    return Still(size, coded, all(end <= len(content) for end in _ends(meta.get(b"iloc", memoryview(b"")))))


def _size(boxes: Boxes, properties: memoryview, id: int) -> Size | None:
    known = [*boxes.of(boxes.first(properties, b"ipco"))]
    size: Size | None = None
    for number in _of_item(boxes.first(properties, b"ipma"), id):
        kind, body = known[number - 1] if 0 < number <= len(known) else (b"", memoryview(b""))
        if kind == b"ispe":
            width, height = unsigned(body, 4, 4), unsigned(body, 8, 4)
            size = (width, height) if width and height else None
        elif kind == b"clap" and size:
            size = _cut(body, size)
        elif kind == b"irot" and size and unsigned(body, 0, 1) & _QUARTERS in (1, 3):
            size = size[1], size[0]
    return size


def _cut(aperture: memoryview, size: Size) -> Size:
    """Both sides are fractions; one that is larger than the picture, or nothing, says nothing."""
    parts = [unsigned(aperture, 4 * number, 4) for number in range(4)]
    if not all(parts):
        return size
    width, height = parts[0] // parts[1], parts[2] // parts[3]
    return (width, height) if 0 < width <= size[0] and 0 < height <= size[1] else size


def _of_item(table: memoryview, id: int) -> Iterator[int]:
    """The numbers of an item's properties, counted from 1, those that turn and cut it in their order."""
    wide_id, wide_number = (4 if unsigned(table, 0, 1) else 2), (2 if unsigned(table, 3, 1) & 1 else 1)
    place = 8
    for _ in range(min(unsigned(table, 4, 4), _MOST_ITEMS)):
        item, count = unsigned(table, place, wide_id), unsigned(table, place + wide_id, 1)
        place += wide_id + 1
        if item == id:
            essential = 1 << 8 * wide_number - 1
            for number in range(count):
                yield unsigned(table, place + number * wide_number, wide_number) & ~essential
            return
        place += count * wide_number


def _kinds(boxes: Boxes, table: memoryview) -> dict[int, bytes]:
    """The type of each item; only entries of version 2 and 3 say so."""
    start = 8 if unsigned(table, 0, 1) else 6
    kinds = {}
    for kind, entry in boxes.of(table[start:]):
        if kind == b"infe":
            wide = 4 if unsigned(entry, 0, 1) == 3 else 2
            kinds[unsigned(entry, 4, wide)] = bytes(entry[6 + wide : 10 + wide])
    return kinds


def _ends(table: memoryview) -> Iterator[int]:
    """The ends in the file of each item's parts; parts that are elsewhere are not looked at, nor are too many."""
    version, sizes = unsigned(table, 0, 1), unsigned(table, 4, 2)
    wide_offset, wide_length, wide_base, wide_index = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    wide = 4 if version == 2 else 2
    place, left = 6 + wide, _MOST_PARTS
    for _ in range(min(unsigned(table, 6, wide), _MOST_ITEMS)):
        place += wide
        in_file = True
        if version:
            in_file = unsigned(table, place, 2) & 15 == 0
            place += 2
        base = unsigned(table, place + 2, wide_base)
        parts = unsigned(table, place + 2 + wide_base, 2)
        place += 4 + wide_base
        for _ in range(parts):
            place, left = place + (wide_index if version else 0), left - 1
            if place > len(table):
                return
            if not left:
                yield _NOWHERE
                return
            if in_file:
                yield base + unsigned(table, place, wide_offset) + unsigned(table, place + wide_offset, wide_length)
            place += wide_offset + wide_length
