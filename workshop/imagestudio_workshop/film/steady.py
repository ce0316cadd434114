"""Takes the shake out of a film: where the camera went is followed, smoothed, and every frame moved to the smooth path.

first pass ── corners from frame to frame ──> shift, turn and zoom ── summed and smoothed ──> corrections
second pass ── each frame warped by its correction and enlarged, so that no border shows
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import av
import cv2
import numpy as np
import numpy.typing as npt

from imagestudio.plugin import Media
from imagestudio_workshop.film.chains import chain_of
from imagestudio_workshop.film.frames import upright_frames
from imagestudio_workshop.film.remaking import FilmChanges, opened_film, remade
from imagestudio_workshop.orders import LabelledTask, Step, Work

Path: TypeAlias = npt.NDArray[np.float64]
Samples: TypeAlias = npt.NDArray[Any]
"""A plane's, of eight or sixteen bits."""
Grey: TypeAlias = npt.NDArray[np.uint8]

_SEEN: Final = 480
_FEWEST: Final = 8
_SMOOTH: Final = {"light": 0.3, "medium": 0.7, "strong": 1.5}
"""Standard deviation of the smoothing, in seconds."""
_ZOOM: Final = {"light": 1.04, "medium": 1.08, "strong": 1.14}


def steadied(order: LabelledTask) -> Work:
    """The film with its camera held steady, by `strength`; a little of its border is lost."""
    film, strength = order.file("video"), order.choice("strength", _SMOOTH, "medium")

    def work(_variation: int, step: Step) -> Media:
        path, rate = followed(film, lambda fraction, message: step(0.4 * fraction, message))
        corrections = _corrections(path, _SMOOTH[strength] * rate, _ZOOM[strength])
        changes = FilmChanges(chain_of(), change=_warping(corrections, _ZOOM[strength]))
        return remade(film, changes, lambda fraction, message: step(0.4 + 0.6 * fraction, message))

    return work


def followed(film: Media, step: Step) -> tuple[Path, float]:
    """The place of the camera at each frame, of shape (n, 3): x and y in shares of the longer side, radians; and frames
    a second."""
    moves: list[Path] = [np.zeros(3)]
    with opened_film(film) as container:
        video = container.streams.video[0]
        rate = float(video.average_rate or 25)
        length = (container.duration or 0) / 1_000_000
        before: Grey | None = None
        for frame in upright_frames(video, container.decode(video)):
            step(min(1.0, (frame.time or 0) / max(length, 0.001)), "following the camera")
            grey = _small(frame)
            if before is not None:
                moves.append(_move(before, grey))
            before = grey
    return np.cumsum(moves, axis=0), rate


def _small(frame: av.VideoFrame) -> Grey:
    scale = min(1.0, _SEEN / max(frame.width, frame.height))
    width, height = max(16, round(frame.width * scale)), max(16, round(frame.height * scale))
    return np.asarray(frame.reformat(width=width, height=height, format="gray").to_ndarray(), dtype=np.uint8)


def _move(before: Grey, after: Grey) -> Path:
    """How the picture moved from one frame to the next; not at all where nothing can be followed."""
    still = np.zeros(3)
    corners = cv2.goodFeaturesToTrack(before, 200, 0.01, 12)
    # None, and not an empty array, where there are none.
    if np.size(corners) < 2 * _FEWEST:
        return still
    found, seen, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, np.zeros_like(corners))
    kept = seen.ravel() == 1
    if kept.sum() < _FEWEST:
        return still
    cv2.setRNGSeed(1)
    matrix, _ = cv2.estimateAffinePartial2D(corners[kept], found[kept])
    if matrix is None:
        return still
    height, width = before.shape
    middle = np.array([width / 2, height / 2])
    shift = matrix[:, :2] @ middle + matrix[:, 2] - middle
    return np.array([*(shift / max(width, height)), np.arctan2(matrix[1, 0], matrix[0, 0])])


def _corrections(path: Path, sigma: float, zoom: float) -> Path:
    """The shift to add to each frame's place, no more than the enlarged picture has to spare."""
    reach = max(1, round(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(path, ((reach, reach), (0, 0)), mode="edge")
    smooth = [np.convolve(padded[:, axis], weights / weights.sum(), mode="valid") for axis in range(3)]
    spare = (zoom - 1) / 2
    most = np.array([spare * 0.8, spare * 0.45, spare * 0.5])
    return np.asarray((np.stack(smooth, axis=1) - path).clip(-most, most))


def _warping(corrections: Path, zoom: float) -> _Warp:
    return _Warp(iter(corrections), zoom)


class _Warp:
    """Moves one frame after the other by its correction."""

    def __init__(self, corrections: Iterator[Path], zoom: float) -> None:
        self._corrections, self._zoom = corrections, zoom

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        x, y, turn = next(self._corrections, np.zeros(3))
        height, width = frame.height, frame.width
        about = (width / 2, height / 2)
        matrix = np.asarray(cv2.getRotationMatrix2D(about, -float(np.degrees(turn)), self._zoom), dtype=np.float64)
        matrix[:, 2] += np.array([x, y]) * max(width, height)
        moved = av.VideoFrame(width, height, frame.format.name)
        moved.pts, moved.time_base = frame.pts, frame.time_base
        for number, plane in enumerate(frame.planes):
            bits = frame.format.components[number].bits
            warped = _warped(_samples(plane, bits), matrix if number == 0 else _halved(matrix), bits)
            into = moved.planes[number]
            wide = np.zeros((into.height, into.line_size // warped.itemsize), dtype=warped.dtype)
            wide[:, : into.width] = warped
            into.update(wide.tobytes())
        return moved


def _samples(plane: av.video.plane.VideoPlane, bits: int) -> Samples:
    """A plane as rows and columns."""
    kind = np.uint8 if bits == 8 else np.uint16
    rows = np.frombuffer(bytes(plane), dtype=kind).reshape(plane.height, -1)
    return np.asarray(rows[:, : plane.width])


def _warped(samples: Samples, matrix: Path, bits: int) -> Samples:
    """The planes themselves are moved, so that no colour is converted and no bit lost."""
    size = samples.shape[1], samples.shape[0]
    warped = cv2.warpAffine(samples, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped.clip(0, (1 << bits) - 1), dtype=samples.dtype)


_SITED: Final = np.array([0.0, 0.5])
"""The place of the first sample of colour among those of light, which it has half as many of each way."""


def _halved(matrix: Path) -> Path:
    """The same movement, for samples of colour."""
    half = matrix.copy()
    half[:, 2] = (matrix[:, :2] @ _SITED + matrix[:, 2] - _SITED) / 2
    return half
