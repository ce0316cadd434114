"""A workspace in which things have happened already: made once a session through the command line, copied per test.

If the month of its account ends meanwhile, it is made anew: what happened is of the current period.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.periods import local_day
from infrastructure.clock import now
from tests.application.notifying.receivers import Receiver
from tests.infrastructure.cli.workspaces import ACCOUNT, STORY, ZONE, Workspace, call, settle


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Workspace]:
    """Gives the workspace that tests copy, as of the month that it is where its account is."""
    made: dict[str, Workspace] = {}

    def of_now() -> Workspace:
        month = local_day(now(), ZONE)[:7]
        if month not in made:
            made[month] = _prepared(tmp_path_factory.mktemp("studio"))
        return made[month]

    return of_now


def _prepared(home: Path) -> Workspace:
    ids = {}
    with pytest.MonkeyPatch.context() as patched:
        settle(patched, home)
        patched.setenv("IMAGESTUDIO_ACCOUNT", ACCOUNT)
        for name, command in STORY.items():
            outcome = call(*command, "--json")
            said = json.loads(outcome.out) if outcome.out else json.loads(outcome.err)["error"]
            ids[name] = str(said.get("operation"))
    return Workspace(home, ids)


@pytest.fixture(scope="session")
def shop() -> Iterator[Receiver]:
    """A customer's server, which takes whatever it is sent."""
    with Receiver().running() as running:
        yield running


@pytest.fixture
def workspace(
    prepared: Callable[[], Workspace], shop: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A copy of the prepared workspace, whose account is the default one."""
    home, before = tmp_path / "studio", prepared()
    shutil.copytree(before.home, home)
    settle(monkeypatch, home)
    monkeypatch.setenv("IMAGESTUDIO_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("IMAGESTUDIO_WEBHOOK_ORIGINS", shop.url)
    return Workspace(home, before.ids, shop.url)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A home where nothing was done yet, and no account is the default."""
    settle(monkeypatch, tmp_path)
    return Workspace(tmp_path)
