"""Takes away what a mask covers and heals the hole with the picture's own surroundings.

mask ── spots ──> of each: the place whose surroundings fit best ── cloned in by Poisson's equation (Perez, 2003)
                    └── none fits, or none is free ── grown in from the rim (Telea, 2004)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.pictures import labelled_png
from imagestudio_workshop.vision.cloning import cloned

Pixels: TypeAlias = npt.NDArray[np.uint8]

MOST_COVERED: Final = 0.6
_SEEN: Final = 420
"""The longer side of the picture in which a fitting place is looked for."""
_REACH: Final = 5
_SMALLEST: Final = 4
"""Pixels a side, below which growing in is as good and cloning is not possible."""
_FITS: Final = 34.0
"""Root of the mean square, in levels, by which the surroundings of a place may differ."""


def erased(order: LabelledTask) -> Work:
    """The picture without what the mask covers; masks are white, or opaque, where something is to go."""
    picture = order.picture()
    image, mask = picture.image, mask_of(order, picture.image.size)
    covered = float((mask > 0).mean())
    if not 0 < covered <= MOST_COVERED:
        raise ProviderRefused("unsupported_mask", f"the mask covers {covered:.0%}; up to {MOST_COVERED:.0%} is healed")

    def work(_variation: int, step: Step) -> Media:
        healed = Image.fromarray(heal(np.asarray(image.convert("RGB")), mask, step))
        if image.mode == "RGBA":
            healed.putalpha(image.getchannel("A"))
        return labelled_png(picture.of(healed), order)

    return work


def mask_of(order: LabelledTask, size: tuple[int, int]) -> Pixels:
    """255 where something is to go and 0 elsewhere, of the picture's `size` and a little wider than it was drawn.

    Raises ProviderRefused where its size is not the picture's.
    """
    drawn = order.picture("mask").image
    if drawn.size != size:
        raise ProviderRefused("unsupported_mask", f"the mask has {drawn.size} pixels, the picture {size}")
    alpha = np.asarray(drawn.getchannel("A")) if drawn.mode == "RGBA" else None
    # A mask that is cut out of a picture says it by what is clear, any other by black and white.
    shown = np.asarray(drawn.convert("L")) if alpha is None or alpha.min() == 255 else alpha
    hard = np.where(shown > 127, 255, 0).astype(np.uint8)
    return np.asarray(cv2.dilate(hard, _disc(max(1, min(size) // 256))), dtype=np.uint8)


def heal(pixels: Pixels, mask: Pixels, step: Step) -> Pixels:
    """`pixels` (H, W, 3) anew where `mask` is 255, and unchanged elsewhere."""
    count, numbers, boxes, _ = cv2.connectedComponentsWithStats(mask)
    result = np.asarray(cv2.inpaint(pixels, mask, _REACH, cv2.INPAINT_TELEA), dtype=np.uint8)
    for number in range(1, count):
        step(0.9 * number / count, "healing")
        spot = np.where(numbers == number, 255, 0).astype(np.uint8)
        x, y, width, height, _ = (int(value) for value in boxes[number])
        shift = _fitting(pixels, mask, spot, Box(x, y, width, height))
        if shift is not None:
            result = cloned(_shifted(pixels, shift), result, spot)
    return np.where(mask[..., None] > 0, result, pixels)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels."""

    x: int
    y: int
    width: int
    height: int

    def grown(self, by: int, shape: tuple[int, ...]) -> Box:
        """Larger on each side, within a picture of (height, width, …)."""
        left, top = max(0, self.x - by), max(0, self.y - by)
        right, bottom = min(shape[1], self.x + self.width + by), min(shape[0], self.y + self.height + by)
        return Box(left, top, right - left, bottom - top)

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


def _fitting(pixels: Pixels, mask: Pixels, spot: Pixels, box: Box) -> tuple[int, int] | None:
    """How far (x, y) the place lies whose surroundings are most like the spot's; None where none is alike."""
    scale = min(1.0, _SEEN / max(pixels.shape[:2]))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    closed = cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0
    rim = max(4, round(max(box.width, box.height) * scale * 0.25))
    scaled = Box(*(round(value * scale) for value in (box.x, box.y, box.width, box.height))).grown(rim, small.shape)
    if min(box.width, box.height) < _SMALLEST or min(scaled.width, scaled.height) < _SMALLEST:
        return None
    around = np.where(closed[scaled.slices], 0, 1).astype(np.float32)
    if not around.any():
        return None
    template = small[scaled.slices].astype(np.float32)
    weights = np.repeat(around[..., None], 3, axis=2)
    differences = cv2.matchTemplate(small.astype(np.float32), template, cv2.TM_SQDIFF, mask=weights)
    free = _free_places(closed, scaled, differences.shape)
    root = np.sqrt(np.maximum(differences, 0) / (3 * around.sum()))
    root[~free] = np.inf
    best = np.unravel_index(int(root.argmin()), root.shape)
    if not root[best] <= _FITS:
        return None
    return _within(pixels.shape, spot, round((best[1] - scaled.x) / scale), round((best[0] - scaled.y) / scale))


def _free_places(closed: npt.NDArray[np.bool_], box: Box, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Places where a box lies on nothing that is to go, and not half on itself."""
    sums = cv2.integral(closed.astype(np.uint8))
    bottom, right = shape[0], shape[1]
    h, w = box.height, box.width
    inside = sums[h : h + bottom, w : w + right] - sums[:bottom, w : w + right]
    inside = inside - sums[h : h + bottom, :right] + sums[:bottom, :right]
    return np.asarray(inside == 0)


def _within(shape: tuple[int, ...], spot: Pixels, x: int, y: int) -> tuple[int, int]:
    """The shift, kept so that the place it leads to lies within the picture."""
    rows, columns = np.nonzero(spot)
    x = int(np.clip(x, -columns.min(), shape[1] - 1 - columns.max()))
    y = int(np.clip(y, -rows.min(), shape[0] - 1 - rows.max()))
    return x, y


def _shifted(pixels: Pixels, shift: tuple[int, int]) -> Pixels:
    """The picture at a shift, brought here."""
    back = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], dtype=np.float32)
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.warpAffine(pixels, back, size, borderMode=cv2.BORDER_REFLECT), dtype=np.uint8)


def _disc(radius: int) -> Pixels:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), dtype=np.uint8)
