"""MP4 and its kin: nested boxes of size, kind and body (ISO/IEC 14496-12).

moov ─┬─ mvhd                    duration
      ├─ trak ─┬─ tkhd           width, height, rotation
      │        └─ mdia ─ hdlr    "vide"
      └─ mvex ─ mehd             duration of all fragments
moof ─ traf ─ tfhd, tfdt, trun   duration of one fragment, where nothing else says it
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from infrastructure.formats.measured import Measured, unsigned

MOST_BOXES: Final = 100_000
_NOTHING: Final = memoryview(b"")
_LONG: Final = b"\x01"
_VIDEO: Final = b"vide"

# Flags that say which fields a box has.
_TFHD_BASE, _TFHD_INDEX, _TFHD_DURATION = 0x01, 0x02, 0x08
_TRUN_OFFSET, _TRUN_FIRST, _TRUN_DURATION = 0x01, 0x04, 0x100
_TRUN_FIELDS: Final = 0xF00


def measure_boxes(content: memoryview) -> Measured:
    """Size of the first video track as it is shown, and the movie's duration."""
    movie = _first(content, b"moov")
    width, height = _size(movie)
    return Measured(width, height, _duration(content, movie))


def boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and body of each box; a body that the content cuts short comes as far as it goes."""
    position = 0
    for _ in range(MOST_BOXES):
        if position + 8 > len(content):
            return
        size, start = unsigned(content, position, 4), 8
        if size == 1:
            size, start = unsigned(content, position + 8, 8), 16
        elif size == 0:
            size = len(content) - position
        if size < start:
            return
        yield bytes(content[position + 4 : position + 8]), content[position + start : position + size]
        position += size


def _first(content: memoryview, *path: bytes) -> memoryview:
    """The body of the first box of each kind within the one before; nothing where there is none."""
    for wanted in path:
        content = next((body for kind, body in boxes(content) if kind == wanted), _NOTHING)
    return content


def _is_long(header: memoryview) -> bool:
    return bytes(header[:1]) == _LONG


def _size(movie: memoryview) -> tuple[int | None, int | None]:
    for kind, track in boxes(movie):
        if kind == b"trak" and bytes(_first(track, b"mdia", b"hdlr")[8:12]) == _VIDEO:
            return _shown_size(_first(track, b"tkhd"))
    return None, None


def _shown_size(header: memoryview) -> tuple[int | None, int | None]:
    """Both are fixed-point numbers of 16.16 bits; a matrix without a diagonal turns the picture on its side."""
    matrix = 52 if _is_long(header) else 40
    width, height = unsigned(header, matrix + 36, 4) >> 16, unsigned(header, matrix + 40, 4) >> 16
    if not width or not height:
        return None, None
    turned = not unsigned(header, matrix, 4) and not unsigned(header, matrix + 16, 4)
    return (height, width) if turned else (width, height)


def _duration(content: memoryview, movie: memoryview) -> int | None:
    header = _first(movie, b"mvhd")
    start, size = (20, 8) if _is_long(header) else (12, 4)
    scale, stated = unsigned(header, start, 4), unsigned(header, start + 4, size)
    if not scale or len(header) < start + 4 + size or stated == 2 ** (8 * size) - 1:
        return None
    if stated:
        return stated * 1000 // scale
    total = _first(movie, b"mvex", b"mehd")
    if total:
        return unsigned(total, 4, 8 if _is_long(total) else 4) * 1000 // scale
    return _fragments(content, movie)


@dataclass(slots=True)
class _Track:
    """Ticks a second, ticks a sample where a fragment does not say, and the end of what was seen, in ticks."""

    scale: int
    usual: int = 0
    end: int = 0


def _fragments(content: memoryview, movie: memoryview) -> int | None:
    """The end of the longest track, from its fragments."""
    tracks = _tracks(movie)
    for kind, fragment in boxes(content):
        for part, body in boxes(fragment) if kind == b"moof" else ():
            if part == b"traf":
                _add_fragment(body, tracks)
    ends = [track.end * 1000 // track.scale for track in tracks.values() if track.scale]
    return max(ends, default=0) or None


def _tracks(movie: memoryview) -> dict[int, _Track]:
    tracks: dict[int, _Track] = {}
    for kind, track in boxes(movie):
        if kind == b"trak":
            header, media = _first(track, b"tkhd"), _first(track, b"mdia", b"mdhd")
            scale = unsigned(media, 20 if _is_long(media) else 12, 4)
            tracks[unsigned(header, 20 if _is_long(header) else 12, 4)] = _Track(scale)
    for kind, usual in boxes(_first(movie, b"mvex")):
        if kind == b"trex" and unsigned(usual, 4, 4) in tracks:
            tracks[unsigned(usual, 4, 4)].usual = unsigned(usual, 12, 4)
    return tracks


def _add_fragment(fragment: memoryview, tracks: dict[int, _Track]) -> None:
    header = _first(fragment, b"tfhd")
    track = tracks.get(unsigned(header, 4, 4))
    if track is None:
        return
    flags = unsigned(header, 1, 3)
    place = 8 + 8 * bool(flags & _TFHD_BASE) + 4 * bool(flags & _TFHD_INDEX)
    usual = unsigned(header, place, 4) if flags & _TFHD_DURATION else track.usual
    decoded = _first(fragment, b"tfdt")
    if decoded:
        track.end = max(track.end, unsigned(decoded, 4, 8 if _is_long(decoded) else 4))
    track.end += sum(_run(run, usual) for kind, run in boxes(fragment) if kind == b"trun")


def _run(run: memoryview, usual: int) -> int:
    """Ticks of the samples of a run: each has its own, or all the usual ones."""
    flags, samples = unsigned(run, 1, 3), unsigned(run, 4, 4)
    if not flags & _TRUN_DURATION:
        return samples * usual
    start = 8 + 4 * bool(flags & _TRUN_OFFSET) + 4 * bool(flags & _TRUN_FIRST)
    fields = (flags & _TRUN_FIELDS).bit_count()
    samples = min(samples, max(0, len(run) - start) // (4 * fields))
    table = np.frombuffer(run[start : start + samples * 4 * fields], dtype=">u4")
    return int(table[::fields].sum(dtype=np.uint64))
