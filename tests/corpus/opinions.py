"""What others say a file is, in our words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.corpus.programs import ffprobe, mediainfo

_NO_SHAPE = "1:1"
_FORMATS = {"mp3": "mpeg", "aac": "aac", "flac": "flac", "ogg": "ogg", "wav": "wav", "aiff": "aiff"}
_EBML = {".webm": "webm", ".mkv": "matroska", ".mka": "matroska", ".matroska": "matroska"}
"""FFmpeg calls both kinds by one name."""


@dataclass(frozen=True)
class Opinion:
    """Pixels as shown and milliseconds; None where it does not say."""

    kind: str
    width: int | None
    height: int | None
    duration_ms: Fraction | None


def ffprobe_says(file: Path) -> Opinion:
    said: dict[str, Any] = json.loads(ffprobe(file, "-show_format", "-show_streams"))
    film = next((stream for stream in said["streams"] if stream["codec_type"] == "video"), None)
    container = said["format"]["format_name"]
    brand = said["format"].get("tags", {}).get("major_brand", "")
    named = _EBML.get(file.suffix, "") if "matroska" in container else _FORMATS.get(container, brand)
    kind = _kind(named, moves=film is not None)
    length = said["format"].get("duration")
    duration = None if length is None else Fraction(length) * 1000
    if film is None:
        return Opinion(kind, None, None, duration)
    turns = [data["rotation"] for data in film.get("side_data_list", ()) if "rotation" in data]
    across, down = map(int, film.get("sample_aspect_ratio", _NO_SHAPE).split(":"))
    size = _shown(film["width"], film["height"], Fraction(across, down), sum(turns))
    return Opinion(kind, *size, duration)


def mediainfo_says(file: Path) -> Opinion:
    said: dict[str, Any] = json.loads(mediainfo(file))
    tracks = said["media"]["track"]
    film = next((track for track in tracks if track["@type"] == "Video"), None)
    length = tracks[0].get("Duration")
    duration = None if length is None else Fraction(length) * 1000
    if film is None:
        return Opinion("", None, None, duration)
    shape = Fraction(film.get("PixelAspectRatio", "1"))
    size = _shown(int(film["Width"]), int(film["Height"]), shape, float(film.get("Rotation", 0)))
    return Opinion("", *size, duration)


def _shown(width: int, height: int, shape: Fraction, turn: float) -> tuple[int, int]:
    wide = round(width * shape)
    return (height, wide) if round(turn) % 180 == 90 else (wide, height)


def _kind(container: str, *, moves: bool) -> str:
    if container == "qt  ":
        return "video/quicktime" if moves else "audio/quicktime"
    family = "video" if moves else "audio"
    return f"{family}/{container if container in (*_FORMATS.values(), *_EBML.values()) else 'mp4'}"
