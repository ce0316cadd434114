"""Cuts what stands before the border out of its background: GrabCut, then an edge that follows the picture's own.

picture, made small ── colours of the border against the rest ── GrabCut (Rother, 2004) ──> hard outline
hard outline ── how the colours on its two sides mix along it, at full size ──> alpha
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.coding import flattened
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.pictures import labelled_png
from imagestudio_workshop.vision.faces import Find, found

Pixels: TypeAlias = npt.NDArray[np.uint8]
Shares: TypeAlias = npt.NDArray[np.float32]

NOTHING: Final = "nothing stands out from the background"
UNSURE: Final = "what is the thing and what is behind it cannot be told apart for sure"
_SEEN: Final = 400
_FRAME: Final = 0.06
_ALIKE: Final = 0.75
_BORDER: Final = 0.03
_ROUNDS: Final = 4
_COLOURS: Final = 6
_RARE: Final = 0.02
_APART: Final = 10.0
"""How far a colour is from the border's, in CIELAB as OpenCV scales it, before it is taken for the thing's."""
_PART: Final = 0.08
_BODY: Final = 0.3
"""Of all that is cut out, what may be the body to a face."""
_LIKE: Final = 25.0
"""Levels by which thing and background must differ before their mixture tells how much there is of either."""
_LEAST, _MOST = 0.01, 0.95


def cut_out(order: LabelledTask) -> Work:
    """The picture with what is behind the thing made transparent, by its colours and edges."""
    return cutting(order, _outline)


def cutting(order: LabelledTask, outlined: Callable[[Pixels, Step], Shares]) -> Work:
    """The picture with what is behind the thing made transparent; `outlined` says of whole pixels what is the thing."""
    given = order.picture()
    picture = flattened(given)

    def work(_variation: int, step: Step) -> Media:
        pixels = np.asarray(picture.image)
        outline = outlined(pixels, step)
        step(0.8, "following the edges")
        band = _band(pixels, outline)
        alpha = _following(pixels, outline, band)
        result = Image.fromarray(_unmixed(pixels, alpha, band))
        left = Image.fromarray((alpha * 255 + 0.5).astype(np.uint8))
        result.putalpha(ImageChops.multiply(left, given.image.getchannel("A")) if given.image.mode == "RGBA" else left)
        return labelled_png(picture.of(result), order)

    return work


def _outline(pixels: Pixels, step: Step) -> Shares:
    """1 for the thing and 0 behind it, at the picture's size. Raises ProviderRefused where nothing stands out."""
    step(0.1, "looking at the border")
    height, width = pixels.shape[:2]
    scale = min(1.0, _SEEN / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    guess = _guess(small)
    if not (guess == cv2.GC_PR_FGD).any():
        raise ProviderRefused("no_outline", NOTHING)
    step(0.3, "separating the colours")
    thing = _grabbed(small, guess)
    if not _LEAST < thing.mean() < _MOST:
        raise ProviderRefused("no_outline", NOTHING)
    step(0.5, "asking a second time")
    _check(small, thing)
    return np.asarray(cv2.resize(thing.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))


def _grabbed(small: Pixels, guess: Pixels) -> Pixels:
    models = np.zeros((2, 1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(small, guess, (0, 0, 1, 1), models[0], models[1], _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return _whole(np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8))


def _check(small: Pixels, thing: Pixels) -> None:
    """Begun from all within a frame, and not from the border's colours, the outline comes out alike where it is true.

    On photographs the good ones shared 0.79 and more, the bad ones 0.70 and less. Raises ProviderRefused.
    """
    height, width = thing.shape
    down, across = max(1, round(height * _FRAME)), max(1, round(width * _FRAME))
    within = np.full((height, width), cv2.GC_BGD, dtype=np.uint8)
    within[down : height - down, across : width - across] = cv2.GC_PR_FGD
    inside = within != cv2.GC_BGD
    if not inside.any():
        return
    again = _grabbed(small, within.copy())
    both, either = ((thing & again)[inside].sum(), (thing | again)[inside].sum())
    if both < _ALIKE * either or loses_face(small, thing):
        raise ProviderRefused("no_outline", UNSURE)


def loses_face(small: Pixels, thing: Pixels, find: Find = found) -> bool:
    """Whether somebody is in the picture whose face would be cut away, or be cut off from a body."""
    try:
        faces = find(small, "the picture")
    except ProviderRefused:
        return False
    places = [tuple(np.rint(face.centre).astype(int).tolist()) for face in faces]
    count, numbers, boxes, _ = cv2.connectedComponentsWithStats(thing)
    owners = {int(numbers[min(y, thing.shape[0] - 1), min(x, thing.shape[1] - 1)]) for x, y in places}
    large = [number for number in range(1, count) if boxes[number, cv2.CC_STAT_AREA] > _BODY * thing.sum()]
    return 0 in owners or not owners.issuperset(large)


def _guess(small: Pixels) -> Pixels:
    """A region that is unlike every colour that the border has much of is probably the thing."""
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


@dataclass(frozen=True, slots=True)
class Band:
    """The narrow strip about the outline in which thing and background mix, and the colour of either near by."""

    inside: Shares
    outside: Shares
    thing: Shares
    behind: Shares


def _band(pixels: Pixels, outline: Shares) -> Band:
    width = max(2, round(max(pixels.shape[:2]) / 200))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    hard = (outline > 0.5).astype(np.uint8)
    inside, outside = (np.asarray(cv2.erode(part, disc), dtype=np.float32) for part in (hard, 1 - hard))
    return Band(inside, outside, _near(pixels, inside, 2.0 * width), _near(pixels, outside, 2.0 * width))


def _near(pixels: Pixels, known: Shares, sigma: float) -> Shares:
    """The mean colour of what is known about each pixel."""
    weight = cv2.GaussianBlur(known, (0, 0), sigma) + np.float32(1e-4)
    sums = cv2.GaussianBlur(pixels.astype(np.float32) * known[..., None], (0, 0), sigma)
    return np.asarray(sums / np.asarray(weight)[..., None], dtype=np.float32)


def _following(pixels: Pixels, outline: Shares, band: Band) -> Shares:
    """In the band: how far a pixel's colour is on the way from the background's to the thing's, where these differ."""
    way = band.thing - band.behind
    length = (way * way).sum(axis=2)
    share = ((pixels - band.behind) * way).sum(axis=2) / np.maximum(length, 1)
    sure = np.clip((np.sqrt(length) - _LIKE) / _LIKE, 0, 1)
    soft = np.asarray(cv2.GaussianBlur(outline, (0, 0), 1.0), dtype=np.float32)
    mixed = sure * share.clip(0, 1) + (1 - sure) * soft
    known = np.where(band.outside > 0, 0, mixed)
    return np.asarray(np.where(band.inside > 0, 1, known), dtype=np.float32)


def _unmixed(pixels: Pixels, alpha: Shares, band: Band) -> Pixels:
    """At its soft edge the thing's own colour, and not a mixture with what was behind."""
    mixed = ((alpha > 0) & (alpha < 1)).astype(np.float32)[..., None]
    return np.asarray((pixels * (1 - mixed) + band.thing * mixed).clip(0, 255), dtype=np.uint8)
