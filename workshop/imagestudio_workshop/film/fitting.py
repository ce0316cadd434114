"""The ways in which a film is fitted to a shape, as `cropping` has them for pictures."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import MappingProxyType
from typing import Final, TypeAlias

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.cropping import MIDDLE, Point, focus_of
from imagestudio_workshop.film.chains import Chain, blurred, cropped, padded
from imagestudio_workshop.film.marks import marks_of
from imagestudio_workshop.film.remaking import length_of, opened_film
from imagestudio_workshop.film.stills import focus_in, sampled_stills
from imagestudio_workshop.orders import LabelledTask

Size: TypeAlias = tuple[int, int]
_LOOKS: Final = 8
"""Pictures that are looked at for the point to keep."""


def fit_of(order: LabelledTask, film: Media, size: Size, usual: str) -> Chain:
    """The chain that fits a film to a size as `fit` says: crop about what there is to see or the point that is named,
    center, pad with `background`, or blur. Raises ProviderRefused."""
    how, ground = order.choice("fit", FITS, usual), order.tint("background", "black") or (0, 0, 0, 255)
    colour = "0x{:02x}{:02x}{:02x}".format(*ground[:3])
    return FITS[how](order, film, size, colour)


def _cropped(order: LabelledTask, film: Media, size: Size, _ground: str) -> Chain:
    return cropped(*size, focus_of(order) or _looked_for(film, size))


def _looked_for(film: Media, size: Size) -> Point:
    width, height = shown_size(film)
    if width * size[1] == height * size[0]:
        return MIDDLE
    return focus_in(sampled_stills(film, 0, length_of(film), _LOOKS), size)


Fitting: TypeAlias = Callable[[LabelledTask, Media, Size, str], Chain]
FITS: Final = MappingProxyType[str, Fitting](
    {
        "crop": _cropped,
        "center": lambda _order, _film, size, _ground: cropped(*size),
        "pad": lambda _order, _film, size, ground: padded(*size, ground),
        "blur": lambda _order, _film, size, _ground: blurred(*size),
    }
)
_CUTTING: Final = ("crop", "center")


def shown_size(film: Media) -> Size:
    """Width and height as it is shown: turned as the file says, in square pixels."""
    with opened_film(film) as container:
        frame = next(container.decode(video=0), None)
        if frame is None:
            raise ProviderRefused("no_picture", "there is no picture in the film")
        return marks_of(frame, container.streams.video[0]).shown(frame.width, frame.height)


def in_aspect(order: LabelledTask, shown: Size) -> Size:
    """The size in the shape `aspect_ratio`: as large as what is kept of a film that is shown in so many pixels."""
    if "aspect_ratio" not in order.task.inputs:
        return shown
    width, height = shown
    aspect = Fraction(order.text("aspect_ratio").replace(":", "/"))
    cut = order.choice("fit", FITS, "crop") in _CUTTING
    if cut == (Fraction(width, height) > aspect):
        return even(height * aspect), even(height)
    return even(width), even(width / aspect)


def with_lines(order: LabelledTask, size: Size) -> Size:
    """The size with so many pixels on the shorter side, as `resolution` says, or at most `most_lines`.

    Raises ProviderRefused for more than there are, unless `enlarge` is set.
    """
    lines, most = order.text("resolution").removesuffix("p"), order.whole("most_lines")
    if not lines:
        return scaled(size, most) if 0 < most < min(size) else size
    if int(lines) > min(size) and not order.flag("enlarge"):
        told = f"the film has only {min(size)} pixels on its shorter side; allow it to enlarge, or ask for fewer"
        raise ProviderRefused("would_enlarge", told)
    return scaled(size, int(lines))


def scaled(size: Size, lines: int) -> Size:
    """The size with so many pixels on the shorter side, in the same shape."""
    scale = Fraction(lines, min(size))
    return even(size[0] * scale), even(size[1] * scale)


def even(pixels: Fraction | float) -> int:
    """The nearest even number, as half of the pixels carry colour."""
    return max(2, round(pixels / 2) * 2)
