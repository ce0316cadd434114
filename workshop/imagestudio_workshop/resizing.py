"""Orders for another number of pixels: a size exactly, within a box, filling it, or a share; larger only if allowed.

fit      within width and height, its shape as it was       fill  all of width and height, what sticks out cut off
exact    width and height, stretched                        percent  of both sides
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.coding import FORMATS, GOOD, StillCoding, format_like
from imagestudio_workshop.cropping import Frame, focus_of, part
from imagestudio_workshop.encoding import Shape, media, moving, refuse_motion
from imagestudio_workshop.opening import first_frame, moves
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.profiles import Picture

MODES: Final = ("fit", "fill", "exact", "percent")
MOST_PIXELS: Final = 64_000_000
_BOTH: Final = ("fill", "exact")


def brought_to_size(order: LabelledTask) -> Work:
    """The picture, or each frame of an animation, at the size that `mode` makes of the order's numbers."""
    source, moving_one = order.file("image"), moves(order.file("image"), "image")
    picture = first_frame(source, "image") if moving_one else order.picture()
    coding = coding_like(order, source, picture)
    size, mode = wanted_size(order, picture.size), order.choice("mode", MODES, "fit")
    focus = focus_of(order)

    def shape(each: Picture) -> Picture:
        box = part(picture.image, Frame(size, focus)) if mode == "fill" else None
        return each.of(each.image.resize(size, Image.Resampling.LANCZOS, box=box))

    return finished(source, picture, coding, shape, moves_too=moving_one)


def finished(source: Media, picture: Picture, coding: StillCoding, shape: Shape, *, moves_too: bool) -> Work:
    """The picture reshaped, or all of an animation, as a file."""
    if moves_too:
        refuse_motion(coding.format)

    def work(_variation: int, step: Step) -> Media:
        step(0.2, f"making a {coding.format}")
        return moving(source, coding, shape) if moves_too else media(shape(picture), coding)

    return work


def coding_like(order: LabelledTask, source: Media, picture: Picture) -> StillCoding:
    """As the order says, or as the file was. Raises ProviderRefused for what the format cannot hold."""
    wish = order.choice("format", ("auto", *FORMATS), "auto")
    chosen = format_like(source, clear=picture.image.mode == "RGBA") if wish == "auto" else wish
    quality, dpi = order.whole("quality", GOOD), order.whole("dpi")
    return StillCoding(format=chosen, quality=quality, ground=order.ground(), dpi=dpi).checked()


def wanted_size(order: LabelledTask, size: tuple[int, int]) -> tuple[int, int]:
    """Raises ProviderRefused for numbers that are missing, and for a size that would be larger and must not be."""
    mode, width, height = order.choice("mode", MODES, "fit"), order.whole("width"), order.whole("height")
    if mode == "percent":
        wanted = _scaled(size, Fraction(order.text("percent", "100")) / 100)
    elif mode in _BOTH and not (width and height):
        raise ProviderRefused("missing_size", f"{mode} needs both width and height")
    elif mode in _BOTH:
        wanted = width, height
    elif not width and not height:
        raise ProviderRefused("missing_size", "fit needs a width or a height")
    else:
        wanted = _scaled(size, min(Fraction(w, now) for w, now in zip((width, height), size, strict=True) if w))
    _check(size, wanted, order)
    return wanted


def _scaled(size: tuple[int, int], scale: Fraction) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _check(size: tuple[int, int], wanted: tuple[int, int], order: LabelledTask) -> None:
    if wanted[0] * wanted[1] > MOST_PIXELS:
        raise ProviderRefused("too_large", f"the result would have more than {MOST_PIXELS} pixels")
    if (wanted[0] > size[0] or wanted[1] > size[1]) and not order.flag("enlarge"):
        told = f"the picture has {size[0]} x {size[1]} pixels, and {wanted[0]} x {wanted[1]} would invent some"
        raise ProviderRefused("would_enlarge", f"{told}; allow it to enlarge, or upscale the picture")
