"""The fake providers of one test, and the scene that they and a database make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.ponds import Scene
from tests.wire.fake.server import Fake, serving


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.fixture
def scene(fake: Fake, database_url: str, tmp_path: Path) -> Scene:
    """On each kind of database."""
    return Scene(fake, database_url, tmp_path)
