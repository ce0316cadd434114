"""Previews: whatever a picture, a film or a model is, a small picture of it as it is shown."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from application.ports import Media, ProviderRefused
from domain.errors import InvalidInput
from imagestudio_workshop.provider import LocalProvider
from infrastructure.media import read_media
from tests.corpus.films import movies, shapes_and_colours, webms
from tests.corpus.pictures import heics, painted, pictures
from tests.infrastructure.films import Frame, film
from tests.workshop.opinions import turned
from tests.workshop.solids import box

SIDE = 32


@pytest.fixture
async def local() -> AsyncIterator[LocalProvider]:
    with ThreadPoolExecutor(1) as pool:
        yield LocalProvider(pool)


def read(content: bytes) -> Media:
    return read_media(content, field="image", max_bytes=10**8, max_pixels=10**8, media_types=("text/plain",))


def seen(made: Media) -> Image.Image:
    assert made.media_type == "image/webp"
    with Image.open(io.BytesIO(made.content)) as image:
        assert (image.size, image.format) == ((made.width, made.height), "WEBP")
        assert not {"exif", "icc_profile", "xmp"} & image.info.keys()
        return image.convert("RGBA")


async def test_every_kind_of_picture_has_one_in_its_shape(local: LocalProvider, tmp_path: Path) -> None:
    """Modes, depths, orientations, frames, pages: the gradient is where it is shown."""
    for file in pictures(tmp_path):
        media = read(file.read_bytes())
        image = seen(await local.preview(media, SIDE))
        assert media.width is not None
        assert media.height is not None
        assert max(image.size) == SIDE, file.name
        assert image.width / image.height == pytest.approx(media.width / media.height, rel=0.1), file.name


@pytest.mark.parametrize("make", [heics, movies, shapes_and_colours, webms])
async def test_whatever_the_corpus_has_is_seen_in_its_shape(
    local: LocalProvider, tmp_path: Path, make: Callable[[Path], Iterator[Path]]
) -> None:
    """Photos of telephones, films of many codecs, turned and stretched, with colours that eight bits cannot show."""
    seen_ones = 0
    for file in make(tmp_path):
        with suppress(InvalidInput):
            media = read(file.read_bytes())
            if media.width is None or media.height is None:
                continue
            image = seen(await local.preview(media, SIDE))
            assert image.width / image.height == pytest.approx(media.width / media.height, rel=0.15), file.name
            seen_ones += 1
    assert seen_ones > 10


@pytest.mark.parametrize("mode", ["L", "I;16", "RGB", "RGBA"])
async def test_a_picture_looks_as_the_whole_does_also_of_sixteen_bits(local: LocalProvider, mode: str) -> None:
    plain, stream = painted("L"), io.BytesIO()
    deep = Image.fromarray(np.asarray(plain).astype(np.uint16) * 257)
    (deep if mode == "I;16" else plain.convert(mode)).save(stream, "PNG")
    image = np.asarray(seen(await local.preview(read(stream.getvalue()), SIDE)).convert("L"), dtype=np.int64)
    assert (image[-1].mean() - image[0].mean()) > 150
    assert abs(int(image.mean()) - int(np.asarray(plain).mean())) < 12


async def test_a_small_picture_stays_as_it_is_and_one_that_is_very_wide_keeps_a_pixel(local: LocalProvider) -> None:
    for size, wanted in (((1, 1), (1, 1)), ((9, 5), (9, 5)), ((9_000, 2), (SIDE, 1))):
        stream = io.BytesIO()
        Image.new("RGBA", size, (0, 0, 255, 0)).save(stream, "PNG")
        image = seen(await local.preview(read(stream.getvalue()), SIDE))
        assert image.size == wanted
        assert image.getpixel((0, 0))[3] == 0  # type: ignore[index]


def late(number: int) -> Frame:
    """Black for the first tenth of two seconds, then green."""
    frame = np.zeros((96, 128, 3), dtype=np.uint8)
    frame[..., 1] = 200 if number >= 5 else 0
    return frame


async def test_a_film_is_seen_after_its_first_tenth_and_upright(local: LocalProvider) -> None:
    for container, video, audio in (
        ("mp4", "libx264", "aac"),
        ("webm", "libvpx-vp9", "libopus"),
        ("mov", "libx264", ""),
    ):
        image = seen(await local.preview(read(film(container, video, audio, picture=late)), SIDE))
        assert image.size == (SIDE, 24)
        red, green, blue = image.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
        assert green > 150 > max(red, blue), container
    upright = turned(film(), "mp4", "-display_rotation", "90")
    assert seen(await local.preview(read(upright), SIDE)).size == (24, SIDE)


async def test_a_film_whose_index_is_cut_off_is_refused(local: LocalProvider) -> None:
    media = Media(film()[:2_000], "video/mp4")
    with pytest.raises(ProviderRefused, match="film"):
        await local.preview(media, SIDE)


async def test_a_model_is_seen_from_beside_its_front(local: LocalProvider) -> None:
    image = seen(await local.preview(box(), SIDE))
    assert image.size == (SIDE, SIDE)
    red, green, blue = image.convert("RGB").getpixel((SIDE // 2, SIDE // 2))  # type: ignore[misc]
    assert red > 60 > max(green, blue)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(b"words", "text/plain"), (b"ID3", "audio/mpeg"), (b"x", "model/obj"), (b"x", "image/png"), (b"x", "video/webm")],
)
async def test_what_cannot_be_shown_or_read_is_refused(local: LocalProvider, content: bytes, media_type: str) -> None:
    with pytest.raises(ProviderRefused):
        await local.preview(Media(content, media_type), SIDE)
