"""Real films and sounds of a few frames, encoded for the test that needs them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import cache

import av
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
RATE = 25
HERTZ = 48_000


def drifting(number: int, width: int = 128, height: int = 96) -> Frame:
    """A textured background that stands still, and a white square that moves two pixels to the right a frame."""
    frame = np.asarray(np.random.default_rng(5).integers(40, 140, (height // 4, width // 4, 3)), dtype=np.uint8)
    frame = frame.repeat(4, axis=0).repeat(4, axis=1)
    left = 8 + 2 * number
    frame[24:56, left : left + 24] = 255
    return frame


def tone(seconds: float, loudness: float = 0.3, hertz: int = 440) -> npt.NDArray[np.float32]:
    """Samples of shape (1, n)."""
    time = np.arange(int(seconds * HERTZ)) / HERTZ
    return np.asarray(np.sin(time * hertz * 2 * np.pi)[None] * loudness, dtype=np.float32)


@cache
def film(
    container: str = "mp4",
    video: str = "libx264",
    audio: str = "aac",
    seconds: float = 2.0,
    picture: Callable[[int], Frame] = drifting,
    loudness: float = 0.3,
    options: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """A film of `picture` at 25 frames a second with a tone of 440 Hz; an empty codec leaves that stream out."""
    sound = tone(seconds, loudness) if audio else None
    frames = [picture(number) for number in range(round(seconds * RATE))] if video else []
    return encoded(container, video, frames, audio, sound, dict(options))


def encoded(
    container: str,
    video: str,
    frames: list[Frame],
    audio: str = "",
    sound: npt.NDArray[np.float32] | None = None,
    options: Mapping[str, str] | None = None,
) -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format=container, options=dict(options or {})) as output:
        pictures = output.add_stream(video, rate=RATE) if video else None
        voice = output.add_stream(audio, rate=HERTZ) if audio else None
        if isinstance(voice, av.AudioStream):
            voice.codec_context.layout = "mono"
        if isinstance(pictures, av.VideoStream):
            pictures.height, pictures.width = frames[0].shape[:2]
            pictures.pix_fmt = "yuv420p"
            for frame in frames:
                output.mux(pictures.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            output.mux(pictures.encode())
        if isinstance(voice, av.AudioStream) and sound is not None:
            samples = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
            samples.sample_rate, samples.pts = HERTZ, 0
            output.mux(voice.encode(samples))
            output.mux(voice.encode())
    return stream.getvalue()


def frames_of(content: bytes) -> list[Frame]:
    """All pictures of a film, RGB."""
    with av.open(io.BytesIO(content), "r") as opened:
        return [np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8) for frame in opened.decode(video=0)]


def sound_of(content: bytes) -> npt.NDArray[np.float32]:
    """All samples of a film's sound, mono, at 48 000 a second."""
    resampler = av.AudioResampler("fltp", "mono", HERTZ)
    with av.open(io.BytesIO(content), "r") as opened:
        parts = [part.to_ndarray() for frame in opened.decode(audio=0) for part in resampler.resample(frame)]
    return np.asarray(np.concatenate(parts, axis=1)[0], dtype=np.float32)
