"""Films are really decoded, changed and encoded: exact to a frame, sound in step, nothing else touched."""

from __future__ import annotations

import contextlib
import io
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from application.ports import Media, ProviderRefused, silent
from imagestudio_workshop.film import steady
from imagestudio_workshop.film.sound import measured_loudness
from imagestudio_workshop.orders import LabelledTask
from imagestudio_workshop.provider import LocalProvider
from imagestudio_workshop.routes import ROUTES
from infrastructure.media import read_media
from tests.corpus.programs import ffmpeg
from tests.infrastructure.films import HERTZ, RATE, Frame, drifting, encoded, film, frames_of, sound_of, tone
from tests.workshop.work import make, png, psnr, refused, scene, task_with

FRAME = 1 / RATE
WIDTH, HEIGHT = 128, 96


def media(content: bytes) -> Media:
    return read_media(content, field="video", max_bytes=10**8, max_pixels=10**8)


MP4 = media(film())
WEBM = media(film("webm", "libvpx-vp9", "libopus"))
MOV = media(film("mov"))
SILENT_FILM = media(film(audio=""))


def square_at(frame: Frame) -> float:
    """Where the left edge of the white square of `films.drifting` is, in pixels."""
    white = frame[26:54].min(axis=2).mean(axis=0) > 200
    return float(np.nonzero(white)[0][0]) if white.any() else float("nan")


def seconds(content: Media) -> float:
    assert content.duration_ms is not None
    return content.duration_ms / 1000


def rms(sound: npt.NDArray[np.float32]) -> float:
    return float(np.sqrt((sound**2).mean()))


def flash(number: int) -> Frame:
    """Dark, but for three frames in the middle of the second second."""
    return np.full((48, 64, 3), 240 if 37 <= number < 40 else 16, dtype=np.uint8)


def clapperboard() -> Media:
    """A flash, and at the same moment a beep."""
    sound = np.zeros((1, 3 * HERTZ), dtype=np.float32)
    sound[:, 37 * HERTZ // RATE : 40 * HERTZ // RATE] = tone(3 / RATE, 0.8)
    return media(encoded("mp4", "libx264", [flash(number) for number in range(75)], "aac", sound))


def moments(made: Media) -> tuple[float, float]:
    """Seconds at which the flash and the beep begin."""
    with av.open(io.BytesIO(made.content), "r") as opened:
        lit = next(frame.time for frame in opened.decode(video=0) if frame.to_ndarray(format="gray").mean() > 120)
    with av.open(io.BytesIO(made.content), "r") as opened:
        first = next(opened.decode(audio=0)).time or 0.0
    sound = np.abs(sound_of(made.content))
    return float(lit or 0), first + float(np.nonzero(sound > 0.2)[0][0]) / HERTZ


@pytest.mark.parametrize(
    ("route", "inputs", "expected"),
    [
        ("video-format", {"format": "mp4"}, 37 / RATE),
        ("video-format", {"format": "webm"}, 37 / RATE),
        ("video-trim", {"start": "0.5", "end": "2.5"}, 37 / RATE - 0.5),
        ("video-speed", {"speed": "2"}, 37 / RATE / 2),
        ("video-speed", {"speed": "0.5"}, 37 / RATE * 2),
        ("video-denoise", {}, 37 / RATE),
        ("video-volume", {"volume": "0.9"}, 37 / RATE),
    ],
)
async def test_picture_and_sound_stay_together(route: str, inputs: dict[str, str], expected: float) -> None:
    flashed, beeped = moments(await make(route, {"video": clapperboard()}, **inputs))
    assert flashed == pytest.approx(expected, abs=1.5 * FRAME)
    assert beeped == pytest.approx(flashed, abs=1.5 * FRAME)


@pytest.mark.parametrize("source", [MP4, WEBM, MOV], ids=["MP4", "WebM", "MOV"])
async def test_a_span_is_cut_out_to_the_frame(source: Media) -> None:
    cut = await make("video-trim", {"video": source}, start="0.52", end="1.32")
    frames = frames_of(cut.content)
    assert len(frames) == pytest.approx(20, abs=1)
    assert seconds(cut) == pytest.approx(0.8, abs=1.5 * FRAME)
    assert square_at(frames[0]) == pytest.approx(8 + 2 * 13, abs=3)
    assert len(sound_of(cut.content)) / HERTZ == pytest.approx(0.8, abs=2 * FRAME)


async def test_a_span_may_be_a_start_and_a_duration_and_ends_with_the_film() -> None:
    assert seconds(await make("video-trim", {"video": MP4}, start="1", duration="0.4")) == pytest.approx(0.4, abs=0.06)
    assert seconds(await make("video-trim", {"video": MP4}, start="1.5")) == pytest.approx(0.5, abs=0.06)
    for span in ({"start": "5"}, {"start": "1", "end": "0.5"}):
        assert await refused("video-trim", {"video": MP4}, **span) == "unsupported_span"


@pytest.mark.parametrize(("speed", "length"), [("0.5", 4.0), ("2", 1.0), ("3", 2 / 3)])
async def test_a_film_becomes_faster_or_slower_and_a_voice_keeps_its_pitch(speed: str, length: float) -> None:
    made = await make("video-speed", {"video": MP4}, speed=speed)
    assert seconds(made) == pytest.approx(length, abs=2 * FRAME)
    assert square_at(frames_of(made.content)[-1]) == pytest.approx(8 + 2 * 49, abs=8)
    sound = sound_of(made.content)[HERTZ // 8 : HERTZ // 2]
    crossings = (np.diff(np.signbit(sound).astype(int)) != 0).sum()
    assert crossings / 2 / (len(sound) / HERTZ) == pytest.approx(440, rel=0.05)


async def test_a_speed_beyond_its_bounds_is_refused() -> None:
    assert await refused("video-speed", {"video": MP4}, speed="9") == "unsupported_speed"


async def test_text_is_written_where_and_when_it_should_be_and_nowhere_else() -> None:
    made = await make("video-text", {"video": MP4}, text="HELLO", position="bottom", size=20, start="0.8", end="1.6")
    before, after = frames_of(MP4.content), frames_of(made.content)
    change = [np.abs(one.astype(int) - other).mean(axis=2) for one, other in zip(before, after, strict=True)]
    assert change[30][70:].mean() > 3 * change[30][:20].mean() + 5
    assert change[5][70:].mean() < 6
    assert change[45][70:].mean() < 6
    assert rms(sound_of(made.content)) == pytest.approx(rms(sound_of(MP4.content)), rel=0.02)


async def test_a_long_text_is_broken_and_one_that_the_font_has_not_is_refused() -> None:
    made = await make("video-text", {"video": MP4}, text="many words that do not fit at all", size=12, position="top")
    change = np.abs(frames_of(made.content)[0].astype(int) - frames_of(MP4.content)[0]).mean(axis=(1, 2))
    assert (change > 12).sum() > 16, "more than one line"
    assert await refused("video-text", {"video": MP4}, text="漢字") == "unsupported_text"
    assert await refused("video-text", {"video": MP4}, text="  ") == "missing_text"


@pytest.mark.parametrize("source", [MP4, WEBM, MOV], ids=["MP4", "WebM", "MOV"])
async def test_the_volume_changes_and_the_picture_is_not_even_decoded(source: Media) -> None:
    quiet = await make("video-volume", {"video": source}, volume="0.25")
    assert quiet.media_type == source.media_type
    assert rms(sound_of(quiet.content)) == pytest.approx(rms(sound_of(source.content)) / 4, rel=0.06)
    assert all((a == b).all() for a, b in zip(frames_of(quiet.content), frames_of(source.content), strict=True))


async def test_what_would_be_too_loud_is_limited_and_zero_is_silence() -> None:
    loud = sound_of((await make("video-volume", {"video": MP4}, volume="8")).content)
    assert np.abs(loud[HERTZ // 4 :]).max() < 1.02
    assert rms(loud) > rms(sound_of(MP4.content)) * 2
    assert np.abs(sound_of((await make("video-volume", {"video": MP4}, volume="0")).content)).max() < 1e-3


async def test_a_film_comes_out_at_minus_14_lufs_by_the_measure_of_ffmpegs_own_program(tmp_path: Path) -> None:
    made = await make("video-normalize", {"video": media(film(loudness=0.05, seconds=4.0))})
    path, told = tmp_path / "film.mp4", tmp_path / "told"
    path.write_bytes(made.content)
    ffmpeg("-i", str(path), "-af", f"ebur128=metadata=1,ametadata=print:file={told}", "-f", "null", "-")
    *_, last = re.findall(r"r128\.I=(-?[0-9.]+)", told.read_text())
    assert float(last) == pytest.approx(-14, abs=0.5)


@pytest.mark.parametrize("rate", [5, 12])
async def test_a_film_becomes_a_gif_of_its_span_that_runs_for_ever(rate: int) -> None:
    made = await make("gif", {"video": MP4}, start="0.4", duration="1", width=64, fps=rate)
    assert (made.media_type, made.width, made.height, made.duration_ms) == ("image/gif", 64, 48, 1_000)
    image = Image.open(io.BytesIO(made.content))
    assert (image.n_frames, image.info["loop"]) == (rate, 0)  # type: ignore[attr-defined]
    for number in (0, rate - 1):
        image.seek(number)
        wanted = Image.fromarray(drifting(round((0.4 + number / rate) * RATE))).resize((64, 48))
        assert psnr(image.convert("RGB"), wanted) > 20
    assert await refused("gif", {"video": MP4}, start="9") == "unsupported_span"


@pytest.mark.parametrize("loudness", [0.02, 0.6])
async def test_films_however_loud_come_out_equally_loud(loudness: float) -> None:
    made = await make("video-normalize", {"video": media(film(loudness=loudness))}, loudness="-18")
    assert measured_loudness(made) == pytest.approx(-18, abs=0.7)


@pytest.mark.parametrize(("route", "inputs"), [("video-volume", {"volume": "2"}), ("video-normalize", {})])
async def test_a_silent_film_has_no_sound_to_change(route: str, inputs: dict[str, str]) -> None:
    assert await refused(route, {"video": SILENT_FILM}, **inputs) == "no_sound"
    if route == "video-normalize":
        assert await refused(route, {"video": media(film(loudness=0.0))}) == "silent"


async def test_hiss_is_taken_out_of_a_sound_and_its_tone_is_kept() -> None:
    hiss = np.random.default_rng(1).normal(0, 0.02, (1, 3 * HERTZ)).astype(np.float32)
    source = media(encoded("mp4", "libx264", [drifting(0)] * 75, "aac", tone(3) + hiss))

    def levels(one: Media) -> tuple[float, float]:
        """Of the tone, and of everything above it, in the last second."""
        spectrum = np.abs(np.fft.rfft(sound_of(one.content)[2 * HERTZ : 3 * HERTZ - 4096]))
        place = round(440 * len(spectrum) * 2 / HERTZ)
        return float(spectrum[place - 3 : place + 4].max()), float(np.sqrt((spectrum[2 * place :] ** 2).mean()))

    cleaned = await make("video-denoise", {"video": source}, of="sound", strength="strong")
    (tone_before, hiss_before), (tone_after, hiss_after) = levels(source), levels(cleaned)
    assert hiss_after < hiss_before / 2
    assert tone_after == pytest.approx(tone_before, rel=0.1)
    assert all((a == b).all() for a, b in zip(frames_of(cleaned.content), frames_of(source.content), strict=True))


async def test_grain_is_taken_out_of_a_picture() -> None:
    rng = np.random.default_rng(1)
    truth = [
        np.asarray(scene(WIDTH, HEIGHT).transform((WIDTH, HEIGHT), Image.Transform.AFFINE, (1, 0, n, 0, 1, 0)))
        for n in range(12)
    ]
    noisy = [(one + rng.normal(0, 14, one.shape)).clip(0, 255).astype(np.uint8) for one in truth]
    source = media(encoded("mp4", "libx264", noisy))
    cleaned = frames_of((await make("video-denoise", {"video": source}, of="picture", strength="strong")).content)
    plain = frames_of(source.content)
    middle = slice(8, -16)
    assert psnr(cleaned[6][:, middle], truth[6][:, middle]) > psnr(plain[6][:, middle], truth[6][:, middle]) + 1


@pytest.mark.parametrize(
    ("source", "chosen", "codecs"),
    [(MP4, "webm", ("vp9", "opus")), (WEBM, "mp4", ("h264", "aac")), (WEBM, "mov", ("h264", "aac"))],
)
async def test_a_film_is_written_in_another_container(source: Media, chosen: str, codecs: tuple[str, str]) -> None:
    made = await make("video-format", {"video": source}, format=chosen)
    assert made.media_type == {"webm": "video/webm", "mp4": "video/mp4", "mov": "video/quicktime"}[chosen]
    with av.open(io.BytesIO(made.content), "r") as opened:
        assert (opened.streams.video[0].codec_context.name, opened.streams.audio[0].codec_context.name) == codecs
    assert seconds(made) == pytest.approx(2, abs=2 * FRAME)
    assert psnr(frames_of(made.content)[10], frames_of(source.content)[10]) > 24


async def test_an_mp4_plays_while_it_loads() -> None:
    made = await make("video-format", {"video": WEBM}, format="mp4")
    assert made.content.index(b"moov") < made.content.index(b"mdat")


@pytest.mark.parametrize(
    ("aspect", "fit", "size"),
    [
        ("9:16", "crop", (54, 96)),
        ("1:1", "crop", (96, 96)),
        ("16:9", "crop", (128, 72)),
        ("16:9", "pad", (170, 96)),
        ("1:1", "blur", (128, 128)),
    ],
)
async def test_a_film_has_the_shape_that_was_asked_for(aspect: str, fit: str, size: tuple[int, int]) -> None:
    made = await make("video-aspect", {"video": MP4}, aspect_ratio=aspect, fit=fit)
    assert (made.width, made.height) == size
    frame = frames_of(made.content)[0]
    if fit == "pad":
        assert frame[:, :16].max() < 30
    if fit == "blur":
        assert frame[:12].std() < frame[20:-20].std() / 2


async def test_a_film_is_brought_to_a_resolution_but_enlarged_only_on_demand() -> None:
    made = await make("video-resolution", {"video": MP4}, resolution="48p")
    assert (made.width, made.height) == (64, 48)
    assert await refused("video-resolution", {"video": MP4}, resolution="240p") == "would_enlarge"
    larger = await make("video-resolution", {"video": MP4}, resolution="240p", enlarge=True)
    assert (larger.width, larger.height) == (320, 240)


def grainy(number: int) -> Frame:
    """A picture that no encoder makes much smaller, another one each time."""
    return np.random.default_rng(number).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)


async def test_a_film_becomes_smaller_by_quality_or_to_a_number_of_bytes() -> None:
    source = media(film(picture=grainy))
    sizes = [len((await make("video-compress", {"video": source}, quality=one)).content) for one in ("high", "low")]
    assert sizes[1] < sizes[0] <= len(source.content)  # what would become larger stays as it is
    for target in (200_000, 60_000):
        fitted = await make("video-compress", {"video": source}, target_bytes=target)
        assert target / 2 < len(fitted.content) <= target
        assert seconds(fitted) == pytest.approx(2, abs=2 * FRAME)
        assert rms(sound_of(fitted.content)) > 0.1
    assert await refused("video-compress", {"video": source}, target_bytes=2_000) == "target_too_small"


@pytest.mark.parametrize("source", [MP4, WEBM, MOV], ids=["MP4", "WebM", "MOV"])
async def test_a_film_that_cannot_be_made_smaller_stays_as_it_is(source: Media) -> None:
    small = await make("video-compress", {"video": source}, quality="low")
    again = await make("video-compress", {"video": small}, quality="high")
    assert len(again.content) <= len(small.content)
    assert again.media_type == small.media_type
    assert all((a == b).all() for a, b in zip(frames_of(again.content), frames_of(small.content), strict=True))


async def test_a_shaky_film_becomes_steady() -> None:
    rng = np.random.default_rng(2)
    ground = np.asarray(scene(240, 200, seed=3))
    shakes = rng.integers(-5, 6, (30, 2))
    frames = [ground[40 + y : 40 + y + 120, 40 + x : 40 + x + 160] for x, y in shakes]
    shaky = media(encoded("mp4", "libx264", frames, "aac", tone(30 / RATE)))
    steadied = await make("video-stabilize", {"video": shaky}, strength=100)
    assert (steadied.width, steadied.height) == (160, 120)

    def unrest(one: Media) -> float:
        walk = steady.followed(one, silent)
        return float(np.abs(np.diff(walk.places[3:-3, :2], axis=0)).mean())

    assert unrest(steadied) < unrest(shaky) / 2
    assert len(frames_of(steadied.content)) == 30
    assert rms(sound_of(steadied.content)) > 0.1


async def test_a_film_on_its_side_comes_out_upright() -> None:
    content = bytearray(film())
    place = content.index(b"tkhd") + 4 + 40
    content[place : place + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 96 << 16, 0, 1 << 30)
    made = await make("video-format", {"video": media(bytes(content))}, format="mp4")
    assert (made.width, made.height) == (HEIGHT, WIDTH)
    assert psnr(frames_of(made.content)[0], np.rot90(frames_of(film())[0], -1)) > 24
    square = await make("video-aspect", {"video": media(bytes(content))}, aspect_ratio="1:1")
    assert (square.width, square.height) == (96, 96)


# Films made of pictures


async def test_a_scene_is_filmed_at_the_size_rate_and_length_asked_for() -> None:
    made = await make("film", prompt="waves at sunset", width=96, height=64, duration="1", fps=12)
    assert (made.media_type, made.width, made.height) == ("video/mp4", 96, 64)
    frames = frames_of(made.content)
    assert len(frames) == 12
    assert seconds(made) == pytest.approx(1, abs=1 / 12)
    assert psnr(frames[0], frames[6]) < 35
    assert psnr(frames[-1], frames[0]) > psnr(frames[3], frames[0])


async def test_a_camera_moves_over_the_whole_picture_and_never_beyond_it() -> None:
    still = scene(160, 120)
    wide = {"aspect_ratio": "16:9", "resolution": "48p", "duration": "0.5", "fps": 12}
    made = {
        motion: frames_of((await make("pan", {"image": png(still)}, motion=motion, **wide)).content)
        for motion in ("zoom-in", "zoom-out", "pan-right", "pan-left")
    }
    assert {frames[0].shape for frames in made.values()} == {(48, 84, 3)}
    assert psnr(made["zoom-in"][0], made["zoom-out"][-1]) > 25
    assert psnr(made["pan-right"][0], made["pan-left"][-1]) > 25
    assert psnr(made["pan-right"][0], made["pan-right"][-1]) < 25
    assert min(frame.min(axis=2).max() for frames in made.values() for frame in frames) > 40


@pytest.mark.parametrize("size", [(2000, 2), (2, 2000), (1, 1)])
async def test_a_camera_moves_over_a_picture_of_any_shape(size: tuple[int, int]) -> None:
    made = await make("pan", {"image": png(scene(*size))}, resolution="48p", duration="0.2", fps=10)
    assert min(made.width or 0, made.height or 0) == 48


# What is refused


@pytest.mark.parametrize("content", [film()[: len(film()) // 3], b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + bytes(200)])
async def test_a_damaged_film_is_refused(content: bytes) -> None:
    assert await refused("video-format", {"video": Media(content, "video/mp4")}) == "unreadable_video"


@settings(max_examples=25, deadline=None)
@given(
    source=st.sampled_from([film(seconds=0.4), film("webm", "libvpx-vp9", "libopus", seconds=0.4)]),
    route=st.sampled_from(["video-format", "video-volume", "video-trim", "video-stabilize"]),
    edits=st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5),
)
def test_a_film_of_damaged_bytes_is_either_made_or_refused(
    source: bytes, route: str, edits: list[tuple[int, bytes]]
) -> None:
    content = bytearray(source)
    for position, replacement in edits:
        place = position % len(content)
        content[place : place + len(replacement)] = replacement
    order = LabelledTask(task_with(route, {"video": Media(bytes(content), "video/mp4")}, volume="0.5"), "")
    with contextlib.suppress(ProviderRefused):
        assert ROUTES[route].load()(order)(0, silent).media_type.startswith("video/")


async def test_a_film_without_pictures_or_without_a_file_is_refused() -> None:
    sound = Media(film("mp4", "", "aac"), "video/mp4")
    assert await refused("video-format", {"video": sound}) == "no_picture"
    assert await refused("video-format") == "missing_video"


async def test_work_on_a_film_that_nobody_waits_for_ends_at_its_next_frame() -> None:
    heard: list[float] = []

    class Gone(Exception):
        """Nobody waits."""

    def progress(fraction: float, message: str) -> None:
        heard.append(fraction)
        if len(heard) == 5:
            raise Gone

    work = ROUTES["video-format"].load()(LabelledTask(task_with("video-format", {"video": MP4}), ""))
    with pytest.raises(Gone):
        work(0, progress)
    assert len(heard) == 5


async def test_progress_rises_while_a_film_is_made() -> None:
    heard: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        wanted = task_with("video-format", {"video": MP4})
        await LocalProvider(pool).submit(wanted, lambda fraction, message: heard.append(fraction))
    assert heard == sorted(heard)
    assert len(heard) > 20
    assert heard[-1] == 1.0


# Tracks


SAID = "1\n00:00:00,000 --> 00:00:01,000\nA heron.\n"


def subtitled(content: bytes, tracks: int, folder: Path) -> bytes:
    """With so many tracks of subtitles, by FFmpeg itself: PyAV encodes none."""
    source, words, made = folder / "film.mp4", folder / "words.srt", folder / "subtitled.mp4"
    source.write_bytes(content)
    words.write_text(SAID)
    inputs = ["-i", str(source), *["-i", str(words)] * tracks]
    maps = [part for number in range(tracks + 1) for part in ("-map", str(number))]
    ffmpeg(*inputs, *maps, "-c", "copy", "-c:s", "mov_text", str(made))
    return made.read_bytes()


def with_tracks(sounds: int, subtitles: int, folder: Path) -> Media:
    """A film with so many tones, each of another pitch, and so many tracks of subtitles."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as output:
        pictures = output.add_stream("libx264", rate=RATE)
        assert isinstance(pictures, av.VideoStream)
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        voices = [output.add_stream("aac", rate=HERTZ, layout="mono") for _ in range(sounds)]
        for number in range(2 * RATE):
            output.mux(pictures.encode(av.VideoFrame.from_ndarray(drifting(number), format="rgb24")))
        output.mux(pictures.encode())
        for number, voice in enumerate(voices):
            assert isinstance(voice, av.AudioStream)
            samples = av.AudioFrame.from_ndarray(tone(2.0, hertz=300 * (number + 1)), format="fltp", layout="mono")
            samples.sample_rate, samples.pts = HERTZ, 0
            output.mux(voice.encode(samples))
            output.mux(voice.encode())
    return media(subtitled(stream.getvalue(), subtitles, folder) if subtitles else stream.getvalue())


def pitches(made: Media) -> list[float]:
    """Of each sound track, in hertz."""
    found = []
    with av.open(io.BytesIO(made.content), "r") as opened:
        count = len(opened.streams.audio)
    for track in range(count):
        with av.open(io.BytesIO(made.content), "r") as opened:
            parts = [frame.to_ndarray()[0] for frame in opened.decode(audio=track)]
            samples = np.concatenate(parts)
            spectrum = np.abs(np.fft.rfft(samples))
            found.append(float(spectrum.argmax() * opened.streams.audio[track].rate / len(samples)))
    return found


@pytest.mark.parametrize(
    ("route", "inputs"), [("video-volume", {"volume": "0.5"}), ("video-trim", {"start": "0.5"}), ("video-speed", {})]
)
async def test_every_sound_track_of_a_film_is_kept(route: str, inputs: dict[str, str], tmp_path: Path) -> None:
    made = await make(route, {"video": with_tracks(3, 0, tmp_path)}, **inputs)
    assert pitches(made) == pytest.approx([300, 600, 900], abs=10)


@pytest.mark.parametrize(
    ("route", "inputs", "tracks", "told"),
    [
        ("video-volume", {"volume": "0.5"}, (2, 0), None),
        ("video-volume", {"volume": "0.5"}, (2, 1), "1 subtitle track"),
        ("video-trim", {"start": "0.5"}, (1, 2), "2 subtitle tracks"),
        ("video-social", {"width": 64, "height": 64}, (2, 1), "1 sound track, 1 subtitle track"),
    ],
)
async def test_what_of_a_film_is_left_out_is_said(
    route: str, inputs: dict[str, Any], tracks: tuple[int, int], told: str | None, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(1) as pool:
        task = task_with(route, {"video": with_tracks(*tracks, tmp_path)}, **inputs)
        delivery = await LocalProvider(pool).submit(task, silent)
    assert delivery.metadata.get("left out") == told
