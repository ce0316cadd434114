"""The type of a file by its content: signatures at its start, and the words that stand in texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from infrastructure.formats.brands import branded
from infrastructure.formats.sounds import aac_frame, after_tag, mp3_frame

TEXT: Final = "text/plain"
OBJ: Final = "model/obj"
STL: Final = "model/stl"

KNOWN: Final = frozenset(
    """
    image/png image/jpeg image/webp image/gif image/bmp image/tiff image/heic image/avif
    video/mp4 video/quicktime video/webm video/matroska video/3gpp video/3gpp2
    audio/wav audio/aiff audio/matroska audio/mpeg audio/mp4 audio/aac audio/flac audio/ogg audio/webm audio/quicktime
    audio/3gpp audio/3gpp2
    model/gltf-binary model/vnd.fbx model/vnd.usdz+zip model/obj model/stl text/plain
    """.split()
)
"""Every media type that a file can turn out to be."""

_HEAD: Final = 128
_FLAC: Final = b"fLaC"
_EBML: Final = b"\x1aE\xdf\xa3"
_OGG_SOUNDS: Final = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC")
_STL_HEADER, _STL_FACET = 84, 50
_BITMAPS: Final = (12, 16, 40, 52, 56, 64, 108, 124)
"""Lengths of the headers that versions of BMP have."""

# Lines that a model written as text must have; what else stands in it is for whoever opens it.
_VERTEX: Final = re.compile(rb"^[ \t]*v[ \t]+-?[0-9.]", re.MULTILINE)
_FACE: Final = re.compile(rb"^[ \t]*f[ \t]+-?[0-9]", re.MULTILINE)
_FACET: Final = re.compile(rb"^[ \t]*facet[ \t]+normal[ \t]", re.MULTILINE)
_NUL: Final = re.compile(rb"\0")

# Of the MIME Sniffing Standard: what begins with a mark of Unicode, or without any of these bytes, reads as text.
_UNICODE_MARKS: Final = (b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf")
_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_TEXT_HEAD: Final = 1445


def sniff(content: memoryview) -> str | None:
    """The media type that the content's signature stands for, or None."""
    head = bytes(content[:_HEAD])
    signatures = (
        ("image/png", head.startswith(b"\x89PNG\r\n\x1a\n")),
        ("image/jpeg", head.startswith(b"\xff\xd8\xff")),
        ("image/gif", head.startswith((b"GIF87a", b"GIF89a"))),
        ("image/bmp", _is_bitmap(head)),
        ("image/tiff", _is_tiff(head)),
        ("image/webp", head.startswith(b"RIFF") and head[8:12] == b"WEBP"),
        ("audio/wav", head.startswith((b"RIFF", b"RF64")) and head[8:12] == b"WAVE"),
        ("audio/flac", head.startswith(_FLAC)),
        ("audio/ogg", head.startswith(b"OggS") and any(mark in head for mark in _OGG_SOUNDS)),
        ("audio/aiff", head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC")),
        ("video/webm", head.startswith(_EBML) and b"webm" in head[:64]),
        ("video/matroska", head.startswith(_EBML) and b"matroska" in head[:64]),
        ("model/gltf-binary", head.startswith(b"glTF\x02\x00\x00\x00") and len(content) >= 20),
        ("model/vnd.fbx", head.startswith(b"Kaydara FBX Binary  \x00")),
        ("model/vnd.usdz+zip", _is_usdz(head)),
        (STL, _is_binary_stl(content)),
        ("audio/mpeg", mp3_frame(head[:4]) is not None),
        ("audio/aac", aac_frame(head[:7]) is not None),
    )
    return next((media_type for media_type, found in signatures if found), None) or branded(content) or _tagged(content)


def _tagged(content: memoryview) -> str | None:
    """The type of what stands behind a tag, which is an MP3 as long as it is nothing else."""
    if bytes(content[:3]) != b"ID3":
        return None
    start = after_tag(content)
    head = bytes(content[start : start + 7])
    if head.startswith(_FLAC):
        return "audio/flac"
    return "audio/aac" if aac_frame(head) is not None else "audio/mpeg"


def expected_text(content: memoryview, media_types: Sequence[str]) -> str | None:
    """Which of the expected types a text is: a model where it reads as one, or mere text; None where it is none."""
    if not media_types or _NUL.search(content):
        return None
    if STL in media_types and bytes(content[:5]) == b"solid" and _FACET.search(content):
        return STL
    if OBJ in media_types and _VERTEX.search(content) and _FACE.search(content):
        return OBJ
    return TEXT if TEXT in media_types and _is_utf8(content) else None


def reads_as_text(content: memoryview) -> bool:
    """Whether it is a page or a message rather than a file of a kind not known here (MIME Sniffing Standard, 7.2)."""
    head = bytes(content[:_TEXT_HEAD])
    return head.startswith(_UNICODE_MARKS) or not _BINARY.search(head)


def _is_utf8(content: memoryview) -> bool:
    try:
        str(content, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_usdz(head: bytes) -> bool:
    """A zip whose first entry, stored and not compressed, is the scene."""
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    stored = head.startswith(b"PK\x03\x04") and head[8:10] == b"\0\0"
    return stored and name.endswith((b".usd", b".usda", b".usdc"))


def _is_bitmap(head: bytes) -> bool:
    """Two letters are little to go by: behind them stand four bytes kept at zero, and the length of a known header."""
    return head.startswith(b"BM") and head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BITMAPS


def _is_tiff(head: bytes) -> bool:
    """Of 32 or of 64 bits; some raw photos begin like it, and say so behind it."""
    return head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and head[8:10] != b"CR"


def _is_binary_stl(content: memoryview) -> bool:
    """It has no signature, but exactly as many facets as it says, and more than none."""
    facets = int.from_bytes(content[80:84], "little")
    return facets > 0 and len(content) == _STL_HEADER + facets * _STL_FACET
