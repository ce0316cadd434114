"""Opens pictures for local work: as they are shown, and none of whose bits, frames or colours is lost in silence."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.profiles import SRGB, Meaning, Picture, in_rgb
from imagestudio_workshop.reading import opened_picture

_ORIENTATION: Final = 0x0112
_BITS_A_SAMPLE: Final = 258
_USUAL_BITS: Final = 8
_MOST_BITS: Final = 16
_EXTRA: Final = 338
"""Of a TIFF: 1 is alpha by which its colours were multiplied."""
_PLAIN: Final = ("I;16", "I;16B", "I;16L", "I", "L", "LA", "RGB", "RGBA")
_HEAD: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Animation:
    """Frames as they are shown, of one size, and how they run: milliseconds of each, and how often all of them."""

    durations: tuple[int, ...]
    plays: int
    """0 is for ever."""
    clear: bool
    """Whether anything is transparent in any of them."""
    first: Picture
    frame: Callable[[int], Picture]


def still(media: Media, field: str, *, narrowed: bool = False) -> Picture:
    """The picture as it is shown. Raises ProviderRefused for an animation, and for more than 8 bits where these are not
    to be `narrowed`."""
    if (bits := bits_of(media)) > (_MOST_BITS if narrowed else _USUAL_BITS):
        raise too_deep(field, bits, "this is done in 8")
    with opened_picture(media, field) as image:
        _refuse_pages(image, field)
        if (count := _count(image)) > 1:
            raise ProviderRefused(
                "animation", f"{field} is an animation of {count} frames; this is done to one picture"
            )
        image.load()
        return in_rgb(_upright(image, orientation_of(image)), _meaning(image, media, field))


def _refuse_pages(image: Image.Image, field: str) -> None:
    if image.format == "TIFF" and (pages := getattr(image, "n_frames", 1)) > 1:
        raise ProviderRefused("pages", f"{field} has {pages} pages; this is done to one picture")


def too_deep(field: str, bits: int, instead: str) -> ProviderRefused:
    return ProviderRefused("too_deep", f"{field} has {bits} bits a channel; {instead}")


def moves(media: Media, field: str) -> bool:
    """Whether it is an animation of several frames. Raises ProviderRefused where it cannot be read."""
    with opened_picture(media, field) as image:
        return _count(image) > 1


def first_frame(media: Media, field: str) -> Picture:
    """The first frame of an animation."""
    with animation(media, field) as frames:
        return frames.first


def covering(media: Media, field: str) -> Picture:
    """The picture, or the first of its frames or pages, in eight bits whatever it has; never refused for its colours.

    Raises ProviderRefused where it cannot be read.
    """
    with opened_picture(media, field) as image:
        image.seek(_numbers(image)[0])
        image.load()
        try:
            meaning = _meaning(image, media, field)
        except ProviderRefused:
            meaning = Meaning()
        return in_rgb(_upright(image, orientation_of(image)), meaning)


@contextmanager
def animation(media: Media, field: str) -> Iterator[Animation]:
    """Its frames, which can be had as long as it is open."""
    with opened_picture(media, field) as image:
        numbers, orientation, meaning = _numbers(image), orientation_of(image), _meaning(image, media, field)

        def frame(number: int) -> Picture:
            image.seek(numbers[number])
            image.load()
            return in_rgb(_upright(image, orientation), meaning)

        durations, clear = [], False
        for number in range(len(numbers)):
            image.seek(numbers[number])
            image.load()
            durations.append(round(image.info.get("duration", 0)))
            clear |= image.has_transparency_data
        yield Animation(tuple(durations), _plays(image), clear, frame(0), frame)


def orientation_in(media: Media, field: str) -> int:
    """As `orientation_of`, of a file."""
    with opened_picture(media, field) as image:
        image.load()
        return orientation_of(image)


@dataclass(frozen=True, slots=True)
class StoredSamples:
    """The words of a file on its samples: how they lie, and what they mean as colours.

    `by_numbers` are colours that are told by numbers of their own, not by a profile.
    """

    orientation: int
    profile: bytes | None
    by_numbers: bool


def stored(media: Media, field: str) -> StoredSamples:
    """Raises ProviderRefused where it cannot be read, has several pages, or other planes than grey or colours."""
    with opened_picture(media, field) as image:
        _refuse_pages(image, field)
        if image.mode not in _PLAIN or image.getexif().get(_EXTRA, (2,)) == (1,):
            raise ProviderRefused("unsupported_colours", f"{field} has other planes than grey or red, green and blue")
        orientation = orientation_of(image)
        meaning = _meaning(image, media, field)
    return StoredSamples(orientation, meaning.profile, by_numbers=not meaning.profile and not meaning.is_srgb)


def bits_of(media: Media) -> int:
    """Of each channel, by what its own header says."""
    content = media.content[:_HEAD]
    if media.media_type == "image/png":
        return content[24] if len(content) > 24 else _USUAL_BITS
    if media.media_type == "image/tiff":
        with opened_picture(media, "image") as image:
            bits = image.getexif().get(_BITS_A_SAMPLE, _USUAL_BITS)
        return max(bits) if isinstance(bits, tuple) else int(bits)
    # AV1 codec ISO media file format binding 2.3, ISO/IEC 14496-15, 8.3.3.1.
    if (at := content.find(b"av1C")) >= 0 and len(content) > at + 6:
        return {0: 8, 2: 10, 3: 12}.get(content[at + 6] >> 5 & 3, _USUAL_BITS)
    if (at := content.find(b"hvcC")) >= 0 and len(content) > at + 21:
        return 8 + (content[at + 21] & 7)
    return _USUAL_BITS


def orientation_of(image: Image.Image) -> int:
    """One of EXIF's eight; 1 is upright."""
    orientation = image.getexif().get(_ORIENTATION, 1)
    return orientation if orientation in _TURNS else 1


_TURNS: Final = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    """A copy, so that the next frame is not drawn over it; in 8 bits."""
    if image.mode.startswith("I"):
        # Pillow would clip sixteen bits to white instead of scaling them.
        narrow = Image.fromarray(((np.asarray(image).astype(np.uint32) + 128) // 257).clip(0, 255).astype(np.uint8))
        narrow.info = {name: value for name, value in image.info.items() if name != "transparency"}
        image = narrow
    turn = _TURNS[orientation]
    return image.copy() if turn is None else image.transpose(turn)


def _count(image: Image.Image) -> int:
    return len(_numbers(image))


def _numbers(image: Image.Image) -> range:
    """Of the frames that run: not of a picture that a PNG shows where it cannot run, nor of others beside a photo."""
    if image.format in ("JPEG", "MPO", "TIFF"):
        return range(1)
    return range(int(bool(getattr(image, "default_image", False))), getattr(image, "n_frames", 1))


def _plays(image: Image.Image) -> int:
    """How often it runs: a GIF says how often again, the others how often."""
    if image.format != "GIF":
        return int(image.info.get("loop", 0))
    again = image.info.get("loop")
    return 1 if again is None else int(again) and int(again) + 1


def _meaning(image: Image.Image, media: Media, field: str) -> Meaning:
    coded = _code_points(media)
    if coded is not None:
        meaning = Meaning.of_code(*coded)
        if meaning is None:
            raise ProviderRefused("unsupported_colours", f"{field} has colours, or a light, that 8 bits cannot show")
        return meaning
    info = image.info
    if info.get("icc_profile"):
        return Meaning(info["icc_profile"])
    if "srgb" in info or media.media_type != "image/png":
        return Meaning()
    points = info.get("chromaticity")
    primaries = (
        SRGB if points is None else tuple(zip((*points[2::2], points[0]), (*points[3::2], points[1]), strict=True))
    )
    return Meaning(None, info.get("gamma"), primaries)


def _primaries(points: tuple[float, ...] | None) -> tuple[tuple[float, float], ...]:
    """Of a PNG's eight numbers, of which white's are the first two."""
    if points is None or min(points[1::2]) <= 0:
        return SRGB
    return (*zip(points[2::2], points[3::2], strict=True), (points[0], points[1]))


def _code_points(media: Media) -> tuple[int, int] | None:
    """Primaries and transfer by their numbers in ITU-T H.273, of a PNG or of a picture in boxes."""
    content = media.content[:_HEAD]
    at = content.find(b"cICP", 0, content.find(b"IDAT")) if media.media_type == "image/png" else -1
    if at >= 0 and len(content) > at + 6:
        return content[at + 4], content[at + 5]
    at = content.find(b"colrnclx") if media.media_type in ("image/avif", "image/heic") else -1
    if at >= 0 and len(content) >= at + 12:
        primaries, transfer = struct.unpack(">2H", content[at + 8 : at + 12])
        return None if b"colrprof" in content else (primaries, transfer)
    return None
