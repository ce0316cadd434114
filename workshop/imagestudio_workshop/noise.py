"""Tileable clouds of noise and how to look things up in them; everything big is float32 and follows its seed."""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Field: TypeAlias = npt.NDArray[np.floating[Any]]
"""A picture of numbers: one plane (H, W), or three of red, green and blue (3, H, W)."""

TILE = 512


def spectral(rng: np.random.Generator, slope: float, size: int = TILE) -> Field:
    """Noise in [0, 1] whose power falls with frequency to the power of `slope`, seamless at its edges.

    2 is cloud-like, 3 is smooth hills, 1 is gravel. Values are spread evenly by rank of a normal distribution.
    """
    white = np.fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    noise = np.fft.irfft2(white * _filter(slope, size), s=(size, size)).astype(np.float32)
    noise /= noise.std() + 1e-9
    return squash(noise)


@functools.lru_cache(maxsize=16)
def _filter(slope: float, size: int) -> Field:
    vertical = np.fft.fftfreq(size)[:, None] * size
    horizontal = np.fft.rfftfreq(size)[None, :] * size
    frequency = np.hypot(vertical, horizontal)
    frequency[0, 0] = np.inf
    return np.asarray(frequency ** (-slope / 2 - 0.5), dtype=np.float32)


def squash(noise: Field) -> Field:
    """Normally distributed numbers to nearly uniform ones in [0, 1]: a logistic close to the normal's own curve."""
    return np.asarray(1.0 / (1.0 + np.exp(-1.7 * noise)), dtype=np.float32)


def lookup(tile: Field, u: Field, v: Field) -> Field:
    """The tile at (u, v), in tiles, repeating for ever, interpolated between its points."""
    size = tile.shape[0]
    x, y = u * np.float32(size), v * np.float32(size)
    left, top = np.floor(x), np.floor(y)
    fx, fy = x - left, y - top
    column, row = left.astype(np.int32) & (size - 1), top.astype(np.int32) & (size - 1)
    right, below = (column + 1) & (size - 1), ((row + 1) & (size - 1)) * size
    row *= size
    flat = tile.ravel()
    upper = flat[row + column] * (1 - fx) + flat[row + right] * fx
    lower = flat[below + column] * (1 - fx) + flat[below + right] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, dtype=np.float32)


def line_noise(rng: np.random.Generator, points: Field, octaves: int, gain: float = 0.5) -> Field:
    """One-dimensional noise about [-1, 1] at `points` (one period is 1), each octave `gain` times the last."""
    total = np.zeros_like(points)
    amplitude, frequency = 1.0, 1
    for _ in range(octaves):
        values = rng.uniform(-1, 1, 257).astype(np.float32)
        at = points * np.float32(frequency) + np.float32(rng.uniform(0, 256))
        whole = np.floor(at)
        part = at - whole
        part = part * part * (3 - 2 * part)
        index = whole.astype(np.int32) % 256
        total += np.float32(amplitude) * (values[index] * (1 - part) + values[index + 1] * part)
        amplitude *= gain
        frequency *= 2
    return total


def enlarge(field: Field, width: int, height: int) -> Field:
    """A field at another size, smoothly; for what is too soft to be worth computing at every pixel."""
    if field.shape[-2:] == (height, width):
        return field
    if field.ndim == 3:
        return np.stack([enlarge(plane, width, height) for plane in field])
    image = Image.fromarray(np.ascontiguousarray(field))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def smoothstep(low: float, high: float, field: Field) -> Field:
    """0 below `low`, 1 above `high`, an S between."""
    part = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), dtype=np.float32)


def mix(one: Field, other: Field, share: Field | float) -> Field:
    """`one` where `share` is 0, `other` where it is 1."""
    blended = other - one
    blended = blended * np.asarray(share, dtype=np.float32)
    blended += one
    return np.asarray(blended, dtype=np.float32)


def splat(picture: Field, x: Field, y: Field, light: Field, sigma: float) -> None:
    """Add soft round points of `light` (3, n) at pixel positions (n,)."""
    reach = max(1, int(np.ceil(sigma * 2.4)))
    height, width = picture.shape[1:]
    sigma = max(sigma, 0.45)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            row, column = np.round(y).astype(int) + dy, np.round(x).astype(int) + dx
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            away = (row - y) ** 2 + (column - x) ** 2
            part = (light * np.exp(-away / (2 * sigma * sigma)))[:, inside].astype(np.float32)
            for plane in range(3):
                np.add.at(picture[plane], (row[inside], column[inside]), part[plane])
