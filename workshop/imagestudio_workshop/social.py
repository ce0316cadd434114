"""Orders for the size, bytes and format that a platform takes: cut about what there is to see, or shown whole.

picture ── on its ground ── fitted to the frame ── guides, if asked for ── best quality within the bytes ──> file
"""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageDraw

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.coding import StillCoding, flattened
from imagestudio_workshop.compressing import BEST, best_quality
from imagestudio_workshop.cropping import FITS, Frame, focus_of
from imagestudio_workshop.encoding import media
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.profiles import Picture

FORMATS: Final = ("jpeg", "png", "webp")
QUALITY: Final = 90
_SIDES: Final = ("safe_top", "safe_right", "safe_bottom", "safe_left")
_SHADE: Final = (200, 0, 40, 110)
_LINE: Final = (255, 255, 255, 255)


def posted(order: LabelledTask) -> Work:
    """The picture in `width` and `height`, of at most `max_bytes`; `fit` is one of `cropping.FITS`.

    With `guides` it shows what the platform lays over it: all outside of the margins `safe_top`, `safe_right` … .
    """
    fit, background = FITS[order.choice("fit", FITS, "crop")], order.color("background", "white")
    coding = StillCoding(format=order.choice("format", FORMATS, "jpeg"), quality=QUALITY, ground=background)
    picture = flattened(order.picture(), background)
    size, most = (order.whole("width"), order.whole("height")), order.whole("max_bytes")
    frame = Frame(size, focus_of(order), picture.colour(background))
    margins = margins_of(order) if order.flag("guides") else []

    def work(_variation: int, step: Step) -> Media:
        step(0.1, "fitting")
        shaped = picture.of(guided(fit(picture.image, frame), margins) if margins else fit(picture.image, frame))
        step(0.5, "encoding")
        return within_limit(shaped, coding, most)

    return work


def margins_of(order: LabelledTask) -> list[int]:
    """The pixels at the top, right, bottom and left that a platform may lay something over."""
    return [order.whole(side) for side in _SIDES]


def within_limit(picture: Picture, coding: StillCoding, most: int) -> Media:
    """The picture of its size, at the best quality that has at most so many bytes; 0 is any number.

    Raises ProviderRefused if none has.
    """
    made, size = media(picture, coding), picture.size
    if not most or len(made.content) <= most:
        return made
    found = best_quality(lambda _size, quality: media(picture, _small(coding, quality)), size, coding.format, most)
    if found is None:
        told = f"no {coding.format} of {size[0]} x {size[1]} pixels of this picture has {most} bytes or fewer"
        raise ProviderRefused("target_too_small", told)
    return found


def _small(coding: StillCoding, quality: int) -> StillCoding:
    """At a quality; a PNG has none, but may have fewer colours."""
    return StillCoding(format=coding.format, quality=quality, ground=coding.ground, few=quality == BEST)


def guided(image: Image.Image, margins: list[int]) -> Image.Image:
    """With all outside of the safe part shaded, and a line about it."""
    top, right, bottom, left = margins
    box = left, top, image.width - right - 1, image.height - bottom - 1
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ProviderRefused("unsupported_guides", "the margins leave nothing of the picture")
    over = Image.new("RGBA", image.size, _SHADE)
    ImageDraw.Draw(over).rectangle(box, (0, 0, 0, 0), _LINE, max(2, min(image.size) // 200))
    return Image.alpha_composite(image.convert("RGBA"), over).convert("RGB")
