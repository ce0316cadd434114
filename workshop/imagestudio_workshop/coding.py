"""How a picture is written as a file: the format, what it can hold, and a refusal for what it cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.profiles import Picture

FORMATS: Final = MappingProxyType(
    {
        "png": "image/png",
        "jpeg": "image/jpeg",
        "webp": "image/webp",
        "gif": "image/gif",
        "bmp": "image/bmp",
        "tiff": "image/tiff",
        "avif": "image/avif",
    }
)
"""Every format that is written, and its media type."""

OPAQUE: Final = ("jpeg", "bmp")
UNPROFILED: Final = ("gif", "bmp")
"""Formats whose numbers are always sRGB."""
MOVING: Final = ("png", "webp", "gif", "avif")
_LOSSY: Final = ("jpeg", "gif", "avif")
_RESOLVED: Final = ("png", "jpeg", "tiff", "bmp")
"""Formats that say how many pixels an inch of print has."""
GOOD: Final = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class StillCoding:
    """A format and how it is written; `quality` is an encoder's, 1 to 100.

    Transparent parts lie on `ground` if one is named; `exif` is written beside the picture, `dpi` says how large
    it prints. A PNG of `few` has at most 256 colours.
    """

    format: str
    quality: int = GOOD
    ground: str = ""
    lossless: bool = False
    progressive: bool = True
    few: bool = False
    exif: bytes = b""
    dpi: int = 0

    @property
    def media_type(self) -> str:
        return FORMATS[self.format]

    def as_format(self, chosen: str) -> StillCoding:
        return replace(self, format=chosen)

    def at(self, quality: int) -> StillCoding:
        return replace(self, quality=quality)

    def checked(self) -> StillCoding:
        """Raises ProviderRefused for what the format cannot be or hold."""
        if self.lossless and self.format in _LOSSY:
            raise ProviderRefused("unsupported_lossless", f"a {self.format} is not written without loss here")
        if self.exif and self.format in UNPROFILED:
            raise ProviderRefused("unsupported_metadata", f"a {self.format} holds nothing beside its picture")
        if self.dpi and self.format not in _RESOLVED:
            raise ProviderRefused("unsupported_dpi", f"dpi is written in: {', '.join(_RESOLVED)}")
        return self

    def fitting(self, picture: Picture) -> Picture:
        """The picture as the format can hold it: opaque, or in sRGB. Raises ProviderRefused for what would be lost."""
        if self.format in UNPROFILED:
            picture = picture.in_profile(None)
        if picture.image.mode != "RGBA":
            return picture
        if self.ground or picture.image.getchannel("A").getextrema() == (255, 255):
            return flattened(picture, self.ground or "white")
        if self.format in OPAQUE or (self.format == "gif" and _is_half_clear(picture.image)):
            how = "transparent" if self.format in OPAQUE else "half transparent"
            told = f"the picture is {how} in places, which a {self.format} cannot be"
            raise ProviderRefused("transparent", f"{told}; name a background or take another format")
        return picture


def _is_half_clear(image: Image.Image) -> bool:
    alpha = np.asarray(image.getchannel("A"))
    return bool(((alpha > 0) & (alpha < 255)).any())


def flattened(picture: Picture, ground: str = "white") -> Picture:
    """Without transparency, laid on a colour."""
    image = picture.image
    if image.mode != "RGBA":
        return picture
    flat = Image.new("RGB", image.size, picture.colour(ground))
    flat.paste(image, mask=image.getchannel("A"))
    return picture.of(flat)


def format_like(source: Media, *, clear: bool = False) -> str:
    """The format of a file, or the usual one instead of it if it is not written here."""
    same = next((name for name, kind in FORMATS.items() if kind == source.media_type), None)
    return same or ("webp" if clear else "jpeg")
