"""One gateway before one fake of all providers for each file of tests, and a fresh one for those that need it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.infrastructure.gateway.gateways import Gateway, before, gateway_on
from tests.wire.fake.server import Fake, serving


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    with serving(tmp_path_factory.mktemp("fake")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = tmp_path_factory.mktemp("studio")
    with gateway_on(f"sqlite:///{home / 'ledger.db'}", home, **before(fake)) as running:
        yield running
