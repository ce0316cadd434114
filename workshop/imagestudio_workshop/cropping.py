"""The part of a picture that is kept if another shape is wanted, and how the rest of a frame is filled.

crop    the part about a named point, or in which most is to be seen, as large as can be
center  the part in the middle
pad     all of it, on a colour          blur  all of it, on itself, enlarged and out of focus
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter

from imagestudio_workshop.orders import LabelledTask

Colour: TypeAlias = tuple[int, int, int]
"""In the numbers of the picture that it stands beside."""
Size: TypeAlias = tuple[int, int]
Point: TypeAlias = tuple[float, float]

WHITE: Final = (255, 255, 255)
MIDDLE: Final = (0.5, 0.5)
# Shares of the room that is left, from the left and from the top.
PLACES: Final = MappingProxyType(
    {
        "top-left": (0.0, 0.0), "top": (0.5, 0.0), "top-right": (1.0, 0.0),
        "left": (0.0, 0.5), "center": (0.5, 0.5), "right": (1.0, 0.5),
        "bottom-left": (0.0, 1.0), "bottom": (0.5, 1.0), "bottom-right": (1.0, 1.0),
    }
)  # fmt: skip
_SEEN: Final = 96
_NEARLY: Final = 0.97


@dataclass(frozen=True, slots=True)
class Frame:
    """The size to fill; the point to keep, in shares of width and height, or None to look for it; and the ground."""

    size: Size
    focus: Point | None = None
    ground: Colour = WHITE


Fit: TypeAlias = Callable[[Image.Image, Frame], Image.Image]


def focus_of(order: LabelledTask) -> Point | None:
    """The point that an order names; the middle of what it does not name of it."""
    if "focus_x" not in order.task.inputs and "focus_y" not in order.task.inputs:
        return None
    return order.number("focus_x", MIDDLE[0]), order.number("focus_y", MIDDLE[1])


def cropped(image: Image.Image, frame: Frame) -> Image.Image:
    """The largest part of that shape about the point, at that size."""
    box = part(image, frame)
    return image.resize(frame.size, Image.Resampling.LANCZOS, box=box)


def part(image: Image.Image, frame: Frame) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is kept."""
    width, height = frame.size
    scale = min(image.width / width, image.height / height)
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    spare = image.width - across, image.height - down
    if frame.focus is None:
        x, y = _looked_for(image, *spare)
    else:
        x, y = (
            min(each, max(0, round(point * whole - kept / 2)))
            for each, point, whole, kept in zip(spare, frame.focus, image.size, (across, down), strict=True)
        )
    return x, y, x + across, y + down


def centered(image: Image.Image, frame: Frame) -> Image.Image:
    return cropped(image, Frame(frame.size, MIDDLE, frame.ground))


def _looked_for(image: Image.Image, spare_x: int, spare_y: int) -> tuple[int, int]:
    """The place of the window that holds most of the edges."""
    small = image.convert("L").resize((_SEEN, _SEEN), Image.Resampling.BOX).filter(ImageFilter.FIND_EDGES)
    edges = np.asarray(small, dtype=np.float64)[2:-2, 2:-2] + 1
    return _placed(edges.sum(axis=0), spare_x, image.width), _placed(edges.sum(axis=1), spare_y, image.height)


def _placed(weights: npt.NDArray[np.float64], spare: int, length: int) -> int:
    """Of all places that hold nearly as much as the best one, the middle one."""
    window = min(len(weights), max(1, round((length - spare) / length * len(weights))))
    held = np.convolve(weights, np.ones(window), mode="valid")
    good = np.nonzero(held >= _NEARLY * held.max())[0]
    return round(spare * float(good.mean()) / max(1, len(held) - 1))


def padded(image: Image.Image, frame: Frame) -> Image.Image:
    """The whole picture, on a colour."""
    return _laid(image, Image.new("RGB", frame.size, frame.ground))


def blurred(image: Image.Image, frame: Frame) -> Image.Image:
    """The whole picture, on itself: enlarged, out of focus and darker."""
    behind = cropped(image, frame).convert("RGB").filter(ImageFilter.GaussianBlur(max(frame.size) / 40))
    return _laid(image, ImageEnhance.Brightness(behind).enhance(0.75))


def _laid(image: Image.Image, behind: Image.Image) -> Image.Image:
    scale = min(behind.width / image.width, behind.height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = image.resize(size, Image.Resampling.LANCZOS)
    place = (behind.width - size[0]) // 2, (behind.height - size[1]) // 2
    behind.paste(small, place, small.getchannel("A") if small.mode == "RGBA" else None)
    return behind


FITS: Final = MappingProxyType({"crop": cropped, "center": centered, "pad": padded, "blur": blurred})
