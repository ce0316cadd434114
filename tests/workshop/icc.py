"""Small ICC profiles (ICC.1:2010) made for the test that needs one: a display's, a grey one, and one of four inks."""

from __future__ import annotations

import struct
from functools import cache
from itertools import product

import numpy as np

P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


@cache
def display_p3() -> bytes:
    """Of a screen with the primaries of P3 and the curve of sRGB."""
    curve = b"para" + struct.pack(
        ">IHH5i", 0, 3, 0, *(_fixed(n) for n in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    )
    columns = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), _columns(P3), strict=True))
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**columns, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)})


@cache
def grey(gamma: float = 1.0) -> bytes:
    """Of a grey whose numbers are a power of light."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256))})


@cache
def inks() -> bytes:
    """Of four inks that are duller than those which the usual arithmetic takes them for."""
    inverse = np.arange(256, dtype=np.uint8).tobytes()
    grid = b"".join(_lab(cyan, magenta, yellow, black) for cyan, magenta, yellow, black in product((0, 1), repeat=4))
    identity = b"".join(struct.pack(">i", _fixed(float(n in (0, 4, 8)))) for n in range(9))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + inverse * 4 + grid + inverse * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _lab(cyan: int, magenta: int, yellow: int, black: int) -> bytes:
    light = 100 - 30 * cyan - 30 * magenta - 5 * yellow
    a, b = -30 * cyan + 50 * magenta, -30 * cyan + 60 * yellow
    share = 0.2 if black else 1.0
    return bytes([round(light * share * 2.55), round(128 + a * share), round(128 + b * share)])


def _columns(primaries: tuple[tuple[float, float], ...]) -> list[bytes]:
    white = np.array([0.3127 / 0.329, 1, (1 - 0.3127 - 0.329) / 0.329])
    raw = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    scaled = raw * np.linalg.solve(raw, white)
    adapted = (
        np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)) @ _BRADFORD @ scaled
    )
    return [b"XYZ " + struct.pack(">I3i", 0, *(_fixed(float(value)) for value in column)) for column in adapted.T]


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    said = b"desc" + struct.pack(">II", 0, 5) + b"test\0" + bytes(78)
    white = b"XYZ " + struct.pack(">I3i", 0, *(_fixed(value) for value in _D50))
    tags = {b"desc": said, b"wtpt": white, **tags}
    table, data, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    head = struct.pack(">I4sI4s4s4s", 128 + len(table) + len(data), b"test", 0x02400000, kind, space, connection)
    head += struct.pack(">6H4s4sII", 2026, 1, 1, 0, 0, 0, b"acsp", bytes(4), 0, 0) + bytes(16)
    head += struct.pack(">3i", *(_fixed(value) for value in _D50))
    return head + bytes(128 - len(head)) + table + data


def _fixed(value: float) -> int:
    return round(value * 65_536)
