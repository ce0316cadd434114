"""WebM and Matroska: nested elements of id, size and body (RFC 8794, RFC 9559), read in one flat walk.

A container's body is walked as if its elements stood beside it, so that one of unknown size, as live recordings
have, needs no end. Only the last cluster is walked if the film says how long it is and each cluster how large.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from infrastructure.formats.measured import Measured
from infrastructure.formats.shapes import Size, on_its_side, stretched

MOST_ELEMENTS: Final = 500_000
"""More than an hour of film; only a live recording, which does not state its length, is walked so far."""
_MOST_TRACKS: Final = 1_000
_WIDEST: Final = 8
_MILLION: Final = 1_000_000
_MOVING, _SOUND = 1, 2
_SLACK_MS: Final = 1_000
"""By so much the last block may seem to go on after the end that is stated, as no block says what of it is shown."""

_TRACK, _CLUSTER = 0xAE, 0x1F43B675
_CONTAINERS: Final = frozenset({0x18538067, 0x1549A966, 0x1654AE6B, 0xE0, 0x7670, 0xA0, _TRACK, _CLUSTER})
"""Segment, Info, Tracks, Video, Projection, BlockGroup; and TrackEntry and Cluster."""
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_NUMBER, _TRACK_KIND, _FRAME_TIME = 0xD7, 0x83, 0x23E383
_WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2
_CUT_BOTTOM, _CUT_TOP, _CUT_LEFT, _CUT_RIGHT = 0x54AA, 0x54BB, 0x54CC, 0x54DD
_ROLL: Final = 0x7675
_TIME, _SIMPLE_BLOCK, _BLOCK, _BLOCK_TIME = 0xE7, 0xA3, 0xA1, 0x9B
_OF_TRACK: Final = frozenset({
    _NUMBER, _TRACK_KIND, _FRAME_TIME, _WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT,
    _CUT_BOTTOM, _CUT_TOP, _CUT_LEFT, _CUT_RIGHT,
})  # fmt: skip


def measure_webm(content: memoryview) -> Measured:
    """Size of the largest video track as it is shown, and the duration: as stated, or to the end of the last block."""
    walk, complete = _Walk(), True
    try:
        for id, body in _elements(content, walk):
            walk.take(id, body)
    except _TooManyElements:
        complete = False
    width, height = walk.size()
    return Measured(width, height, walk.milliseconds() if complete else None, walk.only_sound())


class _TooManyElements(Exception):
    """The file holds more than are walked, so that what was found so far may be a part of it."""


@dataclass(slots=True)
class _Track:
    """A track entry's fields, by id, and when its blocks begin, in ticks: the one before the last, and the last."""

    facts: dict[int, int] = field(default_factory=dict)
    roll: float = 0.0
    before: int | None = None
    last: int | None = None
    lasting: int | None = None

    def add(self, at: int) -> bool:
        """Whether it is the last one so far."""
        later = self.last is None or at > self.last
        if later:
            self.before, self.last, self.lasting = self.last, at, None
        return later

    def size(self) -> Size | None:
        """Pixels that are stored, less what is cut off, in the shape in which they are shown, and not fewer."""
        fact = self.facts.get
        width = fact(_WIDTH, 0) - fact(_CUT_LEFT, 0) - fact(_CUT_RIGHT, 0)
        height = fact(_HEIGHT, 0) - fact(_CUT_TOP, 0) - fact(_CUT_BOTTOM, 0)
        if fact(_TRACK_KIND) != _MOVING or width <= 0 or height <= 0:
            return None
        across, down = fact(_SHOWN_WIDTH, 0), fact(_SHOWN_HEIGHT, 0)
        if across and down:
            width = stretched(width, across * height, down * width)
            if not fact(_SHOWN_UNIT, 0) and down > height:
                width, height = stretched(width, down, height), down
        turn = math.radians(self.roll)
        matrix = (round(math.cos(turn)), round(math.sin(turn)), -round(math.sin(turn)), round(math.cos(turn)))
        return (height, width) if on_its_side(matrix) else (width, height)

    def end(self, scale: int) -> int:
        """Nanoseconds at which the last block ends: it says so, or the track does, or it lasts like the one before."""
        if self.last is None:
            return 0
        usual = self.facts.get(_FRAME_TIME, 0)
        if self.lasting is not None:
            return (self.last + self.lasting) * scale
        if usual or self.before is None:
            return self.last * scale + usual
        return (2 * self.last - self.before) * scale


@dataclass(slots=True)
class _Walk:
    """The film as it is known so far. Times are in ticks of `scale` nanoseconds."""

    scale: int = _MILLION
    stated: float | None = None
    tracks: list[_Track] = field(default_factory=list)
    by_number: dict[int, _Track] = field(default_factory=dict)
    cluster: int = 0
    block: _Track | None = None

    def take(self, id: int, body: memoryview) -> None:
        if id in (_SIMPLE_BLOCK, _BLOCK):
            self._take_block(body)
        elif id == _TIME:
            self.cluster = _whole(body)
        elif id == _BLOCK_TIME:
            if self.block is not None:
                self.block.lasting = _whole(body)
        elif id == _SCALE:
            self.scale = _whole(body)
        elif id == _DURATION:
            self.stated = _real(body)
        else:
            self._take_track(id, body)

    def _take_track(self, id: int, body: memoryview) -> None:
        if id == _TRACK:
            if len(self.tracks) == _MOST_TRACKS:
                raise _TooManyElements
            self.tracks.append(_Track())
        elif not self.tracks:
            return
        elif id == _ROLL:
            self.tracks[-1].roll = _float(body)
        elif id in _OF_TRACK:
            self.tracks[-1].facts[id] = _whole(body)
            if id == _NUMBER:
                self.by_number[_whole(body)] = self.tracks[-1]

    def _take_block(self, body: memoryview) -> None:
        """After the number of its track stands a block's time from its cluster's."""
        number, start = _variable(body, 0)
        track = self.by_number.get(number or 0)
        at = self.cluster + int.from_bytes(body[start : start + 2], "big", signed=True)
        self.block = track if track is not None and track.add(at) else None

    def size(self) -> Size | tuple[None, None]:
        sizes = [size for track in self.tracks if (size := track.size()) is not None]
        return max(sizes, key=lambda size: size[0] * size[1], default=(None, None))

    def only_sound(self) -> bool:
        kinds = {track.facts.get(_TRACK_KIND) for track in self.tracks}
        return _SOUND in kinds and _MOVING not in kinds

    def milliseconds(self) -> int | None:
        counted = max((track.end(self.scale) for track in self.tracks), default=0)
        rounded = (counted + _MILLION // 2) // _MILLION
        if self.stated is None:
            return rounded or None
        stated = round(self.stated * self.scale / _MILLION)
        return (stated if rounded <= stated + _SLACK_MS else rounded) or None


def _elements(content: memoryview, walk: _Walk) -> Iterator[tuple[int, memoryview]]:
    """Id and body of each element, containers before what they hold and without a body of their own.

    A cluster that another follows is passed over where nothing hangs on what it holds.
    """
    position = walked = 0
    while position < len(content):
        walked += 1
        if walked > MOST_ELEMENTS:
            raise _TooManyElements
        id, start = _variable(content, position, keep_marker=True)
        size, start = _variable(content, start)
        if id is None or size is None:
            return
        if id == _CLUSTER and walk.stated is not None and _is_cluster(content, start + size):
            position = start + size
        elif id in _CONTAINERS:
            yield id, content[start:start]
            position = start
        else:
            yield id, content[start : start + size]
            position = start + size


def _is_cluster(content: memoryview, position: int) -> bool:
    return bytes(content[position : position + 4]) == _CLUSTER.to_bytes(4, "big")


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


def _float(body: memoryview) -> float:
    """A number of four or eight bytes; 0 for another and for none."""
    layout = {4: ">f", 8: ">d"}.get(len(body))
    number = float(struct.unpack(layout, body)[0]) if layout else 0.0
    return number if math.isfinite(number) else 0.0


def _real(body: memoryview) -> float | None:
    """A positive number of a size that a duration can have."""
    number = _float(body)
    return number if 0 < number < 2**48 else None
