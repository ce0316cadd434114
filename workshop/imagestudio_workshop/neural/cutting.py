"""Cuts out what a picture shows, by U-2-Net: the network says which pixels, and the picture itself where its edge runs.

picture, made 320x320 ── U-2-Net (Qin, 2020) ──> how much each pixel is of the thing ── more than half ──> outline
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from imagestudio.plugin import ProviderRefused
from imagestudio_workshop.needs import Weights
from imagestudio_workshop.neural.faces import finder
from imagestudio_workshop.neural.seeing import Numbers, Pixels, batch_of, network
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.vision import cutout, faces

FILE: Final = "u2netp.onnx"
_SIDE: Final = 320
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_OUTPUT: Final = "1959"
"""Of seven outputs the one that joins the others."""
_HALF: Final = 0.5
_LEAST, _MOST = 0.002, 0.98
_CRUMB: Final = 0.02
"""Of the largest part of the thing; what is smaller is none of it."""
_DOUBT: Final = 0.2
_UNSURE: Final = 0.35
"""How much may be neither thing nor background, as a share of what may be the thing."""


def cut_by_network(order: LabelledTask) -> Work:
    """The picture with what is behind the thing made transparent."""
    find = finder(order.weights) or faces.found

    def outlined(pixels: Pixels, step: Step) -> Numbers:
        step(0.1, "looking for the thing")
        shares = likely(pixels, order.weights)
        _check(shares)
        whole = cv2.resize(shares, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        thing = _without_crumbs((np.asarray(whole) > _HALF).astype(np.uint8))
        step(0.6, "looking for faces")
        if cutout.loses_face(pixels, thing, find):
            raise ProviderRefused("no_outline", cutout.UNSURE)
        return thing.astype(np.float32)

    return cutout.cutting(order, outlined)


def likely(pixels: Pixels, weights: Weights) -> Numbers:
    """How surely each pixel is of the thing, in [0, 1], of a picture made 320 pixels wide and high."""
    small = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    even = (small / max(float(small.max()), 1.0) - _MEAN) / _DEVIATION
    (shares,) = network(weights.path(FILE))(batch_of(even), _OUTPUT)
    return np.asarray(shares[0, 0], dtype=np.float32)


def _without_crumbs(thing: Pixels) -> Pixels:
    _, numbers, boxes, _ = cv2.connectedComponentsWithStats(thing)
    areas = boxes[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.asarray((areas >= max(1, areas.max() * _CRUMB))[numbers], dtype=np.uint8)


def _check(shares: Numbers) -> None:
    """Raises ProviderRefused where hardly anything is the thing, or nearly all, or most of it is neither."""
    thing = float((shares > _HALF).mean())
    if not _LEAST < thing < _MOST:
        raise ProviderRefused("no_outline", cutout.NOTHING)
    if float(((shares > _DOUBT) & (shares < 1 - _DOUBT)).mean()) > _UNSURE * thing:
        raise ProviderRefused("no_outline", cutout.UNSURE)
