"""Local work goes by what was measured when a film came in: one that states no length is cut, fitted and posted too."""

from __future__ import annotations

from typing import Any

import pytest

from application.ports import Media
from infrastructure.media import read_media
from tests.infrastructure.films import film
from tests.workshop.work import make

LIVE = film("webm", "libvpx-vp9", "libopus", options=(("live", "1"),))
FRAGMENTS = film(options=(("movflags", "frag_keyframe+empty_moov+default_base_moof"),))
ORDERS: dict[str, tuple[dict[str, Any], int]] = {
    "video-trim": ({"start": "0.5", "end": "1.5"}, 1000),
    "video-speed": ({"speed": "2"}, 1000),
    "video-compress": ({"target_bytes": 60_000}, 2000),
    "video-social": ({"width": 128, "height": 128}, 2000),
}


def read(content: bytes) -> Media:
    return read_media(content, field="video", max_bytes=10**8, max_pixels=10**8)


@pytest.mark.parametrize("content", [LIVE, FRAGMENTS], ids=["live WebM", "fragments"])
@pytest.mark.parametrize("route", ORDERS)
async def test_a_film_that_states_no_length_is_worked_on(route: str, content: bytes) -> None:
    given, (inputs, milliseconds) = read(content), ORDERS[route]
    assert given.duration_ms == pytest.approx(2000, abs=85)
    made = await make(route, {"video": given}, **inputs)
    assert made.duration_ms == pytest.approx(milliseconds, abs=85)
