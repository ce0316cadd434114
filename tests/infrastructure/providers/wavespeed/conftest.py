"""A clock that only sleeping moves, and the adapter between it and the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from infrastructure.providers.wavespeed import WaveSpeed
from tests.infrastructure.providers.wavespeed.tasks import wavespeed
from tests.infrastructure.wire.servers import Time
from tests.wire.fake.server import Fake


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def adapter(fake: Fake, time: Time) -> AsyncIterator[WaveSpeed]:
    async with wavespeed(fake, time) as adapter:
        yield adapter
