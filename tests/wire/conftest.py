"""The fake provider of one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.fake.server import Fake, serving


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """All four APIs on a free port of 127.0.0.1, with nothing in them."""
    with serving(tmp_path / "fake") as running:
        yield running
