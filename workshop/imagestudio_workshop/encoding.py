"""Writes pictures and animations as files of any format of `coding.FORMATS`.

picture ── as the format can hold it ── its encoder ──> file
"""

from __future__ import annotations

import io
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.coding import FORMATS, MOVING, StillCoding
from imagestudio_workshop.indexing import indexed, reduced
from imagestudio_workshop.opening import Animation, animation
from imagestudio_workshop.profiles import Picture
from imagestudio_workshop.strips import Strip

_USUAL_LEVEL: Final = 6
"""Of zlib's nine; the last, with every filter tried, takes six times as long for two bytes in a hundred."""
_SHARP_COLOURS: Final = 90
"""The quality of an AVIF from which on its colours are as sharp as its light."""
_COLOURS: Final = 256

Shape: TypeAlias = Callable[[Picture], Picture]
"""Makes another picture of each frame, all of one size."""


def media(picture: Picture, coding: StillCoding) -> Media:
    """The picture as a file. Raises ProviderRefused for what its format cannot be."""
    fit = coding.fitting(picture)
    stream = io.BytesIO()
    _SAVERS[coding.format](stream, fit, coding)
    return Media(stream.getvalue(), coding.media_type)


def png(picture: Picture, *, level: int = _USUAL_LEVEL, label: str = "") -> Media:
    """As a PNG, indexed where it has few colours; `label` says how it was made."""
    stream, text = io.BytesIO(), PngInfo()
    if label:
        text.add_text("Software", label)
    image = reduced(picture.image)
    image.save(stream, "PNG", compress_level=level, icc_profile=picture.profile, pnginfo=text)
    return Media(stream.getvalue(), FORMATS["png"])


def _common(picture: Picture, coding: StillCoding) -> dict[str, Any]:
    dpi = {"dpi": (coding.dpi, coding.dpi)} if coding.dpi else {}
    beside = {"exif": coding.exif} if coding.exif else {}
    return {"icc_profile": picture.profile} | dpi | beside


def _save_png(stream: io.BytesIO, picture: Picture, coding: StillCoding) -> None:
    image = reduced(picture.image)
    if coding.few and image is picture.image:
        image = image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE)
    image.save(stream, "PNG", compress_level=_USUAL_LEVEL, **_common(picture, coding))


def _save_jpeg(stream: io.BytesIO, picture: Picture, coding: StillCoding) -> None:
    how = {"quality": coding.quality, "optimize": True, "progressive": coding.progressive}
    picture.image.convert("RGB").save(stream, "JPEG", **how, **_common(picture, coding))


def _save_webp(stream: io.BytesIO, picture: Picture, coding: StillCoding) -> None:
    how = {"quality": coding.quality, "method": 4, "lossless": coding.lossless, "exact": coding.lossless}
    picture.image.save(stream, "WEBP", **how, **_common(picture, coding))


def _save_avif(stream: io.BytesIO, picture: Picture, coding: StillCoding) -> None:
    picture.image.save(stream, "AVIF", **_as_avif(coding), **_common(picture, coding))


def _as_avif(coding: StillCoding) -> dict[str, Any]:
    return {"quality": coding.quality, "subsampling": "4:4:4" if coding.quality >= _SHARP_COLOURS else "4:2:0"}


def _save_tiff(stream: io.BytesIO, picture: Picture, coding: StillCoding) -> None:
    # Pillow 13.0 cannot write Exif into one that is compressed.
    compression = None if coding.exif else "tiff_lzw"
    picture.image.save(stream, "TIFF", compression=compression, **_common(picture, coding))


def _save_bmp(stream: io.BytesIO, picture: Picture, coding: StillCoding) -> None:
    dpi = {"dpi": (coding.dpi, coding.dpi)} if coding.dpi else {}
    picture.image.convert("RGB").save(stream, "BMP", **dpi)


def _save_gif(stream: io.BytesIO, picture: Picture, _coding: StillCoding) -> None:
    image, clear = indexed(picture.image)
    image.save(stream, "GIF", **({} if clear is None else {"transparency": clear}))


_SAVERS: Final = MappingProxyType(
    {
        "png": _save_png,
        "jpeg": _save_jpeg,
        "webp": _save_webp,
        "gif": _save_gif,
        "bmp": _save_bmp,
        "tiff": _save_tiff,
        "avif": _save_avif,
    }
)


def refuse_motion(chosen: str) -> None:
    """Raises ProviderRefused for a format that is one picture."""
    if chosen not in MOVING:
        told = f"the picture is an animation, which a {chosen} cannot be; ask for one of: {', '.join(MOVING)}"
        raise ProviderRefused("animation", told)


def moving(source: Media, coding: StillCoding, shape: Shape = lambda picture: picture) -> Media:
    """An animation with each frame reshaped: every one for as long as it was shown, as often as all of them ran."""
    refuse_motion(coding.format)
    stream = io.BytesIO()
    with animation(source, "image") as frames:

        def frame(number: int) -> Picture:
            return coding.fitting(shape(frames.frame(number)))

        if coding.format == "gif":
            _save_moving_gif(stream, frames, frame)
        else:
            _save_strip(stream, frames, frame, coding)
    return Media(stream.getvalue(), coding.media_type)


def _save_strip(stream: io.BytesIO, frames: Animation, frame: Callable[[int], Picture], coding: StillCoding) -> None:
    if coding.format == "avif" and frames.plays:
        told = f"the animation runs {frames.plays} times, and an AVIF that is written here for ever"
        raise ProviderRefused("unsupported_repeats", told)
    first, mode = frame(0), "RGBA" if frames.clear and not coding.ground else "RGB"
    strip = Strip(first.size, len(frames.durations), lambda number: frame(number).image.convert(mode), mode)
    how: dict[str, Any] = {"save_all": True, "duration": list(frames.durations), "loop": frames.plays}
    if coding.format == "webp":
        how |= {"quality": coding.quality, "method": 2, "lossless": coding.lossless}
    if coding.format == "avif":
        how |= _as_avif(coding)
    strip.save(stream, coding.format.upper(), **how, **_common(first, coding))


def _save_moving_gif(stream: io.BytesIO, frames: Animation, frame: Callable[[int], Picture]) -> None:
    """Each frame with colours of its own; times in hundredths of a second that come to the same in all."""
    pictures = (indexed(frame(number).image) for number in range(len(frames.durations)))
    first, clear = next(pictures)
    often = {} if frames.plays == 1 else {"loop": max(0, frames.plays - 1)}
    see_through = {} if clear is None else {"transparency": clear}
    how: dict[str, Any] = {"duration": _hundredths(frames.durations), "disposal": 2 if frames.clear else 1}
    others = (image for image, _ in pictures)
    first.save(stream, "GIF", save_all=True, append_images=others, optimize=False, **how, **often, **see_through)


def _hundredths(durations: tuple[int, ...]) -> list[int]:
    """Milliseconds in whole tens, none of which is lost on the way."""
    ends = np.cumsum(durations)
    return [int(each) * 10 for each in np.diff((ends + 5) // 10, prepend=0)]
