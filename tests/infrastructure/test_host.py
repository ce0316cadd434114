"""A studio is a guest: collector and loggers of the process it runs in are afterwards what they were before."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infrastructure.bootstrap import open_studio
from infrastructure.collector import THRESHOLDS, Spared
from infrastructure.settings import Settings
from infrastructure.wire.client import open_client
from infrastructure.wire.quiet import LOGGERS
from tests.infrastructure import guests
from tests.infrastructure.sites import running_site
from tests.pages import ROOT

NAMES = ("", "imagestudio", "httpx", "httpcore", *LOGGERS, "alembic", "sqlalchemy", "PIL")


def surroundings() -> list[object]:
    """What a host sees of its collector, and of all loggers that a studio may touch."""
    loggers = [logging.getLogger(name) for name in NAMES]
    seen = [(one.name, one.level, one.propagate, one.disabled, list(one.filters), _heard(one)) for one in loggers]
    return [gc.get_threshold(), gc.isenabled(), gc.get_freeze_count(), *seen]


def _heard(logger: logging.Logger) -> list[logging.Handler]:
    """A library that is imported gives its logger a handler that does nothing."""
    return [one for one in logger.handlers if not isinstance(one, logging.NullHandler)]


@pytest.fixture
def own_collector() -> Iterator[None]:
    """A collector with thresholds of its own, for which the session froze nothing."""
    before = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(501, 7, 3)
    yield
    gc.set_threshold(*before)
    gc.freeze()


def test_a_program_that_opened_studios_finds_itself_as_it_was(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMAGESTUDIO_")}
    kept["IMAGESTUDIO_PLAN_PRICES"] = "elsewhere"
    told = {"IMAGESTUDIO_HOME": str(tmp_path), "IMAGESTUDIO_SCRIPTED_ENABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-m", guests.__name__], cwd=ROOT, env=kept | told, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("serve", [True, False])
async def test_a_studio_leaves_nothing_changed(tmp_path: Path, own_collector: None, *, serve: bool) -> None:
    before = surroundings()
    async with open_studio(Settings(home=tmp_path), serve=serve) as one, open_studio(Settings(home=tmp_path)) as two:
        await one.accounts.open("acme", plan="pro")
        await two.accounts.open("acme", plan="pro")
        assert gc.get_threshold() == THRESHOLDS
    assert surroundings() == before


async def test_one_that_does_not_serve_leaves_the_collector_alone_while_it_is_open(
    tmp_path: Path, own_collector: None
) -> None:
    before = surroundings()[:3]
    async with open_studio(Settings(home=tmp_path), serve=False) as studio:
        await studio.accounts.open("acme", plan="pro")
        assert surroundings()[:3] == before


def test_the_last_that_leaves_puts_the_collector_back_and_what_the_host_froze_stays_frozen(
    own_collector: None,
) -> None:
    gc.freeze()
    try:
        frozen, spared = gc.get_freeze_count(), Spared()
        with spared:
            with spared:
                pass
            assert gc.get_threshold() == THRESHOLDS
        assert gc.get_threshold() == (501, 7, 3)
        assert 0 < gc.get_freeze_count() <= frozen  # some of them were let go meanwhile
    finally:
        gc.unfreeze()


async def test_the_hosts_own_requests_are_logged_as_ever_and_ours_never(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ours = open_client()
    async with running_site() as site, httpx.AsyncClient() as theirs:
        caplog.clear()
        await ours.get(f"{site.origin}/ours?token=secret")
        assert not [record for record in caplog.records if record.name in LOGGERS]
        await theirs.get(f"{site.origin}/theirs")
    assert {record.name for record in caplog.records} >= {"httpx", "httpcore.http11"}
    await ours.aclose()
    assert "secret" not in caplog.text
