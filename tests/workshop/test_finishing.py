"""Pictures are converted, resized, marked and fitted to platforms exactly as asked, or refused with the reason."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from application.ports import Media
from tests.workshop.test_keeping import animated, deep, frame, lengths, read, seen, telling, written
from tests.workshop.work import make, pixels, png, psnr, refused, scene, shown

PHOTO = scene(320, 240)
FORMATS = ["png", "jpeg", "webp", "gif", "bmp", "tiff", "avif"]
OPAQUE = ["jpeg", "bmp"]
COMMON = {"format": "png"}


def clear(soft: bool = False) -> Image.Image:
    image = Image.new("RGBA", (64, 48), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((8, 4, 56, 44), fill=(200, 30, 30, 128 if soft else 255))
    return image


# Converted


@pytest.mark.parametrize("chosen", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (320, 240), (3000, 2), (2, 3000)])
async def test_a_picture_of_any_shape_is_written_in_every_format(chosen: str, size: tuple[int, int]) -> None:
    source = scene(*size) if min(size) > 2 else PHOTO.resize(size)
    made = await make("image-convert", {"image": png(source)}, format=chosen)
    assert (made.media_type, made.width, made.height) == (f"image/{chosen}", *size)
    assert psnr(pixels(made), np.asarray(source)) > (28 if chosen == "gif" else 33)
    if chosen in ("png", "bmp", "tiff"):
        assert (pixels(made) == np.asarray(source)).all()


@pytest.mark.parametrize("chosen", FORMATS)
async def test_what_is_transparent_stays_or_is_refused_or_lies_on_a_named_ground(chosen: str) -> None:
    source = png(clear())
    ground = await make("image-convert", {"image": source}, format=chosen, background="#00ff00")
    assert pixels(ground)[0, 0].tolist() == pytest.approx([0, 255, 0], abs=6)
    assert not shown(ground).has_transparency_data
    if chosen in OPAQUE:
        assert await refused("image-convert", {"image": source}, format=chosen) == "transparent"
        return
    kept = pixels(await make("image-convert", {"image": source}, format=chosen), "RGBA")
    assert kept[0, 0, 3] == 0
    assert kept[24, 32].tolist() == pytest.approx([200, 30, 30, 255], abs=8)


async def test_half_transparent_is_more_than_a_gif_can_be() -> None:
    source = {"image": png(clear(soft=True))}
    assert await refused("image-convert", source, format="gif") == "transparent"
    made = await make("image-convert", source, format="gif", background="white")
    assert pixels(made)[24, 32].tolist() == pytest.approx([228, 142, 142], abs=6)
    for chosen in ("png", "webp", "tiff", "avif"):
        assert abs(pixels(await make("image-convert", source, format=chosen), "RGBA")[24, 32, 3] - 128) <= 2


@pytest.mark.parametrize("chosen", ["gif", "png", "webp", "avif"])
@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
async def test_an_animation_becomes_another_animation(kind: str, chosen: str) -> None:
    source = animated(kind)
    made = await make("image-convert", {"image": source}, format=chosen)
    assert made.media_type == f"image/{chosen}"
    assert lengths(made) == lengths(source)
    for number in range(5):
        assert psnr(frame(made, number), frame(source, number)) > 24


async def test_a_gif_that_moves_and_is_clear_stays_clear_in_every_frame() -> None:
    frames = [clear(), clear().transpose(Image.Transpose.ROTATE_180), clear().rotate(20)]
    source = written(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=[33, 33, 34])
    made = await make("image-convert", {"image": source}, format="gif")
    image = Image.open(io.BytesIO(made.content))
    for number, wanted in enumerate(frames):
        image.seek(number)
        assert np.abs(np.asarray(image.convert("RGBA")).astype(int)[..., 3] - np.asarray(wanted)[..., 3]).max() == 0
    assert made.duration_ms == 100


async def test_an_animation_is_no_page_and_runs_no_number_of_times_as_avif() -> None:
    for chosen in ("jpeg", "bmp", "tiff"):
        assert await refused("image-convert", {"image": animated("GIF")}, format=chosen) == "animation"
    assert await refused("image-convert", {"image": animated("GIF", None)}, format="avif") == "unsupported_repeats"


@pytest.mark.parametrize("space", ["display-p3", "adobe-rgb"])
@pytest.mark.parametrize("chosen", ["png", "jpeg", "webp", "tiff", "avif"])
async def test_another_colour_space_looks_the_same_by_other_numbers(chosen: str, space: str) -> None:
    made = await make("image-convert", {"image": png(PHOTO)}, format=chosen, color_space=space, quality=95)
    assert psnr(seen(made)[..., :3], np.asarray(PHOTO)) > 34
    profile = ImageCms.ImageCmsProfile(io.BytesIO(shown(made).info["icc_profile"]))
    assert ("P3" if space == "display-p3" else "Adobe RGB") in ImageCms.getProfileDescription(profile)
    back = await make("image-convert", {"image": read(made.content)}, format="png", color_space="srgb")
    assert "icc_profile" not in shown(back).info
    assert psnr(pixels(back), np.asarray(PHOTO)) > 34


async def test_a_colour_in_a_wide_space_has_the_numbers_that_the_space_is_published_with() -> None:
    """The green of sRGB is (117, 251, 76) in Display P3 and (144, 255, 60) in Adobe RGB (1998)."""
    source = png(Image.new("RGB", (8, 8), (0, 255, 0)))
    for space, numbers in (("display-p3", [117, 251, 76]), ("adobe-rgb", [144, 255, 60])):
        made = await make("image-convert", {"image": source}, format="png", color_space=space)
        assert np.abs(pixels(made)[4, 4] - numbers).max() <= 1
    for chosen in ("gif", "bmp"):
        code = await refused("image-convert", {"image": source}, format=chosen, color_space="adobe-rgb")
        assert code == "unsupported_color_space"


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("chosen", ["png", "tiff"])
async def test_sixteen_bits_go_from_png_to_tiff_and_back_to_the_last_bit(channels: int, chosen: str) -> None:
    source = deep(channels)
    tiff = await make("image-convert", {"image": source}, format="tiff")
    again = await make("image-convert", {"image": read(tiff.content)}, format=chosen)
    before, after = (np.asarray(cv2.imdecode(np.frombuffer(one.content, np.uint8), -1)) for one in (source, again))
    assert before.dtype == after.dtype == np.uint16
    assert np.array_equal(before, after)
    assert await refused("image-convert", {"image": tiff}, format="avif") == "too_deep"
    assert await refused("image-convert", {"image": tiff}, format="png", color_space="adobe-rgb") == "too_deep"
    assert (await make("image-convert", {"image": tiff}, format="avif", depth="8")).media_type == "image/avif"


async def test_several_pages_are_not_one_picture() -> None:
    pages = written(PHOTO, "TIFF", save_all=True, append_images=[PHOTO])
    for route, wish in (("image-convert", {"format": "png"}), ("image-compress", {}), ("image-resize", {"width": 9})):
        assert await refused(route, {"image": pages}, **wish) == "pages"


@pytest.mark.parametrize("chosen", ["png", "jpeg", "webp", "tiff", "avif"])
async def test_what_the_camera_told_is_kept_where_it_is_asked_for_and_upright(chosen: str) -> None:
    source = telling("JPEG")
    made = await make("image-convert", {"image": source}, format=chosen, metadata="keep")
    exif = Image.open(io.BytesIO(made.content)).getexif()
    assert exif[0x010F] == "Fieldcam 9"
    assert exif.get_ifd(0x8769)[0xA431] == "SN-0042-7781"
    assert exif.get_ifd(0x8825)[29] == "2026:11:29"
    assert exif.get(0x0112, 1) == 1
    bare = await make("image-convert", {"image": source}, format=chosen)
    assert b"Fieldcam" not in bare.content


async def test_a_compressed_picture_keeps_what_it_is_told_to() -> None:
    source = telling("JPEG")
    assert b"Fieldcam" in (await make("image-compress", {"image": source}, metadata="keep")).content
    assert b"Fieldcam" in (await make("image-compress", {"image": source}, metadata="keep", format="avif")).content
    assert await refused("image-convert", {"image": source}, format="gif", metadata="keep") == "unsupported_metadata"


async def test_a_jpeg_is_progressive_unless_it_is_not_to_be() -> None:
    for route in ("image-convert", "image-compress"):
        for wish in (True, False):
            made = await make(route, {"image": png(PHOTO)}, format="jpeg", progressive=wish)
            assert bool(shown(made).info.get("progressive")) == wish


# Resized


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({"width": 160}, (160, 120)),
        ({"height": 60}, (80, 60)),
        ({"width": 100, "height": 100}, (100, 75)),
        ({"mode": "fill", "width": 100, "height": 100}, (100, 100)),
        ({"mode": "exact", "width": 100, "height": 30}, (100, 30)),
        ({"mode": "percent", "percent": "12.5"}, (40, 30)),
        ({"mode": "percent", "percent": "200", "enlarge": True}, (640, 480)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "AVIF"])
async def test_a_picture_gets_the_size_that_was_asked_for(
    wish: dict[str, Any], size: tuple[int, int], kind: str
) -> None:
    made = await make("image-resize", {"image": written(PHOTO, kind)}, **wish)
    assert (made.media_type, (made.width, made.height)) == (f"image/{kind.lower()}", size)
    if wish.get("mode") not in ("fill", "percent"):
        assert psnr(pixels(made), np.asarray(PHOTO.resize(size, Image.Resampling.LANCZOS))) > 30


async def test_nothing_is_enlarged_unless_that_is_allowed() -> None:
    for wish in ({"width": 321}, {"mode": "exact", "width": 10, "height": 241}, {"mode": "percent", "percent": "101"}):
        assert await refused("image-resize", {"image": png(PHOTO)}, **wish) == "would_enlarge"
    assert await refused("image-resize", {"image": png(PHOTO)}) == "missing_size"
    assert await refused("image-resize", {"image": png(PHOTO)}, mode="fill", width=10) == "missing_size"


async def test_an_animation_is_resized_frame_by_frame() -> None:
    made = await make("image-resize", {"image": animated("GIF")}, mode="fill", width=20, height=20)
    assert (made.media_type, made.width, made.height) == ("image/gif", 20, 20)
    assert lengths(made) == [40, 120, 80, 200, 60]


async def test_how_large_it_prints_stands_in_the_file() -> None:
    for chosen in ("png", "jpeg", "tiff", "bmp"):
        made = await make("image-resize", {"image": png(PHOTO)}, width=100, dpi=300, format=chosen)
        assert [round(float(dpi)) for dpi in shown(made).info["dpi"]] == [300, 300]
    assert await refused("image-resize", {"image": png(PHOTO)}, width=9, dpi=300, format="webp") == "unsupported_dpi"


async def test_a_filled_frame_keeps_the_point_that_is_named() -> None:
    image = Image.new("RGB", (400, 100), "gray")
    image.paste("red", (380, 0, 400, 100))
    wish = {"mode": "fill", "width": 50, "height": 50, "format": "png"}
    right = pixels(await make("image-resize", {"image": png(image)}, focus_x="1", **wish))
    left = pixels(await make("image-resize", {"image": png(image)}, focus_x="0", **wish))
    assert right[25, -2].tolist() == [255, 0, 0]
    assert left[25, -2].tolist() == [128, 128, 128]


# Marked


def logo() -> Media:
    image = Image.new("RGBA", (60, 20), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 59, 19), fill=(0, 0, 255, 255))
    return png(image)


@pytest.mark.parametrize(
    ("position", "x", "y"), [("top-left", 30, 20), ("center", 160, 120), ("bottom-right", 290, 220)]
)
async def test_a_logo_lies_where_it_is_asked_for_and_is_as_strong(position: str, x: int, y: int) -> None:
    plain = Image.new("RGB", (320, 240), (255, 255, 255))
    wish = {"position": position, "opacity": "0.5", "size": "20", "margin": "4"}
    made = pixels(await make("image-watermark", {"image": png(plain), "mark": logo()}, **wish))
    assert made[y, x].tolist() == pytest.approx([128, 128, 255], abs=2)
    blue = (made[..., 0] < 200).nonzero()
    assert blue[1].max() - blue[1].min() + 1 == 64
    assert min(blue[0].min(), 239 - blue[0].max(), blue[1].min(), 319 - blue[1].max()) >= 9


async def test_a_mark_is_laid_all_over() -> None:
    plain = png(Image.new("RGB", (320, 240), "white"))
    made = pixels(await make("image-watermark", {"image": plain, "mark": logo()}, tiled=True, size="10", angle=30))
    for rows in np.split(made, 4):
        for part in np.split(rows, 4, axis=1):
            assert 0.05 < (part[..., 0] < 250).mean() < 0.9


async def test_a_text_is_written_or_refused_for_its_letters() -> None:
    made = pixels(await make("image-watermark", {"image": png(Image.new("RGB", (320, 240)))}, text="Zoë 2026"))
    assert made[200:, 200:].max() > 120
    assert made[:100].max() == 0
    assert await refused("image-watermark", {"image": png(PHOTO)}, text="漢字") == "unsupported_text"
    assert await refused("image-watermark", {"image": png(PHOTO)}) == "missing_mark"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_a_marked_picture_stays_as_transparent_as_it_was_elsewhere(kind: str) -> None:
    made = await make("image-watermark", {"image": written(clear(), kind), "mark": logo()}, size="30", opacity="1")
    assert pixels(made, "RGBA")[2, 2, 3] == 0
    assert pixels(made, "RGBA")[42, 55].tolist() == pytest.approx([0, 0, 255, 255], abs=8)


async def test_every_frame_of_an_animation_is_marked() -> None:
    made = await make("image-watermark", {"image": animated("GIF"), "mark": logo()}, opacity="1", size="50", margin="0")
    for number in range(5):
        assert np.asarray(frame(made, number))[38, 45].tolist() == pytest.approx([0, 0, 255], abs=12)


# For platforms


async def test_a_crop_keeps_the_point_that_is_named() -> None:
    image = Image.new("RGB", (600, 200), "gray")
    image.paste("red", (0, 0, 40, 200))
    image.paste("blue", (560, 0, 600, 200))
    wish = {"width": 200, "height": 200}
    for focus, inside in (("0", [254, 0, 0]), ("1", [0, 0, 254])):
        made = pixels(await make("image-social", {"image": png(image)}, focus_x=focus, focus_y="0.5", **wish))
        assert np.abs(made[100, 5 if focus == "0" else -5] - inside).max() < 8
    middle = pixels(await make("image-social", {"image": png(image)}, fit="center", **wish))
    assert np.abs(middle - 128).max() < 8


@pytest.mark.parametrize("chosen", ["jpeg", "png", "webp"])
async def test_the_bytes_that_a_platform_takes_are_held_at_its_pixels_or_it_is_refused(chosen: str) -> None:
    wish = {"width": 640, "height": 480, "format": chosen}
    best = await make("image-social", {"image": png(scene(700, 500))}, **wish)
    most = len(best.content) * 2 // 3
    less = await make("image-social", {"image": png(scene(700, 500))}, **wish, max_bytes=most)
    assert (less.width, less.height) == (640, 480)
    assert len(less.content) <= most
    code = await refused("image-social", {"image": png(scene(700, 500))}, **wish, max_bytes=1_000)
    assert code == "target_too_small"


async def test_guides_show_what_the_platform_lays_over_the_picture() -> None:
    wish = {"width": 300, "height": 400, "format": "png"}
    margins = {"safe_top": 50, "safe_bottom": 100, "safe_left": 20, "safe_right": 30}
    plain = pixels(await make("image-social", {"image": png(PHOTO)}, **wish))
    guided = pixels(await make("image-social", {"image": png(PHOTO)}, **wish, **margins, guides=True))
    assert (guided[56:294, 26:264] == plain[56:294, 26:264]).all()
    assert (guided[:48] != plain[:48]).any(axis=2).mean() > 0.9
    assert guided[51, 150].tolist() == [255, 255, 255]
    gone = {"safe_top": 200, "safe_bottom": 200}
    assert await refused("image-social", {"image": png(PHOTO)}, **wish, **gone, guides=True) == "unsupported_guides"
