"""A picture, film, sound or model of a kind that is not read is refused by its name, with what to send instead."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from domain.errors import InvalidInput, NoMedia
from infrastructure.media import read_media
from tests.workshop.opinions import filmed

PICTURES = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1")
TONE = ("-f", "lavfi", "-i", "sine=d=1")
WRITTEN = {
    "an AVI video": ("avi", *PICTURES, "-c:v", "mpeg4"),
    "a Flash video": ("flv", *PICTURES, "-c:v", "flv"),
    "a Windows Media file": ("asf", *PICTURES, "-c:v", "wmv2"),
    "an MPEG video": ("mpg", *PICTURES, "-c:v", "mpeg2video"),
    "an MPEG transport stream": ("ts", *PICTURES, "-c:v", "mpeg2video"),
    "a Core Audio sound": ("caf", *TONE),
    "an AU sound": ("au", *TONE),
    "a WavPack sound": ("wv", *TONE),
}
DRAWN = {
    "a JPEG 2000 image": "JPEG2000",
    "a DDS texture": "DDS",
    "a Windows icon": "ICO",
    "a PDF document": "PDF",
    "a PostScript document": "EPS",
}
SVG = b"<?xml version='1.0'?>\n<!-- a dot -->\n<svg xmlns='http://www.w3.org/2000/svg'/>"
PLY = b"ply\nformat ascii 1.0\nend_header\n"


def refused(content: bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_media(content, field="file", max_bytes=10**7, max_pixels=10**7)
    return caught.value


def check(content: bytes, name: str) -> None:
    error = refused(content)
    assert str(error) == f"file: is {name}, which is not read"
    assert str(error.hint).startswith("send ")
    assert not isinstance(error, NoMedia)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_film_or_a_sound(name: str) -> None:
    check(filmed(*WRITTEN[name]), name)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture(name: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(stream, DRAWN[name])
    check(stream.getvalue(), name)


def test_a_drawing_a_model_and_an_archive() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("photo.png", b"")
    for content, name in ((SVG, "an SVG drawing"), (PLY, "a PLY model"), (stream.getvalue(), "a ZIP archive")):
        check(content, name)


@pytest.mark.parametrize("content", [b"<?xml version='1.0'?><html><svg></svg></html>", b"<html>502</html>", b"plywood"])
def test_a_page_or_a_text_is_none_of_them(content: bytes) -> None:
    assert isinstance(refused(content), NoMedia)
