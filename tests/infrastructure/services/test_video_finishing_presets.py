"""Places for films and uses of smaller ones ask of models no more than these take, and say where it was read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from application.studios.video.compress import VideoCompression
from application.studios.video.convert import KIND as CONVERT
from application.studios.video.social import FILM, GUIDES, THUMBNAIL, VideoFormat
from application.studios.video.social import KIND as SOCIAL
from domain.catalogue import Scalar, check_inputs
from domain.inputs import FileInfo
from infrastructure.catalogue import load_catalogue
from infrastructure.studios import load_presets

CATALOGUE, _ = load_catalogue()
PRESETS = load_presets()
MEDIA = {"video": (FileInfo("video/mp4", 900, 200, 100, 2_000),)}
FORMATS = list(PRESETS.of(VideoFormat).values())


def taken(kind: str, inputs: dict[str, Scalar]) -> None:
    """Some model of the kind that is chosen by itself takes these inputs."""
    [model] = [model for model in CATALOGUE.for_kind(kind) if model.auto]
    check_inputs(model, kind, inputs, MEDIA)


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.id)
def test_a_format_is_taken_as_a_film_a_thumbnail_and_with_guides(one: VideoFormat) -> None:
    for output in (FILM, THUMBNAIL, GUIDES):
        taken(SOCIAL, one.inputs(output))


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.id)
def test_a_format_says_where_it_was_read_and_when(one: VideoFormat) -> None:
    assert one.source.startswith("https://")
    assert date.fromisoformat(one.checked).year >= 2026
    assert one.id.startswith(one.platform)


def test_there_are_formats_for_every_platform() -> None:
    assert len(FORMATS) >= 14
    assert sorted({one.platform for one in FORMATS}) == "facebook instagram linkedin pinterest tiktok x youtube".split()


@pytest.mark.parametrize("one", PRESETS.of(VideoCompression).values(), ids=lambda one: one.id)
def test_a_compression_is_taken(one: VideoCompression) -> None:
    taken(CONVERT, one.inputs())


WELL: dict[str, Any] = {
    "id": "a",
    "name": "A",
    "platform": "a",
    "size": "64x64",
    "max_seconds": 0,
    "max_bytes": 0,
    "fps": 0,
    "source": "https://example.com",
    "checked": "2026-11-30",
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"size": "64"}, "size"),
        ({"size": "65x64"}, "odd side"),
        ({"safe": (40, 0, 40, 0)}, "leaves nothing"),
        ({"safe": (-1, 0, 0, 0)}, "leaves nothing"),
    ],
)
def test_a_format_that_cannot_be_is_refused(changes: dict[str, Any], told: str) -> None:
    VideoFormat(**WELL)
    with pytest.raises(ValueError, match=told):
        VideoFormat(**{**WELL, **changes})
