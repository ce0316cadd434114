"""HEIC and AVIF are worked on like any picture, as they are shown."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from application.ports import Media, ProviderRefused
from infrastructure.media import read_media
from tests.corpus.heic import coded, grid, heic
from tests.workshop.work import make, pixels, png, psnr, scene

ROUTES: dict[str, dict[str, Any]] = {
    "image-convert": {"format": "png"},
    "image-compress": {},
    "image-social": {"width": 1200, "height": 627},
    "upscale": {},
    "filter": {"prompt": "warmer"},
}


def read(content: bytes) -> Media:
    return read_media(content, field="image", max_bytes=10**7, max_pixels=10**7)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    return coded(tmp_path_factory.mktemp("heic"))


def avif(**options: Any) -> Media:
    stream = io.BytesIO()
    scene(64, 48).save(stream, "AVIF", quality=90, **options)
    return read(stream.getvalue())


async def test_a_heic_is_converted_as_it_is_shown(parts: tuple[bytes, bytes]) -> None:
    plain = await make("image-convert", {"image": read(heic(*parts, (64, 48)))}, format="png")
    turned = await make("image-convert", {"image": read(heic(*parts, (64, 48), turn=1))}, format="png")
    assert (plain.width, plain.height, turned.width, turned.height) == (64, 48, 48, 64)
    upright = Image.open(io.BytesIO(plain.content)).transpose(Image.Transpose.ROTATE_90)
    assert psnr(pixels(turned), pixels(png(upright))) > 60


async def test_a_picture_of_tiles_is_put_together_and_turned(parts: tuple[bytes, bytes]) -> None:
    """As telephones write them."""
    given = read(grid(*parts, (64, 48), 3, 2, turn=3))
    made = await make("image-convert", {"image": given}, format="png")
    assert (given.width, given.height) == (made.width, made.height) == (91, 185)


async def test_an_avif_is_converted_as_it_is_shown() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = await make("image-convert", {"image": avif(exif=exif)}, format="png")
    wanted = png(scene(64, 48).transpose(Image.Transpose.ROTATE_270))
    assert (turned.width, turned.height) == (48, 64)
    assert psnr(pixels(turned), pixels(wanted)) > 30


@pytest.mark.parametrize("route", ROUTES)
async def test_every_route_for_pictures_takes_both(route: str, parts: tuple[bytes, bytes]) -> None:
    for image in (read(heic(*parts, (64, 48), turn=3)), avif()):
        made = await make(route, {"image": image}, **ROUTES[route])
        assert made.media_type.startswith("image/")


async def test_what_cannot_be_decoded_is_refused(parts: tuple[bytes, bytes]) -> None:
    """Its tables are whole, so that it was taken, and the picture in them is not."""
    setup, picture = parts
    broken = heic(setup, b"\xff" * len(picture), (64, 48))
    with pytest.raises(ProviderRefused, match="damaged or truncated image/heic"):
        await make("image-convert", {"image": read(broken)}, format="png")
