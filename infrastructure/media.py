"""Reads and makes media: the type comes from the content, never from a name or a caller's claim."""

from __future__ import annotations

import io
import mmap
import os
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO, Final

from PIL import Image
from PIL.PngImagePlugin import ChunkStream, PngInfo

from application.ports import Media
from domain.errors import BeyondLimit, InvalidInput, NoMedia
from infrastructure.formats.aiff import measure_aiff
from infrastructure.formats.brands import AVIF, HEIC
from infrastructure.formats.ebml import measure_webm
from infrastructure.formats.measured import Measured
from infrastructure.formats.movies import measure_movie
from infrastructure.formats.ogg import measure_ogg
from infrastructure.formats.shapes import upright_size
from infrastructure.formats.signatures import OBJ, STL, TEXT, expected_text, reads_as_text, sniff
from infrastructure.formats.sounds import measure_aac, measure_flac, measure_mp3, measure_wav
from infrastructure.formats.stills import read_still
from infrastructure.formats.unread import unread_kind

MAX_FRAMES: Final = 1_000
ANIMATION_FACTOR: Final = 4
"""All frames of an animation together may have this many times the pixels allowed to one picture."""

LONGEST_MS: Final = 10**12
"""A file that says it lasts longer, which is thirty years, says nothing."""

FASTEST_PNG: Final = 1
_NO_TEXT: Final[Mapping[str, str]] = MappingProxyType({})

_PNG: Final = "image/png"
_JPEG: Final = "image/jpeg"
_TIFF: Final = "image/tiff"
_EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/bmp": "bmp",
    _TIFF: "tiff",
    HEIC: "heic",
    AVIF: "avif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/matroska": "mkv",
    "video/quicktime": "mov",
    "video/3gpp": "3gp",
    "video/3gpp2": "3g2",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/webm": "weba",
    "audio/matroska": "mka",
    "audio/aiff": "aiff",
    "audio/quicktime": "mov",
    "audio/3gpp": "3gp",
    "audio/3gpp2": "3g2",
    "model/gltf-binary": "glb",
    "model/vnd.fbx": "fbx",
    "model/vnd.usdz+zip": "usdz",
    OBJ: "obj",
    STL: "stl",
    TEXT: "txt",
}
_MEASURES: Final[Mapping[str, Callable[[memoryview], Measured]]] = {
    "video/mp4": measure_movie,
    "video/quicktime": measure_movie,
    "video/3gpp": measure_movie,
    "video/3gpp2": measure_movie,
    "video/webm": measure_webm,
    "video/matroska": measure_webm,
    "audio/mp4": measure_movie,
    "audio/wav": measure_wav,
    "audio/aiff": measure_aiff,
    "audio/mpeg": measure_mp3,
    "audio/flac": measure_flac,
    "audio/ogg": measure_ogg,
    "audio/aac": measure_aac,
}
_PNG_HEAD: Final = 8
_GLB_HEAD: Final = 20
_ORIENTATION: Final = 0x0112
_PILLOW_FORMATS: Final = {
    _PNG: "PNG",
    _JPEG: "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    _TIFF: "TIFF",
    AVIF: "AVIF",
}
_ONE_SHOWN: Final = (_JPEG, _TIFF)
_SUBFILE: Final = 254
_PREVIEW: Final = 1
_KNOWN_HINT: Final = (
    "send a PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF image, an MP4, MOV, WebM or Matroska video, a WAV, AIFF, "
    "MP3, M4A, FLAC or Ogg sound, or a GLB, FBX, USDZ or STL model"
)

# Errors that Pillow and its codecs raise on hostile bytes; its warnings too, under python -W error.
_UNREADABLE: Final = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, MemoryError),
    *(struct.error, zlib.error, RuntimeError, AttributeError, Warning),
)
_DEVELOP: Final = "develop it in a photo program and save it as JPEG, PNG or TIFF"
_SAVE_AGAIN: Final = "open it in an image editor and save it again"
_BOMBS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Recognised:
    """A file as it really is. Sizes in pixels, duration in milliseconds."""

    media_type: str
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LimitedBy:
    """The settings that say how many bytes and pixels are accepted."""

    bytes: str
    pixels: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """The files that are accepted for the input or output `field`."""

    field: str
    bytes: int
    pixels: int
    media_types: Sequence[str]
    settings: LimitedBy | None = None

    def beyond(self, what: str, *, pixels: bool = False) -> InvalidInput:
        """The error that something is more than is accepted, with the setting that says so if that is known."""
        if self.settings is None:
            return InvalidInput(self.field, what)
        return BeyondLimit(self.field, what, setting=self.settings.pixels if pixels else self.settings.bytes)


def read_media(
    content: bytes, *, field: str, max_bytes: int, max_pixels: int, media_types: Sequence[str] = ()
) -> Media:
    """The content with what it is; as `look_at`."""
    seen = look_at(content, field=field, max_bytes=max_bytes, max_pixels=max_pixels, media_types=media_types)
    return Media(content, seen.media_type, seen.width, seen.height, seen.duration_ms)


def look_at(
    content: bytes | BinaryIO,
    *,
    field: str,
    max_bytes: int,
    max_pixels: int,
    media_types: Sequence[str] = (),
    settings: LimitedBy | None = None,
) -> Recognised:
    """Say what `content` is, having decoded it if it is an image. An open file is mapped and not read into memory.

    Text, and models written as text, are recognised only where `media_types` expects them. `max_pixels` bounds
    width times height of an image and is checked in the header, before anything is decoded. Raises InvalidInput
    naming `field` for anything unknown, broken, truncated or too large (BeyondLimit if `settings` names what says so),
    NoMedia for nothing or a mere text.
    """
    bounds = Bounds(field, max_bytes, max_pixels, media_types, settings)
    if isinstance(content, bytes):
        return _look_at(memoryview(content), io.BytesIO(content), bounds)
    empty = not os.fstat(content.fileno()).st_size
    view = memoryview(b"" if empty else mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ))
    return _look_at(view, content, bounds)


def _look_at(view: memoryview, stream: BinaryIO, bounds: Bounds) -> Recognised:
    """The file that the bytes are, of which `stream` reads the same."""
    field = bounds.field
    if not view:
        raise NoMedia(field, "is empty", hint=_KNOWN_HINT)
    if len(view) > bounds.bytes:
        raise bounds.beyond(f"has {len(view)} bytes; at most {bounds.bytes} are accepted")
    media_type = sniff(view) or expected_text(view, bounds.media_types)
    if media_type is None:
        raise _unknown(view, field)
    if media_type in _PILLOW_FORMATS:
        return _look_at_image(stream, media_type, bounds)
    if media_type == HEIC:
        return _look_at_heic(view, bounds)
    if media_type == "model/gltf-binary" and not _GLB_HEAD <= int.from_bytes(view[8:12], "little") <= len(view):
        raise InvalidInput(field, "is a damaged or truncated GLB model")
    measured = _MEASURES.get(media_type, _unmeasured)(view)
    duration = measured.duration_ms if (measured.duration_ms or 0) <= LONGEST_MS else None
    kind = media_type.replace("video/", "audio/") if measured.only_sound else media_type
    return Recognised(kind, measured.width, measured.height, duration)


def _unknown(view: memoryview, field: str) -> InvalidInput:
    """The error about what is not read: by its name if it has one."""
    known = unread_kind(view)
    if known is not None:
        return InvalidInput(field, f"is {known.name}, which is not read", hint=f"send {known.instead}")
    problem = NoMedia if reads_as_text(view) else InvalidInput
    return problem(field, "is no image, video, sound or model of a known type", hint=_KNOWN_HINT)


def image_media(image: Image.Image, image_format: str, *, text: Mapping[str, str] = _NO_TEXT) -> Media:
    """Encode `image` as "PNG", "JPEG" or "WEBP"; `text` is written into a PNG's own metadata."""
    stream = io.BytesIO()
    match image_format:
        case "PNG":
            image.save(stream, "PNG", compress_level=FASTEST_PNG, pnginfo=_png_text(text))
        case "JPEG":
            image.convert("RGB").save(stream, "JPEG", quality=92)
        case "WEBP":
            image.save(stream, "WEBP", quality=92)
        case _:
            raise ValueError(f"no encoder for {image_format}")
    return Media(stream.getvalue(), f"image/{image_format.lower()}", image.width, image.height)


def blank_picture() -> bytes:
    """A plain picture of a usual size, for what is asked of pictures that there are not yet."""
    return image_media(Image.new("RGB", (1024, 1024), "white"), "PNG").content


def extension(media_type: str) -> str:
    """The file name extension of `media_type`, without a dot; "bin" for one not known."""
    return _EXTENSIONS.get(media_type, "bin")


def _png_text(text: Mapping[str, str]) -> PngInfo:
    info = PngInfo()
    for key, value in text.items():
        info.add_text(key, value)
    return info


def _unmeasured(_content: memoryview) -> Measured:
    return Measured()


def _look_at_heic(view: memoryview, bounds: Bounds) -> Recognised:
    """By its tables alone: decoding it is left to whom it is sent to."""
    still = read_still(view)
    if still is None or not still.whole:
        raise InvalidInput(bounds.field, f"is a damaged or truncated {HEIC} image", hint=_SAVE_AGAIN)
    _check_size(still.size, bounds)
    return Recognised(HEIC, *still.size)


def _look_at_image(stream: BinaryIO, media_type: str, bounds: Bounds) -> Recognised:
    try:
        with _open(stream, media_type) as image:
            _check_size(image.size, bounds)
            if media_type == _PNG:
                _check_sums(stream)
            if media_type == _TIFF:
                _check_whole(image, bounds)
            # Only decoding proves that the pixels are there.
            duration = _decode_frames(image, media_type, bounds)
            return Recognised(media_type, *_shown_size(image), duration)
    except _BOMBS as error:
        raise bounds.beyond(f"has too many pixels; at most {bounds.pixels} are accepted", pixels=True) from error
    except _UNREADABLE as error:
        raise InvalidInput(bounds.field, f"is a damaged or truncated {media_type} image", hint=_SAVE_AGAIN) from error


def _shown_size(image: Image.Image) -> tuple[int, int]:
    """Upright, as Exif says; what turns an AVIF is told by Pillow in the same way."""
    return upright_size(image.size, image.getexif().get(_ORIENTATION, 1))


def _open(stream: BinaryIO, media_type: str) -> Image.Image:
    return Image.open(stream, formats=[_PILLOW_FORMATS[media_type]])


def _check_sums(png: BinaryIO) -> None:
    """Decoding passes over them."""
    png.seek(_PNG_HEAD)
    ChunkStream(png).verify()


def _check_whole(tiff: Image.Image, bounds: Bounds) -> None:
    """The first picture of a raw photo is a mere preview of what only its maker's programs develop."""
    if tiff.getexif().get(_SUBFILE, 0) & _PREVIEW:
        raise InvalidInput(bounds.field, "is a raw photo, of which only a preview can be read", hint=_DEVELOP)


def _check_size(size: tuple[int, int], bounds: Bounds) -> None:
    width, height = size
    if width * height > bounds.pixels:
        raise bounds.beyond(f"has {width} x {height} pixels; at most {bounds.pixels} are accepted", pixels=True)


def _decode_frames(image: Image.Image, media_type: str, bounds: Bounds) -> int | None:
    """Decode each frame; returns the time they take in milliseconds, None for a still picture.

    Of the pictures in a JPEG or a TIFF the first is the one that is shown: the others are previews, other views, maps
    or pages. The one that a PNG shows if it cannot run is none of its frames.
    """
    frames = 1 if media_type in _ONE_SHOWN else getattr(image, "n_frames", 1)
    pixels = frames * image.width * image.height
    if frames > MAX_FRAMES:
        raise InvalidInput(bounds.field, f"is an animation of {frames} frames, more than is accepted")
    if frames > 1 and pixels > ANIMATION_FACTOR * bounds.pixels:
        raise bounds.beyond(f"is an animation of {frames} frames, more than is accepted", pixels=True)
    duration = 0
    first = int(bool(getattr(image, "default_image", False)))
    for frame in range(frames):
        image.seek(frame)
        _check_size(image.size, bounds)
        image.load()
        duration += round(image.info.get("duration", 0)) if frame >= first else 0
    image.seek(0)
    return duration if frames > first + 1 else None
