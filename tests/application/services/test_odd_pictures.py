"""Pictures of odd kinds go through services as they are shown, or are refused by one clear error and cost nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from domain.errors import InvalidInput, OperationFailed
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound, studio_on

ASKED: dict[str, Any] = {"account": "acme", "allow": "stand-in"}


def written(picture: Image.Image, form: str, **options: Any) -> bytes:
    stream = BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def ground(mode: str = "RGB", size: tuple[int, int] = (120, 80)) -> Image.Image:
    """Something to see: a ramp with an edge."""
    ramp = Image.linear_gradient("L").resize(size)
    ramp.paste(255, (0, 0, size[0] // 3 or 1, size[1]))
    return (
        ramp.convert("RGB").convert(mode)
        if mode != "I;16"
        else ramp.convert("I").point(lambda v: v * 256).convert("I;16")
    )


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return written(ground(), "JPEG", exif=exif)


ODD: dict[str, tuple[Callable[[], bytes], tuple[int, int]]] = {
    "turned": (turned, (80, 120)),
    "inks": (lambda: written(ground("CMYK"), "JPEG"), (120, 80)),
    "palette": (lambda: written(ground("P"), "PNG"), (120, 80)),
    "grey": (lambda: written(ground("L"), "PNG"), (120, 80)),
    "transparent": (lambda: written(ground("RGBA"), "WEBP"), (120, 80)),
    "a dot": (lambda: written(ground(size=(1, 1)), "PNG"), (1, 1)),
    "very wide": (lambda: written(ground(size=(2000, 3)), "PNG"), (2000, 3)),
    "avif": (lambda: written(ground(), "AVIF"), (120, 80)),
}


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_picture_is_edited_enlarged_and_compared_as_it_is_shown(studio: Studio, name: str) -> None:
    make, (wide, high) = ODD[name]
    edited = await studio.services.edit(make(), prompt="sepia", **ASKED)
    larger = await studio.services.upscale(make(), factor=2, model="local-upscale", **ASKED)
    compared = await studio.services.compare(({"prompt": "sepia"}, {"prompt": "invert"}), image=make(), **ASKED)
    sizes = [(one.asset.width, one.asset.height) for served in (edited, larger) for one in served.result.assets]
    assert sizes == [(wide, high), (2 * wide, 2 * high)]
    with Image.open(BytesIO(await studio.services.compare.sheet(compared))) as sheet:
        assert sheet.width > sheet.height
    assert await is_sound(studio)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "empty"), (b"<html>404</html>", ""), (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, ""), (turned()[:300], "")],
    ids=["nothing", "a page", "a broken head", "cut off"],
)
async def test_what_is_no_picture_is_told_before_anything_is_recorded(
    studio: Studio, content: bytes, told: str
) -> None:
    for ask in (studio.services.edit, studio.services.upscale, studio.services.background):
        with pytest.raises(InvalidInput) as refused:
            await ask(content, **ASKED)
        assert refused.value.field == "image"
        assert told in refused.value.message
    assert count(facts_of(studio, "acme"), Requested) == 0


async def test_what_would_lose_its_depth_is_refused_and_costs_nothing(studio: Studio) -> None:
    deep = written(ground("I;16"), "PNG")
    with pytest.raises(OperationFailed, match="16 bits a channel"):
        await studio.services.edit(deep, prompt="sepia", **ASKED)
    with pytest.raises(OperationFailed, match="16 bits a channel"):
        await studio.services.upscale(deep, model="local-upscale", **ASKED)
    assert count(facts_of(studio, "acme"), Charged) == 0


async def test_a_picture_without_a_face_is_refused_and_nothing_is_charged(studio: Studio) -> None:
    with pytest.raises(OperationFailed, match="face"):
        await studio.services.face_swap(turned(), turned(), **ASKED)
    assert count(facts_of(studio, "acme"), Charged) == 0
