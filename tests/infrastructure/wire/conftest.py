"""A clock that only sleeping moves."""

from __future__ import annotations

import pytest

from tests.infrastructure.wire.servers import Time


@pytest.fixture
def time() -> Time:
    return Time()
