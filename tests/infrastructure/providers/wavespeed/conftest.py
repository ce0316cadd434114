"""The fake provider of one test, a clock that only sleeping moves, and the adapter between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from infrastructure.providers.wavespeed import WaveSpeed
from tests.infrastructure.providers.wavespeed.tasks import wavespeed
from tests.infrastructure.wire.servers import Time
from tests.wire.fake.server import Fake, serving


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def adapter(fake: Fake, time: Time) -> AsyncIterator[WaveSpeed]:
    async with wavespeed(fake, time) as adapter:
        yield adapter
