"""Lays a part of one picture over another so that no seam is seen."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]

_FRAME = 2


def cloned(source: Pixels, into: Pixels, place: Pixels) -> Pixels:
    """`into` with what `source` shows at the same `place`, which is 255 there and else 0; no step is left at its rim.

    By Poisson's equation (Perez, Gangnet and Blake, 2003). A frame is added while it works, since OpenCV cannot clone
    to the very border.
    """
    x, y, width, height = cv2.boundingRect(place)
    framed = [_framed(each, cv2.BORDER_REPLICATE) for each in (source, into)]
    mask = _framed(place, cv2.BORDER_CONSTANT)
    centre = (x + _FRAME + width // 2, y + _FRAME + height // 2)
    whole = cv2.seamlessClone(framed[0], framed[1], mask, centre, cv2.NORMAL_CLONE)
    return np.asarray(whole[_FRAME:-_FRAME, _FRAME:-_FRAME], dtype=np.uint8)


def _framed(pixels: Pixels, how: int) -> Pixels:
    return np.asarray(cv2.copyMakeBorder(pixels, _FRAME, _FRAME, _FRAME, _FRAME, how), dtype=np.uint8)
