"""One studio of each kind for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imagestudio import Client
from infrastructure.blocking import BlockingStudio
from tests.infrastructure.client.both import elsewhere, here
from tests.infrastructure.gateway.gateways import Gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with elsewhere(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingStudio]:
    with here(tmp_path_factory.mktemp("local")) as studio:
        yield studio


@pytest.fixture(scope="module")
def remote(gateway: Gateway) -> Iterator[Client]:
    with Client(gateway.url, key=gateway.secret) as studio:
        yield studio
