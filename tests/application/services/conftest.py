"""A fake of every provider over real sockets, and a studio before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from infrastructure.service import Studio
from tests.infrastructure.catalogue.test_every_model import studio_before
from tests.wire.fake.server import Fake, serving


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.fixture
async def studio(fake: Fake, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_before(fake, sqlite_url, tmp_path) as opened:
        yield opened
