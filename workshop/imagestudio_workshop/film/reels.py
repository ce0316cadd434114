"""Orders for an MP4 made of pictures: a painted scene in motion, or a camera that moves over a still picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final

import av
import numpy as np
from PIL import Image

from imagestudio.plugin import Media
from imagestudio_workshop import canvas
from imagestudio_workshop.animations import timing
from imagestudio_workshop.coding import flattened
from imagestudio_workshop.film.marks import BT709, LIMITED, Marks
from imagestudio_workshop.film.writer import Coding, Writer, written_film
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.pictures import size_of
from imagestudio_workshop.reel import Reel

PAINTED: Final = Marks(matrix=BT709, range=LIMITED, primaries=BT709, transfer=BT709)
USUAL_RATE: Final = 24
MOST_PIXELS: Final = 1920 * 1080
_ROUND: Final = 6.0
"""Seconds of one round of a scene's motion."""


def filmed(order: LabelledTask) -> Work:
    """The prompt's picture in motion, for `duration` seconds; its end leads to its beginning without a seam."""
    prompt, seed = order.text("prompt"), order.task.inputs.get("seed")
    size, (count, rate) = _even(size_of(order, 640, MOST_PIXELS)), timing(order, USUAL_RATE)
    rounds = max(1, round(count / rate / _ROUND))

    def work(variation: int, step: Step) -> Media:
        reel = Reel(prompt, lambda: canvas.seeded(prompt, seed, variation), size)
        return shot((reel.frame(number * rounds / count % 1) for number in range(count)), count, rate, step)

    return work


def shot(pictures: Iterator[Image.Image], count: int, rate: int, step: Step) -> Media:
    """An MP4 of `count` RGB pictures of one even size, `rate` a second."""

    def fill(writer: Writer) -> None:
        writer.await_lane()
        stream: av.VideoStream | None = None
        for number, picture in enumerate(pictures):
            step(0.95 * number / count, f"frame {number + 1} of {count}")
            drawn = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            frame = drawn.reformat(format="yuv420p", dst_colorspace="itu709", dst_color_range=LIMITED)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            stream = stream or writer.video(frame, Fraction(rate), PAINTED)
            writer.mux(stream.encode(frame))
        if stream:
            writer.mux(stream.encode())

    return written_film(Coding(), fill)


@dataclass(frozen=True, slots=True)
class Framing:
    """The camera's window: the middle in shares of the picture's spare width and height, and how near it is."""

    x: float
    y: float
    zoom: float


_NEAR: Final = 1.22
_LONGEST: Final = 4.0
"""Times the frame's own shape."""

# From where to where the camera goes.
MOVES: Final = MappingProxyType(
    {
        "zoom-in": (Framing(0.5, 0.5, 1.0), Framing(0.5, 0.45, _NEAR)),
        "zoom-out": (Framing(0.5, 0.45, _NEAR), Framing(0.5, 0.5, 1.0)),
        "pan-left": (Framing(1.0, 0.4, _NEAR), Framing(0.0, 0.4, _NEAR)),
        "pan-right": (Framing(0.0, 0.4, _NEAR), Framing(1.0, 0.4, _NEAR)),
        "pan-up": (Framing(0.5, 1.0, _NEAR), Framing(0.5, 0.0, _NEAR)),
        "pan-down": (Framing(0.5, 0.0, _NEAR), Framing(0.5, 1.0, _NEAR)),
    }
)


def panned(order: LabelledTask) -> Work:
    """A camera moving over the picture by `motion`; variations move in other ways."""
    image = flattened(order.picture().in_profile(None)).image
    motion = order.choice("motion", MOVES, "zoom-in")
    size, (count, rate) = _frame_of(order, image), timing(order, USUAL_RATE)
    first = list(MOVES).index(motion)

    def work(variation: int, step: Step) -> Media:
        begin, end = list(MOVES.values())[(first + variation) % len(MOVES)]
        look = camera(image, size)
        views = (_between(begin, end, number / (count - 1)) for number in range(count))
        return shot((look(view) for view in views), count, rate, step)

    return work


def _frame_of(order: LabelledTask, image: Image.Image) -> tuple[int, int]:
    """The picture's own shape, or that of `aspect_ratio`, with `resolution` pixels on the shorter side."""
    wish = order.text("aspect_ratio", "auto")
    aspect = image.width / image.height if wish == "auto" else float(Fraction(wish.replace(":", "/")))
    aspect = min(max(aspect, 0.4), 2.5)
    side = int(order.text("resolution", "720p").removesuffix("p"))
    size = (side * aspect, side) if aspect >= 1 else (side, side / aspect)
    return _even((round(size[0]), round(size[1])))


def camera(image: Image.Image, size: tuple[int, int]) -> Callable[[Framing], Image.Image]:
    """Looks at the part of the picture that has the frame's shape; never beyond its border."""
    image = _not_too_long(image, size[0] / size[1])
    # Large enough for the nearest view, and no larger, since what is made much smaller in a frame would flicker.
    scale = max(size[0] / image.width, size[1] / image.height) * _NEAR
    wanted = round(image.width * scale), round(image.height * scale)
    large = image.resize((max(size[0], wanted[0]), max(size[1], wanted[1])), Image.Resampling.LANCZOS)

    def look(view: Framing) -> Image.Image:
        step = _NEAR / view.zoom
        width, height = min(large.width, size[0] * step), min(large.height, size[1] * step)
        left, top = (large.width - width) * view.x, (large.height - height) * view.y
        return large.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))

    return look


def _not_too_long(image: Image.Image, aspect: float) -> Image.Image:
    """The middle of a picture that is far longer than the frame, one way or the other."""
    width, height = min(image.width, round(image.height * aspect * _LONGEST)), image.height
    height = min(height, max(1, round(width / aspect * _LONGEST)))
    left, top = (image.width - max(1, width)) // 2, (image.height - height) // 2
    return image.crop((left, top, left + max(1, width), top + height))


def _between(begin: Framing, end: Framing, share: float) -> Framing:
    """Slow at both ends."""
    eased = share * share * (3 - 2 * share)
    x, y = begin.x + (end.x - begin.x) * eased, begin.y + (end.y - begin.y) * eased
    return Framing(x, y, begin.zoom * (end.zoom / begin.zoom) ** eased)


def _even(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] // 2 * 2, size[1] // 2 * 2
