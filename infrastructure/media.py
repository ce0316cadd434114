"""Reads and makes media: the type comes from the content, never from a name or a caller's claim."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from application.ports import Media
from domain.errors import InvalidInput

TEXT: Final = "text/plain"
MAX_FRAMES: Final = 1_000
ANIMATION_FACTOR: Final = 4
"""All frames of an animation together may have this many times the pixels allowed to one picture."""

FASTEST_PNG: Final = 1
_NO_TEXT: Final[Mapping[str, str]] = MappingProxyType({})

_EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "model/gltf-binary": "glb",
    TEXT: "txt",
}
_PILLOW_FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
_MP4_BRANDS: Final = (
    b"isom",
    b"iso2",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"dash",
    b"M4V ",
)
_KNOWN_HINT: Final = "send a PNG, JPEG, WebP or GIF image, an MP4 or WebM video, a WAV or MP3 sound, or a GLB model"

# What Pillow and its codecs raise on hostile bytes; its warnings too, under python -W error.
_UNREADABLE: Final = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, MemoryError),
    *(struct.error, zlib.error, RuntimeError, AttributeError, Warning),
)
_BOMBS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_media(
    content: bytes, *, field: str, max_bytes: int, max_pixels: int, media_types: Sequence[str] = ()
) -> Media:
    """Say what `content` is, having decoded it if it is an image; text only where `media_types` expects it.

    `max_pixels` bounds width times height and is checked in the header, before anything is decoded. Raises
    InvalidInput naming `field` for anything unknown, broken, truncated or too large.
    """
    if not content:
        raise InvalidInput(field, "is empty", hint=_KNOWN_HINT)
    if len(content) > max_bytes:
        raise InvalidInput(field, f"has {len(content)} bytes; at most {max_bytes} are accepted")
    media_type = _sniff(content)
    if media_type is None and TEXT in media_types and _is_text(content):
        return Media(content, TEXT)
    if media_type is None:
        raise InvalidInput(field, "is no image, video, sound or model of a known type", hint=_KNOWN_HINT)
    if media_type in _PILLOW_FORMATS:
        return _read_image(content, media_type, field, max_pixels)
    if media_type == "model/gltf-binary" and int.from_bytes(content[8:12], "little") != len(content):
        raise InvalidInput(field, "is a damaged or truncated GLB model")
    return Media(content, media_type, duration_ms=_duration(content, media_type))


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


def open_image(media: Media, *, field: str) -> Image.Image:
    """The picture, or the first frame, upright and as RGB, or RGBA where anything in it is transparent.

    Raises InvalidInput naming `field` where `media` is no readable image.
    """
    if media.media_type not in _PILLOW_FORMATS:
        raise InvalidInput(field, f"is {media.media_type}, not an image")
    try:
        with _open(media.content, media.media_type) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
    except (*_BOMBS, *_UNREADABLE) as error:
        raise InvalidInput(field, f"is a damaged or truncated {media.media_type} image") from error
    if upright.mode.startswith("I"):
        # Sixteen bits a pixel: Pillow would clip them to white instead of scaling them.
        upright = Image.fromarray((np.asarray(upright) >> 8).clip(0, 255).astype(np.uint8))
    return upright.convert("RGBA" if upright.has_transparency_data else "RGB")


def extension(media_type: str) -> str:
    """The file name extension of `media_type`, without a dot; "bin" for one not known."""
    return _EXTENSIONS.get(media_type, "bin")


def _png_text(text: Mapping[str, str]) -> PngInfo:
    info = PngInfo()
    for key, value in text.items():
        info.add_text(key, value)
    return info


def _sniff(content: bytes) -> str | None:
    signatures = (
        ("image/png", content.startswith(b"\x89PNG\r\n\x1a\n")),
        ("image/jpeg", content.startswith(b"\xff\xd8\xff")),
        ("image/gif", content.startswith((b"GIF87a", b"GIF89a"))),
        ("image/webp", content[:4] == b"RIFF" and content[8:12] == b"WEBP"),
        ("audio/wav", content[:4] == b"RIFF" and content[8:12] == b"WAVE"),
        ("video/mp4", content[4:8] == b"ftyp" and content[8:12] in _MP4_BRANDS),
        ("video/webm", content.startswith(b"\x1aE\xdf\xa3") and b"webm" in content[:64]),
        ("model/gltf-binary", content.startswith(b"glTF\x02\x00\x00\x00") and len(content) >= 20),
        ("audio/mpeg", content.startswith(b"ID3") or _is_mp3_frame(content)),
    )
    return next((media_type for media_type, found in signatures if found), None)


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _is_mp3_frame(content: bytes) -> bool:
    """Eleven set bits, then Layer III, a bit rate and a sampling rate that exist: UTF-16 text fails this."""
    if len(content) < 4:
        return False
    sync = content[0] == 0xFF and content[1] & 0xE6 == 0xE2
    return sync and content[2] >> 4 not in (0, 15) and content[2] & 0x0C != 0x0C


def _read_image(content: bytes, media_type: str, field: str, max_pixels: int) -> Media:
    try:
        with _open(content, media_type) as image:
            _check_pixels(image, field, max_pixels)
            image.verify()
        # verify() reads every checksum and uses the image up; only decoding proves that the pixels are there.
        with _open(content, media_type) as image:
            duration = _decode_frames(image, field, max_pixels)
            return Media(content, media_type, image.width, image.height, duration)
    except _BOMBS as error:
        raise InvalidInput(field, f"has too many pixels; at most {max_pixels} are accepted") from error
    except _UNREADABLE as error:
        hint = "open it in an image editor and save it again"
        raise InvalidInput(field, f"is a damaged or truncated {media_type} image", hint=hint) from error


def _open(content: bytes, media_type: str) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=[_PILLOW_FORMATS[media_type]])


def _check_pixels(image: Image.Image, field: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise InvalidInput(field, f"has {width} x {height} pixels; at most {max_pixels} are accepted")


def _decode_frames(image: Image.Image, field: str, max_pixels: int) -> int | None:
    """Decode each frame; returns the time they take in milliseconds, None for a still picture."""
    frames = getattr(image, "n_frames", 1)
    pixels = frames * image.width * image.height
    if frames > MAX_FRAMES or (frames > 1 and pixels > ANIMATION_FACTOR * max_pixels):
        raise InvalidInput(field, f"is an animation of {frames} frames, more than is accepted")
    duration = 0
    for frame in range(frames):
        image.seek(frame)
        _check_pixels(image, field, max_pixels)
        image.load()
        duration += round(image.info.get("duration", 0))
    image.seek(0)
    return duration if frames > 1 else None


def _duration(content: bytes, media_type: str) -> int | None:
    match media_type:
        case "video/mp4":
            return _mp4_duration(memoryview(content))
        case "audio/wav":
            return _wav_duration(content)
    return None


def _mp4_duration(content: memoryview) -> int | None:
    """The movie header's duration in milliseconds (ISO/IEC 14496-12, 8.2.2)."""
    movie = next((body for kind, body in _boxes(content) if kind == b"moov"), memoryview(b""))
    header = next((body for kind, body in _boxes(movie) if kind == b"mvhd"), memoryview(b""))
    layout, start, unknown = (">IQ", 20, 2**64 - 1) if bytes(header[:1]) == b"\x01" else (">II", 12, 2**32 - 1)
    if len(header) < start + struct.calcsize(layout):
        return None
    scale, duration = struct.unpack_from(layout, header, start)
    return duration * 1000 // scale if scale and duration != unknown else None


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    position = 0
    while position + 8 <= len(content):
        size, start = int.from_bytes(content[position : position + 4], "big"), 8
        if size == 1:
            size, start = int.from_bytes(content[position + 8 : position + 16], "big"), 16
        elif size == 0:
            size = len(content) - position
        if size < start:
            return
        yield bytes(content[position + 4 : position + 8]), content[position + start : position + size]
        position += size


def _wav_duration(content: bytes) -> int | None:
    """Bytes of sound over bytes a second, both as the chunks state them."""
    chunks: dict[bytes, tuple[int, int]] = {}
    position = 12
    while position + 8 <= len(content):
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        chunks.setdefault(content[position : position + 4], (position + 8, size))
        position += 8 + size + size % 2
    start, _ = chunks.get(b"fmt ", (len(content), 0))
    data, stated = chunks.get(b"data", (0, 0))
    rate = int.from_bytes(content[start + 8 : start + 12], "little")
    return min(stated, len(content) - data) * 1000 // rate if rate else None
