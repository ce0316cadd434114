"""Light of films that is brighter than paper, as a picture of eight bits shows it.

PQ or HLG, BT.2020 ── linear light, paper white is 1 ── what is brighter bent under white ── BT.709 ── sRGB
"""

from __future__ import annotations

from typing import Final, TypeAlias

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from imagestudio_workshop.film.marks import BT2020, HLG, PQ, Marks

Light: TypeAlias = npt.NDArray[np.float64]

# ITU-R BT.2087 (BT.2020 to linear BT.709), BT.2408 (graphics white at 203 cd/m2), BT.2100 (both curves).
_NARROWER: Final = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
_WHITE: Final = 203 / 10_000
_HLG_WHITE: Final = 0.265
_KNEE: Final = 0.75
"""Up to here light stays as it is; all above shares what is left to white."""


def toned(frame: av.VideoFrame, marks: Marks) -> Image.Image:
    """The frame in sRGB, 8 bits."""
    if marks.transfer not in (PQ, HLG):
        image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
        return image
    shares = frame.to_ndarray(format="rgb48le").astype(np.float64) / 65_535
    light = _from_pq(shares) / _WHITE if marks.transfer == PQ else _from_hlg(shares) / _HLG_WHITE
    return Image.fromarray((_encoded(_bent(light), marks) * 255 + 0.5).astype(np.uint8))


def _bent(light: Light) -> Light:
    """By the brightest of the three colours, so that no hue changes; what is endlessly bright is white."""
    most = np.maximum(light.max(axis=2, keepdims=True), 1e-9)
    over = (most - _KNEE) / (1 - _KNEE)
    shown = np.where(most <= _KNEE, most, _KNEE + (1 - _KNEE) * over / (1 + np.maximum(over, 0)))
    return np.asarray(light * shown / most)


def _encoded(light: Light, marks: Marks) -> Light:
    linear = (light @ _NARROWER.T if marks.primaries == BT2020 else light).clip(0, 1)
    return np.asarray(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055))


def _from_pq(shares: Light) -> Light:
    power = shares ** (32 / 2523)
    ratio = np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)
    return np.asarray(ratio ** (16384 / 2610))


def _from_hlg(shares: Light) -> Light:
    bright = (np.exp((shares - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return np.asarray(np.where(shares <= 0.5, shares**2 / 3, bright))
