"""What a file is, by its content: signatures at its start, and for texts what stands in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from infrastructure.formats.sounds import mp3_frame

TEXT: Final = "text/plain"
OBJ: Final = "model/obj"
STL: Final = "model/stl"

_HEAD: Final = 128
_MP4_BRANDS: Final = tuple(
    brand.ljust(4).encode()
    for brand in "isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 avc1 dash cmfc MSNV M4V M4VH".split()
)
_STL_HEADER, _STL_FACET = 84, 50

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
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    signatures = (
        ("image/png", head.startswith(b"\x89PNG\r\n\x1a\n")),
        ("image/jpeg", head.startswith(b"\xff\xd8\xff")),
        ("image/gif", head.startswith((b"GIF87a", b"GIF89a"))),
        ("image/webp", head.startswith(b"RIFF") and head[8:12] == b"WEBP"),
        ("audio/wav", head.startswith(b"RIFF") and head[8:12] == b"WAVE"),
        ("audio/mp4", brand in (b"M4A ", b"M4B ")),
        ("audio/flac", head.startswith(b"fLaC")),
        ("audio/ogg", head.startswith(b"OggS") and (b"OpusHead" in head or b"\x01vorbis" in head)),
        ("video/mp4", brand in _MP4_BRANDS),
        ("video/quicktime", brand == b"qt  "),
        ("video/webm", head.startswith(b"\x1aE\xdf\xa3") and b"webm" in head[:64]),
        ("model/gltf-binary", head.startswith(b"glTF\x02\x00\x00\x00") and len(content) >= 20),
        ("model/vnd.fbx", head.startswith(b"Kaydara FBX Binary  \x00")),
        ("model/vnd.usdz+zip", _is_usdz(head)),
        (STL, _is_binary_stl(content)),
        ("audio/mpeg", head.startswith(b"ID3") or mp3_frame(head[:4]) is not None),
    )
    return next((media_type for media_type, found in signatures if found), None)


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


def _is_binary_stl(content: memoryview) -> bool:
    """It has no signature, but exactly as many facets as it says, and more than none."""
    facets = int.from_bytes(content[80:84], "little")
    return facets > 0 and len(content) == _STL_HEADER + facets * _STL_FACET
