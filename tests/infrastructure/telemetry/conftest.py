"""One busy service for all that is asked about what it sent and wrote; when it is asked, everything has ended."""

from __future__ import annotations

import pytest

from tests.infrastructure.telemetry.busy import Busy, be_busy
from tests.infrastructure.telemetry.receiver import receiving
from tests.wire.fake.server import serving


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Busy:
    with serving(tmp_path_factory.mktemp("fake")) as upstream, receiving() as receiver:
        return be_busy(tmp_path_factory.mktemp("studio"), upstream, receiver)
