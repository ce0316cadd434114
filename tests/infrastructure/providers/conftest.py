"""The fake provider of one test, and adapters in front of it that are closed again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.infrastructure.providers.benches import BENCHES, Worker, worker
from tests.wire.fake.server import Fake, serving

Open = Callable[..., Worker]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.fixture
async def open_worker(fake: Fake) -> AsyncIterator[Open]:
    """Makes a worker for a bench by its name."""
    async with AsyncExitStack() as stack:

        def make(name: str, *, url: str = "", key: str | None = None) -> Worker:
            made = worker(fake, BENCHES[name], url=url, key=key)
            stack.push_async_callback(made.provider.close)
            return made

        yield make
