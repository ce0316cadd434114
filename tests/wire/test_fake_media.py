"""The media of the fake are what they say, read by the studio's own reader."""

from __future__ import annotations

import pytest

from infrastructure.media import read_media
from tests.wire.fake import media


@pytest.mark.parametrize(
    ("content", "kind", "size", "milliseconds"),
    [
        (media.image(30, 20), "image/png", (30, 20), None),
        (media.image(30, 20, "JPEG"), "image/jpeg", (30, 20), None),
        (media.image(30, 20, "WEBP"), "image/webp", (30, 20), None),
        (media.image(30, 20, "GIF"), "image/gif", (30, 20), None),
        (media.mask(30, 20), "image/png", (30, 20), None),
        (media.mp4(7.5, 1280, 720), "video/mp4", (1280, 720), 7_500),
        (media.wav(2.5), "audio/wav", (None, None), 2_500),
        (media.mp3(3), "audio/mpeg", (None, None), 3_004),
        (media.glb(), "model/gltf-binary", (None, None), None),
    ],
)
def test_each_kind_is_read_as_what_it_is(
    content: bytes, kind: str, size: tuple[int | None, int | None], milliseconds: int | None
) -> None:
    read = read_media(content, field="file", max_bytes=10**6, max_pixels=10**6)
    assert (read.media_type, (read.width, read.height), read.duration_ms) == (kind, size, milliseconds)
    assert media.media_type(content) == kind


def test_seeds_make_different_media() -> None:
    for make in (media.glb, lambda seed: media.image(seed=seed), lambda seed: media.mp4(seed=seed)):
        assert len({make(seed) for seed in range(1, 9)}) == 8


@pytest.mark.parametrize(
    ("content", "seconds"), [(media.mp4(0.04), 0.04), (media.wav(1.25), 1.25), (media.mp3(60), 60), (b"a pond", None)]
)
def test_a_length_is_measured(content: bytes, seconds: float | None) -> None:
    assert media.seconds_of(content) == pytest.approx(seconds, abs=0.02)


def test_text_is_what_nothing_else_is() -> None:
    assert media.media_type(b"a pond") == "text/plain"
