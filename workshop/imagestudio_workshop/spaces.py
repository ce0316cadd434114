"""ICC profiles (ICC.1:2010) of the colour spaces that a picture can be converted to, made of their published numbers.

sRGB needs none: it is what numbers without a profile mean.
"""

from __future__ import annotations

import struct
from functools import cache
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imagestudio_workshop.profiles import SRGB, to_pcs

Points: TypeAlias = tuple[tuple[float, float], ...]

_WHITE: Final = SRGB[3]
# SMPTE EG 432-1 with the white of sRGB; Adobe RGB (1998), 4.3.1.
_P3: Final = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _WHITE)
_ADOBE: Final = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _WHITE)
_ADOBE_GAMMA: Final = 563 / 256
_PCS_WHITE: Final = (0.9642, 1.0, 0.8249)
_CURVE: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_HEAD: Final = 128


@cache
def display_p3() -> bytes:
    return _profile("Display P3", _P3, b"para" + struct.pack(">IHH5i", 0, 3, 0, *map(_fixed, _CURVE)))


@cache
def adobe_rgb() -> bytes:
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(_ADOBE_GAMMA * 256))
    return _profile("Compatible with Adobe RGB (1998)", _ADOBE, curve)


def profile_of(space: str) -> bytes | None:
    """The profile of one of `SPACES`; None is sRGB."""
    made = SPACES[space]
    return None if made is None else made()


SPACES: Final = MappingProxyType({"srgb": None, "display-p3": display_p3, "adobe-rgb": adobe_rgb})


def _profile(name: str, points: Points, curve: bytes) -> bytes:
    """A display's: three colours under the white of print, and one curve for all of them."""
    columns = [_place(column) for column in to_pcs(points).T]
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, len(name) + 1) + name.encode() + bytes(79),
        b"cprt": b"text" + bytes(4) + b"No copyright, use freely\0",
        b"wtpt": _place(np.array(_PCS_WHITE)),
        **dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, data, at = struct.pack(">I", len(tags)), b"", _HEAD + 4 + 12 * len(tags)
    for key, tag in tags.items():
        table += struct.pack(">4sII", key, at + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    head = struct.pack(">I4sI4s4s4s", _HEAD + len(table) + len(data), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s4sII", 2026, 1, 1, 0, 0, 0, b"acsp", bytes(4), 0, 0) + bytes(16)
    head += struct.pack(">3i", *map(_fixed, _PCS_WHITE))
    return head.ljust(_HEAD, b"\0") + table + data


def _place(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ " + struct.pack(">I3i", 0, *(_fixed(float(value)) for value in values))


def _fixed(value: float) -> int:
    """In 65 536ths, as profiles write numbers."""
    return round(value * 65_536)
