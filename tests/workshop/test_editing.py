"""Several edits of a film at once: each as it is by itself, in one pass, whatever the film is like."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from application.ports import Media
from imagestudio_workshop.cropping import PLACES
from imagestudio_workshop.lettering import FACES, Lettering, tint_of
from imagestudio_workshop.orders import LabelledTask
from imagestudio_workshop.routes import ROUTES
from infrastructure.media import read_media
from tests.corpus.programs import ffmpeg
from tests.infrastructure.films import HERTZ, RATE, Frame, encoded, film, frames_of, sound_of, tone
from tests.workshop.opinions import filmed, pictured, probed, times, turned
from tests.workshop.work import make, psnr, refused, task_with

FRAME = 1 / RATE


def media(content: bytes) -> Media:
    return read_media(content, field="video", max_bytes=10**8, max_pixels=10**8)


def grey(number: int, width: int = 320, height: int = 180) -> Frame:
    """A plain picture whose shade tells its number."""
    return np.full((height, width, 3), 40 + 2 * number, dtype=np.uint8)


STEPS = media(film(picture=grey))
"""Two seconds, each frame a shade lighter than the one before."""


def numbers(made: Media) -> list[int]:
    """Of the frames of `STEPS` that are shown."""
    return [round((float(frame[8:24, 8:24].mean()) - 40) / 2) for frame in frames_of(made.content)]


def loudness(content: bytes, folder: Path) -> float:
    """By FFmpeg's own program, in LUFS."""
    path, told = folder / "measured", folder / "told"
    path.write_bytes(content)
    ffmpeg("-i", str(path), "-af", f"ebur128=metadata=1,ametadata=print:file={told}", "-f", "null", "-")
    *_, last = re.findall(r"r128\.I=(-?[0-9.]+)", told.read_text())
    return float(last)


# Spans


@pytest.mark.parametrize("route", ["video-trim", "video-edit"])
@pytest.mark.parametrize(
    ("wish", "first", "count"),
    [
        ({"max_seconds": "0.4"}, 0, 10),
        ({"trim": "beginning", "max_seconds": "0.4"}, 0, 10),
        ({"trim": "middle", "max_seconds": "0.4"}, 20, 10),
        ({"trim": "end", "max_seconds": "0.4"}, 40, 10),
        ({"trim": "end", "max_seconds": "9"}, 0, 50),
        ({"start": "0.4", "end": "1.2", "trim": "end", "max_seconds": "0.2"}, 25, 5),
        ({"start": "1.6"}, 40, 10),
        ({"end": "0.2"}, 0, 5),
    ],
)
async def test_a_span_is_kept_at_the_beginning_in_the_middle_or_at_the_end(
    route: str, wish: dict[str, str], first: int, count: int
) -> None:
    made = await make(route, {"video": STEPS}, **wish)
    found = numbers(made)
    assert found[0] == pytest.approx(first, abs=1)
    assert len(found) == pytest.approx(count, abs=1)
    assert (made.duration_ms or 0) / 1000 == pytest.approx(count * FRAME, abs=1.5 * FRAME)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"trim": "end"}, "missing_max_seconds"),
        ({"start": "1", "end": "1"}, "unsupported_span"),
        ({"start": "2.5"}, "unsupported_span"),
        ({"trim": "somewhere", "max_seconds": "1"}, "unsupported_trim"),
        ({}, "nothing_to_do"),
        ({"speed": "1"}, "nothing_to_do"),
        ({"speed": "5"}, "unsupported_speed"),
        ({"stabilize": 101}, "unsupported_stabilize"),
        ({"text": " "}, "missing_text"),
        ({"text": "Sale", "text_position": "nowhere"}, "unsupported_text_position"),
        ({"text": "Sale", "text_background": "nocolour"}, "unsupported_text_background"),
        ({"text": "Sale", "text_color": "red@2"}, "unsupported_text_color"),
        ({"text": "Sale", "text_font": "comic"}, "unsupported_text_font"),
        ({"text": "Sale", "text_pixels": 900}, "text_too_large"),
        ({"text": "Sale", "text_start": "1", "text_end": "0.5"}, "unsupported_span"),
    ],
)
async def test_what_cannot_be_done_is_refused(wish: dict[str, Any], code: str) -> None:
    assert await refused("video-edit", {"video": STEPS}, **wish) == code


# Texts


def changed(made: Media, source: Media = STEPS, number: int = 20) -> np.ndarray[Any, Any]:
    """The part of a frame that was written on."""
    one, other = frames_of(made.content)[number], frames_of(source.content)[number]
    return np.asarray(np.abs(one.astype(int) - other).max(axis=2) > 40)


@pytest.mark.parametrize("position", PLACES)
async def test_a_text_stands_at_its_place_within_the_margins(position: str) -> None:
    made = await make("video-text", {"video": STEPS}, text="Sale\n20 %", position=position, pixels=20)
    rows, columns = np.nonzero(changed(made))
    (height, width), margin = changed(made).shape, 9
    across, down = PLACES[position]
    near = {0.0: columns.min(), 0.5: (columns.min() + columns.max()) / 2, 1.0: columns.max()}[across]
    assert near == pytest.approx({0.0: margin, 0.5: width / 2, 1.0: width - margin}[across], abs=3)
    near = {0.0: rows.min(), 0.5: (rows.min() + rows.max()) / 2, 1.0: rows.max()}[down]
    assert near == pytest.approx({0.0: margin, 0.5: height / 2, 1.0: height - margin}[down], abs=3)
    assert 30 < rows.max() - rows.min() < 60, "two lines"


@pytest.mark.parametrize("pixels", [12, 24, 48])
async def test_letters_are_as_high_as_was_said_in_pixels(pixels: int) -> None:
    """Roboto's capitals are 0.71 of its size (its OS/2 table: sCapHeight 1456 of 2048)."""
    made = await make("video-text", {"video": STEPS}, text="H", pixels=pixels, background="red", position="center")
    frame = frames_of(made.content)[10].astype(int)
    rows, _ = np.nonzero(frame[..., 1] > 150)
    assert rows.max() - rows.min() + 1 == pytest.approx(pixels * 1456 / 2048, abs=2)


@pytest.mark.parametrize(("written", "share"), [("red", 1.0), ("red@0.5", 0.5), ("#ff000080", 0.5), ("red@0.25", 0.25)])
async def test_a_ground_lies_under_the_text_as_strongly_as_was_said(written: str, share: float) -> None:
    made = await make("video-text", {"video": STEPS}, text="I", pixels=60, background=written, position="center")
    before, after = frames_of(STEPS.content)[0].astype(float), frames_of(made.content)[0].astype(float)
    rows, columns = np.nonzero((after[..., 0] - before[..., 0]) > 20)
    corner = after[rows.min() + 4 : rows.min() + 8, columns.min() + 4 : columns.min() + 8].mean(axis=(0, 1))
    wanted = before[0, 0] * (1 - share) + np.array([255, 0, 0]) * share
    assert corner == pytest.approx(wanted, abs=14)
    assert after[90, 160].min() > 200, "the letter is white, whatever its ground"


async def test_a_text_is_shown_from_one_instant_of_what_is_written_to_another() -> None:
    made = await make("video-edit", {"video": STEPS}, speed="2", text="Sale", text_start="0.4", text_end="0.6")
    seen = [
        bool((frame.max(axis=2) - frame.min(axis=2) + frame.max(axis=2) > 240).any())
        for frame in frames_of(made.content)
    ]
    assert [number for number, there in enumerate(seen) if there] == pytest.approx(list(range(10, 15)), abs=1)


def test_every_face_of_the_font_is_another() -> None:
    drawn = {bytes(Lettering("Sale", 40, (255, 255, 255, 255), 900, face).drawn().tobytes()) for face in FACES}
    assert len(drawn) == len(FACES)


@pytest.mark.parametrize(
    ("written", "colour"),
    [
        ("black@0.5", (0, 0, 0, 128)),
        ("#102030", (16, 32, 48, 255)),
        ("#10203040", (16, 32, 48, 64)),
        ("#10203080@0.5", (16, 32, 48, 64)),
        ("navy@0", (0, 0, 128, 0)),
        ("white@1.0", (255, 255, 255, 255)),
    ],
)
def test_a_colour_may_be_there_in_part(written: str, colour: tuple[int, ...]) -> None:
    assert tint_of(written) == colour


@pytest.mark.parametrize("written", ["", "nocolour", "black@", "black@1.5", "black@-1", "@0.5", "#12345"])
def test_what_is_no_colour_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="color"):
        tint_of(written)


# Sound


async def test_a_peaky_sound_comes_to_the_loudness_asked_for(tmp_path: Path) -> None:
    """Short blows on a soft tone: held peaks make it softer, which one gain would not make up for."""
    sound = tone(4, 0.1)
    for blow in range(8):
        sound[0, blow * HERTZ // 2 : blow * HERTZ // 2 + 200] = tone(200 / HERTZ, 0.7)
    source = media(encoded("mp4", "libx264", [grey(0)] * 100, "aac", sound))
    made = await make("video-normalize", {"video": source})
    assert loudness(made.content, tmp_path) == pytest.approx(-14, abs=1)
    samples = np.abs(sound_of(made.content))
    assert samples.max() < 1


async def test_a_loudness_that_its_peaks_keep_it_from_is_refused() -> None:
    sound = np.zeros((1, 4 * HERTZ), dtype=np.float32)
    sound[0, ::12_000] = 1.0
    source = media(encoded("mp4", "libx264", [grey(0)] * 100, "aac", sound))
    assert await refused("video-normalize", {"video": source}, loudness="-8") == "unreachable_loudness"


async def test_a_sound_too_short_to_be_measured_is_refused() -> None:
    assert await refused("video-normalize", {"video": media(film(seconds=0.2))}) == "too_short"


# All of it


async def test_all_edits_are_made_in_one_pass_and_each_is_seen(tmp_path: Path) -> None:
    made = await make(
        "video-edit",
        {"video": media(film(picture=grey, seconds=3.0, loudness=0.05))},
        trim="end",
        max_seconds="2",
        speed="2",
        stabilize=30,
        denoise="light",
        text="Sale",
        text_position="bottom-right",
        text_background="black@0.6",
        volume="0.5",
        loudness="-16",
    )
    assert (made.duration_ms or 0) / 1000 == pytest.approx(1, abs=1.5 * FRAME)
    shades = [round((float(frame[8:24, 8:24].mean()) - 40) / 2) for frame in frames_of(made.content)]
    assert shades[0] == pytest.approx(25, abs=1)
    assert shades[-1] == pytest.approx(74, abs=2)
    assert loudness(made.content, tmp_path) == pytest.approx(-16, abs=1)
    last = frames_of(made.content)[5]
    assert last[150:175, 220:300].max() > 200, "the text"
    assert last[20:100, 20:100].std() < 4, "and nothing elsewhere"


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [("mp4", "libx264", "aac"), ("webm", "libvpx-vp9", "libopus"), ("mov", "libx264", "aac")],
)
async def test_a_film_stays_in_its_container(container: str, video: str, audio: str) -> None:
    source = media(film(container, video, audio, picture=grey))
    made = await make("video-edit", {"video": source}, max_seconds="1", text="Sale")
    assert made.media_type == source.media_type


async def test_only_what_is_edited_is_encoded_anew() -> None:
    made = await make("video-edit", {"video": STEPS}, volume="0.5")
    assert all((a == b).all() for a, b in zip(frames_of(made.content), frames_of(STEPS.content), strict=True))
    written = await make("video-edit", {"video": STEPS}, text="Sale")
    assert (sound_of(written.content) == sound_of(STEPS.content)).all()


ODD = {
    "without sound": ("mp4", ("-an",)),
    "of odd sides": ("webm", ("-vf", "scale=321:179,setsar=1", "-c:v", "libvpx-vp9", "-c:a", "libopus")),
    "of three frames": ("mp4", ("-frames:v", "3", "-t", "0.12")),
    "of uneven frames": ("mp4", ("-vf", "select='not(mod(n,7))+not(mod(n,5))'", "-fps_mode", "vfr")),
    "of ten bits": ("mp4", ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none")),
    "of six channels": ("mp4", ("-ac", "6")),
    "of 50 frames a second": ("mp4", ("-r", "50")),
}


@pytest.mark.parametrize("kind", ODD)
async def test_odd_films_are_edited_as_any(kind: str) -> None:
    container, arguments = ODD[kind]
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2")
    source = media(filmed(container, *inputs, "-pix_fmt", "yuv420p", *arguments))
    made = await make("video-edit", {"video": source}, stabilize=20, text="Sale", text_position="top-left")
    assert (made.duration_ms or 0) == pytest.approx(source.duration_ms, abs=60)
    assert times(made.content) == pytest.approx(times(source.content), abs=0.021)
    before, after = pictured(source.content), pictured(made.content)
    assert (after["width"], after["height"]) == (int(before["width"]) // 2 * 2, int(before["height"]) // 2 * 2)
    assert after["pix_fmt"] == before["pix_fmt"]
    told = [[one.get("channels") for one in probed(each.content)["streams"]] for each in (source, made)]
    assert sorted(map(str, told[0])) == sorted(map(str, told[1]))


async def test_a_film_on_its_side_is_written_on_as_it_is_shown() -> None:
    source = turned(STEPS.content, "mp4", "-display_rotation", "90")
    made = await make("video-edit", {"video": media(source)}, text="Sale", text_position="top", max_seconds="1")
    assert (made.width, made.height) == (180, 320)
    rows, columns = np.nonzero(frames_of(made.content)[2].max(axis=2) > 200)
    assert rows.max() < 60
    assert columns.mean() == pytest.approx(90, abs=4)


async def test_a_held_camera_is_held_within_the_span_too() -> None:
    """The corrections are those of the frames that are kept, and not those of the film's first ones."""
    rng = np.random.default_rng(4)
    ground = rng.integers(0, 255, (60, 80, 3)).astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    shakes = np.concatenate([np.zeros((30, 2), int), rng.integers(-6, 7, (30, 2))])
    frames = [ground[40 + y : 160 + y, 60 + x : 220 + x] for x, y in shakes]
    shaky = media(encoded("mp4", "libx264", frames))
    made = await make("video-edit", {"video": shaky}, start="1.2", stabilize=80)

    def unrest(pictures: list[Frame]) -> float:
        return float(np.mean([psnr(one, other) for one, other in pairwise(pictures[3:-3])]))

    assert unrest(frames_of(made.content)) > unrest(frames_of(shaky.content)[30:]) + 3


async def test_progress_never_goes_back() -> None:
    heard: list[float] = []
    order = LabelledTask(task_with("video-edit", {"video": STEPS}, stabilize=20, loudness="-16"), "")
    ROUTES["video-edit"].load()(order)(0, lambda share, _: heard.append(share))
    assert heard == sorted(heard)
    assert heard[-1] <= 1
    assert len(heard) > 60
