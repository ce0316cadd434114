"""Orders for a platform's sizes: the picture is cropped about what there is to see, or padded, and kept small."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from imagestudio.plugin import Media
from imagestudio_workshop import encoding
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.profiles import Picture

# Width and height in pixels, as the platforms ask for them.
SIZES: Final = MappingProxyType(
    {
        "instagram-square": (1080, 1080),
        "instagram-portrait": (1080, 1350),
        "instagram-landscape": (1080, 566),
        "instagram-story": (1080, 1920),
        "facebook-post": (1200, 630),
        "facebook-cover": (1640, 624),
        "x-post": (1600, 900),
        "x-header": (1500, 500),
        "linkedin-post": (1200, 627),
        "linkedin-cover": (1584, 396),
        "pinterest-pin": (1000, 1500),
        "tiktok": (1080, 1920),
        "youtube-thumbnail": (1280, 720),
        "youtube-banner": (2560, 1440),
    }
)
Colour: TypeAlias = tuple[int, int, int]
"""In the numbers of the picture that it stands beside."""

WHITE: Final = (255, 255, 255)
MOST_BYTES: Final = 2_000_000
"""The most bytes that every platform takes; YouTube's thumbnails are limited to so much."""
QUALITY: Final = 90
_SEEN: Final = 96
_NEARLY: Final = 0.97


def posted(order: LabelledTask) -> Work:
    """The picture as a JPEG in the size of `platform`; `fit` is "crop", "blur" or "pad"."""
    size, fit = SIZES[order.choice("platform", SIZES)], _FITS[order.choice("fit", _FITS, "crop")]
    background = order.color("background", "white")
    picture = encoding.flattened(order.picture(), background)
    ground = picture.colour(background)

    def work(_variation: int, step: Step) -> Media:
        step(0.1, "fitting")
        shaped = picture.of(fit(picture.image, size, ground))
        step(0.5, "encoding")
        media = encoding.media(shaped, "jpeg", QUALITY)
        return media if len(media.content) <= MOST_BYTES else _fitted(shaped, step)

    return work


def _fitted(shaped: Picture, step: Step) -> Media:
    """At the best quality that the platform takes; its pixels are what it asks for."""

    def encode(size: tuple[int, int], quality: int) -> Media:
        return encoding.media(shaped.of(shaped.image.resize(size, Image.Resampling.LANCZOS)), "jpeg", quality)

    return encoding.fitted(encode, shaped.size, "jpeg", MOST_BYTES, step)


def cropped(image: Image.Image, size: tuple[int, int], _ground: Colour = WHITE) -> Image.Image:
    """The largest part of that shape in which most is to be seen, at that size."""
    width, height = size
    scale = min(image.width / width, image.height / height)
    across, down = round(width * scale), round(height * scale)
    x, y = _focus(image, image.width - across, image.height - down)
    return image.resize(size, Image.Resampling.LANCZOS, box=(x, y, x + across, y + down))


def _focus(image: Image.Image, spare_x: int, spare_y: int) -> tuple[int, int]:
    """The place of the window that holds most of the edges."""
    small = image.convert("L").resize((_SEEN, _SEEN), Image.Resampling.BOX).filter(ImageFilter.FIND_EDGES)
    edges = np.asarray(small, dtype=np.float64)[2:-2, 2:-2] + 1
    return _placed(edges.sum(axis=0), spare_x, image.width), _placed(edges.sum(axis=1), spare_y, image.height)


def _placed(weights: np.ndarray[tuple[int, ...], np.dtype[np.float64]], spare: int, length: int) -> int:
    """Of all places that hold nearly as much as the best one, the middle one."""
    window = min(len(weights), max(1, round((length - spare) / length * len(weights))))
    held = np.convolve(weights, np.ones(window), mode="valid")
    good = np.nonzero(held >= _NEARLY * held.max())[0]
    return round(spare * float(good.mean()) / max(1, len(held) - 1))


def padded(image: Image.Image, size: tuple[int, int], ground: Colour = WHITE) -> Image.Image:
    """The whole picture, on a colour."""
    return _laid(image, Image.new("RGB", size, ground))


def blurred(image: Image.Image, size: tuple[int, int], _ground: Colour = WHITE) -> Image.Image:
    """The whole picture, on itself: enlarged, out of focus and darker."""
    behind = cropped(image, size).filter(ImageFilter.GaussianBlur(max(size) / 40))
    return _laid(image, ImageEnhance.Brightness(behind).enhance(0.75))


def _laid(image: Image.Image, behind: Image.Image) -> Image.Image:
    scale = min(behind.width / image.width, behind.height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    behind.paste(
        image.resize(size, Image.Resampling.LANCZOS), ((behind.width - size[0]) // 2, (behind.height - size[1]) // 2)
    )
    return behind


_FITS: Final = {"crop": cropped, "blur": blurred, "pad": padded}
