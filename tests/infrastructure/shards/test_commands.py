"""The command line over shards: the same commands, each finding its account's shard."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import InvalidInput
from infrastructure.bootstrap import open_studio
from infrastructure.settings import Settings
from infrastructure.shards.adding import add_shard
from infrastructure.shards.opening import open_directory, settings_of
from tests.infrastructure.cli.workspaces import call
from tests.infrastructure.shards.conftest import ACCOUNTS, account_in
from tests.postgres import execute, fresh_database


def month() -> str:
    return datetime.now(UTC).strftime("%Y-%m")


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


def test_answers_of_all_shards_say_of_which_position_of_each_they_are(studio: Path) -> None:
    where = {"a": 7, "b": 7}
    for asked in (
        ("usage", "--everyone"),
        ("usage", "--everyone", "--by", "model"),
        ("operations", "--everyone"),
        ("costs",),
        ("books",),
    ):
        told = call(*asked, "--json").document
        assert told["positions"] == where, asked
        assert told.get("position", 14) == 14
        assert "as of position a:7,b:7" in call(*asked).out, asked
    then = call("costs", "--as-of", "a:7,b:3", "--json").document
    assert (then["as_of"]["positions"], then["costs"][0]["charged"]) == ({"a": 7, "b": 3}, 1)
    for wrong in ("7", "a:7", "a:x,b:7"):
        assert call("costs", "--as-of", wrong, "--json").error["code"] == "invalid_input", wrong


def test_seals_are_taken_of_every_shard_and_the_audit_checks_each(
    studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_SEAL_FILE", str(studio / "seals"))
    kept = call("seals", "keep", "--json")
    assert {name: one["position"] for name, one in kept.document["shards"].items()} == {"a": 7, "b": 7}
    (studio / "kept").write_text(kept.out)
    public = call("seals", "keys", "--json").document["keys"]
    assert call("seals", "verify", studio / "kept", "--public", public[0]).code == 0
    assert call("seals", "prove", "--account", ACCOUNTS[1], "--json").document["seal"]["position"] == 7
    sealed = call("seal").out.split()
    assert [one[:4] for one in sealed] == ["a=7:", "b=7:"]
    assert call("audit", "--seal", sealed[0], "--seal", sealed[1]).code == 0
    assert call("audit", "--seal", sealed[0].replace("a=", "b=")).code == 1
    assert call("audit", "--seal", sealed[0][2:], "--json").error["message"].startswith("--seal")
    assert sorted(path.name for path in studio.glob("seals.*")) == ["seals.a", "seals.b"]
    others = (studio / "seals.b").read_text().splitlines()
    wrong = others[-1].replace('"streams":', '"streams":1', 1)
    (studio / "seals.b").write_text(f"{wrong}\n{others[-1]}\n")
    assert call("audit").code == 1


def test_a_providers_invoices_are_in_one_place_and_held_against_the_costs_of_all(studio: Path) -> None:
    done = call("invoices", "record", "scripted", "inv-1", "0.08", "-m", month(), "--json")
    assert (done.code, done.document["month"]["computed"]["amount"]) == (0, "0.08")
    assert call("invoices", "record", "scripted", "inv-1", "0.08", "-m", month()).code == 0
    assert len(call("invoices", "list", "scripted", "--json").document["invoices"]) == 1
    assert call("alert", "check", "--json").document["drift"] == []
    assert call("invoices", "record", "scripted", "inv-2", "9", "-m", month()).code == 1
    assert len(call("alert", "drift", "--json").document["drift"]) == 1
    assert call("audit").code == 0


def test_work_of_an_operator_is_done_in_each_shard_whatever_fails_in_another(studio: Path, shards_url: str) -> None:
    for command in (("sweep", "--yes"), ("recover",), ("reconcile", "scripted"), ("approvals",), ("db", "upgrade")):
        assert call(*command).code == 0, command
    execute(shards_url, "ALTER TABLE b.contents RENAME TO hidden")
    done = call("sweep", "--dry-run", "--json")
    assert (done.code, [*done.document["failed"]]) == (1, ["b"])
    assert "not in shard b: " in " ".join(call("sweep", "--dry-run").out.split())


def test_a_backup_of_all_shards_is_brought_back_with_its_directory(
    studio: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call("backup", studio / "copy", "--json").document["shards"]
    assert {name: (one["position"], one["files"]) for name, one in made.items()} == {"a": (7, 1), "b": (7, 1)}
    assert call("backup", studio / "copy", "--json").error["message"].startswith("DIR")
    with fresh_database(postgres_server) as url:
        monkeypatch.setenv("IMAGESTUDIO_SHARDS", url)
        monkeypatch.setenv("IMAGESTUDIO_ASSETS", str(studio / "other"))
        assert call("shard", "add", "a", url).code == 0
        assert call("restore", studio / "copy", "--json").error["message"].startswith("DIR")
        assert call("shard", "add", "b", url).code == 0
        [part] = (studio / "copy" / "b").glob("log.*")
        part.rename(studio / "away")
        assert call("restore", studio / "copy").code != 0
        (studio / "away").rename(part)
        done = call("restore", studio / "copy", "--json")
        assert (done.code, {one["verdict"] for one in done.document["shards"].values()}) == (0, {"clean"})
        assert [one["accounts"] for one in call("shard", "list", "--json").document["shards"]] == [1, 1]
        assert call("generate", "y", "-m", "scripted-image", "--account", ACCOUNTS[0]).code == 0
        assert call("audit").code == 0


def test_a_shard_is_no_ledger_of_its_own_to_write_to(studio: Path, shards_url: str) -> None:
    alone = f"{shards_url}?options=-csearch_path%3Db"
    for command in (("account", "open", "new"), ("generate", "x", "--account", ACCOUNTS[1]), ("recover",)):
        done = call(*command, "--db", alone, "--json")
        assert (done.code, done.error["code"]) == (2, "invalid_input"), command
        assert "IMAGESTUDIO_SHARDS" in done.error["hint"]
    assert call("usage", "--account", ACCOUNTS[1], "--db", alone).code == 0
    assert call("shard", "add", "c", alone, "--json").error["message"] == "url: that is shard 'b'"


def test_a_directory_that_is_lost_is_made_again_of_its_shards(
    studio: Path, shards_url: str, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(postgres_server) as url:
        monkeypatch.setenv("IMAGESTUDIO_SHARDS", url)
        refused = call("shard", "add", "a", shards_url, "--json").error
        assert refused["message"] == "url: that is shard 'a' of another directory"
        assert "--take-over" in refused["hint"]
        for name in "ab":
            assert call("shard", "add", name, shards_url, "--take-over").code == 0
        assert [one["accounts"] for one in call("shard", "list", "--json").document["shards"]] == [1, 1]
        assert call("generate", "y", "-m", "scripted-image", "--account", ACCOUNTS[1]).code == 0
        assert call("audit").code == 0


def test_the_audit_finds_an_account_that_was_opened_in_another_shard(studio: Path, settings: Settings) -> None:
    strange = account_in("a", "strange")
    with open_directory(settings) as directory:
        alone = settings_of(settings, "b", directory.shards()["b"])

        async def open_there() -> None:
            async with open_studio(alone, serve=False) as one:
                for account in (strange, ACCOUNTS[0]):
                    await one.accounts.open(account)

        asyncio.run(open_there())
        found = call("audit", "--json")
        assert (found.code, found.document["tables"]) == (
            1,
            [
                f"account {ACCOUNTS[0]!r} is in shard b, and the directory says a",
                f"account {strange!r} is in shard b, and the directory does not know it",
            ],
        )
        with pytest.raises(InvalidInput, match="which is in shard 'a'"):
            add_shard(settings, "b", directory.shards()["b"])


def test_a_ledger_that_is_there_becomes_a_shard_with_its_accounts(
    home: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(postgres_server) as url:
        monkeypatch.delenv("IMAGESTUDIO_SHARDS")
        assert call("db", "upgrade", "--db", url).code == 0
        assert call("account", "open", "old", "--db", url).code == 0
        monkeypatch.setenv("IMAGESTUDIO_SHARDS", url)
        assert call("shard", "add", "first", f"{url}?options=-csearch_path%3Dpublic").code == 0
        assert call("shard", "add", "second", url).code == 0
        assert [one["accounts"] for one in call("shard", "list", "--json").document["shards"]] == [1, 0]
        assert call("account", "show", "old").code == 0


def test_without_a_directory_the_command_says_which_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGESTUDIO_SHARDS")
    done = call("shard", "list", "--json")
    assert (done.code, "IMAGESTUDIO_SHARDS" in done.error["message"]) == (2, True)


def test_a_shard_is_added_and_then_used(home: Path, shards_url: str) -> None:
    done = call("shard", "add", "c", shards_url)
    assert (done.code, done.out.startswith("Shard c is in postgresql://")) == (0, True)
    assert call("account", "open", account_in("c", among=("a", "b", "c"))).code == 0
    assert [one["accounts"] for one in call("shard", "list", "--json").document["shards"]] == [0, 0, 1]
