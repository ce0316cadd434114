"""A picture's file without what was written beside the picture: place, time, camera, thumbnails, comments, edits.

All that shows it stays as it is, byte by byte: pixels, colour profile, orientation, frames and their times.

    bytes ── segments, chunks or blocks ── those that show something ──> bytes
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final

_EXIF: Final = b"Exif\0\0"
_SEGMENT: Final = 0xFFFF - 2

# Markers of JPEG (ITU-T T.81, table B.1).
_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_ALONE: Final = (0x01, *range(0xD0, 0xD8))

_PNG_SHOWS: Final = (
    *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"tRNS", b"bKGD", b"pHYs"),
    *(b"acTL", b"fcTL", b"fdAT"),
)
_WEBP_SHOWS: Final = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP")
_GIF_SHOWS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")


def stripped(content: bytes, media_type: str, orientation: int) -> bytes | None:
    """The file without what does not show; None where that cannot be done to it. `orientation` is EXIF's."""
    strip = _STRIPS.get(media_type)
    try:
        return strip(content, orientation) if strip else None
    except (struct.error, IndexError, ValueError):
        return None


def _exif(orientation: int) -> bytes:
    """The orientation, and nothing else, as TIFF writes it; empty where it is upright."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"" if orientation == 1 else b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)


def _jpeg(content: bytes, orientation: int) -> bytes:
    exif = _exif(orientation)
    mark = struct.pack(">BBH", 0xFF, _APP1, 2 + len(_EXIF) + len(exif)) + _EXIF + exif if exif else b""
    head, rest = b"\xff\xd8", b""
    for marker, part in _segments(content):
        if marker == _APP0 and part[4:9] == b"JFIF\0":
            # Without the thumbnail that may follow.
            head += struct.pack(">BBH", 0xFF, _APP0, 16) + part[4:16] + bytes(2)
        elif _shows(marker, part):
            rest += part
    return head + mark + rest + b"\xff\xd9"


def _shows(marker: int, part: bytes) -> bool:
    if marker == _APP2:
        return part[4:16] == b"ICC_PROFILE\0"
    if marker == _APP14:
        return part[4:9] == b"Adobe"
    return not (_APP0 <= marker <= _APP15 or marker == _COM)


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Each with its marker, up to the end of the first picture; the coded pixels belong to the header before them."""
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ValueError("no marker")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _EOI:
            return
        if marker == _SOI or marker in _ALONE:
            raise ValueError("a marker out of place")
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == _SOS:
            end = _scanned(content, end)
        if not at + 4 <= end < len(content):
            raise ValueError("a segment beyond the end")
        yield marker, content[at:end]
        at = end


def _scanned(content: bytes, at: int) -> int:
    """The end of the coded pixels: at the first marker that is none of theirs."""
    while (at := content.find(b"\xff", at)) >= 0:
        if content[at + 1] and content[at + 1] not in _ALONE:
            return at
        at += 2
    raise ValueError("no end")


def _png(content: bytes, orientation: int) -> bytes:
    parts, at = [content[:8]], 8
    while True:
        length, kind = struct.unpack_from(">I4s", content, at)
        chunk = content[at : at + 12 + length]
        if len(chunk) != 12 + length:
            raise ValueError("a chunk beyond the end")
        if kind[0] < 0x60 or kind in _PNG_SHOWS:
            parts.append(chunk)
        if kind == b"IHDR" and (exif := _exif(orientation)):
            parts.append(struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif)))
        if kind == b"IEND":
            return b"".join(parts)
        at += len(chunk)


def _webp(content: bytes, orientation: int) -> bytes:
    parts, at, end = [], 12, 8 + int.from_bytes(content[4:8], "little")
    if content[8:12] != b"WEBP" or end > len(content):
        raise ValueError("no WebP")
    exif = _exif(orientation)
    while at + 8 <= end:
        kind, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        chunk = content[at : at + 8 + length]
        if len(chunk) != 8 + length:
            raise ValueError("a chunk beyond the end")
        if kind == b"VP8X":
            flags = chunk[8] & ~0b1100 | (0b1000 if exif else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if kind in _WEBP_SHOWS:
            parts.append(chunk + bytes(length % 2))
        at += 8 + length + length % 2
    if exif:
        parts.append(b"EXIF" + struct.pack("<I", len(exif)) + exif)
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _gif(content: bytes, _orientation: int) -> bytes:
    at = 13 + _palette(content[10])
    parts = [content[:at]]
    while (block := content[at]) != 0x3B:
        if block == 0x2C:
            end = _blocks(content, at + 11 + _palette(content[at + 9]))
        elif block == 0x21:
            end = _blocks(content, at + 2)
        else:
            raise ValueError("no block")
        if block == 0x2C or content[at + 1] == 0xF9 or content[at + 3 : at + 14] in _GIF_SHOWS:
            parts.append(content[at:end])
        at = end
    return b"".join(parts) + b"\x3b"


def _palette(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks(content: bytes, at: int) -> int:
    while content[at]:
        at += 1 + content[at]
    return at + 1


_STRIPS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
}
