"""Files belong to one ledger: no other deletes them, and none that lost its newest facts goes on without a word."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import time

import pytest

from infrastructure.assembly import Parts
from tests.application.studios import later
from tests.infrastructure.cli.workspaces import ACCOUNT, SMALL, Outcome, Workspace, call

HOUR = 3600
DRAW = ("generate", "a heron", "--allow", "stand-in", *SMALL)
CHANGING = [
    ("sweep", "--yes"),
    ("sweep", "--dry-run"),
    DRAW,
    ("recover",),
    ("account", "plan", "basic"),
    ("erase", "LAKE", "--yes"),
    ("refund", "LAKE"),
    ("projections", "rebuild"),
]
"""Commands that may delete, write or make files."""


def files(home: Path) -> set[Path]:
    return {file for file in (home / "assets").rglob("*.*") if file.is_file() and file.name[0] != "."} - {marker(home)}


def marker(home: Path) -> Path:
    return home / "assets" / "ledger.json"


def age(home: Path) -> None:
    """Let every grace be over."""
    for file in files(home):
        os.utime(file, (time() - HOUR, time() - HOUR))


def refused(done: Outcome, code: str) -> dict[str, str]:
    assert (done.code, done.out) == (6, "")
    assert done.error["code"] == code
    return done.error


def saved(workspace: Workspace) -> Path:
    """A backup of the ledger, whole."""
    backup = workspace.home.parent / "backup.db"
    with closing(sqlite3.connect(workspace.database)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    return backup


def restore(workspace: Workspace, backup: Path) -> None:
    shutil.copy(backup, workspace.database)


def old_version(database: Path) -> None:
    """As the version before left it: no id, and no marker beside the files."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("DELETE FROM ledger")
    marker(database.parent).unlink()


@pytest.fixture
def other(workspace: Workspace) -> tuple[str, str]:
    """Options for a second ledger, made under a home of its own, that is then used with the first one's."""
    home = workspace.home.parent / "elsewhere"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IMAGESTUDIO_HOME", str(home))
        assert call("account", "open", ACCOUNT, "--plan", "pro").code == 0
        assert call(*DRAW, "--allow", "stand-in").code == 0
    return "--db", f"sqlite:///{home / 'ledger.db'}"


# Another ledger


@pytest.mark.parametrize("command", CHANGING, ids=" ".join)
def test_another_ledger_is_refused_and_no_file_is_touched(
    workspace: Workspace, other: tuple[str, str], command: tuple[str, ...]
) -> None:
    age(workspace.home)
    before = files(workspace.home), marker(workspace.home).read_text()
    words = [workspace.ids["lake"] if word == "LAKE" else word for word in command]
    error = refused(call(*words, *other, "--json"), "foreign_files")
    assert str(workspace.home / "assets") in error["message"]
    assert "IMAGESTUDIO_HOME" in error["hint"]
    assert (files(workspace.home), marker(workspace.home).read_text()) == before


def test_a_ledger_that_does_not_exist_sweeps_nothing(workspace: Workspace) -> None:
    age(workspace.home)
    before = files(workspace.home)
    mistyped = workspace.home / "other.db"
    refused(call("sweep", "--yes", "--db", f"sqlite:///{mistyped}", "--json"), "no_ledger")
    refused(call("account", "open", "new", "--db", f"sqlite:///{mistyped}", "--json"), "foreign_files")
    assert files(workspace.home) == before
    assert not mistyped.exists()


def test_a_ledger_that_is_empty_sweeps_nothing(empty: Workspace) -> None:
    assert call("db", "upgrade").code == 0
    folder = empty.home / "assets" / "acme-0" / "ab"
    folder.mkdir(parents=True)
    (folder / "abcd.png").write_bytes(b"a picture")
    age(empty.home)
    refused(call("sweep", "--yes", "--json"), "foreign_files")
    assert call("db", "adopt", "--yes").code == 0
    refused(call("sweep", "--yes", "--json"), "files_at_risk")
    assert files(empty.home)


def test_a_reader_is_told_that_the_files_are_another_ledgers(workspace: Workspace, other: tuple[str, str]) -> None:
    owner = json.loads(marker(workspace.home).read_text())["ledger"]
    audit = call("audit", *other)
    assert audit.code == 0
    assert f"belong to the ledger {owner}" in " ".join(audit.err.split())
    status = call("db", "status", "--json", *other)
    told = status.document
    assert (status.code, call("db", "status").code) == (6, 0)
    assert told["ledger"] not in (None, owner)
    assert f"belong to the ledger {owner}, and this is {told['ledger']}" in told["foreign"]
    assert f"belong to the ledger {owner}" in " ".join(call("db", "status", *other).out.split())
    assert (call("audit").err, call("db", "status", "--json").document["foreign"]) == ("", None)


def test_reading_another_ledger_touches_no_files_and_is_allowed(workspace: Workspace, other: tuple[str, str]) -> None:
    for command in (("usage",), ("operations",), ("audit",), ("account", "show")):
        assert call(*command, *other).code == 0


def test_a_folder_may_be_given_to_another_ledger_by_an_operator_who_is_told_what_speaks_against_it(
    workspace: Workspace, other: tuple[str, str]
) -> None:
    asked = call("db", "adopt", *other, "--json")
    assert (asked.code, asked.error["code"]) == (2, "invalid_input")
    assert "belong to the ledger" in asked.error["message"]
    done = call("db", "adopt", *other, "--yes", "--json").document
    assert "belong to the ledger" in done["although"]
    assert call(*DRAW, *other).code == 0
    refused(call(*DRAW, "--json"), "foreign_files")


# A folder of the version before


def test_a_folder_without_a_marker_is_adopted_if_all_its_files_are_known(workspace: Workspace) -> None:
    old_version(workspace.database)
    assert call(*DRAW).code == 0
    assert json.loads(marker(workspace.home).read_text())["position"] > 0


def test_of_two_old_ledgers_in_one_home_none_is_given_the_folder_unasked(
    workspace: Workspace, other: tuple[str, str]
) -> None:
    home = workspace.home.parent / "elsewhere"
    old_version(workspace.database)
    old_version(home / "ledger.db")
    shutil.copytree(home / "assets", workspace.home / "assets", dirs_exist_ok=True)
    age(workspace.home)
    before = files(workspace.home)
    for options in ((), other):
        error = refused(call("sweep", "--yes", *options, "--json"), "foreign_files")
        assert "not known to this ledger" in error["message"]
    assert files(workspace.home) == before
    assert not marker(workspace.home).exists()


def test_a_marker_that_is_damaged_is_not_overwritten(workspace: Workspace) -> None:
    for text in ("", "{}", "null", '{"ledger": 1, "position": 2, "hash": ""}', "\ufeff"):
        marker(workspace.home).write_text(text)
        refused(call(*DRAW, "--json"), "foreign_files")
        assert marker(workspace.home).read_text() == text


# Facts that were lost


def without_its_log(workspace: Workspace) -> None:
    """The file as it is while a service runs, without what stands in its log: cp ledger.db."""
    with closing(sqlite3.connect(workspace.database)) as holding:
        holding.execute("SELECT count(*) FROM log").fetchall()
        copy = shutil.copy(workspace.database, workspace.home.parent / "copy.db")
        assert call(*DRAW).code == 0
        shutil.copy(workspace.database, copy)
    shutil.copy(copy, workspace.database)
    for suffix in ("-wal", "-shm"):
        workspace.database.with_name(f"ledger.db{suffix}").unlink(missing_ok=True)


def older_backup(workspace: Workspace) -> None:
    backup = saved(workspace)
    assert call(*DRAW).code == 0
    restore(workspace, backup)


def forked(workspace: Workspace) -> None:
    """A backup that went on elsewhere, for as long as the ledger did here."""
    backup = saved(workspace)
    assert call(*DRAW).code == 0
    elsewhere = workspace.home.parent / "forked"
    elsewhere.mkdir()
    shutil.copy(backup, elsewhere / "ledger.db")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IMAGESTUDIO_HOME", str(elsewhere))
        for _ in range(3):
            assert call(*DRAW).code == 0
    shutil.copy(elsewhere / "ledger.db", workspace.database)


@pytest.fixture(params=[older_backup, without_its_log, forked])
def lossy(request: pytest.FixtureRequest, workspace: Workspace) -> Workspace:
    lose: Callable[[Workspace], None] = request.param
    lose(workspace)
    return workspace


def test_a_ledger_that_lost_its_newest_facts_is_refused_to_whoever_writes_or_reads(lossy: Workspace) -> None:
    age(lossy.home)
    before = files(lossy.home)
    for command in (DRAW, ("sweep", "--yes"), ("usage",), ("account", "show"), ("seal",), ("erase", "x", "--yes")):
        error = refused(call(*command, "--json"), "facts_lost")
        assert error["message"].startswith("facts were lost: the log was at position")
    assert files(lossy.home) == before


def test_an_audit_finds_that_facts_were_lost_and_the_status_says_so(lossy: Workspace) -> None:
    audit = call("audit", "--json")
    assert (audit.code, audit.document["seal"]) == (1, None)
    assert audit.document["chains"][0].startswith("facts were lost")
    status = call("db", "status", "--json")
    assert (status.code, status.document["lost"].startswith("facts were lost")) == (6, True)


def test_an_old_file_beside_a_newer_log_is_told_as_such_and_nothing_is_recorded(workspace: Workspace) -> None:
    """The -wal was begun anew after the file was copied, so that what it lacks is in neither of them."""
    log, room = workspace.database.with_name("ledger.db-wal"), workspace.home.parent
    with closing(sqlite3.connect(workspace.database)) as holding:
        holding.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        copy(workspace.database, room / "old.db")
        assert [call(*DRAW).code for _ in range(3)] == [0] * 3
        holding.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
        assert [call(*DRAW).code for _ in range(3)] == [0] * 3
        copy(log, room / "new-wal")
    workspace.database.with_name("ledger.db-shm").unlink(missing_ok=True)
    copy(room / "old.db", workspace.database)
    copy(room / "new-wal", log)
    for command in (DRAW, ("audit",), ("usage",)):
        told = call(*command)
        assert (told.code, told.out) == (6, "")
        assert "beside a -wal of another moment" in told.err
        assert "without the old -wal" in told.err


def copy(source: Path, target: Path) -> None:
    """By another process: who closes a file lets go of all locks that its own process has on it."""
    subprocess.run(["cp", source, target], check=True)


def test_an_operator_may_go_on_without_what_is_missing(lossy: Workspace) -> None:
    assert call("db", "adopt", "--yes", "--json").document["although"].startswith("facts were lost")
    assert call(*DRAW).code == 0
    assert call("audit").code == 0


def test_what_is_newer_than_the_newest_fact_is_not_swept(workspace: Workspace) -> None:
    backup = saved(workspace)
    assert call(*DRAW).code == 0
    restore(workspace, backup)
    marker(workspace.home).unlink()
    assert call("db", "adopt", "--yes").code == 0
    before = files(workspace.home)

    refused(call("sweep", "--yes", "--json", parts=Parts(clock=later())), "files_at_risk")
    assert files(workspace.home) == before


# Asking first


@pytest.fixture
def leftover(workspace: Workspace) -> Path:
    """A file of a request that was refused, older than every grace."""
    [picture, *_] = files(workspace.home)
    file = picture.with_name(f"{'0' * 64}.png")
    shutil.copy(picture, file)
    os.utime(file, (time() - 100 * HOUR, time() - 100 * HOUR))
    return file


def test_a_sweep_shows_first_what_it_would_delete(workspace: Workspace, leftover: Path) -> None:
    found = call("sweep", "--dry-run", "--json").document
    assert [Path(name).name for name in found["files"]] == [leftover.name]
    assert leftover.name in call("sweep", "--dry-run").out
    assert leftover.exists()


def test_a_sweep_that_nobody_can_be_asked_about_deletes_nothing(workspace: Workspace, leftover: Path) -> None:
    for options in ((), ("--json",)):
        done = call("sweep", *options)
        assert (done.code, done.out, "--yes" in done.err) == (2, "", True)
    assert leftover.exists()
    assert call("sweep", "--yes", "--json").document["files"] == [str(leftover.relative_to(workspace.home / "assets"))]
    assert not leftover.exists()
    assert call("audit").code == 0


def test_what_is_erased_without_a_terminal_needs_a_yes(workspace: Workspace) -> None:
    before = files(workspace.home)
    assert call("erase", workspace.ids["lake"]).code == 2
    assert files(workspace.home) == before


# Copying


def test_a_backup_is_whole_while_a_writer_goes_on_and_overwrites_nothing(workspace: Workspace) -> None:
    copy = workspace.home.parent / "copy" / "ledger.db"
    copy.parent.mkdir()
    with closing(sqlite3.connect(workspace.database)) as holding:
        holding.execute("SELECT count(*) FROM log").fetchall()
        assert call(*DRAW).code == 0
        assert call("db", "backup", copy, "--json").document["size"] == copy.stat().st_size
    assert call("db", "backup", copy).code == 2
    seals = [call("seal", *options, "--json").document for options in ((), ("--db", f"sqlite:///{copy}"))]
    assert seals[0] == seals[1]
    assert [file.name for file in copy.parent.iterdir()] == ["ledger.db"]
    restore(workspace, copy)
    assert call(*DRAW).code == 0


def test_nothing_is_copied_of_what_is_no_ledger(workspace: Workspace, tmp_path: Path) -> None:
    empty, foreign = tmp_path / "empty.db", tmp_path / "foreign.db"
    empty.touch()
    with closing(sqlite3.connect(foreign)) as other:
        other.execute("CREATE TABLE notes (text)")
    copy = tmp_path / "copy.db"
    for file in (empty, foreign):
        refused = call("db", "backup", copy, "--db", f"sqlite:///{file}", "--json")
        assert (refused.code, refused.error["code"]) == (6, "no_ledger")
    assert not copy.exists()
    assert empty.stat().st_size == 0
