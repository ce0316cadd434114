"""Single pictures of a film: at an instant, the one that shows most of several, and where there is most to see.

film ── several instants ── each upright, in sRGB ──┬──> the sharpest that is neither dark nor pale
                                                    └──> the middle of their edges
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import av
import cv2
import numpy as np
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.cropping import Frame, Point, part
from imagestudio_workshop.film.chains import Chain, Scene, chain_of
from imagestudio_workshop.film.frames import piped
from imagestudio_workshop.film.lanes import Pipe, frames_in
from imagestudio_workshop.film.marks import HLG, PQ, Marks, marks_of
from imagestudio_workshop.film.remaking import opened_film
from imagestudio_workshop.film.toning import toned
from imagestudio_workshop.orders import Step

CANDIDATES: Final = 12
_SEEN: Final = 320
_DARK: Final = 40.0
_PALE: Final = 215.0
_SOON: Final = 0.001


class Screen:
    """Frames as pictures in sRGB: upright, in square pixels, through a chain."""

    def __init__(self, stream: av.VideoStream, chain: Chain | None = None) -> None:
        self._stream, self._chain = stream, chain or chain_of()
        self._pipe: Pipe | None = None
        self._marks = Marks()

    def shown(self, frame: av.VideoFrame | None) -> list[tuple[float, Image.Image]]:
        """When each picture is shown, in seconds of the file's clock, and the picture; None is the end of all."""
        if frame is not None and self._pipe is None:
            self._marks = marks_of(frame, self._stream)
            pixels = "yuv420p10le" if self._marks.transfer in (PQ, HLG) else "yuv420p"
            scene = Scene(*self._marks.shown(frame.width, frame.height), self._marks)
            self._pipe = piped(frame, scene, pixels, self._chain)
        made = self._pipe.through(frame) if self._pipe else iter(())
        return [(one.time or 0.0, toned(one, self._marks)) for one in made if isinstance(one, av.VideoFrame)]


def still_at(film: Media, seconds: float) -> Image.Image:
    """The picture that is shown at an instant of a film. Raises ProviderRefused."""
    with opened_film(film) as container:
        stream, wanted = container.streams.video[0], seconds + (container.start_time or 0) / 1_000_000
        container.seek(max(0, round(wanted * 1_000_000)))
        found: av.VideoFrame | None = None
        for packet in container.demux(stream):
            for frame in frames_in(packet, av.VideoFrame):
                if found is not None and (frame.time or 0.0) > wanted + _SOON:
                    return _only(found, stream)
                found = frame
        if found is None:
            raise ProviderRefused("no_picture", "there is no picture in the film")
        return _only(found, stream)


def _only(frame: av.VideoFrame, stream: av.VideoStream) -> Image.Image:
    screen = Screen(stream)
    shown = [*screen.shown(frame), *screen.shown(None)]
    return shown[0][1]


def best_still(film: Media, start: float, end: float, step: Step) -> Image.Image:
    """Of several pictures between two instants, evenly apart, the one that shows most. Raises ProviderRefused."""
    best, most = None, -1.0
    for number, image in enumerate(sampled_stills(film, start, end)):
        step((number + 1) / CANDIDATES, "looking for a picture")
        worth = _worth(image)
        if worth > most:
            best, most = image, worth
    assert best is not None
    return best


def sampled_stills(film: Media, start: float, end: float, count: int = CANDIDATES) -> Iterator[Image.Image]:
    """Pictures evenly apart, none at the very ends, which are often black."""
    return (still_at(film, start + (end - start) * (place + 0.5) / count) for place in range(count))


def _worth(image: Image.Image) -> float:
    """Sharpness (the variance of the Laplacian) times contrast, less if nearly all is dark or pale."""
    small = image.convert("L")
    small.thumbnail((_SEEN, _SEEN))
    grey = np.asarray(small)
    mean = float(grey.mean())
    lit = min(1.0, mean / _DARK, (255 - mean) / (255 - _PALE))
    return float(np.log1p(cv2.Laplacian(grey, cv2.CV_64F).var()) * grey.std() * lit)


def focus_in(stills: Iterable[Image.Image], size: tuple[int, int]) -> Point:
    """The point about which a film is cut to a shape: the middle of where its pictures have most to see."""
    points = []
    for image in stills:
        left, top, right, bottom = part(image, Frame(size))
        points.append(((left + right) / 2 / image.width, (top + bottom) / 2 / image.height))
    return float(np.median([x for x, _ in points])), float(np.median([y for _, y in points]))
