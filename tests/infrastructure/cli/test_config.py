"""`config` lists every setting with its value and its source, and shows no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.cli.workspaces import Workspace, call
from tests.infrastructure.every_setting import NAMES, SECRETS

WORDED = {"smtp_url": "smtp://studio:{}@mail.example", "relay_url": "nats://studio:{}@broker.example/studio"}
"""How a setting is written that has a secret as a part of it."""


def listed(*options: str) -> dict[str, Any]:
    return {one["name"]: one for one in call("config", *options, "--json").document["settings"]}


def test_every_setting_is_listed_with_those_of_providers(empty: Workspace) -> None:
    assert set(listed()) == {f"IMAGESTUDIO_{name.upper()}" for name in NAMES}


def test_each_says_where_it_was_said(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_LEASE_SECONDS", "7")
    Path(".env").write_text("IMAGESTUDIO_GRACE_SECONDS=8\nIMAGESTUDIO_LEASE_SECONDS=9\n")
    found = listed("--db", "postgresql://me:hidden@h/x")
    assert (found["IMAGESTUDIO_LEASE_SECONDS"]["value"], found["IMAGESTUDIO_LEASE_SECONDS"]["from"]) == (
        "7",
        "environment",
    )
    assert (found["IMAGESTUDIO_GRACE_SECONDS"]["value"], found["IMAGESTUDIO_GRACE_SECONDS"]["from"]) == ("8", ".env")
    assert found["IMAGESTUDIO_WAIT_SECONDS"]["from"] == "default"
    assert (found["IMAGESTUDIO_DATABASE_URL"]["value"], found["IMAGESTUDIO_DATABASE_URL"]["from"]) == (
        "postgresql://me:***@h/x",
        "--db",
    )


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_is_shown(empty: Workspace, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"IMAGESTUDIO_{name.upper()}", WORDED.get(name, "{}").format("sesame-17"))
    assert listed()[f"IMAGESTUDIO_{name.upper()}"]["value"] == "set"
    assert "sesame-17" not in call("config").out + call("config", "--json").out
