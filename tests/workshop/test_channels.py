"""A sound of many channels keeps each where it was, or the result says to how few they were mixed."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import av
import numpy as np
import pytest

from application.ports import Delivery, Media, silent
from imagestudio_workshop.provider import LocalProvider
from infrastructure.media import read_media
from tests.workshop.opinions import filmed, probed
from tests.workshop.work import task_with

HERTZ = 48_000
PITCHES = (300, 500, 700, 60, 900, 1100, 1300, 1500)
"""Of each channel, in the order in which FFmpeg has them; the fourth is low, as what booms is."""


@cache
def surround(layout: str, channels: int, codec: str = "pcm_s16le") -> Media:
    """A film with a tone of its own in each channel."""
    tones = "|".join(f"0.2*sin({hertz}*2*PI*t)" for hertz in PITCHES[:channels])
    sound = ("-f", "lavfi", "-i", f"aevalsrc='{tones}':c={layout}:s={HERTZ}:d=1")
    pictures = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    content = filmed("mov", *sound, *pictures, "-c:a", codec, "-b:a", "512k")
    return read_media(content, field="video", max_bytes=10**8, max_pixels=10**8)


def heard(content: bytes) -> tuple[str, list[int]]:
    """The layout, and the pitch that is loudest in each channel, to 20 hertz."""
    with av.open(io.BytesIO(content), "r") as opened:
        frames = list(opened.decode(audio=0))
    layout, channels = frames[0].layout.name, frames[0].layout.nb_channels
    rows = [
        np.concatenate([np.frombuffer(bytes(one.planes[row]), np.float32) for one in frames]) for row in range(channels)
    ]
    return layout, [round(float(np.abs(np.fft.rfft(row[:HERTZ])).argmax()) * HERTZ / len(row[:HERTZ])) for row in rows]


async def delivered(route: str, film: Media, **inputs: Any) -> Delivery:
    with ThreadPoolExecutor(1) as pool:
        return await LocalProvider(pool).submit(task_with(route, {"video": film}, **inputs), silent)


@pytest.mark.parametrize(
    ("layout", "channels", "container", "kept"),
    [
        ("mono", 1, "mp4", "mono"),
        ("stereo", 2, "webm", "stereo"),
        ("3.0", 3, "mp4", "3.0"),
        ("quad", 4, "webm", "quad"),
        ("5.0(side)", 5, "mp4", "5.0"),
        ("5.1", 6, "mp4", "5.1"),
        ("5.1(side)", 6, "mp4", "5.1"),
        ("5.1(side)", 6, "webm", "5.1"),
        ("7.1", 8, "mp4", "7.1"),
        ("7.1", 8, "mov", "7.1"),
        ("7.1", 8, "webm", "7.1"),
    ],
)
async def test_every_channel_stays_where_it_was(layout: str, channels: int, container: str, kept: str) -> None:
    delivery = await delivered("video-format", surround(layout, channels), format=container)
    (made,) = delivery.outputs
    assert isinstance(made, Media)
    found, pitches = heard(made.content)
    assert found == kept
    assert pitches == pytest.approx(PITCHES[:channels], abs=20)
    assert "left out" not in delivery.metadata
    streams = probed(made.content)["streams"]
    assert [one["channels"] for one in streams if one["codec_type"] == "audio"] == [channels]


@pytest.mark.parametrize(
    ("route", "inputs"),
    [
        ("video-volume", {"volume": "0.5"}),
        ("video-normalize", {}),
        ("video-speed", {"speed": "2"}),
        ("video-trim", {"end": "0.8"}),
        ("video-denoise", {"of": "sound"}),
    ],
)
async def test_every_edit_keeps_them(route: str, inputs: dict[str, Any]) -> None:
    delivery = await delivered(route, surround("5.1(side)", 6, "ac3"), **inputs)
    (made,) = delivery.outputs
    assert isinstance(made, Media)
    assert heard(made.content)[0] == "5.1"
    assert "left out" not in delivery.metadata


@pytest.mark.parametrize(
    ("layout", "channels", "container", "told"),
    [
        ("6.1", 7, "mp4", "7 channels mixed to 6"),
        ("hexagonal", 6, "mp4", "6 channels mixed to 5"),
        ("4.0", 4, "webm", "4 channels mixed to 2"),
        ("octagonal", 8, "mp4", "8 channels mixed to 6"),
    ],
)
async def test_channels_that_no_encoder_names_are_mixed_and_the_result_says_so(
    layout: str, channels: int, container: str, told: str | None
) -> None:
    delivery = await delivered("video-format", surround(layout, channels), format=container)
    assert delivery.metadata.get("left out") == told
