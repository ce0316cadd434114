"""Takes writing out of a picture: networks read where it stands, light and colour tell its strokes, the eraser heals.

picture ── RapidOCR ──> boxes of what it can read ── what is narrow and unlike what is about it ──> strokes ── heal
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.neural.seeing import Pixels
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.pictures import labelled_png
from imagestudio_workshop.vision.erase import MOST_COVERED, heal

if TYPE_CHECKING:
    from rapidocr import RapidOCR

_SEEN: Final = 2000
"""The longer side of the picture in which writing is looked for."""
_LONG: Final = 4
"""Times that the longer side of the picture may be the shorter one when it is read."""
_SURE: Final = 0.5
_SURE_OF_ONE: Final = 0.95
"""How sure it must be of what it reads, and of a single letter, which many a round thing looks like."""
_BEYOND, _WIDEST, _ABOUT = 0.1, 0.09, 0.07
"""Of a line's height: what is looked at about its box, half of the widest stroke, and what goes with a stroke."""
_FAINT: Final = 10.0
"""Levels of lightness by which a stroke differs at least from what is about it."""
_ALIKE: Final = 70.0
"""How far a stroke may be from the colour of most, in CIELAB as OpenCV scales it."""
_LEAST, _MOST = 0.03, 0.6
"""Of a box, what its strokes can be."""
_HATS: Final = (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT)
_TURN: Final = Lock()

Corners: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]


def without_writing(order: LabelledTask) -> Work:
    """The picture without what can be read in it."""
    picture = order.picture()
    image = picture.image

    def work(_variation: int, step: Step) -> Media:
        pixels = np.asarray(image.convert("RGB"))
        step(0.1, "looking for writing")
        mask = written(pixels)
        step(0.6, "healing")
        healed = Image.fromarray(heal(pixels, mask, lambda part, _: step(0.6 + 0.35 * part, "healing")))
        if image.mode == "RGBA":
            healed.putalpha(image.getchannel("A"))
        return labelled_png(picture.of(healed), order)

    return work


def written(pixels: Pixels) -> Pixels:
    """255 where letters are and 0 elsewhere. Raises ProviderRefused where there are none, or too much of them."""
    mask = np.zeros(pixels.shape[:2], dtype=np.uint8)
    for corners in _boxes(pixels):
        mask |= _letters(pixels, corners)
    if not mask.any():
        raise ProviderRefused("no_text", "no writing was found in the picture")
    if (covered := float((mask > 0).mean())) > MOST_COVERED:
        raise ProviderRefused("too_much_text", f"writing covers {covered:.0%}; up to {MOST_COVERED:.0%} is healed")
    return mask


def _boxes(pixels: Pixels) -> Iterator[Corners]:
    """The four corners of each line that can be read."""
    scale = min(1.0, _SEEN / max(pixels.shape[:2]))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = _padded(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8))
    with _TURN:
        read: Any = _reader()(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    if read is None or read.boxes is None:
        return
    for corners, text, sure in zip(read.boxes, read.txts, read.scores, strict=True):
        if sure > (_SURE if len(text.strip()) > 1 else _SURE_OF_ONE):
            yield np.asarray(corners, dtype=np.float64) / scale


def _padded(pixels: Pixels) -> Pixels:
    """The picture with its last row or column repeated until it is no longer than the reader takes.

    It enlarges the shorter side to 736 pixels, and the longer one with it however long that is.
    """
    high, wide = pixels.shape[:2]
    below, beside = max(0, wide // _LONG - high), max(0, high // _LONG - wide)
    return np.pad(pixels, ((0, below), (0, beside), (0, 0)), mode="edge")


@cache
def _reader() -> RapidOCR:
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "critical"})


def _letters(pixels: Pixels, corners: Corners) -> Pixels:
    """255 on the strokes of a line and a little about them; on all of its box if no strokes can be told."""
    tall = float(min(np.hypot(*(corners[3] - corners[0])), np.hypot(*(corners[1] - corners[0]))))
    box = np.zeros(pixels.shape[:2], dtype=np.uint8)
    cv2.fillPoly(box, [np.rint(corners).astype(np.int32)], 255)
    box = _grown(box, max(1, round(tall * _BEYOND)))
    rim = (box > 0) & ~(np.asarray(cv2.erode(box, _disc(max(2, round(tall * _BEYOND))))) > 0)
    found = [_strokes(pixels, box > 0, max(2, round(tall * _WIDEST)), how) for how in _HATS]
    # Between light strokes it is dark and narrow too; but only the ground reaches the rim.
    strokes = min(found, key=lambda one: float(one[rim].mean()) / max(float(one[box > 0].mean()), _LEAST))
    if not _LEAST < float(strokes[box > 0].mean()) < _MOST:
        return box
    return _grown(np.where(strokes, 255, 0).astype(np.uint8), max(2, round(tall * _ABOUT)))


def _strokes(pixels: Pixels, inside: Mask, radius: int, how: int) -> Mask:
    """Pixels of strokes: lighter, or darker, than all about them, no wider than those of letters, and of one colour."""
    lab = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB))
    hat = np.asarray(cv2.morphologyEx(lab[..., 0], how, _disc(radius)))
    level, _ = cv2.threshold(hat[inside], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # Before a dark part of the picture white letters differ more than before a light one: what differs most tells
    # only their colour.
    most = inside & (hat > max(level, _FAINT))
    if not most.any():
        return most
    colour = np.median(lab[most], axis=0)
    return np.asarray(inside & (hat > max(level / 3, _FAINT)) & (np.linalg.norm(lab - colour, axis=2) < _ALIKE))


def _grown(mask: Pixels, by: int) -> Pixels:
    return np.asarray(cv2.dilate(mask, _disc(by)), dtype=np.uint8)


def _disc(radius: int) -> Pixels:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), dtype=np.uint8)
