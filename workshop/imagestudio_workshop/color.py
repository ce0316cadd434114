"""Colours as linear light, blended the way eyes see them, and turned into bytes without banding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imagestudio_workshop.noise import Field

# Björn Ottosson's OKLab (2020): https://bottosson.github.io/posts/oklab/
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_CONES, _FROM_LAB = np.linalg.inv(_TO_CONES), np.linalg.inv(_TO_LAB)
_LEVELS = 4096
_SHOULDER = 0.75


def color(code: str) -> Field:
    """ "#rrggbb" as linear red, green and blue, of shape (3, 1, 1)."""
    encoded = np.array([int(code[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear[:, None, None], dtype=np.float32)


def gradient(codes: Sequence[str], shares: Field) -> Field:
    """The colours of `codes` spread evenly over [0, 1], read at `shares` (H, W), as (3, H, W)."""
    return ramp(codes)[:, (np.clip(shares, 0, 1) * (_LEVELS - 1)).astype(np.int32)]


def ramp(codes: Sequence[str]) -> Field:
    """A table of colours between those of `codes`, evenly spaced to the eye, of shape (3, levels)."""
    lab = _TO_LAB @ np.cbrt(_TO_CONES @ np.concatenate([color(code)[:, :, 0] for code in codes], axis=1))
    stops, positions = np.linspace(0, 1, len(codes)), np.linspace(0, 1, _LEVELS)
    between = np.stack([np.interp(positions, stops, plane) for plane in lab])
    return np.asarray(np.clip(_FROM_CONES @ (_FROM_LAB @ between) ** 3, 0, 1), dtype=np.float32)


def to_bytes(picture: Field, rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Linear light (3, H, W), however bright, to sRGB bytes (H, W, 3).

    Highlights roll off instead of clipping; a coarse repeating dither hides the steps of smooth skies.
    """
    light = np.maximum(picture, 0)
    over = np.maximum(light - _SHOULDER, 0)
    room = np.float32(1 - _SHOULDER)
    light = np.minimum(light, _SHOULDER) + room * (over / (over + room))
    encoded = _ENCODE[(light * np.float32(len(_ENCODE) - 1)).astype(np.int32)]
    height, width = picture.shape[1:]
    dither = np.tile(rng.random((64, 64), dtype=np.float32), (height // 64 + 1, width // 64 + 1))
    return (encoded + dither[:height, :width]).astype(np.uint8).transpose(1, 2, 0)


def _encoding(levels: int) -> Field:
    linear = np.linspace(0, 1, levels)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 254.999).astype(np.float32)


_ENCODE = _encoding(1 << 16)
