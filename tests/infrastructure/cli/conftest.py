"""A workspace in which things have happened already: made once a session through the command line, copied per test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application.notifying.receivers import Receiver
from tests.infrastructure.cli.workspaces import ACCOUNT, STORY, Workspace, call, settle


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace that tests copy."""
    home = tmp_path_factory.mktemp("studio")
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
def workspace(prepared: Workspace, shop: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of the prepared workspace, whose account is the default one."""
    home = tmp_path / "studio"
    shutil.copytree(prepared.home, home)
    settle(monkeypatch, home)
    monkeypatch.setenv("IMAGESTUDIO_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("IMAGESTUDIO_WEBHOOK_ORIGINS", shop.url)
    return Workspace(home, prepared.ids, shop.url)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A home where nothing was done yet, and no account is the default."""
    settle(monkeypatch, tmp_path)
    return Workspace(tmp_path)
