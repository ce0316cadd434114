"""AIFF and AIFF-C (Apple, 1989, 1991): of its big-endian chunks one says what the samples are, another holds them."""

from __future__ import annotations

from typing import Final

from infrastructure.formats.measured import Measured, milliseconds, unsigned

MOST_CHUNKS: Final = 100_000
_PLAIN: Final = frozenset({b"NONE", b"twos", b"sowt", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64", b"raw "})
"""Codings in which each sample takes as many bytes as it needs for its bits."""
_LAWS: Final = frozenset({b"alaw", b"ALAW", b"ulaw", b"ULAW"})
_IMA, _IMA_SAMPLES, _IMA_BYTES = b"ima4", 64, 34
"""Packets of so many samples, for each channel in so many bytes."""
_FIRST, _HEAD, _OFFSET = 12, 8, 8
_BIAS: Final = 16_383 + 63


def measure_aiff(content: memoryview) -> Measured:
    """Samples that are there, as no two programs count those of coded sound alike; None for another coding.

    A size of nothing was never filled in: the sound goes on to the end.
    """
    coding, channels, width, rate, present = b"", 0, 0, 0, 0
    position = _FIRST
    for _ in range(MOST_CHUNKS):
        kind, size, start = (
            bytes(content[position : position + 4]),
            unsigned(content, position + 4, 4),
            position + _HEAD,
        )
        if start > len(content):
            break
        if kind == b"COMM":
            channels, width = unsigned(content, start, 2), -(-unsigned(content, start + 6, 2) // 8)
            rate = _extended(content, start + 8)
            coding = bytes(content[start + 18 : start + 22]) if bytes(content[8:12]) == b"AIFC" else b"NONE"
        elif kind == b"SSND":
            rest = len(content) - start
            present = max(0, min(size or rest, rest) - _OFFSET - unsigned(content, start, 4))
        position = start + size + size % 2
    samples, size = _packet(coding, width)
    if not rate or not channels * size:
        return Measured()
    return Measured(duration_ms=milliseconds(present // (channels * size) * samples, rate) or None)


def _packet(coding: bytes, width: int) -> tuple[int, int]:
    """Samples of a channel that stand together, and their bytes; no bytes if that is not known."""
    if coding in _PLAIN:
        return 1, width
    if coding in _LAWS:
        return 1, 1
    return (_IMA_SAMPLES, _IMA_BYTES) if coding == _IMA else (1, 0)


def _extended(content: memoryview, start: int) -> int:
    """A number of ten bytes, as a whole one: sign and exponent, then 64 bits of which the first stands for one."""
    exponent, bits = unsigned(content, start, 2) & 0x7FFF, unsigned(content, start + 2, 8)
    shift = exponent - _BIAS
    return bits >> -shift if -64 < shift <= 0 else 0
