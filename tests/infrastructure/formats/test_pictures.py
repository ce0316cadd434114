"""Pictures are as large as they are shown, and last as long as they move."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image

from application.ports import Media
from domain.inputs import FileInfo, Input, InputType, check_files
from infrastructure.media import read_media
from tests.infrastructure.test_media import picture


def moving(image_format: str, frames: int, **options: Any) -> Media:
    stream = io.BytesIO()
    images = [picture(40, 20).rotate(180 * number).convert("P") for number in range(frames)]
    images[0].save(stream, image_format, save_all=True, append_images=images[1:], duration=70, **options)
    return read_media(stream.getvalue(), field="image", max_bytes=10**6, max_pixels=10**6)


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("frames", [2, 3])
def test_an_animation_lasts_as_long_as_its_frames(image_format: str, frames: int) -> None:
    assert moving(image_format, frames).duration_ms == frames * 70


def test_what_a_png_shows_where_it_cannot_run_is_no_frame_of_it() -> None:
    assert moving("PNG", 3, default_image=True).duration_ms == 2 * 70
    assert moving("PNG", 2, default_image=True).duration_ms is None


def test_a_limit_on_shape_is_one_on_what_is_shown() -> None:
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    picture(40, 20).save(stream, "JPEG", exif=exif)
    media = read_media(stream.getvalue(), field="image", max_bytes=10**6, max_pixels=10**6)
    facts = FileInfo(media.media_type, len(media.content), media.width, media.height)
    tall = Input(
        name="image", type=InputType.IMAGE, media_types=("image/jpeg",), max_side=40, max_aspect=Decimal("0.5")
    )
    check_files(tall, [facts])
    assert (facts.width, facts.height) == (20, 40)
