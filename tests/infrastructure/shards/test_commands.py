"""The command line over shards: the same commands, each finding its account's shard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infrastructure.cli.workspaces import call, settle
from tests.infrastructure.shards.conftest import account_in

ACCOUNTS = (account_in("a"), account_in("b"))


@pytest.fixture
def home(shards_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle(monkeypatch, tmp_path)
    monkeypatch.setenv("IMAGESTUDIO_SHARDS", shards_url)
    return tmp_path


def test_commands_find_the_shard_and_ask_all_of_them(home: Path, shards_url: str) -> None:
    for account in ACCOUNTS:
        assert call("account", "open", account, "--plan", "pro").code == 0
        made = call("generate", "x", "-m", "scripted-image", "--account", account, "--json")
        assert made.code == 0
        told = call("operation", made.document["operation"], "--account", account, "--json")
        assert (told.code, len(told.document["events"])) == (0, 5)
        assert call("limits", "--account", account).code == 0
    everyone = call("usage", "--everyone", "--json").document["usage"]
    assert [row["account"] for row in everyone] == sorted(ACCOUNTS)
    assert call("costs", "--json").document["costs"][0]["charged"] == 2
    assert call("books", "--json").code == 0
    assert call("audit").code == 0
    assert call("worker", "--drain", "--json").document == {"performed": 0, "left": 0}
    listed = call("shard", "list", "--json").document["shards"]
    assert [(one["name"], one["accounts"]) for one in listed] == [("a", 1), ("b", 1)]
    assert call("shard", "list").out.splitlines()[0].strip() == "2 shards"
    assert call("seal", "--db", listed[0]["url"], "--json").code == 0
    assert {path.name for path in (home / "assets").iterdir()} == {"a", "b"}
    said = {one["name"]: one["value"] for one in call("config", "--json").document["settings"]}
    assert (said["IMAGESTUDIO_DATABASE_URL"], said["IMAGESTUDIO_SHARDS"].endswith(shards_url[-8:])) == ("", True)
    assert call("config", "check", "--json").document["problems"] == []


def test_what_is_of_one_ledger_says_how_to_ask_for_it(home: Path) -> None:
    assert call("account", "open", ACCOUNTS[0]).code == 0
    for command in (
        ("seal",),
        ("events",),
        ("backup", home / "copy"),
        ("db", "upgrade"),
        ("export", "beancount", "--out", home / "books"),
        ("export", "beancount", "--out", home / "own", "--account", ACCOUNTS[0]),
    ):
        done = call(*command, "--json")
        assert (done.code, done.error["code"]) == (2, "invalid_input"), command
        assert "shard list" in done.error["hint"]
    assert not (home / "ledger.db").exists()


def test_without_a_directory_the_command_says_which_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGESTUDIO_SHARDS")
    done = call("shard", "list", "--json")
    assert (done.code, "IMAGESTUDIO_SHARDS" in done.error["message"]) == (2, True)


def test_a_shard_is_added_and_then_used(home: Path, shards_url: str) -> None:
    done = call("shard", "add", "c", shards_url)
    assert (done.code, done.out.startswith("Shard c is in postgresql://")) == (0, True)
    assert call("account", "open", account_in("c", among=("a", "b", "c"))).code == 0
    assert [one["accounts"] for one in call("shard", "list", "--json").document["shards"]] == [0, 0, 1]
