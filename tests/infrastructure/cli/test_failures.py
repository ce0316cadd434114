"""What goes wrong: one message on stderr, a hint, an exit code by class, nothing on stdout and never a traceback."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call

OPENS = "imagestudio account open"
SPOILT = ("generate", "x", "-m", "scripted-image", "-i")
BLIND = ("generate", "x", "-m", "scripted-blind", "-i", "outcome=timeout")

WRONG = [
    (("frobnicate",), 2, "usage", "no such command"),
    (("generate",), 2, "usage", "PROMPT"),
    (("generate", "x", "--frob"), 2, "usage", "--frob"),
    (("generate", "x", "-n", "two"), 2, "usage", "'-n'"),
    (("generate", "x", "-n", "0"), 2, "invalid_input", "n: 0 variations"),
    (("generate", ""), 2, "invalid_input", "prompt: is empty"),
    (("generate", "x", "-m", "nonsense"), 2, "unknown_model", "'nonsense'"),
    (("generate", "x", "-a", "nobody"), 2, "unknown_account", "'nobody'"),
    (("generate", "x", "-i", "width"), 2, "invalid_input", "NAME=VALUE"),
    (("generate", "x", "-i", "width=9999"), 2, "invalid_input", "above 2048"),
    (("generate", "x", "-i", "frob=1"), 2, "invalid_input", "frob"),
    (("generate", "another", "-k", "k1"), 2, "key_reused", "'k1'"),
    (("generate", "x", "--out", "FILE"), 2, "invalid_input", "--out"),
    (("edit", "nowhere.png", "sepia"), 2, "invalid_input", "nowhere.png"),
    (("edit", "http://127.0.0.1:1/x.png?signature=s3cret", "sepia"), 2, "invalid_input", "image: cannot be fetched"),
    (("run", "image-edit", "-i", "prompt=x", "-f", "image=ftp://h/x.png"), 2, "invalid_input", "cannot be read"),
    (("cancel", "nope"), 2, "unknown_operation", "'nope'"),
    (("cancel", "LAKE"), 2, "illegal_transition", "is charged: there is nothing to cancel"),
    (("edit", "FILE", "sepia"), 2, "invalid_input", "image: is no image"),
    (("upscale", "FILE"), 2, "invalid_input", "image"),
    (("run", "frobnicate"), 2, "unknown_kind", "'frobnicate'"),
    (("estimate", "text-to-image", "-i", "prompt=x", "-n", "101"), 2, "invalid_input", "101"),
    (("usage", "--at", "someday"), 2, "invalid_input", "'someday'"),
    (("usage", "-a", "nobody"), 2, "unknown_account", "'nobody'"),
    (("approvals", "--account", "nobody"), 2, "unknown_account", "'nobody'"),
    (("why", "--refused", "-a", "nobody"), 2, "unknown_account", "'nobody'"),
    (("simulate", "--from", "2026-11-01", "--to", "2026-12-01", "-a", "nobody"), 2, "unknown_account", "'nobody'"),
    (("spend", "--since", "2026-12-01", "--until", "2026-11-01"), 2, "invalid_input", "until: 2026-11-01 is before"),
    (("operations", "--limit", "0"), 2, "usage", "--limit"),
    (("operations", "--flag", "odd"), 2, "invalid_input", "'odd'"),
    (("operations", "--state", "chargd"), 2, "invalid_input", "there is no state 'chargd'"),
    (("operations", "--kind", "text-to-imgae"), 2, "unknown_kind", "'text-to-imgae'"),
    (("usage", "--kind", "text-to-imgae"), 2, "unknown_kind", "'text-to-imgae'"),
    (("costs", "--model", "scripted-imgae"), 2, "unknown_model", "'scripted-imgae'"),
    (("costs", "--provider", "scriptd"), 2, "invalid_input", "there is no provider 'scriptd'"),
    (("operation", "nope"), 2, "unknown_operation", "'nope'"),
    (("events", "--type", "nope"), 2, "invalid_input", "'nope'"),
    (("events", "--account", "nobody"), 2, "unknown_account", "'nobody'"),
    (("audit", "--account", "nobody"), 2, "unknown_account", "'nobody'"),
    (("audit", "--seal", "nope"), 2, "invalid_input", "'nope'"),
    (("reconcile", "nope"), 2, "invalid_input", "no bills that can be read"),
    (("reconcile", "local"), 2, "invalid_input", "no bills that can be read"),
    (("reconcile", "scripted", "--since", "someday"), 2, "invalid_input", "--since: 'someday'"),
    (("reconcile", "scripted", "--until", "0001-01-01"), 2, "invalid_input", "--until: 0001-01-01 is out of range"),
    (("reconcile", "scripted", "--since", "2026-11-02", "--until", "2026-11-02"), 2, "invalid_input", "not before"),
    (("reconcile", "scripted", "--csv", "nowhere/x.csv"), 2, "invalid_input", "nowhere/x.csv"),
    (("reconcile", "scripted", "--csv", "."), 2, "invalid_input", "is a folder"),
    (("providers", "check", "nope"), 2, "invalid_input", "'nope'"),
    (("refund", "nope"), 2, "unknown_operation", "'nope'"),
    (("refund", "LAKE", "--amount", "1.00"), 2, "invalid_input", "exceeds"),
    (("refund", "LAKE", "--amount", "1e3"), 2, "invalid_money", "1e3"),
    (("refund", "LAKE", "--amount", "0"), 2, "invalid_input", "nothing of operation"),
    (("erase", "nope", "--yes"), 2, "unknown_operation", "'nope'"),
    (("erase", "LAKE"), 2, "invalid_input", "--yes"),
    (("account", "close", ACCOUNT, "-r", "ended"), 2, "invalid_input", "--yes"),
    (("account", "suspend", ACCOUNT, "-r", " "), 2, "invalid_input", "reason"),
    (("account", "suspend", "nobody", "-r", "overdue"), 2, "unknown_account", "'nobody'"),
    (
        ("account", "open", "globex", "--currency", "EUR"),
        2,
        "invalid_input",
        "the price book has no rate from USD to EUR",
    ),
    (("models", "nope"), 2, "unknown_model", "'nope'"),
    (("models", "--provider", "nope"), 2, "unknown_model", "'nope'"),
    (("account", "open", "two words"), 2, "invalid_input", "'two words'"),
    (("account", "open", ACCOUNT, "--plan", "free"), 2, "account_exists", "other terms"),
    (("account", "open", "globex", "--plan", "gold"), 2, "unknown_plan", "'gold'"),
    (("account", "open", "globex", "--currency", "EURO"), 2, "invalid_money", "'EURO'"),
    (("account", "open", "globex", "--zone", "Mars/Phobos"), 2, "invalid_period", "Mars/Phobos"),
    (("account", "open", "globex", "--cycle", "weekly"), 2, "invalid_input", "'weekly'"),
    (("account", "plan", "gold"), 2, "unknown_plan", "'gold'"),
    (("account", "limit", "images", "-1"), 2, "invalid_input", "negative"),
    (("account", "limit", "images", "many"), 2, "invalid_input", "'many'"),
    (("account", "limit", "frobs", "1"), 2, "invalid_input", "'frobs'"),
    (("account", "limit", "spend", "0.1234567"), 2, "invalid_money", "0.1234567"),
    (
        ("account", "limit", "images", "1", "-u", "ann", "-p", "x"),
        2,
        "invalid_input",
        "user, to a project or to an API key",
    ),
    (("account", "top-up", "5", "--key", "p1"), 2, "invalid_input", "not prepaid"),
    (("account", "zone", "Mars/Phobos"), 2, "invalid_period", "Mars/Phobos"),
    (("projections", "retry", "nope"), 2, "invalid_input", "'nope'"),
    (("generate", "x", "-u", "bob"), 3, "refused", "limit of 2 a period leaves 0 until "),
    (("generate", "x", "-m", "scripted-unpriced"), 3, "refused", "price"),
    ((*SPOILT, "outcome=fail"), 4, "failed", "the provider failed"),
    ((*SPOILT, "outcome=unreadable"), 4, "failed", "no media"),
    (("edit", "PICTURE", "make it pretty"), 4, "failed", "no edit that is known"),
    (("reconcile", "blind"), 4, "provider_unavailable", "the bills of blind cannot be read"),
    (BLIND, 5, "pending", "unknown"),
    (("usage", "--db", "frob"), 6, "store", "URL"),
    (("usage", "--db", "mysql://h/x"), 6, "store", "mysql"),
    (("usage", "--db", "sqlite:///FILE"), 6, "store_unavailable", "not a database"),
    (("usage", "--db", "sqlite:///FILE/x.db"), 6, "no_ledger", "FILE/x.db: the file does not exist"),
    (("db", "status", "--db", "postgresql://127.0.0.1:1/x"), 6, "store_unavailable", "refused"),
]


@pytest.fixture
def words(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What stands for a real file that is no image, a picture, and an operation; the file's name is FILE."""
    Path("FILE").write_text("neither an image nor a database, however long one looks at it\n" * 20)
    return {"PICTURE": str(workspace.picture()), "LAKE": workspace.ids["lake"]}


@pytest.mark.parametrize(("command", "exit_code", "code", "said"), WRONG, ids=lambda part: str(part)[:50])
def test_a_failure_is_one_object_for_programs(
    words: dict[str, str], command: tuple[str, ...], exit_code: int, code: str, said: str
) -> None:
    done = call(*(words.get(word, word) for word in command), "--json")
    assert (done.code, done.out, done.error["code"]) == (exit_code, "", code)
    assert said in done.error["message"]


@pytest.mark.parametrize(("command", "exit_code", "said"), [(wrong[0], wrong[1], wrong[3]) for wrong in WRONG[::6]])
def test_a_failure_is_one_message_for_people(
    words: dict[str, str], command: tuple[str, ...], exit_code: int, said: str
) -> None:
    done = call(*(words.get(word, word) for word in command))
    first, *rest = done.err.splitlines()
    assert (done.code, done.out) == (exit_code, "")
    assert first.startswith("error: ")
    assert said in first
    assert all(line.startswith(" hint: ") for line in rest)


@pytest.mark.parametrize("command", [("generate", "x"), ("usage",), ("account", "show"), ("operations",)])
def test_without_an_account_the_command_that_opens_one_is_printed(empty: Workspace, command: tuple[str, ...]) -> None:
    done = call(*command)
    assert done.code == 2
    assert f"{OPENS} acme --plan free\n" in done.err


def test_the_printed_command_opens_the_account_in_the_same_database(empty: Workspace) -> None:
    url = f"sqlite:///{empty.home / 'other.db'}"
    assert call("db", "upgrade", "--db", url).code == 0
    failed = call("generate", "x", "-a", "nobody", "--db", url)
    printed = failed.err.splitlines()[1].partition("imagestudio ")[2]
    assert call(*printed.split()).code == 0
    assert call("account", "show", "nobody", f"--db={url}").code == 0


def test_what_ended_badly_is_named_for_programs(workspace: Workspace) -> None:
    failed = call(*SPOILT, "outcome=fail", "--json")
    assert call("operation", failed.error["operation"], "--json").document["state"] == "released"


def test_nothing_is_recorded_of_a_wrong_request(workspace: Workspace) -> None:
    end = call("seal", "--json").document["position"]
    assert call("generate", "x", "-i", "width=9999").code == 2
    assert call("seal", "--json").document["position"] == end


def test_nothing_is_paid_where_the_copies_cannot_be_put(workspace: Workspace) -> None:
    end = call("seal", "--json").document["position"]
    assert call("generate", "x", "--out", workspace.database).code == 2
    assert call("seal", "--json").document["position"] == end


def test_a_wrong_setting_names_its_variable(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_LEASE_SECONDS", "soon")
    done = call("usage", "--json")
    assert (done.code, done.error["message"].split(":")[0]) == (2, "IMAGESTUDIO_LEASE_SECONDS")


def test_a_catalogue_file_that_is_wrong_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = workspace.home / "mine.toml"
    mine.write_text("[[model]]\nid = 3\n")
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(mine))
    done = call("models", "--json")
    assert (done.code, done.error["code"], "mine.toml" in done.error["message"]) == (2, "catalogue", True)


def test_a_read_only_file_is_the_databases_failure(workspace: Workspace) -> None:
    url = f"sqlite:///file:{workspace.database}?mode=ro&uri=true"
    done = call("generate", "x", "--db", url, "--json")
    assert (done.code, done.error["code"]) == (6, "store_unavailable")
    assert "writable" in done.error["hint"]


def test_a_locked_file_is_the_databases_failure(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_LOCK_SECONDS", "1")
    with closing(sqlite3.connect(workspace.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = call("generate", "x", "--json")
    assert (done.code, done.error["code"]) == (6, "store_unavailable")
    assert call("audit").code == 0


def test_a_newer_schema_is_refused(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.database, isolation_level=None)) as other:
        other.execute("UPDATE imagestudio_schema SET version_num = '9999'")
    for command in (("usage",), ("db", "upgrade")):
        done = call(*command, "--json")
        assert (done.code, done.error["code"]) == (6, "schema_mismatch")


def test_help_and_version_are_no_failures(empty: Workspace) -> None:
    for command in ((), ("--help",), ("--version",), ("account", "--help"), ("generate", "-h")):
        done = call(*command)
        assert (done.code, done.err, bool(done.out.strip())) == (0, "", True)
