"""Finds faces by two networks, of which the second says whether what the first found is one, and where its eyes are.

picture, and squares of an oblong one ── BlazeFace (Bazarevsky, 2019) ──> places ── upright, 192x192 ── face mesh ──┐
                                        eyes of what is a face for sure <───────────────────────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from imagestudio.plugin import ProviderRefused
from imagestudio_workshop.needs import Weights
from imagestudio_workshop.neural.seeing import Numbers, Pixels, batch_of, network
from imagestudio_workshop.orders import LabelledTask, Work
from imagestudio_workshop.vision.faces import Face, Find, Point, swapping

PLACES, MESH = "face_detection_back.tflite", "face_landmark.tflite"
_SIDE, _UPRIGHT = 256, 192
_GRIDS: Final = ((16, 2), (8, 6))
"""Places a side, and guesses at each, in the order of the first network's answers."""
_LIKELY: Final = 0.5
_SURE: Final = 0.5
_AGREE: Final = 0.25
"""How far apart both networks may see an eye, in distances between the eyes."""
_AROUND: Final = 1.5
"""The square that the second network sees, in sides of the square about the face."""
_OBLONG: Final = 1.5
_MOST_SQUARES: Final = 24
_EYES: Final = ((33, 133), (362, 263))
"""Points of the mesh: the corners of either eye, left and right as we see them."""


def finder(weights: Weights) -> Find | None:
    """A way to find faces by networks; None where their files are not there."""
    return partial(found_by_network, weights) if weights.find(PLACES) and weights.find(MESH) else None


def swapped_by_network(order: LabelledTask) -> Work:
    """`image` with the face of `face` in place of its largest one, or of `every` one."""
    return swapping(order, partial(found_by_network, order.weights))


def found_by_network(weights: Weights, pixels: Pixels, where: str) -> list[Face]:
    """The faces in a picture, the largest first. Raises ProviderRefused where there is none for sure."""
    sure = [face for place in _apart(pixels, weights) if (face := _confirmed(pixels, place, weights))]
    if not sure:
        raise ProviderRefused("no_face", f"no face was found for sure in {where}")
    return sorted(sure, key=lambda face: -face.span)


@dataclass(frozen=True, slots=True)
class Guess:
    """A place of a face: the middle and side of a square about it, its eyes, all in pixels, and how likely it is."""

    middle: Point
    side: float
    eyes: Point
    likely: float


def _apart(pixels: Pixels, weights: Weights) -> list[Guess]:
    """Each place once, as the likeliest of its guesses says it."""
    kept: list[Guess] = []
    guesses = (place for left, top, side in _squares(pixels) for place in _places(pixels, left, top, side, weights))
    for place in sorted(guesses, key=lambda one: -one.likely):
        if all(np.hypot(*(place.middle - one.middle)) > max(place.side, one.side) / 2 for one in kept):
            kept.append(place)
    return kept


def _squares(pixels: Pixels) -> Iterator[tuple[int, int, int]]:
    """Left, top and side of squares that cover the picture: one about it, and if it is oblong those along it too."""
    height, width = pixels.shape[:2]
    longer, shorter = max(height, width), min(height, width)
    yield (width - longer) // 2, (height - longer) // 2, longer
    if longer > _OBLONG * shorter:
        for start in np.linspace(
            0, longer - shorter, min(_MOST_SQUARES, 1 + -(-2 * (longer - shorter) // shorter))
        ).round():
            yield (int(start), 0, shorter) if width > height else (0, int(start), shorter)


def _places(pixels: Pixels, left: int, top: int, side: int, weights: Weights) -> Iterator[Guess]:
    """Guesses of the first network in a square, which may be larger than the picture."""
    scale = _SIDE / side
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    small = _warped(pixels, move, _SIDE, scale) / np.float32(127.5) - 1
    outputs = network(weights.path(PLACES))(batch_of(small))
    scores = next(each for each in outputs if each.shape[-1] == 1).ravel()
    numbers = next(each for each in outputs if each.shape[-1] != 1).reshape(-1, 8, 2)
    likely = 1 / (1 + np.exp(-scores.clip(-80, 80)))
    for number in np.flatnonzero(likely > _LIKELY):
        points = (numbers[number] + _anchors()[number]) / scale + (left, top)
        yield Guess(points[0], float(numbers[number][1].max() / scale), points[2:4], float(likely[number]))


@cache
def _anchors() -> Numbers:
    """The points that each guess is reckoned from, shape (guesses, 1, 2)."""
    grids = []
    for places, guesses in _GRIDS:
        middles = (np.arange(places, dtype=np.float32) + 0.5) * np.float32(_SIDE / places)
        grid = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 1, 2)
        grids.append(grid.repeat(guesses, axis=0))
    return np.concatenate(grids)


def _confirmed(pixels: Pixels, place: Guess, weights: Weights) -> Face | None:
    """The face as the second network sees it, turned upright by its eyes; None if that takes it for none."""
    x, y = place.eyes[1] - place.eyes[0]
    scale = _UPRIGHT / (_AROUND * max(place.side, 1.0))
    turn = np.asarray(cv2.getRotationMatrix2D((0, 0), float(np.degrees(np.arctan2(y, x))), scale), dtype=np.float64)
    turn[:, 2] = _UPRIGHT / 2 - turn[:, :2] @ place.middle
    crop = _warped(pixels, turn, _UPRIGHT, scale) / np.float32(255)
    outputs = network(weights.path(MESH))(batch_of(crop))
    surely = next(each for each in outputs if each.size == 1).item()
    mesh = next(each for each in outputs if each.size > 1).reshape(-1, 3)
    if 1 / (1 + np.exp(-surely)) < _SURE:
        return None
    back = cv2.invertAffineTransform(turn)
    eyes = [mesh[list(corners), :2].mean(axis=0).astype(np.float64) for corners in _EYES]
    left, right = (back[:, :2] @ eye + back[:, 2] for eye in eyes)
    face = Face(np.asarray(left), np.asarray(right))
    # Of a face that stands on its head the second network makes one that does not, and the two disagree about the eyes.
    return face if float(np.abs(np.stack([left, right]) - place.eyes).max()) < _AGREE * face.span else None


def _warped(pixels: Pixels, move: npt.NDArray[np.floating], side: int, scale: float) -> Numbers:
    """A square of the picture, (side, side, 3); beyond the picture it is black."""
    # Made smaller by more than half, pixels between those that are read would be lost.
    smooth = pixels if scale > 0.5 else cv2.GaussianBlur(pixels, (0, 0), 0.4 / scale)
    return np.asarray(cv2.warpAffine(smooth, move, (side, side), flags=cv2.INTER_LINEAR), dtype=np.float32)
