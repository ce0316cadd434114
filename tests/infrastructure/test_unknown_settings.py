"""A setting that there is not is named, with the one that may be meant; those of plug-ins are their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure.registry import unknown_settings
from infrastructure.store.urls import parse_url, sqlite_file, sqlite_url
from tests.infrastructure.cli.workspaces import Workspace, call, settle
from tests.infrastructure.every_setting import NAMES


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    settle(monkeypatch, tmp_path)
    return Workspace(tmp_path)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("IMAGESTUDIO_LEASE_SECOND", "IMAGESTUDIO_LEASE_SECONDS"),
        ("IMAGESTUDIO_DATABSE_URL", "IMAGESTUDIO_DATABASE_URL"),
        ("IMAGESTUDIO_OPENAI_KEYS", "IMAGESTUDIO_OPENAI_KEY"),
        ("IMAGESTUDIO_OPENIA_KEY", "IMAGESTUDIO_OPENAI_KEY"),
        ("IMAGESTUDIO_WAVESPED_WEBHOOK", "IMAGESTUDIO_WAVESPEED_WEBHOOK"),
        ("IMAGESTUDIO_HUGGINGFACE_FALL_KEY", "IMAGESTUDIO_HUGGINGFACE_FAL_KEY"),
        ("imagestudio_hom", "IMAGESTUDIO_HOME"),
        ("IMAGESTUDIO_LOCAL_KEY", "IMAGESTUDIO_LOCAL_"),
        ("IMAGESTUDIO_SCRIPTED_URL", "IMAGESTUDIO_SCRIPTED_"),
    ],
)
@pytest.mark.parametrize("written", ["environment", ".env"])
def test_a_mistyped_setting_is_an_error_that_names_the_one_that_is_meant(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, meant: str, written: str
) -> None:
    if written == "environment":
        monkeypatch.setenv(name, "5")
    else:
        (empty.home / ".env").write_text(f"{name}=5\n")
    for command in (("usage",), ("models",), ("account", "open", "acme")):
        done = call(*command, "--json")
        assert (done.code, done.error["message"]) == (2, f"{name.upper()}: there is no such setting")
        assert meant in done.error["hint"]
    assert not empty.database.exists()


def test_what_is_near_no_setting_is_warned_of_and_known_names_are_not(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_PORT_8080_TCP_ADDR", "10.0.0.1")
    done = call("models")
    assert (done.code, done.err.count("there is no setting IMAGESTUDIO_PORT_8080_TCP_ADDR")) == (0, 1)
    (empty.home / "1").touch()  # as a configuration file
    for name in NAMES:
        monkeypatch.setenv(f"IMAGESTUDIO_{name.upper()}", "1")
    assert unknown_settings() == {"IMAGESTUDIO_PORT_8080_TCP_ADDR": ""}


# The URL of a SQLite file

ODD = ["a b", "a%20b", "a?b", "a?b=c&d", "a#b", "ü", "100%", "a+b", "a@b:c", "file:x", ":memory:", "a%2Fb", "'", '"']


@pytest.mark.parametrize("name", ODD)
def test_a_home_of_any_name_keeps_its_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    home = tmp_path / name
    settle(monkeypatch, tmp_path)
    monkeypatch.setenv("IMAGESTUDIO_HOME", str(home))
    assert call("account", "open", "acme").code == 0
    assert (home / "ledger.db").stat().st_size > 0
    assert call("account", "show", "acme", "--db", sqlite_url(home / "ledger.db")).code == 0
    assert {file.name for file in tmp_path.iterdir()} == {name}


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////srv/a b.db", "/srv/a b.db"),
        ("sqlite:////srv/a%20b.db", "/srv/a b.db"),
        ("sqlite:////srv/a%2520b.db", "/srv/a%20b.db"),
        ("sqlite:////srv/a%3Fb.db", "/srv/a?b.db"),
        ("sqlite:////srv/a#b.db", "/srv/a#b.db"),
        ("sqlite:////srv/ü.db", "/srv/ü.db"),
        ("sqlite:///file:/srv/a.db?mode=ro&uri=true", "/srv/a.db"),
    ],
)
def test_a_sqlite_url_names_the_file_that_was_meant(url: str, file: str) -> None:
    assert sqlite_file(parse_url(url)) == Path(file)


def test_a_relative_path_is_of_the_current_folder_and_a_tilde_of_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert sqlite_file(parse_url("sqlite:///x.db")) == tmp_path / "x.db"
    assert sqlite_file(parse_url("sqlite:///~/x.db")) == tmp_path / "me" / "x.db"


@pytest.mark.parametrize(
    "url",
    ["sqlite:////srv/a?b.db", "sqlite:////srv/a?b=c.db", "sqlite://srv/a.db", "sqlite:///~nobody-of-that-name/x.db"],
)
def test_an_address_that_could_be_meant_otherwise_is_refused(empty: Workspace, url: str) -> None:
    done = call("account", "open", "acme", "--db", url, "--json")
    assert (done.code, done.error["code"]) == (6, "store")
    assert done.error["hint"]
    assert not list(empty.home.iterdir())
