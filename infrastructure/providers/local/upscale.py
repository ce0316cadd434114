"""Enlarges by Lanczos and sharpens without halos: no pixel leaves the range of its own neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Pixels: TypeAlias = npt.NDArray[np.uint8]

FACTORS: Final = (2, 4)
BAND: Final = 512
_MARGIN: Final = 16
"""Rows beside a band that its filters may look at: more than three of Lanczos and seven of blur, twice."""


def enlarged(
    image: Image.Image, factor: int, step: Callable[[float, str], None], *, percent: int = 110, band: int = BAND
) -> Image.Image:
    """`image` (RGB or RGBA) at `factor` times its size, 2 or 4; `percent` is the strength of the sharpening.

    Worked in bands of rows, so that only the result itself is held at full size. Pillow weighs colours by their
    alpha while it resizes, so nothing bleeds in from under what is transparent.
    """
    result = Image.new(image.mode, (image.width * factor, image.height * factor))
    for top in range(0, image.height, band):
        step(0.9 * top / image.height, "enlarging")
        first, last = max(0, top - _MARGIN), min(image.height, top + band + _MARGIN)
        part = image.crop((0, first, image.width, last))
        for _ in range(factor.bit_length() - 1):
            part = _doubled(part, percent)
        rows = min(band, image.height - top) * factor
        skipped = (top - first) * factor
        result.paste(part.crop((0, skipped, part.width, skipped + rows)), (0, top * factor))
    return result


def _doubled(image: Image.Image, percent: int) -> Image.Image:
    large = image.resize((image.width * 2, image.height * 2), Image.Resampling.LANCZOS)
    sharp = large.convert("RGB").filter(ImageFilter.UnsharpMask(1.6, percent, 1))
    # The neighbours' range is taken from the original's pixels, where Lanczos has not rung yet.
    around = np.asarray(image.convert("RGB"))
    highest, lowest = _twice(_extreme(around, np.maximum)), _twice(_extreme(around, np.minimum))
    bounded = Image.fromarray(np.clip(np.asarray(sharp), lowest, highest))
    if large.mode == "RGBA":
        bounded.putalpha(large.getchannel("A"))
    return bounded


def _extreme(pixels: Pixels, of: np.ufunc) -> Pixels:
    """The largest or smallest of each pixel and its eight neighbours, where there are so many."""
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = of(of(padded[:-2], padded[1:-1]), padded[2:])
    return np.asarray(of(of(tall[:, :-2], tall[:, 1:-1]), tall[:, 2:]))


def _twice(pixels: Pixels) -> Pixels:
    return pixels.repeat(2, axis=0).repeat(2, axis=1)
