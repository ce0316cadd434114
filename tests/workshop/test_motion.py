"""Painted scenes move, end where they began, and are made frame by frame."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from application.ports import Media
from imagestudio_workshop.canvas import SCENE_WORDS, SCENES, seeded
from imagestudio_workshop.reel import Reel
from imagestudio_workshop.strips import Strip
from tests.workshop.work import make, psnr, refused


def frames(media: Media) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    image = Image.open(io.BytesIO(media.content))
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        found.append(np.asarray(image.convert("RGB")))
    return found


def reel(prompt: str, size: tuple[int, int] = (96, 64)) -> Reel:
    return Reel(prompt, lambda: seeded(prompt, None, 0), size)


async def test_a_loop_has_the_size_the_frames_and_the_length_that_were_asked_for() -> None:
    loop = await make("animation", prompt="a lake at dawn", width=96, height=64, duration="1.5", fps=10)
    assert (loop.media_type, loop.width, loop.height, loop.duration_ms) == ("image/webp", 96, 64, 1500)
    assert len(frames(loop)) == 15
    assert Image.open(io.BytesIO(loop.content)).info["loop"] == 0


async def test_the_same_prompt_and_seed_move_the_same_way() -> None:
    wish: dict[str, Any] = {"prompt": "snowy mountains", "width": 64, "height": 64, "duration": "0.5"}
    first, again = await make("animation", **wish), await make("animation", **wish)
    assert first.content == again.content
    assert (await make("animation", **wish, seed=2)).content != first.content


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_moves_and_its_end_leads_to_its_beginning(scene: str) -> None:
    moving = reel(SCENE_WORDS[scene].split()[0])
    shown = [np.asarray(frame).astype(float) for frame in moving.frames(12)]
    halfway = psnr(shown[0], shown[6])
    assert halfway < 34
    # Around the end frames follow one another as closely as anywhere else.
    assert psnr(shown[11], shown[0]) > min(psnr(one, other) for one, other in pairwise(shown)) - 1.5


def test_water_runs_while_the_sky_above_it_hardly_moves() -> None:
    moving = reel("a calm lake at noon", (160, 120))
    first, later = (np.asarray(moving.frame(time)).astype(float) for time in (0.0, 0.5))
    change = np.abs(first - later).mean(axis=(1, 2))
    assert change[100:].mean() > 1.5 * change[:30].mean()


def test_snow_falls_only_where_it_is_asked_for() -> None:
    def specks(prompt: str) -> float:
        sky = np.asarray(reel(prompt, (160, 120)).frame(0.3)).astype(float)[:40].mean(axis=2)
        return float(np.abs(np.diff(sky, axis=1)).mean())

    assert specks("winter mountains noon snow") > 1.5 * specks("mountains noon")


def test_frames_are_made_when_the_encoder_seeks_them_and_none_is_kept() -> None:
    made: list[int] = []

    def frame(number: int) -> Image.Image:
        made.append(number)
        return Image.new("RGB", (8, 8), (number * 40, 0, 0))

    strip = Strip((8, 8), 4, frame)
    strip.save(io.BytesIO(), "WEBP", save_all=True, duration=40)
    assert made == [0, 1, 2, 3, 0], "Pillow goes back to where it was"
    with pytest.raises(EOFError):
        strip.seek(4)


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"duration": "11"}, "unsupported_duration"),
        ({"duration": "0"}, "unsupported_duration"),
        ({"fps": 60}, "unsupported_duration"),
        ({"width": 32}, "unsupported_size"),
        ({"width": 2000, "height": 2000}, "unsupported_size"),
    ],
)
async def test_what_is_too_long_too_fast_or_too_large_is_refused(inputs: dict[str, Any], code: str) -> None:
    assert await refused("animation", prompt="sea", **inputs) == code
