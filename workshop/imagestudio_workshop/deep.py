"""Pictures of 16 bits a channel, which only a PNG and a TIFF hold: they stay as they are, or go from one to the other.

PNG  ─┐                    ┌─> PNG   filtered, deflated, profile in iCCP
      ├─ samples, upright ─┤
TIFF ─┘                    └─> TIFF  differences, deflated, profile in its own tag
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.beside import bare_of
from imagestudio_workshop.coding import FORMATS
from imagestudio_workshop.opening import bits_of, stored, too_deep

Samples: TypeAlias = npt.NDArray[np.uint16]

_USUAL_BITS: Final = 8
_BITS: Final = 16
_HOLDS: Final = ("png", "tiff")
_PNG_HEAD: Final = 33
"""Bytes of the signature and the header, behind which a profile stands."""

# Tags of TIFF 6.0, types of their values: short, long, bytes of any meaning.
_SHORT, _LONG, _ANY = 3, 4, 7
_DEFLATE: Final = 8
_DIFFERENCES: Final = 2
_SIZES: Final = {_SHORT: 2, _LONG: 4, _ANY: 1}


def is_deep(source: Media) -> bool:
    return bits_of(source) > _USUAL_BITS


def deep_as_it_is(source: Media, chosen: str) -> Media:
    """A PNG without what is written beside it. Raises ProviderRefused if that cannot be done to it."""
    same = chosen in ("auto", "png") and source.media_type == FORMATS["png"]
    bare = bare_of(source) if same else None
    if bare is None:
        raise _too_deep(source)
    return bare


def deep_as(source: Media, chosen: str) -> Media:
    """The same samples as a PNG or a TIFF. Raises ProviderRefused for what either cannot say."""
    if chosen == "png" and source.media_type == FORMATS["png"]:
        return deep_as_it_is(source, chosen)
    if chosen not in _HOLDS or bits_of(source) != _BITS or source.media_type not in map(FORMATS.get, _HOLDS):
        raise _too_deep(source)
    facts = stored(source, "image")
    if facts.by_numbers:
        raise _too_deep(source)
    samples = _turned(_samples(source), facts.orientation)
    return _png(samples, facts.profile) if chosen == "png" else _tiff(samples, facts.profile)


def _too_deep(source: Media) -> ProviderRefused:
    kept = "a PNG or a TIFF can stay so where its colours are told by a profile"
    return too_deep("image", bits_of(source), f"{kept}; convert it to a depth of 8 before")


def _samples(source: Media) -> Samples:
    """Rows, columns and planes: grey, or red, green and blue, and alpha."""
    read = cv2.imdecode(np.frombuffer(source.content, np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None or read.dtype != np.uint16:
        raise _too_deep(source)
    planes = read[..., None] if read.ndim == 2 else read
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[planes.shape[2]]
    return np.ascontiguousarray(planes[..., order], dtype=np.uint16)


def _turned(samples: Samples, orientation: int) -> Samples:
    """Upright, by EXIF's number: mirrored, upside down, on its side."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def _png(samples: Samples, profile: bytes | None) -> Media:
    planes = samples.shape[2]
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[planes]
    _, encoded = cv2.imencode(".png", samples[..., order])
    content = encoded.tobytes()
    if profile:
        body = b"icc\0\0" + zlib.compress(profile)
        chunk = struct.pack(">I", len(body)) + b"iCCP" + body + struct.pack(">I", zlib.crc32(b"iCCP" + body))
        content = content[:_PNG_HEAD] + chunk + content[_PNG_HEAD:]
    return Media(content, FORMATS["png"])


def _tiff(samples: Samples, profile: bytes | None) -> Media:
    """One strip of horizontal differences, deflated, lowest byte first."""
    height, width, planes = samples.shape
    differences = samples.copy()
    differences[:, 1:] -= samples[:, :-1]
    strip = zlib.compress(differences.astype("<u2").tobytes())
    tags: dict[int, tuple[int, bytes]] = {
        256: (_LONG, struct.pack("<I", width)),
        257: (_LONG, struct.pack("<I", height)),
        258: (_SHORT, struct.pack("<H", _BITS) * planes),
        259: (_SHORT, struct.pack("<H", _DEFLATE)),
        262: (_SHORT, struct.pack("<H", 1 if planes == 1 else 2)),
        273: (_LONG, struct.pack("<I", 8)),
        277: (_SHORT, struct.pack("<H", planes)),
        278: (_LONG, struct.pack("<I", height)),
        279: (_LONG, struct.pack("<I", len(strip))),
        317: (_SHORT, struct.pack("<H", _DIFFERENCES)),
    }
    if planes == 4:
        tags[338] = (_SHORT, struct.pack("<H", 2))
    if profile:
        tags[34675] = (_ANY, profile)
    start = 8 + len(strip) + len(strip) % 2
    head = b"II*\0" + struct.pack("<I", start)
    return Media((head + strip).ljust(start, b"\0") + _directory(tags, start), FORMATS["tiff"])


def _directory(tags: dict[int, tuple[int, bytes]], start: int) -> bytes:
    """The table of tags at `start`, and behind it the values that are longer than four bytes."""
    entries, behind, at = b"", b"", start + 2 + 12 * len(tags) + 4
    for tag, (kind, value) in sorted(tags.items()):
        place = value.ljust(4, b"\0")
        if len(value) > 4:
            place = struct.pack("<I", at + len(behind))
            behind += value + bytes(len(value) % 2)
        entries += struct.pack("<HHI", tag, kind, len(value) // _SIZES[kind]) + place
    return struct.pack("<H", len(tags)) + entries + bytes(4) + behind
