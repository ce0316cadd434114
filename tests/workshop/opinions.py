"""Second opinions on films: what FFmpeg's own programs, of other builds than ours, write, show and say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.corpus.programs import ffmpeg, ffprobe


def filmed(container: str, *arguments: str) -> bytes:
    """What FFmpeg writes as `container` by these arguments."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{container}"
        ffmpeg(*arguments, str(path))
        return path.read_bytes()


def probed(content: bytes) -> dict[str, Any]:
    """All that ffprobe knows of a file and its streams."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        path.write_bytes(content)
        return dict(json.loads(ffprobe(path, "-show_format", "-show_streams")))


@cache
def pictured(content: bytes) -> dict[str, Any]:
    """What ffprobe says of its first stream of pictures."""
    return dict(next(stream for stream in probed(content)["streams"] if stream["codec_type"] == "video"))


@cache
def shown(content: bytes) -> tuple[npt.NDArray[np.integer[Any]], ...]:
    """The frames, RGB in 8 or 16 bits, as FFmpeg's own program shows them: turned, mirrored, and in square pixels."""
    with TemporaryDirectory() as folder:
        film, pictures = Path(folder) / "film", Path(folder) / "pictures"
        film.write_bytes(content)
        chain = ("-map", "0:v", "-vf", "scale=round(iw*sar):ih,setsar=1", "-fps_mode", "passthrough")
        ffmpeg("-i", str(film), *chain, "-f", "image2pipe", "-c:v", "ppm", str(pictures))
        return tuple(_unpacked(pictures.read_bytes()))


def times(content: bytes) -> list[float]:
    """When each frame is shown, in seconds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        path.write_bytes(content)
        said = ffprobe(path, "-select_streams", "v", "-show_entries", "frame=pts_time")
        return [float(frame["pts_time"]) for frame in json.loads(said)["frames"]]


def turned(content: bytes, container: str, *how: str) -> bytes:
    """A film of one container that says by its display matrix how it lies, such as "-display_rotation", "90"."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{container}"
        path.write_bytes(content)
        return filmed(container, *how, "-i", str(path), "-c", "copy", "-map", "0")


def _unpacked(pictures: bytes) -> Iterator[npt.NDArray[np.integer[Any]]]:
    """Of portable pixmaps, one after the other."""
    while pictures:
        _, size, most, rest = pictures.split(b"\n", 3)
        width, height = map(int, size.split())
        kind = np.dtype(np.uint8 if int(most) < 256 else ">u2")
        length = width * height * 3 * kind.itemsize
        samples: npt.NDArray[np.integer[Any]] = np.frombuffer(rest[:length], kind)
        yield samples.reshape(height, width, 3)
        pictures = rest[length:]
