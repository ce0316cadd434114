"""Sounds: how long they last by what is in them, sample by sample or frame by frame."""

from __future__ import annotations

from typing import Final

from infrastructure.formats.measured import Measured, unsigned

_MILLISECONDS: Final = 1000
_WINDOW: Final = 65_536
"""How far a damaged MP3 is searched for its next frame, and an Ogg for its last page."""


def measure_wav(content: memoryview) -> Measured:
    """Bytes of sound over bytes a second, both as the chunks state them."""
    rate, position = 0, 12
    while position + 8 <= len(content):
        kind, size = (
            bytes(content[position : position + 4]),
            int.from_bytes(content[position + 4 : position + 8], "little"),
        )
        start = position + 8
        if kind == b"fmt ":
            rate = int.from_bytes(content[start + 8 : start + 12], "little")
        if kind == b"data":
            present = min(size, len(content) - start)
            return Measured(duration_ms=present * _MILLISECONDS // rate if rate else None)
        position = start + size + size % 2
    return Measured()


# MPEG 1, then MPEG 2 and 2.5 (ISO/IEC 11172-3 and 13818-3): kilobits a second of Layer III by index.
_BITRATES: Final = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)
_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def mp3_frame(header: bytes) -> tuple[int, int, int] | None:
    """Bytes, samples and samples a second of a Layer III frame with this header of four bytes; None where it is none.

    Eleven set bits, then a version, Layer III, a bit rate and a sampling rate that exist: UTF-16 text fails this.
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, bitrate, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version not in _RATES or bitrate in (0, 15) or rate == 3:
        return None
    newest = version == 3
    samples, hertz = (1152 if newest else 576), _RATES[version][rate]
    kilobits = _BITRATES[0 if newest else 1][bitrate]
    return samples // 8 * kilobits * 1000 // hertz + (header[2] >> 1 & 1), samples, hertz


def measure_mp3(content: memoryview) -> Measured:
    """Each frame is counted; what an encoder's own table says could be anything. Its frame is no sound."""
    position = _after_tag(content)
    samples = rate = 0
    while position + 4 <= len(content):
        frame = mp3_frame(bytes(content[position : position + 4]))
        if frame is None:
            position = _next_frame(content, position)
            continue
        size, count, rate = frame
        whole = position + size <= len(content)
        if whole and (samples or not _is_table(content[position : position + size])):
            samples += count
        position += size
    return Measured(duration_ms=samples * _MILLISECONDS // rate if samples else None)


def _after_tag(content: memoryview) -> int:
    """Where an ID3v2 tag ends; its size is written in seven bits a byte."""
    if bytes(content[:3]) != b"ID3" or len(content) < 10:
        return 0
    size = sum((content[6 + place] & 0x7F) << 7 * (3 - place) for place in range(4))
    return 10 + size


def _is_table(frame: memoryview) -> bool:
    head = bytes(frame[:64])
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


def _next_frame(content: memoryview, position: int) -> int:
    """The next place where two frames stand one after the other; the end where there is none within reach."""
    window = bytes(content[position + 1 : position + 1 + _WINDOW])
    at = window.find(b"\xff")
    while at >= 0:
        start = position + 1 + at
        frame = mp3_frame(bytes(content[start : start + 4]))
        if frame and mp3_frame(bytes(content[start + frame[0] : start + frame[0] + 4])):
            return start
        at = window.find(b"\xff", at + 1)
    return len(content)


def measure_flac(content: memoryview) -> Measured:
    """The stream's own count of samples: twenty bits of rate, then thirty-six of count, after eight of others."""
    packed = unsigned(content, 18, 8)
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return Measured(duration_ms=samples * _MILLISECONDS // rate if rate and samples else None)


def measure_ogg(content: memoryview) -> Measured:
    """The last page's position, in samples; Opus always counts 48 000 a second, some of them before the sound."""
    head = bytes(content[:128])
    last = bytes(content[-_WINDOW:])
    page = last.rfind(b"OggS")
    position = int.from_bytes(last[page + 6 : page + 14], "little", signed=True) if page >= 0 else 0
    if (opus := head.find(b"OpusHead")) >= 0:
        rate, skipped = 48_000, int.from_bytes(head[opus + 10 : opus + 12], "little")
    else:
        vorbis = head.find(b"\x01vorbis")
        rate, skipped = int.from_bytes(head[vorbis + 12 : vorbis + 16], "little") if vorbis >= 0 else 0, 0
    samples = position - skipped
    return Measured(duration_ms=samples * _MILLISECONDS // rate if rate and samples > 0 else None)
