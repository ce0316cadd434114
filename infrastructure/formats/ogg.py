"""Ogg: pages of several streams, each page with the number of its last sample (RFC 3533, RFC 7845).

A file may hold one recording after another, each with streams of its own; together they last as long as all of them.
Opus counts 48 000 samples a second whatever it was made of, and the first ones are no sound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from infrastructure.formats.measured import Measured, milliseconds, unsigned

MOST_PAGES: Final = 1_000_000
_PAGE: Final = b"OggS"
_MOST_STREAMS: Final = 100
_HEADER: Final = 27
_FIRST: Final = 2
_OPUS_RATE: Final = 48_000
_NONE: Final = -1
_NEXT: Final = re.compile(_PAGE)


@dataclass(slots=True)
class _Stream:
    """`start` and `end` are samples of so many a second, of which the first `skipped` are no sound."""

    rate: int
    skipped: int
    opus: bool
    start: int | None = None
    end: int = 0

    def length(self) -> Fraction:
        samples = max(0, self.end - (self.start or 0) - self.skipped)
        return Fraction(samples, self.rate) if self.rate else Fraction(0)


@dataclass(slots=True)
class _Walk:
    """Recordings that are over, in seconds, and the streams of the one that is not."""

    over: Fraction = Fraction(0)
    streams: dict[int, _Stream] = field(default_factory=dict)
    begun: bool = False

    def take(self, kind: int, serial: int, position: int, table: bytes, body: memoryview) -> None:
        if kind & _FIRST:
            if self.begun:
                self.close()
            if len(self.streams) < _MOST_STREAMS:
                self.streams[serial] = _stream(body)
            return
        stream = self.streams.get(serial)
        if stream is not None and position not in (0, _NONE):
            self.begun = True
            if stream.start is None:
                stream.start = max(0, position - _opus_samples(table, body)) if stream.opus else 0
            stream.end = max(stream.end, position)

    def close(self) -> None:
        self.over += max((stream.length() for stream in self.streams.values()), default=Fraction(0))
        self.streams, self.begun = {}, False


def measure_ogg(content: memoryview) -> Measured:
    """The longest stream of each recording."""
    walk, position = _Walk(), 0
    for _ in range(MOST_PAGES):
        if bytes(content[position : position + 4]) != _PAGE:
            position = _next_page(content, position)
            if position < 0:
                walk.close()
                return Measured(duration_ms=milliseconds(*walk.over.as_integer_ratio()) if walk.over else None)
        segments = unsigned(content, position + 26, 1)
        table = bytes(content[position + _HEADER : position + _HEADER + segments])
        start = position + _HEADER + segments
        sample = int.from_bytes(content[position + 6 : position + 14], "little", signed=True)
        serial = int.from_bytes(content[position + 14 : position + 18], "little")
        walk.take(unsigned(content, position + 5, 1), serial, sample, table, content[start : start + sum(table)])
        position = start + sum(table)
    return Measured()


def _next_page(content: memoryview, position: int) -> int:
    """The start of the next page, behind what is not one; -1 if there is none."""
    found = _NEXT.search(content, position)
    return found.start() if found else -1


def _stream(head: memoryview) -> _Stream:
    """A stream by its first page, of no rate where it is neither Opus, Vorbis nor FLAC."""
    start = bytes(head[:40])
    if start.startswith(b"OpusHead"):
        return _Stream(_OPUS_RATE, int.from_bytes(start[10:12], "little"), opus=True)
    if start.startswith(b"\x01vorbis"):
        return _Stream(int.from_bytes(start[12:16], "little"), 0, opus=False)
    if start.startswith(b"\x7fFLAC"):
        return _Stream(int.from_bytes(start[27:30], "big") >> 4, 0, opus=False)
    return _Stream(0, 0, opus=False)


# Samples of a frame by the upper five bits of a packet's first byte: SILK, both, CELT (RFC 6716, 3.1).
_OPUS_FRAMES: Final = (*(480, 960, 1920, 2880) * 3, *(480, 960) * 2, *(120, 240, 480, 960) * 4)


def _opus_samples(table: bytes, body: memoryview) -> int:
    """Of all packets that end in a page: a recording cut from a longer one does not begin with sample 0."""
    samples, start, size = 0, 0, 0
    for segment in table:
        size += segment
        if segment < 255:
            samples += _packet(bytes(body[start : start + 2])) if size else 0
            start, size = start + size, 0
    return samples


def _packet(head: bytes) -> int:
    if not head:
        return 0
    frames = (1, 2, 2, head[1] & 63 if len(head) > 1 else 0)[head[0] & 3]
    return frames * _OPUS_FRAMES[head[0] >> 3]
