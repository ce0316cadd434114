"""Puts a face from one picture in place of a face in another, without a model of faces.

both ── Haar cascades (Viola and Jones, 2001) ──> face, eyes ── turned and scaled so that the eyes meet
     ── colours of the new face led to the old one's ── cloned into an oval by Poisson's equation (Perez, 2003)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from pathlib import Path
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
Point: TypeAlias = npt.NDArray[np.float64]
Square: TypeAlias = tuple[int, int, int]

_CASCADES: Final = Path(cv2.__file__).parent / "data"
_SEEN: Final = 800
_NEIGHBOURS: Final = 5
_FRONTAL: Final = ("frontalface_alt2", "frontalface_default", "frontalface_alt")
_WITNESSES: Final = 2
_SAME: Final = 0.4
"""How much two squares share that show one face."""
_SMALLEST: Final = 0.06
"""Of the picture's shorter side."""

# The place of eyes in the square that the cascade finds, and how far the oval reaches, in distances between the eyes.
_USUAL_EYES: Final = ((0.31, 0.40), (0.69, 0.40))
_OVAL_CENTRE: Final = 0.52
_OVAL: Final = (0.92, 1.22)


@dataclass(frozen=True, slots=True)
class Face:
    """The centres of both eyes, left and right as we see them, in pixels of the whole picture."""

    left: Point
    right: Point

    @property
    def span(self) -> float:
        return float(np.hypot(*(self.right - self.left)))

    @property
    def angle(self) -> float:
        """Degrees by which it is turned clockwise."""
        x, y = self.right - self.left
        return float(np.degrees(np.arctan2(y, x)))

    @property
    def centre(self) -> Point:
        x, y = self.right - self.left
        return np.asarray((self.left + self.right) / 2 + _OVAL_CENTRE * np.array([-y, x]))


Find: TypeAlias = Callable[[Pixels, str], list[Face]]
"""The faces in a picture, the largest first. Raises ProviderRefused, which names the picture, where there is none."""


def swapped(order: LabelledTask) -> Work:
    """`image` with the face of `face` in place of its largest one, or of `every` one, found by light and shade."""
    return swapping(order, found)


def swapping(order: LabelledTask, find: Find) -> Work:
    """`image` with the face of `face` in place of its largest one, or of `every` one, as `find` finds them."""
    picture = order.picture()
    image, donor = picture.image, np.asarray(order.picture("face").in_profile(picture.profile).image.convert("RGB"))
    every = order.flag("every")

    def work(_variation: int, step: Step) -> Media:
        step(0.1, "looking for faces")
        given = find(donor, "the picture of the face")[0]
        pixels = np.asarray(image.convert("RGB"))
        targets = find(pixels, "the picture")
        for number, target in enumerate(targets if every else targets[:1]):
            step(0.3 + 0.6 * number / len(targets), "putting the face in place")
            pixels = replaced(pixels, target, donor, given)
        result = Image.fromarray(pixels)
        if image.mode == "RGBA":
            result.putalpha(image.getchannel("A"))
        return labelled_png(picture.of(result), order)

    return work


def found(pixels: Pixels, where: str) -> list[Face]:
    """The faces in a picture, the largest first. Raises ProviderRefused where there is none.

    A face that only one cascade finds is none: on photographs each finds some in petals, coins and hair, and no two
    the same.
    """
    scale = min(1.0, _SEEN / max(pixels.shape[:2]))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    grey = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    smallest = max(24, round(min(size) * _SMALLEST))
    # Evened out as a whole and by parts: faces that are dark, or lit from one side, show in the latter only.
    views = cv2.equalizeHist(grey), cv2.createCLAHE(4.0, (6, 6)).apply(grey)
    sightings: list[Sighting] = []
    for name, view in product(_FRONTAL, views):
        boxes = _cascade(name).detectMultiScale(view, 1.1, _NEIGHBOURS, minSize=(smallest, smallest))
        for x, y, side, _ in np.reshape(boxes, (-1, 4)).tolist():
            _note(sightings, (x, y, side), name, np.asarray(view, dtype=np.uint8))
    sure = sorted((one for one in sightings if len(one.by) >= _WITNESSES), key=lambda one: -one.square[2])
    if not sure:
        raise ProviderRefused("no_face", f"no face that looks at the camera was found for sure in {where}")
    apart = [one for number, one in enumerate(sure) if not any(_holds(other, one) for other in sure[:number])]
    return [_face(one.view, one.square, scale) for one in apart]


def _holds(larger: Sighting, smaller: Sighting) -> bool:
    """Whether the middle of a smaller square is in a larger one: the same face, seen twice."""
    middles = [start + smaller.square[2] / 2 for start in smaller.square[:2]]
    return all(0 < middle - start < larger.square[2] for middle, start in zip(middles, larger.square[:2], strict=True))


@dataclass(frozen=True, slots=True)
class Sighting:
    """A square (x, y, side) that may show a face, in the view where it was seen first, and by which cascades."""

    square: Square
    view: Pixels
    by: set[str]


def _note(sightings: list[Sighting], square: Square, name: str, view: Pixels) -> None:
    known = next((one for one in sightings if _shared(one.square, square) > _SAME), None)
    if known:
        known.by.add(name)
    else:
        sightings.append(Sighting(square, view, {name}))


def _shared(one: Square, other: Square) -> float:
    """The area that two squares have in common, as a share of what they cover together."""
    across, down = (max(0, min(one[n] + one[2], other[n] + other[2]) - max(one[n], other[n])) for n in (0, 1))
    return across * down / (one[2] ** 2 + other[2] ** 2 - across * down)


@cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(_CASCADES / f"haarcascade_{name}.xml"))


def _face(grey: Pixels, square: Square, scale: float) -> Face:
    """Eyes where they are seen as a pair that fits the square, else where they usually are."""
    x, y, side = square
    upper = grey[y + side // 6 : y + side * 6 // 10, x : x + side]
    smallest = max(6, side // 9)
    seen = _cascade("eye").detectMultiScale(
        upper, 1.05, 4, minSize=(smallest, smallest), maxSize=(side // 2, side // 2)
    )
    eyes = [np.array([ex + ew / 2, ey + eh / 2 + side // 6]) for ex, ey, ew, eh in np.reshape(seen, (-1, 4))]
    usual = [np.array(place) * side for place in _USUAL_EYES]
    pairs = [sorted(pair, key=lambda eye: float(eye[0])) for pair in combinations(eyes, 2)]
    likely = [pair for pair in pairs if _unlike(pair, usual) < 0.12 * side]
    left, right = min(likely, key=lambda pair: _unlike(pair, usual), default=usual)
    corner = np.array([x, y])
    return Face((corner + left) / scale, (corner + right) / scale)


def _unlike(pair: list[Point], usual: list[Point]) -> float:
    """The larger of the two distances from where eyes usually are, in pixels."""
    return max(float(np.hypot(*(eye - place))) for eye, place in zip(pair, usual, strict=True))


def replaced(pixels: Pixels, target: Face, donor: Pixels, given: Face) -> Pixels:
    """`pixels` with the oval of `target` filled by the donor's face."""
    height, width = pixels.shape[:2]
    zoom = target.span / given.span
    turn = cv2.getRotationMatrix2D((0, 0), given.angle - target.angle, zoom)
    middle = (target.left + target.right) / 2
    turn[:, 2] = middle - turn[:, :2] @ ((given.left + given.right) / 2)
    # Made smaller by more than half, pixels between those that are read would flicker.
    source = donor if zoom > 0.5 else cv2.GaussianBlur(donor, (0, 0), 0.5 / zoom)
    laid = np.asarray(
        cv2.warpAffine(source, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT),
        dtype=np.uint8,
    )
    covered = cv2.warpAffine(np.full(donor.shape[:2], 255, dtype=np.uint8), turn, (width, height))
    oval = np.zeros((height, width), dtype=np.uint8)
    centre, axes = target.centre, (target.span * _OVAL[0], target.span * _OVAL[1])
    cv2.ellipse(oval, (centre.astype(float).tolist(), [2 * axis for axis in axes], target.angle), 255, -1)
    oval = np.where(covered > 127, oval, 0).astype(np.uint8)
    if not oval.any():
        raise ProviderRefused("no_face", "the face lies outside of the picture")
    return cloned(_toned(laid, pixels, oval), pixels, oval)


def _toned(laid: Pixels, pixels: Pixels, oval: Pixels) -> Pixels:
    """The mean and the spread of lightness and colours within the oval, made those of the face that was there."""
    ours, theirs = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB).astype(np.float32) for each in (laid, pixels))
    inside = oval > 0
    mean, wanted = ours[inside].mean(axis=0), theirs[inside].mean(axis=0)
    spread = (theirs[inside].std(axis=0) / (ours[inside].std(axis=0) + 1e-3)).clip(0.6, 1.5)
    toned = ((ours - mean) * spread + wanted).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(toned, cv2.COLOR_LAB2RGB), dtype=np.uint8)
