"""Sounds that are frame after frame, or samples alone: how long they last by what is in them.

Padding by an encoder, in front and at the end, is not a part of the sound if the file says how much it is.
"""

from __future__ import annotations

import re
from typing import Final

from infrastructure.formats.measured import Measured, milliseconds, unsigned

MOST_TRIES: Final = 500_000
"""Places within rubbish that are looked at for the next frame of a sound."""
MOST_CHUNKS: Final = 100_000
MOST_FRAMES: Final = 1_000_000
"""Six hours of sound."""
_TAG: Final = 10
_MOST_TAGS: Final = 16


def after_tag(content: memoryview, position: int = 0) -> int:
    """The end of the ID3v2 tags at a place; a size is written in seven bits a byte, a footer is as long as a head."""
    for _ in range(_MOST_TAGS):
        if bytes(content[position : position + 3]) != b"ID3" or position + _TAG > len(content):
            break
        size = sum((content[position + 6 + place] & 0x7F) << 7 * (3 - place) for place in range(4))
        position += _TAG + size + (_TAG if content[position + 5] & 0x10 else 0)
    return position


# WAV

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_ALL_ONES: Final = 0xFFFFFFFF


def measure_wav(content: memoryview) -> Measured:
    """Samples that are there; of a coded sound those that it names, or its bytes at the rate that it names.

    A size of nothing or all ones was never filled in: the sound goes on to the end. RF64 keeps it in a chunk in front.
    """
    rate = named = long = 0
    bytes_a_second, block, code, position = 0, 0, 0, 12
    for _ in range(MOST_CHUNKS):
        kind, size, start = bytes(content[position : position + 4]), _little(content, position + 4, 4), position + 8
        if kind == b"fmt ":
            code, rate = _little(content, start, 2), _little(content, start + 4, 4)
            bytes_a_second, block = _little(content, start + 8, 4), _little(content, start + 12, 2)
        elif kind == b"fact":
            named = _little(content, start, 4)
        elif kind == b"ds64":
            long = _little(content, start + 8, 8)
        elif kind == b"data":
            present = len(content) - start
            size = long if size == _ALL_ONES and long else size
            size = min(size or present, present)
            if code in (_PCM, _FLOAT, _EXTENSIBLE) and rate and block:
                return Measured(duration_ms=milliseconds(size // block, rate))
            if named and rate and named != _ALL_ONES:
                return Measured(duration_ms=milliseconds(named, rate))
            return Measured(duration_ms=milliseconds(size, bytes_a_second) if bytes_a_second else None)
        position = start + size + size % 2
        if position >= len(content):
            break
    return Measured()


def _little(content: memoryview, start: int, size: int) -> int:
    return int.from_bytes(content[start : start + size], "little")


# MPEG 1, then MPEG 2 and 2.5 (ISO/IEC 11172-3 and 13818-3): kilobits a second of Layer III by index.
_BITRATES: Final = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)
_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_SYNC: Final = re.compile(rb"\xff[\xe2-\xff]|ID3")


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
    """Each frame is counted, as what an encoder's own table says could be anything; its frame is no sound.

    Of the table only the silence is believed that the encoder put in front and at the end, which is less than 4 096
    samples each, and at the end only if no frame is missing.
    """
    position, tries = after_tag(content), MOST_TRIES
    samples = rate = frames = 0
    table: tuple[int, int, int] | None = None
    while position + 4 <= len(content):
        frame = mp3_frame(bytes(content[position : position + 4]))
        if frame is None:
            position, tries = _next_frame(content, position, tries)
            if tries <= 0:
                return Measured()
            continue
        if frames == MOST_FRAMES:
            return Measured()
        size, count, rate = frame
        whole = position + size <= len(content)
        if whole and not samples and table is None and _is_table(content[position : position + size]):
            table = _silence(content[position : position + size])
        elif whole:
            samples, frames = samples + count, frames + 1
        position += size
    if table is not None:
        listed, front, end = table
        samples = max(0, samples - front - (end if frames >= listed else 0))
    return Measured(duration_ms=milliseconds(samples, rate) if samples else None)


def _is_table(frame: memoryview) -> bool:
    head = bytes(frame[:64])
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


def _silence(frame: memoryview) -> tuple[int, int, int]:
    """Frames that the encoder's table names, and samples that it added in front and at the end (LAME's tag)."""
    head = bytes(frame[:64])
    start = max(head.find(b"Xing"), head.find(b"Info"))
    if start < 0:
        return 0, 0, 0
    flags, place = unsigned(frame, start + 4, 4), start + 8
    listed = unsigned(frame, place, 4) if flags & 1 else 0
    place += 4 * bool(flags & 1) + 4 * bool(flags & 2) + 100 * bool(flags & 4) + 4 * bool(flags & 8)
    made_by = bytes(frame[place : place + 4])
    packed = unsigned(frame, place + 21, 3) if made_by in (b"LAME", b"Lavf", b"Lavc") else 0
    return listed, packed >> 12, packed & 0xFFF


def _next_frame(content: memoryview, position: int, tries: int) -> tuple[int, int]:
    """The next place where a tag or two frames in a row stand, the end where there is none; and the tries left."""
    for found in _SYNC.finditer(content, position + 1):
        start = found.start()
        if found.group() == b"ID3" and start + _TAG <= len(content):
            return max(start + 1, after_tag(content, start)), tries - 1
        frame = mp3_frame(bytes(content[start : start + 4]))
        if frame and mp3_frame(bytes(content[start + frame[0] : start + frame[0] + 4])):
            return start, tries - 1
        tries -= 1
        if tries <= 0:
            return len(content), 0
    return len(content), tries


# AAC as a stream (ADTS, ISO/IEC 14496-3): sampling rates by index.

_AAC_RATES: Final = (
    96_000,
    88_200,
    64_000,
    48_000,
    44_100,
    32_000,
    24_000,
    22_050,
    16_000,
    12_000,
    11_025,
    8_000,
    7_350,
)
_AAC_SAMPLES: Final = 1024
_AAC_HEADER: Final = 7


def aac_frame(header: bytes) -> tuple[int, int, int] | None:
    """Bytes, samples and samples a second of a frame with this header of seven bytes; None where it is none."""
    if len(header) < _AAC_HEADER or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    index, size = header[2] >> 2 & 15, (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if index >= len(_AAC_RATES) or size <= _AAC_HEADER:
        return None
    return size, _AAC_SAMPLES * ((header[6] & 3) + 1), _AAC_RATES[index]


def measure_aac(content: memoryview) -> Measured:
    """Frame after frame, to the first place where there is none."""
    position, samples, rate = after_tag(content), 0, 0
    for _ in range(MOST_FRAMES):
        frame = aac_frame(bytes(content[position : position + _AAC_HEADER]))
        if frame is None:
            return Measured(duration_ms=milliseconds(samples, rate) if samples else None)
        size, count, rate = frame
        samples += count if position + size <= len(content) else 0
        position += size
    return Measured()


# FLAC

_FLAC_WINDOW: Final = 1 << 20
_FLAC_SYNC: Final = re.compile(rb"\xff[\xf8\xf9]")
_FLAC_BLOCKS: Final = {1: 192, **{n: 576 << n - 2 for n in range(2, 6)}, **{n: 256 << n - 8 for n in range(8, 16)}}
_LONGEST_HEADER: Final = 16
_MOST_BLOCKS: Final = 1_000
_LAST_BLOCK: Final = 0x80


def measure_flac(content: memoryview) -> Measured:
    """The stream's own count of samples, or where its last frame ends, whichever is more: the first need not be filled
    in."""
    start = after_tag(content)
    packed = unsigned(content, start + 18, 8)
    rate, stated = packed >> 44, packed & (1 << 36) - 1
    samples = max(stated, _flac_end(content, start + 4, unsigned(content, start + 8, 2)))
    return Measured(duration_ms=milliseconds(samples, rate) if rate and samples else None)


def _flac_end(content: memoryview, position: int, block: int) -> int:
    """The sample with which the last frame ends that has a right header, and is coded as the first one is."""
    for _ in range(_MOST_BLOCKS):
        kind, size = unsigned(content, position, 1), unsigned(content, position + 1, 3)
        position += 4 + size
        if kind & _LAST_BLOCK:
            break
    like = bytes(content[position : position + 4])
    if not _FLAC_SYNC.match(like):
        return 0
    window, end = content[max(position, len(content) - _FLAC_WINDOW) :], 0
    for found in _FLAC_SYNC.finditer(window):
        header = bytes(window[found.start() : found.start() + _LONGEST_HEADER])
        if len(header) == _LONGEST_HEADER and _coding(header) == _coding(like):
            end = _flac_frame(header, block) or end
    return end


def _coding(header: bytes) -> tuple[int, int, int]:
    """How blocks are counted, the sampling rate and the size of a sample, as a frame's header has them."""
    return header[1], header[2] & 0x0F, header[3] & 0x0F


def _flac_frame(header: bytes, block: int) -> int:
    """The sample with which a frame ends, by its number; 0 where its sum is wrong, so that it is none."""
    leading = 8 - (header[4] ^ 0xFF).bit_length()
    if leading in (1, 8) or header[2] < 1 << 4:
        return 0
    more = max(0, leading - 1)
    number = header[4] & (0x7F >> leading if leading else 0x7F)
    for follower in header[5 : 5 + more]:
        number = number << 6 | follower & 0x3F
    place, code = 5 + more, header[2] >> 4
    samples = _FLAC_BLOCKS.get(code, block)
    if code in (6, 7):
        samples = int.from_bytes(header[place : place + code - 5], "big") + 1
        place += code - 5
    place += {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    if _sum8(header[:place]) != header[place]:
        return 0
    return (number if header[1] & 1 else number * block) + samples


def _sum8(content: bytes) -> int:
    """CRC of eight bits, of the polynomial 0x107."""
    value = 0
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value << 1 ^ 0x107 if value & 0x80 else value << 1
    return value
