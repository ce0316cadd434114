"""A film is stored or shown otherwise in one pass: what was asked for comes out, and of the rest nothing is lost."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from application.ports import Media
from infrastructure.media import read_media
from tests.infrastructure.films import RATE, Frame, encoded, film, frames_of, sound_of
from tests.workshop.opinions import filmed, pictured, probed, turned
from tests.workshop.test_marks import coloured
from tests.workshop.work import make, psnr, refused

FRAME = 1 / RATE


def media(content: bytes) -> Media:
    return read_media(content, field="video", max_bytes=10**8, max_pixels=10**8)


SOURCE = media(
    filmed(
        "mp4",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x180:r=25:d=2",
        "-f",
        "lavfi",
        "-i",
        "sine=d=2",
        "-pix_fmt",
        "yuv420p",
    )
)
MOV = media(film("mov"))
WEBM = media(film("webm", "libvpx-vp9", "libopus"))


@pytest.mark.parametrize(
    ("wish", "media_type", "codec", "size"),
    [
        ({"format": "webm"}, "video/webm", "vp9", (320, 180)),
        ({"format": "mov"}, "video/quicktime", "h264", (320, 180)),
        ({"codec": "hevc"}, "video/mp4", "hevc", (320, 180)),
        ({"codec": "av1"}, "video/mp4", "av1", (320, 180)),
        ({"format": "webm", "codec": "av1"}, "video/webm", "av1", (320, 180)),
        ({"aspect_ratio": "1:1"}, "video/mp4", "h264", (180, 180)),
        ({"aspect_ratio": "9:16", "fit": "pad"}, "video/mp4", "h264", (320, 568)),
        ({"aspect_ratio": "1:1", "resolution": "240p", "enlarge": True}, "video/mp4", "h264", (240, 240)),
        ({"most_lines": 90}, "video/mp4", "h264", (160, 90)),
        ({"most_lines": 720, "quality": "low"}, "video/mp4", "h264", (320, 180)),
    ],
)
async def test_it_comes_out_as_it_was_asked_for(
    wish: dict[str, Any], media_type: str, codec: str, size: tuple[int, int]
) -> None:
    made = await make("video-transform", {"video": SOURCE}, **wish)
    assert made.media_type == media_type
    told = pictured(made.content)
    assert (told["codec_name"], told["width"], told["height"]) == (codec, *size)
    assert (made.duration_ms or 0) == pytest.approx(2000, abs=60)
    assert len(sound_of(made.content)) / 48_000 == pytest.approx(2, abs=0.06)


MATROSKA = {
    "decoded in another order": (("-c:v", "libx264", "-bf", "2", "-c:a", "aac"), "h264"),
    "without loss": (("-c:v", "ffv1", "-c:a", "flac"), "ffv1"),
    "of VP9": (("-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"), "vp9"),
}


@pytest.mark.parametrize("name", MATROSKA)
async def test_of_a_matroska_film_every_picture_comes_through(name: str) -> None:
    coding, codec = MATROSKA[name]
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1")
    source = media(filmed("mkv", *picture, "-pix_fmt", "yuv420p", *coding))
    assert source.media_type == "video/matroska"
    copied = await make("video-volume", {"video": source}, volume="0.5")
    assert (copied.media_type, pictured(copied.content)["codec_name"]) == ("video/mp4", codec)
    before, after = frames_of(source.content), frames_of(copied.content)
    assert len(before) == len(after) == RATE
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    stored = await make("video-transform", {"video": source}, format="mp4")
    assert (stored.media_type, len(frames_of(stored.content))) == ("video/mp4", RATE)
    assert abs((stored.duration_ms or 0) - 1000) <= 1000 * FRAME


async def test_all_of_it_at_once() -> None:
    made = await make(
        "video-transform",
        {"video": SOURCE},
        format="webm",
        aspect_ratio="4:5",
        fit="blur",
        most_lines=160,
        fps=10,
        speed="2",
        trim="middle",
        max_seconds="1",
        quality="low",
    )
    assert (made.media_type, made.width, made.height) == ("video/webm", 160, 200)
    assert (made.duration_ms or 0) / 1000 == pytest.approx(0.5, abs=0.1)
    assert len(frames_of(made.content)) == pytest.approx(5, abs=1)


async def test_another_container_that_holds_the_pictures_gets_them_bit_by_bit() -> None:
    made = await make("video-transform", {"video": MOV}, format="mp4")
    assert made.media_type == "video/mp4"
    assert all((a == b).all() for a, b in zip(frames_of(made.content), frames_of(MOV.content), strict=True))
    assert (sound_of(made.content) == sound_of(MOV.content)).all()
    back = await make("video-transform", {"video": WEBM}, format="mov")
    assert pictured(back.content)["codec_name"] == "h264"


async def test_a_turned_film_goes_on_its_side_and_is_still_shown_upright() -> None:
    source = media(turned(SOURCE.content, "mov", "-display_rotation", "90"))
    made = await make("video-transform", {"video": source}, format="mp4")
    assert (made.width, made.height) == (180, 320)
    square = await make("video-transform", {"video": source}, aspect_ratio="1:1")
    assert (square.width, square.height) == (180, 180)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({}, "nothing_to_do"),
        ({"format": "mp4"}, "nothing_to_do"),
        ({"format": "avi"}, "unsupported_format"),
        ({"format": "webm", "codec": "h264"}, "unsupported_codec"),
        ({"codec": "vp9"}, "unsupported_codec"),
        ({"format": "mov", "codec": "av1"}, "unsupported_codec"),
        ({"resolution": "1080p"}, "would_enlarge"),
        ({"aspect_ratio": "1:1", "fit": "squeeze"}, "unsupported_fit"),
        ({"format": "gif", "codec": "h264"}, "unsupported_codec"),
        ({"format": "gif", "target_bytes": 20_000}, "unsupported_target_bytes"),
        ({"format": "webp", "speed": "2"}, "unsupported_speed"),
        ({"format": "gif", "fps": 30}, "unsupported_fps"),
        ({"target_bytes": 10_000}, "target_too_small"),
        ({"start": "3", "format": "webm"}, "unsupported_span"),
    ],
)
async def test_what_cannot_be_had_is_refused(wish: dict[str, Any], code: str) -> None:
    assert await refused("video-transform", {"video": SOURCE}, **wish) == code


async def test_ten_bits_are_not_written_as_h264() -> None:
    hdr = media(coloured("HDR10"))
    assert await refused("video-transform", {"video": hdr}, codec="h264") == "unsupported_depth"
    assert pictured((await make("video-transform", {"video": hdr}, codec="av1")).content)["pix_fmt"] == "yuv420p10le"


# Shapes


def one_sided(number: int) -> Frame:
    """Plain, but for a checkered patch on the right."""
    picture = np.full((90, 160, 3), 120, dtype=np.uint8)
    checks = (np.indices((40, 30)).sum(axis=0) // 4 % 2 * 255).astype(np.uint8)
    picture[25:65, 120:150] = checks[..., None]
    return picture


@pytest.mark.parametrize(
    ("wish", "there"),
    [
        ({"fit": "crop"}, True),
        ({"fit": "center"}, False),
        ({"fit": "crop", "focus_x": "0.1"}, False),
        ({"fit": "crop", "focus_x": "0.9"}, True),
    ],
)
async def test_a_film_is_cut_about_what_there_is_to_see_or_about_a_point(wish: dict[str, Any], there: bool) -> None:
    source = media(film(picture=one_sided, seconds=0.4))
    made = await make("video-transform", {"video": source}, aspect_ratio="9:16", **wish)
    assert bool(frames_of(made.content)[0].std() > 40) == there


async def test_bars_have_the_colour_that_was_asked_for() -> None:
    made = await make("video-transform", {"video": SOURCE}, aspect_ratio="1:1", fit="pad", background="#2060c0")
    assert frames_of(made.content)[0][:40].mean(axis=(0, 1)) == pytest.approx((32, 96, 192), abs=12)


# Pictures that move


@pytest.mark.parametrize("kind", ["gif", "webp", "avif"])
async def test_a_span_becomes_a_picture_that_moves(kind: str) -> None:
    made = await make(
        "video-transform", {"video": SOURCE}, format=kind, start="0.4", max_seconds="1", fps=10, most_lines=90
    )
    assert (made.media_type, made.width, made.height, made.duration_ms) == (f"image/{kind}", 160, 90, 1_000)
    image = Image.open(io.BytesIO(made.content))
    assert (image.n_frames, image.info.get("loop", 0)) == (10, 0)  # type: ignore[attr-defined]
    frames = frames_of(SOURCE.content)
    for number in (0, 5, 9):
        image.seek(number)
        wanted = Image.fromarray(frames[round((0.4 + number / 10) * RATE)]).resize((160, 90), Image.Resampling.LANCZOS)
        assert psnr(image.convert("RGB"), wanted) > 18


async def test_better_quality_takes_more_bytes() -> None:
    sizes = [
        len((await make("video-transform", {"video": SOURCE}, format=kind, quality=quality)).content)
        for kind in ("webp", "avif")
        for quality in ("low", "high")
    ]
    assert sizes[0] < sizes[1]
    assert sizes[2] < sizes[3]


async def test_a_picture_that_moves_for_too_long_is_refused() -> None:
    long = media(film(seconds=21, picture=lambda number: np.full((32, 32, 3), number % 256, np.uint8), audio=""))
    assert await refused("video-transform", {"video": long}, format="gif") == "too_long"
    made = await make("video-transform", {"video": long}, format="gif", max_seconds="2", fps=2)
    assert made.duration_ms == 2_000


@pytest.mark.parametrize("colours", ["HDR10", "HLG", "BT.709"])
async def test_light_brighter_than_paper_keeps_its_hue_in_eight_bits(colours: str) -> None:
    made = await make("video-transform", {"video": media(coloured(colours))}, format="gif", fps=5)
    image = np.asarray(Image.open(io.BytesIO(made.content)).convert("RGB")).astype(int)
    height, width = image.shape[:2]
    red, green = image[height // 4, width // 4], image[height // 4, width * 3 // 4]
    blue, grey = image[height * 3 // 4, width // 4], image[height * 3 // 4, width * 3 // 4]
    assert red.argmax() == 0
    assert green.argmax() == 1
    assert blue.argmax() == 2
    assert np.ptp(grey) < 24


# Bytes


def grainy(number: int) -> Frame:
    return np.random.default_rng(number).integers(0, 255, (96, 128, 3), dtype=np.uint8)


@pytest.mark.parametrize("wish", [{}, {"format": "webm"}, {"codec": "hevc"}, {"aspect_ratio": "1:1"}, {"speed": "2"}])
async def test_a_number_of_bytes_is_never_passed(wish: dict[str, Any]) -> None:
    made = await make(
        "video-transform",
        {"video": media(encoded("mp4", "libx264", [grainy(n) for n in range(50)]))},
        target_bytes=90_000,
        **wish,
    )
    assert 30_000 < len(made.content) <= 90_000


async def test_room_that_is_not_needed_is_not_filled() -> None:
    made = await make("video-transform", {"video": SOURCE}, target_bytes=40_000_000)
    assert len(made.content) < 400_000
    assert probed(made.content)["format"]["nb_streams"] == 2
