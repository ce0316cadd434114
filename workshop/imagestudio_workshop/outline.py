"""Finds what a picture shows before a plain or transparent background, by pixels and without a model."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Mask: TypeAlias = npt.NDArray[np.bool_]
Shares: TypeAlias = npt.NDArray[np.float32]

_PLAIN: Final = 16.0
"""How far the pixels of a border may be from its median, in levels, for three in four of them."""
_APART: Final = 30.0
_LEAST, _MOST = 0.01, 0.97


def outlined(image: Image.Image) -> Shares | None:
    """How much each pixel belongs to the thing, in [0, 1], soft at its edge; None where nothing stands out."""
    if image.mode == "RGBA":
        covered = _shares(image.getchannel("A"))
        return covered if _LEAST < covered.mean() < _MOST else None
    pixels = np.asarray(image.filter(ImageFilter.MedianFilter(3)), dtype=np.float32)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    background = np.median(border, axis=0)
    if np.percentile(np.abs(border - background).max(axis=1), 75) > _PLAIN:
        return None
    alike = np.abs(pixels - background).max(axis=2) < _APART
    thing = _without_specks(~_reached_from_border(alike))
    if not _LEAST < thing.mean() < _MOST:
        return None
    soft = Image.fromarray(thing.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(1.0))
    return _shares(soft)


def _shares(image: Image.Image) -> Shares:
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _reached_from_border(open_to: Mask) -> Mask:
    """The region connected to the border within `open_to`: a flood along rows and columns until it stands."""
    flood = np.zeros_like(open_to)
    flood[0], flood[-1], flood[:, 0], flood[:, -1] = open_to[0], open_to[-1], open_to[:, 0], open_to[:, -1]
    reached = -1
    while (count := int(flood.sum())) != reached:
        reached = count
        for turned, ground in ((flood, open_to), (flood.T, open_to.T)):
            _run(turned, ground)
            _run(turned[:, ::-1], ground[:, ::-1])
    return flood


def _run(flood: Mask, ground: Mask) -> None:
    """Along each row, from every flooded pixel to the next that is closed."""
    places = np.arange(flood.shape[1])
    wet = np.maximum.accumulate(np.where(flood, places, -1), axis=1)
    dry = np.maximum.accumulate(np.where(ground, -1, places), axis=1)
    flood |= ground & (wet > dry)


def _without_specks(thing: Mask) -> Mask:
    """The region that is left after everything thinner than three pixels is worn away and the rest has grown again."""
    return _grown(_worn(thing)) & thing


def _worn(thing: Mask) -> Mask:
    return ~_grown(~thing)


def _grown(thing: Mask) -> Mask:
    padded = np.pad(thing, 1)
    tall = padded[:-2] | padded[1:-1] | padded[2:]
    return np.asarray(tall[:, :-2] | tall[:, 1:-1] | tall[:, 2:])
