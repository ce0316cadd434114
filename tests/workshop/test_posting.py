"""A film comes out as a platform takes it, and beside it the picture that stands for it there."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from application.ports import Media
from infrastructure.media import read_media
from tests.corpus.programs import ffmpeg
from tests.infrastructure.films import RATE, Frame, encoded, film, frames_of, tone
from tests.workshop.opinions import filmed, pictured, probed
from tests.workshop.test_channels import surround
from tests.workshop.test_marks import coloured
from tests.workshop.work import make, psnr, refused

SIZE = {"width": 180, "height": 320}


def media(content: bytes) -> Media:
    return read_media(content, field="video", max_bytes=10**8, max_pixels=10**8)


def grey(number: int) -> Frame:
    return np.full((180, 320, 3), 40 + 2 * number, dtype=np.uint8)


STEPS = media(film(picture=grey, seconds=3.0))


def shades(made: Media) -> list[int]:
    return [round((float(frame.mean()) - 40) / 2) for frame in frames_of(made.content)]


@pytest.mark.parametrize("fit", ["crop", "center", "pad", "blur"])
async def test_a_film_has_the_size_of_the_place(fit: str) -> None:
    made = await make("video-social", {"video": STEPS}, **SIZE, fit=fit)
    assert (made.width, made.height) == (180, 320)
    assert (made.duration_ms or 0) == pytest.approx(3000, abs=60)


@pytest.mark.parametrize(("trim", "first"), [("beginning", 0), ("middle", 25), ("end", 50)])
async def test_it_is_no_longer_than_the_place_shows(trim: str, first: int) -> None:
    made = await make("video-social", {"video": STEPS}, **SIZE, fit="crop", max_seconds=1, trim=trim)
    assert (made.duration_ms or 0) == pytest.approx(1000, abs=60)
    assert shades(made)[0] == pytest.approx(first, abs=1)
    whole = await make("video-social", {"video": STEPS}, **SIZE, fit="crop", max_seconds=60, trim=trim)
    assert (whole.duration_ms or 0) == pytest.approx(3000, abs=60)


@pytest.mark.parametrize(("fps", "rate"), [(30, 25), (10, 10)])
async def test_it_has_no_more_frames_a_second_than_the_place_shows_and_no_more_than_it_had(fps: int, rate: int) -> None:
    made = await make("video-social", {"video": STEPS}, **SIZE, fps=fps)
    with av.open(io.BytesIO(made.content), "r") as opened:
        assert float(opened.streams.video[0].average_rate or 0) == pytest.approx(rate, abs=0.2)


async def test_it_is_as_loud_as_was_asked_for_in_two_channels(tmp_path: Path) -> None:
    for wish, wanted in (({}, -14.0), ({"loudness": "-20"}, -20.0)):
        made = await make("video-social", {"video": surround("5.1", 6)}, **SIZE, **wish)
        path, told = tmp_path / "film.mp4", tmp_path / "told"
        path.write_bytes(made.content)
        ffmpeg("-i", str(path), "-af", f"ebur128=metadata=1,ametadata=print:file={told}", "-f", "null", "-")
        *_, last = re.findall(r"r128\.I=(-?[0-9.]+)", told.read_text())
        assert float(last) == pytest.approx(wanted, abs=1)
        (sound,) = (one for one in probed(made.content)["streams"] if one["codec_type"] == "audio")
        assert (sound["codec_name"], sound["channels"]) == ("aac", 2)


@pytest.mark.parametrize(
    "source", [film(audio=""), film(loudness=0.0), film(seconds=0.2)], ids=["none", "silent", "short"]
)
async def test_a_sound_that_cannot_be_measured_stays_as_it_is(source: bytes) -> None:
    made = await make("video-social", {"video": media(source)}, **SIZE)
    assert (made.width, made.height) == (180, 320)


async def test_it_has_no_more_bytes_than_the_place_takes_at_its_full_size() -> None:
    noise = [np.random.default_rng(n).integers(0, 255, (180, 320, 3), dtype=np.uint8) for n in range(50)]
    source = media(encoded("mp4", "libx264", noise, "aac", tone(2)))
    made = await make("video-social", {"video": source}, **SIZE, max_bytes=300_000)
    assert len(made.content) <= 300_000
    assert (made.width, made.height) == (180, 320)
    assert await refused("video-social", {"video": source}, **SIZE, max_bytes=10_000) == "target_too_small"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"fit": "squeeze"}, "unsupported_fit"),
        ({"output": "poster"}, "unsupported_output"),
        ({"output": "thumbnail", "at": "3"}, "unsupported_at"),
        ({"output": "thumbnail", "max_seconds": 1, "at": "2"}, "unsupported_at"),
        ({"output": "guides", "safe_top": 200, "safe_bottom": 200}, "unsupported_guides"),
        ({"trim": "end"}, "missing_max_seconds"),
        ({"background": "nocolour"}, "unsupported_background"),
    ],
)
async def test_what_cannot_be_had_is_refused(wish: dict[str, Any], code: str) -> None:
    assert await refused("video-social", {"video": STEPS}, **{**SIZE, "fit": "pad", **wish}) == code


# Thumbnails


def mostly_dull(number: int) -> Frame:
    """Black, then a blur, then for a second one sharp picture, then white."""
    checks = (np.indices((180, 320)).sum(axis=0) // 10 % 2 * 200 + 30).astype(np.uint8)
    if number < 25:
        return np.full((180, 320, 3), 4, np.uint8)
    if number < 50:
        return np.full((180, 320, 3), 120, np.uint8)
    return checks[..., None].repeat(3, axis=2) if number < 75 else np.full((180, 320, 3), 250, np.uint8)


def picture(made: Media) -> np.ndarray[Any, Any]:
    assert made.media_type == "image/jpeg"
    return np.asarray(Image.open(io.BytesIO(made.content)).convert("RGB")).astype(int)


async def test_the_picture_is_the_one_that_shows_most() -> None:
    source = media(film(picture=mostly_dull, seconds=4.0))
    made = await make("video-social", {"video": source}, width=320, height=180, output="thumbnail")
    assert psnr(picture(made), mostly_dull(60)) > 22


@pytest.mark.parametrize("at", ["0", "0.9", "2.98"])
async def test_or_the_one_of_a_second_of_what_is_kept(at: str) -> None:
    made = await make("video-social", {"video": STEPS}, width=320, height=180, output="thumbnail", at=at)
    assert (picture(made).mean() - 40) / 2 == pytest.approx(int(float(at) * RATE), abs=1)
    cut = await make(
        "video-social", {"video": STEPS}, width=320, height=180, output="thumbnail", at="0.4", trim="end", max_seconds=1
    )
    assert (picture(cut).mean() - 40) / 2 == pytest.approx(60, abs=1)


@pytest.mark.parametrize("fit", ["crop", "center", "pad", "blur"])
async def test_it_has_the_size_of_the_film(fit: str) -> None:
    made = await make("video-social", {"video": STEPS}, **SIZE, fit=fit, output="thumbnail")
    assert (made.width, made.height) == (180, 320)


async def test_guides_shade_what_the_platform_covers() -> None:
    wish = {**SIZE, "fit": "crop", "at": "1", "safe_top": 60, "safe_bottom": 80, "safe_right": 20}
    plain = picture(await make("video-social", {"video": STEPS}, **wish, output="thumbnail"))
    shaded = picture(await make("video-social", {"video": STEPS}, **wish, output="guides"))
    assert np.abs(plain[100:200, 10:150] - shaded[100:200, 10:150]).mean() < 4
    assert np.abs(plain[:50] - shaded[:50]).mean() > 20
    assert np.abs(plain[250:] - shaded[250:]).mean() > 20


@pytest.mark.parametrize("colours", ["HDR10", "HLG"])
async def test_the_picture_of_a_brighter_film_is_as_bright_as_any(colours: str) -> None:
    wish = {"width": 64, "height": 64, "fit": "crop"}
    made = picture(await make("video-social", {"video": media(coloured(colours))}, **wish, output="thumbnail", at="0"))
    kept = await make("video-social", {"video": media(coloured(colours))}, **wish)
    assert pictured(kept.content)["pix_fmt"] == "yuv420p10le"
    assert made.max() > 150


@pytest.mark.parametrize(
    "arguments",
    [
        ("-vf", "select='not(mod(n,7))'", "-fps_mode", "vfr"),
        ("-frames:v", "1"),
        ("-vf", "scale=321:179,setsar=1"),
        ("-ac", "6"),
    ],
)
async def test_odd_films_are_posted_as_any(arguments: tuple[str, ...]) -> None:
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2")
    container = "mov" if "scale=321:179,setsar=1" in arguments else "mp4"
    codec = ("-c:v", "libx264", "-pix_fmt", "yuv444p" if container == "mov" else "yuv420p")
    source = media(filmed(container, *inputs, *codec, *arguments))
    made = await make("video-social", {"video": source}, **SIZE, max_seconds=1, trim="middle")
    assert (made.width, made.height) == (180, 320)
    still = await make("video-social", {"video": source}, **SIZE, output="thumbnail")
    assert (still.width, still.height) == (180, 320)
