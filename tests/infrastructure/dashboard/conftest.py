"""One dashboard before fake providers for each file of tests, and a browser if this machine has one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.infrastructure.gateway.gateways import Gateway, before, gateway_on
from tests.wire.fake.server import Fake, serving

CHROMIUM = "/usr/bin/chromium"
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    with serving(tmp_path_factory.mktemp("fake")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = tmp_path_factory.mktemp("studio")
    with gateway_on(f"sqlite:///{home / 'ledger.db'}", home, **before(fake)) as running:
        yield running


def found_chromium() -> str | None:
    """Where the browser is; None if there is none."""
    return CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser; a new one of each context has nothing of another's."""
    found = found_chromium()
    if found is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=OPTIONS.split())
        yield browser
        browser.close()
