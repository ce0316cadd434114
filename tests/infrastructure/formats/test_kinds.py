"""A file is what it holds: its brands, its tracks and what stands behind a tag decide, never a caller's word."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from application.ports import Media
from domain.errors import InvalidInput
from domain.inputs import FileInfo, Input, InputType, check_files
from infrastructure.formats.signatures import KNOWN
from infrastructure.media import extension, read_media
from tests.infrastructure.films import film
from tests.infrastructure.test_media import encoded, picture

FILM = film(audio="")
SOUND = film(video="")


def read(content: bytes) -> Media:
    return read_media(content, field="file", max_bytes=10**8, max_pixels=10**8)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def rebranded(content: bytes, major: str, *compatible: str) -> bytes:
    """The same film with another box of brands in front; what it points to moves along with a box of nothing."""
    old = int.from_bytes(content[:4], "big")
    brands = [brand.ljust(4).encode() for brand in compatible]
    new = box(b"ftyp", major.ljust(4).encode() + bytes(4) + b"".join(brands))
    return new + content[old:]


BRANDS = {
    "video/mp4": [
        ("isom",), ("iso2",), ("isoa",), ("isob", "isoc"), ("mp41",), ("mp42",), ("avc1",), ("hvc1",), ("hev1", "isom"),
        ("XAVC", "XAVC", "mp42", "iso2", "nras"), ("f4v ", "isom"), ("F4V ",), ("M4V ",), ("MSNV", "isom"), ("dash",),
        ("cmfc", "iso6"), ("cmf2",), ("iso6", "cmfc", "dash"), ("3gp5", "isom"), ("3gp4", "mp42"), ("av01", "iso6"),
        ("NDSC", "mp42"), ("CAEP", "isom"), ("niko",), ("piff", "iso2"), ("dby1", "mp42"), ("????",), ("    ", "mp4x"),
    ],
    "video/quicktime": [("qt  ",), ("qt  ", "mp42"), ("pana", "qt  ")],
    "video/3gpp": [("3gp5",), ("3gp4", "3gp4"), ("3gr6",), ("3gs7", "3gp6")],
    "video/3gpp2": [("3g2a",), ("3g2b", "3gp4")],
}  # fmt: skip


@pytest.mark.parametrize(("media_type", "brands"), [(kind, one) for kind, all in BRANDS.items() for one in all])
def test_a_film_is_known_by_any_of_its_brands(media_type: str, brands: tuple[str, ...]) -> None:
    media = read(rebranded(FILM, *brands))
    assert (media.media_type, media.width, media.height, media.duration_ms) == (media_type, 128, 96, 2000)


@pytest.mark.parametrize(("media_type", "brands"), [(kind, all[0]) for kind, all in BRANDS.items()])
def test_a_film_without_a_picture_is_a_sound(media_type: str, brands: tuple[str, ...]) -> None:
    media = read(rebranded(SOUND, *brands))
    assert media.media_type == media_type.replace("video", "audio")
    assert (media.width, media.duration_ms) == (None, 2000)


def test_a_webm_without_a_picture_is_a_sound() -> None:
    assert read(film("webm", "", "libopus")).media_type == "audio/webm"


@pytest.mark.parametrize("brand", ["M4A ", "M4B ", "M4P ", "F4A "])
def test_what_calls_itself_a_sound_is_one_also_with_pictures_of_its_chapters(brand: str) -> None:
    assert read(rebranded(FILM, brand, "isom")).media_type == "audio/mp4"


@pytest.mark.parametrize("content", [SOUND, film("mov", ""), film("webm", "", "libopus")])
def test_a_sound_is_refused_where_a_film_is_wanted(content: bytes) -> None:
    media = read(content)
    facts = FileInfo(media.media_type, len(content), media.width, media.height, media.duration_ms)
    with pytest.raises(InvalidInput, match=r"audio/\w+ is not accepted"):
        check_files(Input(name="video", type=InputType.VIDEO), [facts])


def test_a_film_is_refused_where_a_sound_is_wanted() -> None:
    with pytest.raises(InvalidInput, match="video/mp4 is not accepted"):
        check_files(Input(name="audio", type=InputType.AUDIO), [FileInfo("video/mp4", len(FILM), 128, 96, 2000)])


def test_a_film_from_before_there_were_brands_is_one_of_quicktime() -> None:
    content = FILM[int.from_bytes(FILM[:4], "big") :]
    assert content[4:8] in (b"free", b"moov", b"mdat")
    assert read(content).media_type == "video/quicktime"


@pytest.mark.parametrize("brands", [("crx ", "isom"), ("jpx ",), ("styp",), ("heic",), ("mif1", "heic"), ("avif",)])
def test_what_is_made_of_the_same_boxes_and_is_no_film_is_none(brands: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        read(rebranded(FILM, *brands))


def tagged(content: bytes, size: int = 300, *, footer: bool = False) -> bytes:
    sizes = bytes([0, 0, size >> 7, size & 0x7F])
    return b"ID3\x04\0" + (b"\x10" if footer else b"\0") + sizes + bytes(size + (10 if footer else 0)) + content


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (film("flac", "", "flac"), "audio/flac"),
        (film("mp3", "", "libmp3lame"), "audio/mpeg"),
        (film("adts", "", "aac"), "audio/aac"),
    ],
)
def test_a_tag_in_front_changes_nothing(content: bytes, media_type: str) -> None:
    plain = read(content)
    assert plain.media_type == media_type
    for behind in (tagged(content), tagged(content, footer=True), tagged(tagged(content, 5))):
        media = read(behind)
        assert (media.media_type, media.duration_ms) == (media_type, plain.duration_ms)


@pytest.mark.parametrize("more", [b"\0", b"\0" * 4, b"anything at all"])
def test_a_model_with_bytes_after_its_end_is_one(more: bytes) -> None:
    """A warning in the validator of its format's makers; what it holds ends where it says."""
    model = b"glTF" + struct.pack("<II", 2, 20) + bytes(8)
    assert read(model + more) == Media(model + more, "model/gltf-binary")
    with pytest.raises(InvalidInput, match="GLB"):
        read(b"glTF" + struct.pack("<II", 2, 12) + bytes(8))


def test_a_photo_of_several_pictures_is_one_picture_and_lasts_no_time() -> None:
    stream = io.BytesIO()
    left, right = picture(40, 20), picture(20, 10)
    left.save(stream, "MPO", save_all=True, append_images=[right])
    media = read(stream.getvalue())
    assert (media.media_type, media.width, media.height, media.duration_ms) == ("image/jpeg", 40, 20, None)


ORIENTED = ["JPEG", "PNG", "WEBP", "AVIF"]


@pytest.mark.parametrize("image_format", ORIENTED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_has_the_pixels_that_are_shown(image_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    media = read(encoded(image_format, picture(40, 20), exif=exif))
    assert (media.width, media.height) == ((20, 40) if orientation > 4 else (40, 20))


def test_every_kind_that_is_known_has_an_ending() -> None:
    assert {kind for kind in KNOWN if extension(kind) == "bin"} == set()
