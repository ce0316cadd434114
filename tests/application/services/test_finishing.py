"""Pictures are finished by services that ask the one entry: many platforms at once, many files at once."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from application.studios.finishing import FinishedFile
from application.studios.resize import printed_pixels
from application.studios.social import SocialFormat
from domain.errors import InvalidInput, OperationFailed, OperationRefused
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound, studio_on
from tests.workshop.work import scene

PHOTO = scene(400, 300)
ACCOUNT: dict[str, Any] = {"account": "acme"}


def saved(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def opened(file: FinishedFile) -> Image.Image:
    assert file.operation is not None
    image = Image.open(io.BytesIO(file.operation.outputs[0].content))
    image.load()
    return image


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


# Social


async def test_one_picture_becomes_one_of_each_format_in_one_batch(studio: Studio) -> None:
    wanted = ["instagram-story", "x-header", "youtube-thumbnail"]
    done = await studio.services.social(saved(PHOTO), platforms=wanted, **ACCOUNT)
    assert [one.name for one in done.files] == wanted
    assert [opened(one).size for one in done.files] == [(1080, 1920), (1500, 500), (1280, 720)]
    [result] = done.results
    assert [one.operation for one in result.operations] == [f"{result.operation}.{place}" for place in (1, 2, 3)]
    assert await is_sound(studio)


async def test_a_platform_stands_for_all_its_formats_and_every_format_is_made(studio: Studio) -> None:
    every = studio.services.social.formats()
    platforms = sorted({one.platform for one in every})
    done = await studio.services.social(saved(PHOTO), platforms=platforms, **ACCOUNT)
    assert {one.name: "x".join(map(str, opened(one).size)) for one in done.files} == {one.id: one.size for one in every}
    for one, wanted in zip(done.files, every, strict=True):
        assert one.after is not None
        assert one.after <= wanted.max_bytes
        assert opened(one).format == wanted.types[0].upper()


async def test_guides_are_copies_beside_the_pictures(studio: Studio) -> None:
    done = await studio.services.social(saved(PHOTO), platforms="instagram-story", guides=True, **ACCOUNT)
    assert [one.name for one in done.files] == ["instagram-story", "instagram-story-guides"]
    plain, guided = map(opened, (done.files[0], done.files[1]))
    assert plain.getpixel((540, 960)) == pytest.approx(guided.getpixel((540, 960)), abs=12)
    assert plain.getpixel((540, 30)) != pytest.approx(guided.getpixel((540, 30)), abs=12)


@pytest.mark.parametrize("focus", [{"x": 1, "y": "0.5"}, "1,0.5"])
async def test_the_point_that_is_named_is_kept(studio: Studio, focus: object) -> None:
    image = Image.new("RGB", (600, 200), "gray")
    image.paste("red", (560, 0, 600, 200))
    done = await studio.services.social(saved(image), platforms="instagram-square", focus=focus, **ACCOUNT)
    red, green, _ = opened(done.files[0]).convert("RGB").getpixel((1070, 500))  # type: ignore[misc]
    assert (red > 200, green < 60) == (True, True)


async def test_a_set_that_is_more_than_is_left_is_refused_whole(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "other", 2)
    wanted = {"platforms": ["x-post", "x-card", "x-header"], **ACCOUNT}
    assert (await studio.services.social.estimate(saved(PHOTO), **wanted)).parts[0].estimate.refused == "limit"
    with pytest.raises(OperationRefused):
        await studio.services.social(saved(PHOTO), **wanted)
    assert count(facts_of(studio, "acme"), Charged) == 0


# Smaller, other formats


@pytest.mark.parametrize(
    ("preset", "kind"),
    [("web", "WEBP"), ("email", "JPEG"), ("social", "JPEG"), ("maximum", "WEBP"), ("high_quality", "PNG")],
)
async def test_a_preset_makes_it_smaller_and_tells_by_how_much(studio: Studio, preset: str, kind: str) -> None:
    source = saved(PHOTO, compress_level=0)
    [file] = (await studio.services.compress(source, preset=preset, **ACCOUNT)).files
    assert opened(file).format == kind
    assert (file.before, file.after) == (len(source), len(file.operation.outputs[0].content))  # type: ignore[union-attr]
    assert file.after < file.before  # type: ignore[operator]
    if preset == "high_quality":
        assert opened(file).convert("RGB").tobytes() == PHOTO.tobytes()


async def test_a_letter_has_at_most_200_thousand_bytes(studio: Studio) -> None:
    noisy = Image.effect_noise((1200, 900), 90).convert("RGB")
    [file] = (await studio.services.compress(saved(noisy), preset="email", **ACCOUNT)).files
    assert file.after is not None
    assert file.after <= 200_000
    [less] = (await studio.services.compress(saved(noisy), preset="email", target_kb=50, **ACCOUNT)).files
    assert less.after is not None
    assert less.after <= 50_000


async def test_many_files_are_done_and_what_is_in_the_way_of_one_is_told_beside_the_rest(
    studio: Studio, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{name}.png" for name in ("a", "b", "c")]
    for path in paths:
        PHOTO.save(path)
    paths[1].write_bytes(b"no picture")
    told: list[float] = []
    done = await studio.services.compress(
        *paths, preset="web", key="k", progress=lambda share, _: told.append(share), **ACCOUNT
    )
    assert [(one.name, one.after is not None) for one in done.files] == [
        ("a.png", True),
        ("b.png", False),
        ("c.png", True),
    ]
    assert isinstance(done.files[1].error, InvalidInput)
    assert told[-1] == 1.0
    again = await studio.services.compress(*paths, preset="web", key="k", **ACCOUNT)
    assert [one.repeated for one in again.results] == [True, True]
    assert count(facts_of(studio, "acme"), Charged) == 2


@pytest.mark.parametrize("chosen", ["png", "jpg", "webp", "gif", "bmp", "tif", "avif"])
async def test_a_picture_is_converted_to_what_is_named(studio: Studio, chosen: str) -> None:
    [file] = (await studio.services.convert(saved(PHOTO), format=chosen, **ACCOUNT)).files
    assert opened(file).format == {"jpg": "JPEG", "tif": "TIFF"}.get(chosen, chosen.upper())


async def test_a_file_goes_to_the_format_that_is_advised_for_it(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "photo.TIF"
    PHOTO.save(path, "TIFF")
    done = await studio.services.convert(path, **ACCOUNT)
    assert opened(done.files[0]).format == "PNG"
    assert done.notes[0].startswith("tiff to png: ")
    assert studio.services.convert.advice("jpg").to == ("webp", "png")
    with pytest.raises(InvalidInput, match="no conversion"):
        studio.services.convert.advice("holiday.xcf")


async def test_what_a_format_cannot_show_is_refused_and_nothing_is_charged(studio: Studio) -> None:
    clear = saved(Image.new("RGBA", (20, 20), (0, 0, 0, 0)))
    with pytest.raises(OperationFailed, match="name a background"):
        await studio.services.convert(clear, format="jpg", **ACCOUNT)
    [file] = (await studio.services.convert(clear, format="jpg", background="navy", **ACCOUNT)).files
    assert opened(file).getpixel((5, 5)) == pytest.approx((0, 0, 128), abs=4)
    assert count(facts_of(studio, "acme"), Charged) == 1


# Other sizes, marked


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"size": "200x"}, (200, 150)),
        ({"size": "x60"}, (80, 60)),
        ({"size": "100x100"}, (100, 75)),
        ({"size": "100x100", "mode": "fill"}, (100, 100)),
        ({"percent": "25%"}, (100, 75)),
        ({"print": "1x0.5in", "dpi": 100}, (100, 50)),
        ({"size": "800x", "enlarge": True}, (800, 600)),
    ],
)
async def test_a_picture_is_resized_as_it_is_said(
    studio: Studio, options: dict[str, Any], size: tuple[int, int]
) -> None:
    [file] = (await studio.services.resize(saved(PHOTO), **options, **ACCOUNT)).files
    assert opened(file).size == size
    if "dpi" in options:
        assert [round(float(each)) for each in opened(file).info["dpi"]] == [100, 100]


def test_a_print_has_the_pixels_of_its_size() -> None:
    assert printed_pixels("10x15cm", 300) == printed_pixels("100 x 150 mm", 300) == (1181, 1772)
    assert printed_pixels("4x6in", 300) == (1200, 1800)


async def test_a_picture_is_never_enlarged_in_silence(studio: Studio) -> None:
    with pytest.raises(OperationFailed, match="allow it to enlarge"):
        await studio.services.resize(saved(PHOTO), print="10x15cm", **ACCOUNT)


async def test_a_brand_kit_marks_and_what_is_said_goes_over_it(studio: Studio) -> None:
    plain = saved(Image.new("RGB", (400, 300)))
    [tiled] = (await studio.services.watermark(plain, brand="proof", **ACCOUNT)).files
    assert marked_corners(opened(tiled)) == [True, True, True, True]
    [one] = (await studio.services.watermark(plain, brand="copyright", position="top-left", **ACCOUNT)).files
    assert marked_corners(opened(one)) == [True, False, False, False]
    [logo] = (await studio.services.watermark(plain, logo=saved(Image.new("RGB", (9, 9), "red")), **ACCOUNT)).files
    assert opened(logo).convert("RGB").getpixel((370, 270)) == pytest.approx((153, 0, 0), abs=2)


def marked_corners(image: Image.Image) -> list[bool]:
    """Whether anything bright is in each quarter of a picture that was black."""
    light = np.asarray(image.convert("L"))
    return [bool(part.max() > 40) for half in np.split(light, 2) for part in np.split(half, 2, axis=1)]


# What is wrong


@pytest.mark.parametrize(
    ("service", "options", "field", "hint"),
    [
        ("social", {}, "platforms", "name platforms"),
        ("social", {"platforms": "instagrm"}, "platforms", "did you mean instagram"),
        ("social", {"platforms": ["x-post", 5]}, "platforms", "there are the platforms"),
        ("social", {"platforms": "instagram", "format": "png"}, "format", "choose one of: jpeg"),
        ("social", {"platforms": "x", "fit": "stretch"}, "fit", "crop"),
        ("social", {"platforms": "x", "focus": "2,0"}, "focus", "from 0 to 1"),
        ("social", {"platforms": "x", "focus": "left"}, "focus", "0.5,0.3"),
        ("compress", {"preset": "webb"}, "preset", "did you mean web?"),
        ("compress", {"target_kb": 0}, "target_kb", "1 or more"),
        ("compress", {"quality": 99}, "quality", ""),
        ("compress", {"qualty": 9}, "qualty", "did you mean quality?"),
        ("convert", {}, "format", "name it"),
        ("convert", {"format": "jp2"}, "output_format", "avif"),
        ("convert", {"format": "png", "color_space": "p3"}, "color_space", "display-p3"),
        ("resize", {}, "size", "one of size, percent and print"),
        ("resize", {"size": "2x2", "percent": "5"}, "size and percent", "one of"),
        ("resize", {"size": "large"}, "size", "such as"),
        ("resize", {"print": "10x15"}, "print", "10x15cm"),
        ("watermark", {}, "brand", "one of brand, logo and text"),
        ("watermark", {"brand": "prof"}, "brand", "did you mean proof?"),
        ("watermark", {"text": "x", "position": "middle"}, "position", "center"),
        ("watermark", {"text": "x", "opacity": "2"}, "opacity", ""),
    ],
)
async def test_what_is_wrong_is_told_by_name_and_nothing_is_recorded(
    studio: Studio, service: str, options: dict[str, Any], field: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await getattr(studio.services, service)(saved(PHOTO), **options, **ACCOUNT)
    assert refused.value.field == field
    assert hint in refused.value.hint
    assert count(facts_of(studio, "acme"), Requested) == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"size": "large"}, "size"),
        ({"safe": (60, 0, 60, 0)}, "leaves nothing"),
        ({"types": ("gif",)}, "not jpeg, png or webp"),
        ({"types": ()}, "not jpeg, png or webp"),
    ],
)
def test_a_format_that_cannot_be_is_no_format(changes: dict[str, Any], told: str) -> None:
    usual = {"id": "a", "name": "A", "platform": "a", "size": "100x100", "max_bytes": 1, "types": ("jpeg",)}
    with pytest.raises(ValueError, match=told):
        SocialFormat(**{**usual, "source": "a page", "checked": "2026-11-30", **changes})
