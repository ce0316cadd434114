"""Takes the shake out of a film: where the camera went is followed, smoothed, and every frame moved to the smooth path.

first pass ── corners from frame to frame ──> shift, turn and zoom ── summed and smoothed ──> corrections
second pass ── each frame warped by its correction and enlarged, so that no border shows
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import av
import cv2
import numpy as np
import numpy.typing as npt

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.chains import chain_of
from imagestudio_workshop.film.frames import Change, upright_frames
from imagestudio_workshop.film.remaking import FilmChanges, length_of, opened_film, remade
from imagestudio_workshop.orders import LabelledTask, Step, Work

Path: TypeAlias = npt.NDArray[np.float64]
Samples: TypeAlias = npt.NDArray[Any]
"""A plane's, of eight or sixteen bits."""
Grey: TypeAlias = npt.NDArray[np.uint8]

_SEEN: Final = 480
_FEWEST: Final = 8
STRENGTHS: Final = range(1, 101)
USUAL: Final = 50
_SMOOTH: Final = 1.6
"""Standard deviation of the strongest smoothing, in seconds."""
_ZOOM: Final = 0.15
"""The share by which the strongest enlarges."""


@dataclass(frozen=True, slots=True)
class Walk:
    """The way of a camera: when each frame is shown, in seconds, and where it was then, of shape (n, 3): x and y in
    shares of the longer side, and radians."""

    times: Path
    places: Path

    @property
    def rate(self) -> float:
        """Frames a second."""
        lasts = float(self.times[-1] - self.times[0]) if len(self.times) > 1 else 0.0
        return (len(self.times) - 1) / lasts if lasts > 0 else 25.0


def steadied(order: LabelledTask) -> Work:
    """The film with its camera held steady, by `strength`, 1 to 100; a little of its border is lost."""
    film, strength = order.file("video"), order.whole("strength", USUAL)

    def work(_variation: int, step: Step) -> Media:
        walk = followed(film, lambda fraction, message: step(0.4 * fraction, message))
        changes = FilmChanges(chain_of(), change=steadying(walk, strength))
        return remade(film, changes, lambda fraction, message: step(0.4 + 0.6 * fraction, message))

    return work


def steadying(walk: Walk, strength: int) -> Change:
    """The change of each frame that holds the camera steady. Raises ProviderRefused for a strength that is none."""
    if strength not in STRENGTHS:
        raise ProviderRefused("unsupported_strength", "a camera is held with a strength from 1 to 100")
    share = strength / STRENGTHS[-1]
    zoom = 1 + _ZOOM * share
    return _Warp(walk.times, _corrections(walk.places, max(1.0, _SMOOTH * share * walk.rate), zoom), zoom)


def followed(film: Media, step: Step, start: float = 0.0, end: float | None = None) -> Walk:
    """The camera from `start` to `end` seconds, counted from the start."""
    times: list[float] = []
    moves: list[Path] = []
    with opened_film(film) as container:
        video, offset = container.streams.video[0], (container.start_time or 0) / 1_000_000 + start
        if start:
            container.seek(round(offset * 1_000_000))
        last = length_of(film) - start if end is None else end - start
        before: Grey | None = None
        for frame in upright_frames(video, container.decode(video)):
            at = (frame.time or 0.0) - offset
            if at > last:
                break
            step(min(1.0, max(0.0, at / max(last, 0.001))), "following the camera")
            grey = _small(frame)
            times.append(at)
            moves.append(np.zeros(3) if before is None else _move(before, grey))
            before = grey
    if not times:
        raise ProviderRefused("nothing_left", "no picture of the film would be left")
    return Walk(np.asarray(times), np.cumsum(moves, axis=0))


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


class _Warp:
    """Moves each frame by the correction of its time."""

    def __init__(self, times: Path, corrections: Path, zoom: float) -> None:
        self._times, self._corrections, self._zoom = times, corrections, zoom

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        x, y, turn = self._corrections[int(np.abs(self._times - (frame.time or 0.0)).argmin())]
        height, width = frame.height, frame.width
        about = (width / 2, height / 2)
        matrix = np.asarray(cv2.getRotationMatrix2D(about, -float(np.degrees(turn)), self._zoom), dtype=np.float64)
        matrix[:, 2] += np.array([x, y]) * max(width, height)
        moved = av.VideoFrame(width, height, frame.format.name)
        moved.pts, moved.time_base, moved.duration = frame.pts, frame.time_base, frame.duration
        moved.colorspace, moved.color_range = frame.colorspace, frame.color_range
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
