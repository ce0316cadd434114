"""Media are what their bytes say, and hostile bytes are refused before they cost anything."""

from __future__ import annotations

import contextlib
import io
import struct
import wave
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from application.ports import Media
from domain.errors import InvalidInput
from infrastructure.media import ANIMATION_FACTOR, MAX_FRAMES, extension, image_media, read_media

MEGABYTE = 1_000_000
FORMATS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
}


def picture(width: int = 20, height: int = 10, mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert(mode)


def encoded(image_format: str, image: Image.Image | None = None, **options: object) -> bytes:
    stream = io.BytesIO()
    (image or picture()).save(stream, image_format, **options)
    return stream.getvalue()


def animation(image_format: str, frames: int, size: int = 8) -> bytes:
    pictures = [Image.new("RGB", (size, size), (n * 37 % 256, n * 11 % 256, n % 256)) for n in range(frames)]
    return encoded(image_format, pictures[0], save_all=True, append_images=pictures[1:], duration=40)


def read(content: bytes, max_bytes: int = MEGABYTE, max_pixels: int = MEGABYTE) -> Media:
    return read_media(content, field="image", max_bytes=max_bytes, max_pixels=max_pixels)


def refusal(content: bytes, max_bytes: int = MEGABYTE, max_pixels: int = MEGABYTE) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(content, max_bytes, max_pixels)
    assert caught.value.field == "image"
    assert caught.value.code == "invalid_input"
    return str(caught.value)


def png_claiming(width: int, height: int) -> bytes:
    """A valid PNG header over hardly any pixels: what a decompression bomb looks like from outside."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def mp4(header: bytes) -> bytes:
    return box(b"ftyp", b"isom\x00\x00\x02\x00") + box(b"free", b"") + box(b"moov", box(b"mvhd", header))


@pytest.mark.parametrize("image_format", FORMATS)
def test_an_image_is_known_by_its_content_and_measured(image_format: str) -> None:
    content = encoded(image_format)
    assert read(content) == Media(content, FORMATS[image_format], 20, 10)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_common_kind_of_pixel_is_accepted(mode: str) -> None:
    assert read(encoded("PNG", Image.new(mode, (3, 2)))).width == 3


@pytest.mark.parametrize(("image_format", "frames"), [("GIF", 5), ("WEBP", 5), ("PNG", 5)])
def test_an_animation_lasts_as_long_as_its_frames(image_format: str, frames: int) -> None:
    assert read(animation(image_format, frames)).duration_ms == frames * 40


@pytest.mark.parametrize(
    ("content", "media_type", "duration"),
    [
        (mp4(struct.pack(">IIIII", 0, 0, 0, 600, 3000)), "video/mp4", 5000),
        (mp4(struct.pack(">IQQIQ", 1 << 24, 0, 0, 1000, 1234)), "video/mp4", 1234),
        (mp4(struct.pack(">IIIII", 0, 0, 0, 0, 3000)), "video/mp4", None),
        (mp4(struct.pack(">IIIII", 0, 0, 0, 600, 2**32 - 1)), "video/mp4", None),
        (mp4(b"\x00"), "video/mp4", None),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm", None),
        (b"glTF" + struct.pack("<II", 2, 20) + bytes(8), "model/gltf-binary", None),
        (b"\xff\xfb\x90\x64" + bytes(32), "audio/mpeg", None),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg", None),
    ],
)
def test_other_media_are_known_by_their_signature(content: bytes, media_type: str, duration: int | None) -> None:
    assert read(content) == Media(content, media_type, duration_ms=duration)


def test_a_sound_lasts_as_long_as_its_samples() -> None:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setparams((2, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(4 * 8000))
    assert read(stream.getvalue()).media_type == "audio/wav"
    assert read(stream.getvalue()).duration_ms == 1000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image at all",
        "UTF-16 text".encode("utf-16"),
        encoded("TGA"),
        encoded("TIFF").replace(b"II*\0\x08\0\0\0", b"II*\0\x10\0\0\0CR\2\0"),
        b"BM" + bytes(60),
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
    ],
)
def test_what_is_no_known_medium_is_refused(content: bytes) -> None:
    assert "is empty" in refusal(content) or "known type" in refusal(content)


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_truncated_image_is_refused(image_format: str) -> None:
    content = encoded(image_format, Image.effect_noise((64, 64), 80).convert("RGB"))
    assert "damaged or truncated" in refusal(content[: len(content) // 2])


def test_a_raw_photo_of_which_only_a_preview_can_be_read_is_refused() -> None:
    assert "is a raw photo" in refusal(encoded("TIFF", tiffinfo={254: 1}))


def test_the_first_page_of_a_tiff_is_shown_and_does_not_move() -> None:
    media = read(encoded("TIFF", picture(), save_all=True, append_images=[picture(6, 5)]))
    assert (media.width, media.height, media.duration_ms) == (20, 10, None)


def test_a_png_with_one_changed_byte_of_pixels_is_refused() -> None:
    content = bytearray(encoded("PNG"))
    content[content.index(b"IDAT") + 6] ^= 1
    assert "damaged" in refusal(bytes(content))


@pytest.mark.parametrize("where", [b"IDAT", b"tEXt"])
def test_a_png_with_a_wrong_checksum_is_refused(where: bytes) -> None:
    """Its pixels are all there: only the sums tell, also behind them."""
    content = encoded("PNG")
    body = b"tEXtComment\0none"
    text = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    whole = bytearray(content[:-12] + text + content[-12:])
    assert read(bytes(whole)).width == 20
    start = whole.index(where)
    whole[start + 4 + int.from_bytes(whole[start - 4 : start], "big")] ^= 1
    assert "damaged" in refusal(bytes(whole))


def test_a_truncated_model_is_refused() -> None:
    assert "GLB" in refusal(b"glTF" + struct.pack("<II", 2, 400) + bytes(8))


def test_too_many_bytes_are_refused_with_both_numbers() -> None:
    content = encoded("PNG")
    assert read(content, max_bytes=len(content)).width == 20
    assert str(len(content)) in refusal(content, max_bytes=len(content) - 1)


def test_too_many_pixels_are_refused_with_both_numbers() -> None:
    assert read(encoded("PNG"), max_pixels=200).width == 20
    assert refusal(encoded("PNG"), max_pixels=199) == "image: has 20 x 10 pixels; at most 199 are accepted"


@pytest.mark.parametrize("side", [2_000, 10_000, 12_000, 50_000])
def test_a_decompression_bomb_is_refused_by_its_header(side: int) -> None:
    """Nothing is decoded: the pixels are not even there, which decoding would have called damaged."""
    assert "pixels; at most" in refusal(png_claiming(side, side))


def test_a_bomb_hidden_in_the_text_of_an_image_is_refused() -> None:
    content = encoded("PNG")
    body = b"Comment\x00\x00" + zlib.compress(bytes(20_000_000))
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    assert "damaged" in refusal(content[:33] + chunk + content[33:])


def test_an_animation_of_too_many_frames_is_refused() -> None:
    assert "frames" in refusal(animation("GIF", MAX_FRAMES + 1, size=2))


def test_the_frames_of_an_animation_share_one_allowance_of_pixels() -> None:
    allowed = animation("GIF", ANIMATION_FACTOR)
    assert read(allowed, max_pixels=64).duration_ms == ANIMATION_FACTOR * 40
    assert "frames" in refusal(animation("GIF", ANIMATION_FACTOR + 1), max_pixels=64)


@settings(max_examples=400, deadline=None)
@given(
    original=st.sampled_from([*(encoded(name) for name in FORMATS), animation("WEBP", 3), animation("PNG", 3)]),
    edits=st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=4)), max_size=6),
    length=st.integers(1, 10_000),
)
def test_bytes_of_any_kind_are_either_read_or_refused(
    original: bytes, edits: list[tuple[int, bytes]], length: int
) -> None:
    content = bytearray(original)
    for position, replacement in edits:
        start = position % len(content)
        content[start : start + len(replacement)] = replacement
    damaged = bytes(content[:length])
    with contextlib.suppress(InvalidInput):
        assert read(damaged).content == damaged


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_a_broken_video_or_sound_has_no_duration_rather_than_an_error(body: bytes) -> None:
    for content in (mp4(body), box(b"ftyp", b"isom") + body, b"RIFF\x00\x00\x00\x00WAVE" + body):
        assert read(content).media_type in {"video/mp4", "audio/wav"}


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_an_encoded_image_is_read_back_as_what_it_is(image_format: str) -> None:
    media = image_media(picture(mode="RGBA"), image_format)
    assert read(media.content) == media


def test_a_png_carries_its_text() -> None:
    media = image_media(picture(), "PNG", text={"Software": "a name"})
    assert Image.open(io.BytesIO(media.content)).info["Software"] == "a name"


def test_an_unknown_format_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="BMP"):
        image_media(picture(), "BMP")


def test_every_type_has_its_extension() -> None:
    assert [extension(kind) for kind in ("image/png", "image/jpeg", "video/mp4", "model/gltf-binary")] == [
        "png",
        "jpg",
        "mp4",
        "glb",
    ]
    assert extension("../../etc") == "bin"
