"""Orders for still pictures: painted, filtered or enlarged."""

from __future__ import annotations

import re
from typing import Final

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop import canvas, encoding, filters, upscale
from imagestudio_workshop.orders import LabelledTask, Step, Work, whole
from imagestudio_workshop.profiles import Picture

FASTEST_PNG: Final = 1
DEFAULT_SIDE: Final = 1024
SIDES: Final = range(64, 4097)
MAX_PAINTED: Final = 2048 * 2048
MAX_ENLARGED: Final = 64_000_000
_SIZE: Final = re.compile(r"(\d{1,5})\s*[x*]\s*(\d{1,5})")


def labelled_png(picture: Picture, order: LabelledTask) -> Media:
    """The picture as a PNG that says how it was made; with its colour profile, and small where it has few colours."""
    return encoding.png(picture, level=FASTEST_PNG, label=order.label)


def painted(order: LabelledTask) -> Work:
    """A picture of the prompt, of the asked size; each variation another one."""
    prompt, seed, size = order.text("prompt"), order.task.inputs.get("seed"), size_of(order)

    def work(variation: int, step: Step) -> Media:
        return labelled_png(Picture(canvas.paint(prompt, canvas.seeded(prompt, seed, variation), size, step)), order)

    return work


def size_of(order: LabelledTask, side: int = DEFAULT_SIDE, most: int = MAX_PAINTED) -> tuple[int, int]:
    """From `width` and `height`, or from `size` as "1024x768"; a square of `side` where neither is given."""
    written = _SIZE.fullmatch(order.text("size"))
    width, height = map(int, written.groups()) if written else (side, side)
    width, height = order.whole("width", width), order.whole("height", height)
    if width not in SIDES or height not in SIDES or width * height > most:
        limits = f"{SIDES.start} to {SIDES.stop - 1} pixels a side, at most {most} in all"
        raise ProviderRefused("unsupported_size", f"the canvas paints {limits}")
    return width, height


def filtered(order: LabelledTask) -> Work:
    """The filters that the prompt names, one after the other; variations differ in strength."""
    wanted = filters.wanted(order.text("prompt"))
    if not wanted:
        words = ", ".join(operation.word for operation in filters.OPERATIONS)
        raise ProviderRefused("unsupported_edit", f"the prompt names no edit that is known here; known are: {words}")
    picture = order.picture()

    def work(variation: int, step: Step) -> Media:
        edited = picture.image
        for number, operation in enumerate(wanted):
            edited = filters.apply(operation, edited, _strength(variation))
            step(0.9 * (number + 1) / (len(wanted) + 1), operation.word)
        return labelled_png(picture.of(edited), order)

    return work


def _strength(variation: int) -> float:
    """1 first, then weaker and stronger by turns, ever farther from 1."""
    away = (variation + 1) // 2 * 0.3
    return 1 + away if variation % 2 == 0 else max(0.1, 1 - away)


def enlarged(order: LabelledTask) -> Work:
    """Two or four times as large, and true to the original; variations differ in sharpness."""
    picture, factor = enlargement(order)

    def work(variation: int, step: Step) -> Media:
        return labelled_png(
            picture.of(upscale.enlarged_by_planes(picture.image, factor, step, percent=30 * variation)), order
        )

    return work


def enlargement(order: LabelledTask) -> tuple[Picture, int]:
    """The picture to enlarge and how many times, where the result is not too large."""
    factor = whole(order.text("factor", "2").removesuffix("x"))
    if factor not in upscale.FACTORS:
        raise ProviderRefused("unsupported_factor", "pictures are enlarged 2 or 4 times")
    picture = order.picture()
    if picture.image.width * picture.image.height * factor**2 > MAX_ENLARGED:
        raise ProviderRefused("too_large", f"the result would have more than {MAX_ENLARGED} pixels")
    return picture, factor
