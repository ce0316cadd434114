"""Opens a picture that came in; whatever its codec raises on damaged bytes is a refusal."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from PIL import Image

from imagestudio.plugin import Media, ProviderRefused

HEIC: Final = "image/heic"
_FORMATS: Final = MappingProxyType(
    {
        "image/png": "PNG",
        "image/jpeg": "JPEG",
        "image/webp": "WEBP",
        "image/gif": "GIF",
        "image/bmp": "BMP",
        "image/tiff": "TIFF",
        "image/avif": "AVIF",
    }
)

# Errors that Pillow and its codecs raise on hostile bytes; its warnings too, under python -W error.
_UNREADABLE: Final = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, MemoryError),
    *(struct.error, zlib.error, RuntimeError, AttributeError, Warning, Image.DecompressionBombError),
)


@contextmanager
def opened_picture(media: Media, field: str) -> Iterator[Image.Image]:
    """The picture as it is stored, each frame decoded when it is sought.

    Raises ProviderRefused if `media` is not a picture that can be read, also while it is read.
    """
    if media.media_type != HEIC and media.media_type not in _FORMATS:
        raise ProviderRefused("unreadable_image", f"{field}: is {media.media_type}, not an image")
    try:
        with _open(io.BytesIO(media.content), media.media_type) as image:
            yield image
    except _UNREADABLE as error:
        problem = f"{field}: is a damaged or truncated {media.media_type} image"
        raise ProviderRefused("unreadable_image", problem) from error


def _open(stream: io.BytesIO, media_type: str) -> Image.Image:
    return _open_heic(stream) if media_type == HEIC else Image.open(stream, formats=[_FORMATS[media_type]])


def _open_heic(stream: io.BytesIO) -> Image.Image:
    """Its primary picture, turned by the decoder, which is loaded for those who need it."""
    import pi_heif

    picture: Image.Image = pi_heif.open_heif(stream).to_pillow()
    return picture
