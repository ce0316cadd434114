"""Pictures are made smaller, converted and fitted without losing what matters, and never keep where they were taken."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from application.ports import Media
from infrastructure.media import image_media
from tests.workshop.work import make, pixels, png, psnr, refused, scene, shown

PHOTO = png(scene(320, 240))
WITH_A_PLACE = 0x8825
STORY, COVER = (1080, 1920), (1640, 624)
SQUARE = {"width": 1080, "height": 1080}


def with_whereabouts() -> Media:
    """A JPEG lying on its side that says where it was taken."""
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(WITH_A_PLACE)[1] = "N"
    scene(64, 48).save(stream, "JPEG", exif=exif, quality=95)
    return Media(stream.getvalue(), "image/jpeg", 64, 48)


def clear() -> Media:
    image = Image.new("RGBA", (64, 48), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((8, 4, 56, 44), fill=(200, 30, 30, 255))
    return png(image)


async def test_a_picture_becomes_smaller_in_bytes_and_looks_the_same() -> None:
    smaller = await make("image-compress", {"image": PHOTO})
    assert smaller.media_type == "image/jpeg"
    assert len(smaller.content) < len(PHOTO.content) / 4
    assert psnr(pixels(smaller), pixels(PHOTO)) > 32


async def test_less_quality_is_fewer_bytes() -> None:
    sizes = [len((await make("image-compress", {"image": PHOTO}, quality=quality)).content) for quality in (20, 60, 90)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 2


@pytest.mark.parametrize("chosen", ["jpeg", "webp", "png"])
async def test_a_picture_is_brought_below_a_number_of_bytes_at_the_best_quality_that_fits(chosen: str) -> None:
    target = 30_000 if chosen == "png" else 9_000
    fitted = await make("image-compress", {"image": PHOTO}, format=chosen, target_bytes=target)
    assert fitted.media_type == f"image/{chosen}"
    assert target * 0.6 < len(fitted.content) <= target


async def test_where_quality_is_not_enough_the_picture_becomes_smaller_in_pixels() -> None:
    fitted = await make("image-compress", {"image": PHOTO}, format="jpeg", target_bytes=2_000)
    assert len(fitted.content) <= 2_000
    assert fitted.width is not None
    assert fitted.width < 320
    assert await refused("image-compress", {"image": PHOTO}, format="jpeg", target_bytes=10) == "target_too_small"


async def test_what_cannot_be_made_smaller_comes_back_as_it_was() -> None:
    once = await make("image-compress", {"image": PHOTO}, quality=30)
    assert await make("image-compress", {"image": once}, quality=95) == once


async def test_what_is_transparent_stays_so_unless_a_jpeg_is_wished_for() -> None:
    assert (await make("image-compress", {"image": clear()})).media_type == "image/webp"
    flat = await make("image-convert", {"image": clear()}, format="jpeg", background="#00ff00")
    assert pixels(flat)[0, 0].tolist() == pytest.approx([0, 255, 0], abs=6)
    kept = await make("image-convert", {"image": clear()}, format="webp", lossless=True)
    assert (pixels(kept, "RGBA") == pixels(clear(), "RGBA")).all()


@pytest.mark.parametrize("chosen", ["png", "jpeg", "webp"])
async def test_a_converted_picture_is_the_same_picture_upright_and_without_whereabouts(chosen: str) -> None:
    source = with_whereabouts()
    assert WITH_A_PLACE in Image.open(io.BytesIO(source.content)).getexif()
    converted = await make("image-convert", {"image": source}, format=chosen)
    assert (converted.media_type, converted.width, converted.height) == (f"image/{chosen}", 48, 64)
    assert not Image.open(io.BytesIO(converted.content)).getexif()
    assert psnr(pixels(converted), np.rot90(pixels(source), -1)) > 35


async def test_a_png_survives_conversion_exactly() -> None:
    assert (pixels(await make("image-convert", {"image": PHOTO}, format="png")) == pixels(PHOTO)).all()


async def test_the_first_picture_of_an_animation_is_converted() -> None:
    stream = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    converted = await make("image-convert", {"image": Media(stream.getvalue(), "image/gif", 16, 16)}, format="png")
    assert pixels(converted)[8, 8].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("route", "inputs", "code"),
    [
        ("image-convert", {"format": "jp2"}, "unsupported_format"),
        ("image-convert", {"background": "sky-ish"}, "unsupported_background"),
        ("image-compress", {"format": "tiff"}, "unsupported_format"),
        ("image-social", {"width": 100, "height": 100, "format": "gif"}, "unsupported_format"),
        ("image-social", {"width": 100, "height": 100, "fit": "stretch"}, "unsupported_fit"),
    ],
)
async def test_what_is_not_known_is_refused(route: str, inputs: dict[str, str], code: str) -> None:
    assert await refused(route, {"image": PHOTO}, **inputs) == code


@pytest.mark.parametrize("fit", ["crop", "center", "blur", "pad"])
@pytest.mark.parametrize("size", [STORY, COVER])
async def test_every_fit_has_exactly_the_platforms_size(size: tuple[int, int], fit: str) -> None:
    posted = await make("image-social", {"image": PHOTO}, width=size[0], height=size[1], fit=fit, max_bytes=200_000)
    assert (posted.media_type, (posted.width, posted.height)) == ("image/jpeg", size)
    assert len(posted.content) <= 200_000


async def test_a_crop_keeps_what_there_is_to_see() -> None:
    """A lonely figure far to the right of an even field is within the square."""
    image = Image.new("RGB", (600, 200), (90, 120, 150))
    ImageDraw.Draw(image).rectangle((500, 60, 560, 160), fill=(240, 200, 40))
    square = pixels(await make("image-social", {"image": png(image)}, width=1080, height=1080))
    yellow = (square[..., 0] > 200) & (square[..., 2] < 100)
    assert yellow.mean() > 0.12
    assert not yellow[:, -1].any()


async def test_padding_shows_everything_on_the_colour_and_blur_on_the_picture_itself() -> None:
    image = Image.new("RGB", (400, 100), (200, 30, 30))
    padded = pixels(await make("image-social", {"image": png(image)}, **SQUARE, fit="pad"))
    assert padded[10, 540].tolist() == pytest.approx([255, 255, 255], abs=3)
    assert padded[540, 540].tolist() == pytest.approx([200, 30, 30], abs=6)
    blurred = pixels(await make("image-social", {"image": png(image)}, **SQUARE, fit="blur"))
    assert blurred[10, 540, 0] < 170
    assert blurred[10, 540, 1] < 60


async def test_a_noisy_picture_is_encoded_harder_until_the_platform_takes_it() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (1440, 2560, 3), dtype=np.uint8))
    banner = {"width": 2560, "height": 1440, "max_bytes": 2_000_000}
    posted = await make("image-social", {"image": image_media(noise, "JPEG")}, **banner)
    assert len(posted.content) <= 2_000_000
    assert (posted.width, posted.height) == (2560, 1440)
    assert shown(posted).format == "JPEG"
