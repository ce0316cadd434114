"""Cuts what stands before the border out of its background: GrabCut, then an edge that follows the picture's own.

picture, made small ── colours of the border against the rest ── GrabCut (Rother, 2004) ──> hard outline
hard outline ── guided filter (He, 2010) at full size ──> alpha
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from application.ports import Media, ProviderRefused
from infrastructure.providers.local.encoding import flattened
from infrastructure.providers.local.orders import Order, Step, Work
from infrastructure.providers.local.pictures import png

Pixels: TypeAlias = npt.NDArray[np.uint8]
Shares: TypeAlias = npt.NDArray[np.float32]

_SEEN: Final = 400
_BORDER: Final = 0.03
_ROUNDS: Final = 4
_COLOURS: Final = 6
_RARE: Final = 0.02
_APART: Final = 10.0
"""How far a colour is from the border's, in CIELAB as OpenCV scales it, before it is taken for the thing's."""
_PART: Final = 0.08
_LEAST, _MOST = 0.01, 0.95


def cut_out(order: Order) -> Work:
    """The picture with what is behind the thing made transparent."""
    image = flattened(order.picture())

    def work(_variation: int, step: Step) -> Media:
        pixels = np.asarray(image)
        step(0.1, "looking at the border")
        outline = _outline(pixels, step)
        step(0.8, "following the edges")
        alpha = _following(pixels, outline)
        result = Image.fromarray(_unmixed(pixels, alpha))
        result.putalpha(Image.fromarray((alpha * 255 + 0.5).astype(np.uint8)))
        return png(result, order)

    return work


def _outline(pixels: Pixels, step: Step) -> Shares:
    """1 for the thing and 0 behind it, at the picture's size. Raises ProviderRefused where nothing stands out."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _SEEN / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    guess = _guess(small)
    step(0.3, "separating the colours")
    models = np.zeros((2, 1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(small, guess, (0, 0, 1, 1), models[0], models[1], _ROUNDS, cv2.GC_INIT_WITH_MASK)
    thing = _whole(np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8))
    if not _LEAST < thing.mean() < _MOST:
        raise ProviderRefused("no_outline", "nothing stands out from the background")
    return np.asarray(cv2.resize(thing.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))


def _guess(small: Pixels) -> Pixels:
    """What is unlike every colour that the border has much of is probably the thing."""
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.float32)
    edge = max(2, round(min(small.shape[:2]) * _BORDER))
    border = np.ones(small.shape[:2], dtype=np.bool_)
    border[edge:-edge, edge:-edge] = False
    samples = np.ascontiguousarray(lab[border])
    numbers = np.zeros((len(samples), 1), dtype=np.int32)
    ends = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    cv2.setRNGSeed(1)
    _, nearest, colours = cv2.kmeans(samples, _COLOURS, numbers, ends, 2, cv2.KMEANS_PP_CENTERS)
    frequent = np.bincount(np.ravel(nearest), minlength=_COLOURS) > _RARE * len(samples)
    unlike = np.linalg.norm(lab[..., None, :] - colours[frequent], axis=3).min(axis=2)
    apart = cv2.GaussianBlur(unlike.astype(np.float32), (0, 0), 1.5) > _APART
    guess = np.where(apart, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    guess[border] = cv2.GC_BGD
    return guess


def _whole(thing: Pixels) -> Pixels:
    """Without specks and holes, and of several parts only those of some size."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    thing = np.asarray(cv2.morphologyEx(cv2.morphologyEx(thing, cv2.MORPH_CLOSE, disc), cv2.MORPH_OPEN, disc))
    _, numbers, boxes, _ = cv2.connectedComponentsWithStats(thing)
    areas = boxes[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    large = areas >= max(1, areas.max() * _PART)
    _, numbers, _, _ = cv2.connectedComponentsWithStats(1 - large[numbers].astype(np.uint8))
    behind = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    return np.asarray(~np.isin(numbers, behind[behind > 0]), dtype=np.uint8)


def _following(pixels: Pixels, outline: Shares) -> Shares:
    """The outline as a local linear function of the picture's own light, so that it ends where the picture does."""
    guide = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    radius = max(2, round(max(pixels.shape[:2]) / 160))

    def mean(plane: npt.NDArray[np.floating[Any]]) -> Shares:
        return np.asarray(cv2.blur(plane, (2 * radius + 1, 2 * radius + 1)), dtype=np.float32)

    guide_mean, outline_mean = mean(guide), mean(outline)
    variance = mean(guide * guide) - guide_mean * guide_mean
    slope = (mean(guide * outline) - guide_mean * outline_mean) / (variance + np.float32(1e-3))
    alpha = mean(slope) * guide + mean(outline_mean - slope * guide_mean)
    return np.asarray(((alpha - 0.15) / 0.7).clip(0, 1), dtype=np.float32)


def _unmixed(pixels: Pixels, alpha: Shares) -> Pixels:
    """At its soft edge the thing's own colour, taken from inside, and not a mixture with what was behind."""
    solid = (alpha > 0.95).astype(np.float32)
    size = (0, 0)
    sigma = max(2.0, max(pixels.shape[:2]) / 160)
    weight = cv2.GaussianBlur(solid, size, sigma)
    inner = cv2.GaussianBlur(pixels.astype(np.float32) * solid[..., None], size, sigma) / (weight[..., None] + 1e-4)
    share = np.clip(weight * 4, 0, 1)[..., None] * (1 - solid[..., None])
    return np.asarray((pixels * (1 - share) + inner * share).clip(0, 255), dtype=np.uint8)
