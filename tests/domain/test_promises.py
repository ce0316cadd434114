"""Only what is named exactly is a promise, and only what is known to be otherwise is unlike it."""

from __future__ import annotations

import pytest

from domain.inputs import FileInfo, Scalar
from domain.promises import NOTHING, Promised, promised


@pytest.mark.parametrize(
    ("inputs", "exactly"),
    [
        ({}, NOTHING),
        ({"size": "1536x1024"}, Promised((1536, 1024))),
        ({"size": "1024*768"}, Promised((1024, 768))),
        ({"size": "auto"}, NOTHING),
        ({"size": 6}, NOTHING),
        ({"width": 640, "height": 480}, Promised((640, 480))),
        ({"width": 640}, NOTHING),
        ({"resolution": "720p", "aspect_ratio": "16:9"}, NOTHING),
        ({"duration": 5}, Promised(None, 5_000)),
        ({"duration": "2.5"}, Promised(None, 2_500)),
        ({"duration": 5, "size": "1280x720"}, Promised((1280, 720), 5_000)),
    ],
)
def test_a_size_or_a_length_is_promised_where_it_is_named_exactly(inputs: dict[str, Scalar], exactly: Promised) -> None:
    assert promised(inputs, timed=False) == exactly


def test_a_film_or_a_sound_that_goes_in_may_decide_the_length() -> None:
    assert promised({"duration": 5, "size": "1280x720"}, timed=True) == Promised((1280, 720))


def film(width: int | None, height: int | None, duration_ms: int | None) -> FileInfo:
    return FileInfo("video/mp4", 900, width, height, duration_ms)


@pytest.mark.parametrize(
    ("one", "unlike"),
    [
        (film(1280, 720, 5_000), 0),
        (film(1280, 720, 5_500), 0),
        (film(1280, 720, 4_500), 0),
        (film(1280, 720, 5_501), 1),
        (film(1280, 720, 4_499), 1),
        (film(720, 1280, 5_000), 1),
        (film(1279, 720, 5_000), 1),
        (film(640, 360, 2_000), 1),
        (film(None, None, 5_000), 0),
        (film(1280, 720, None), 0),
    ],
)
def test_what_is_known_to_be_otherwise_is_counted_once(one: FileInfo, unlike: int) -> None:
    exactly = Promised((1280, 720), 5_000)
    assert exactly.unlike([one]) == unlike
    assert exactly.unlike([one, film(1280, 720, 5_000), one]) == 2 * unlike
    assert NOTHING.unlike([one]) == 0
