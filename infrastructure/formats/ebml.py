"""WebM: nested elements of id, size and body (RFC 8794, RFC 9559), read in one flat walk.

A container's body is walked as if its elements stood beside it, so that one of unknown size, as live recordings
have, needs no end.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from infrastructure.formats.measured import Measured

MOST_ELEMENTS: Final = 500_000
"""More than an hour of film; only a live recording, which does not state its length, is walked so far."""
_WIDEST: Final = 8
_MILLION: Final = 1_000_000
_MOVING: Final = 1

_TRACK, _CLUSTER = 0xAE, 0x1F43B675
_CONTAINERS: Final = frozenset({0x18538067, 0x1549A966, 0x1654AE6B, 0xE0, 0xA0, _TRACK, _CLUSTER})
"""Segment, Info, Tracks, Video, BlockGroup; and TrackEntry and Cluster."""
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK_KIND, _FRAME_TIME, _WIDTH, _HEIGHT = 0x83, 0x23E383, 0xB0, 0xBA
_TIME, _SIMPLE_BLOCK, _BLOCK = 0xE7, 0xA3, 0xA1


def measure_webm(content: memoryview) -> Measured:
    """Size of the last video track, and the duration: as stated, or to the end of the last block."""
    walk = _Walk()
    for number, (id, body) in enumerate(_elements(content)):
        if number == MOST_ELEMENTS:
            return Measured(walk.width, walk.height)
        if id == _CLUSTER and walk.stated is not None:
            break
        walk.take(id, body)
    return Measured(walk.width, walk.height, walk.milliseconds())


@dataclass(slots=True)
class _Walk:
    """What is known so far. Times are in ticks of `scale` nanoseconds; `frame` is in nanoseconds."""

    scale: int = _MILLION
    stated: float | None = None
    width: int | None = None
    height: int | None = None
    moving: bool = False
    frame: int = 0
    cluster: int = 0
    end: int = 0

    def take(self, id: int, body: memoryview) -> None:
        match id:
            case n if n == _SCALE:
                self.scale = _whole(body)
            case n if n == _DURATION:
                self.stated = _real(body)
            case n if n == _TIME:
                self.cluster = _whole(body)
            case n if n in (_SIMPLE_BLOCK, _BLOCK):
                self.end = max(self.end, self.cluster + _offset(body))
            case _:
                self._take_track(id, body)

    def _take_track(self, id: int, body: memoryview) -> None:
        match id:
            case n if n == _TRACK:
                self.moving = False
            case n if n == _TRACK_KIND:
                self.moving = _whole(body) == _MOVING
            case n if n == _FRAME_TIME and self.moving:
                self.frame = _whole(body)
            case n if n == _WIDTH and self.moving:
                self.width = _whole(body) or None
            case n if n == _HEIGHT and self.moving:
                self.height = _whole(body) or None

    def milliseconds(self) -> int | None:
        if self.stated is not None:
            return round(self.stated * self.scale / _MILLION)
        return (self.end * self.scale + self.frame) // _MILLION if self.end else None


def _elements(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Id and body of each element, containers before what they hold and without a body of their own."""
    position = 0
    while position < len(content):
        id, start = _variable(content, position, keep_marker=True)
        size, start = _variable(content, start)
        if id is None or size is None:
            return
        if id in _CONTAINERS:
            yield id, content[start:start]
            position = start
        else:
            yield id, content[start : start + size]
            position = start + size


def _variable(content: memoryview, start: int, *, keep_marker: bool = False) -> tuple[int | None, int]:
    """A number of one to eight bytes, as many as its first byte has leading zeros and one more, and where it ends."""
    first = content[start] if start < len(content) else 0
    length = _WIDEST + 1 - first.bit_length()
    part = content[start : start + length]
    if not first or len(part) < length:
        return None, start
    number = int.from_bytes(part, "big")
    return (number if keep_marker else number & (1 << 7 * length) - 1), start + length


def _whole(body: memoryview) -> int:
    return int.from_bytes(body[:_WIDEST], "big")


def _real(body: memoryview) -> float | None:
    """A positive number of four or eight bytes, of a size that a duration can have."""
    layout = {4: ">f", 8: ">d"}.get(len(body))
    number = float(struct.unpack(layout, body)[0]) if layout else math.nan
    return number if 0 < number < 2**48 else None


def _offset(block: memoryview) -> int:
    """A block's time from its cluster's, after the number of its track."""
    _, start = _variable(block, 0)
    return int.from_bytes(block[start : start + 2], "big", signed=True)
