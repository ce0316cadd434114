"""Reading makes and changes nothing: no folder, no file, no schema, also where nobody may write."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

import pytest

from infrastructure.store.schema import VERSION_TABLE
from projections.engine.tables import schema_of
from projections.views import ALL
from tests.infrastructure.cli.test_processes import ROOT, environment
from tests.infrastructure.cli.workspaces import (
    ACCOUNT,
    COMMANDS,
    ENDLESS,
    SHARDED,
    SMALL,
    Workspace,
    call,
    filled,
    leaves,
)

MAKING = {("account", "open"), ("db", "upgrade")}
"""Commands that make a ledger if there is none."""

WITHOUT_LEDGER = {
    *(
        ("models",),
        ("providers", "list"),
        ("providers", "check"),
        ("catalogue", "check"),
        ("config",),
        ("storecheck",),
        ("simulate-faults",),
    ),
    ("fields",),
    *(("templates", "list"), ("templates", "search"), ("templates", "show"), ("templates", "recommend")),
    ("formats",),
    *(("video", "templates"), ("video", "languages")),
    ("video", "formats"),
}
"""Commands that ask nothing of a ledger."""

CHECKED_ELSEWHERE = {("seals", "verify"), ("statement", "verify"), ("restore",)}
"""They read a file that was made elsewhere, and ask nothing of a ledger either."""

READING = {
    *WITHOUT_LEDGER,
    *CHECKED_ELSEWHERE,
    *(
        ("usage",),
        ("periods",),
        ("costs",),
        ("spend",),
        ("limits",),
        ("queues",),
        ("holds",),
        ("backup",),
        ("export-account",),
        ("why",),
        ("account", "history"),
        ("account", "diff"),
        ("report",),
        ("books",),
        ("export",),
        ("push",),
        ("operations",),
        ("operation",),
        ("events",),
        ("audit",),
        ("seal",),
    ),
    *(
        ("estimate",),
        ("period", "list"),
        *(("statement", word) for word in ("preview", "show", "list")),
        ("reconcile",),
        ("simulate",),
        *(("invoices", word) for word in ("list", "months", "compare")),
        ("account", "show"),
        ("account", "grants"),
        ("keys", "list"),
        ("approvals",),
        ("keys", "show"),
        *(("webhooks", word) for word in ("list", "show", "deliveries")),
        *(("alert", word) for word in ("list", "history", "drift")),
        ("assets", "list"),
        ("assets", "show"),
        ("assets", "lineage"),
        ("assets", "export"),
        ("assets", "collections"),
        ("assets", "stats"),
        ("projections", "status"),
        ("archive", "list"),
        ("archive", "verify"),
        ("db", "status"),
        ("db", "order"),
        ("db", "backup"),
    ),
}
"""Commands that change nothing; all others are asked to."""

WRITING = {
    *MAKING,
    ("probe",),
    *(("create",), ("control",), ("face-swap",), ("background",), ("model-3d",), ("compare",), ("judge",), ("batch",)),
    *(("social",), ("compress",), ("convert",), ("resize",), ("watermark",)),
    *(("video", word) for word in ("create", "transform", "avatar", "extend", "enhance", "faces", "translate")),
    *(("video", word) for word in ("background", "sound", "style", "outpaint", "rework")),
    *(("video", word) for word in ("edit", "convert", "compress", "social")),
    *(
        ("generate",),
        ("edit",),
        ("upscale",),
        ("run",),
        ("cancel",),
        ("refund",),
        ("reprice",),
        ("recover",),
        ("tag",),
        ("untag",),
        ("erase",),
        ("sweep",),
    ),
    *(
        ("account", "plan"),
        ("account", "limit"),
        ("account", "top-up"),
        ("account", "grant"),
        ("account", "revoke"),
        ("account", "chargeback"),
        ("account", "zone"),
        ("account", "end-period"),
    ),
    *(
        ("account", "allow"),
        ("account", "forbid"),
        ("account", "on-limit"),
        ("account", "tariff"),
        ("account", "discount"),
    ),
    *(("assets", word) for word in ("trash", "restore", "until", "erase", "empty", "expire")),
    *(("assets", word) for word in ("search", "describe", "favourite", "tag", "collect", "thumbnail", "add")),
    *(("assets", f"{word}-collection") for word in ("rename", "drop")),
    ("assets", "link"),
    *(("seals", "keys"), ("seals", "keep"), ("seals", "prove")),
    *(("keys", "issue"), ("keys", "change"), ("keys", "revoke"), ("approve",)),
    *(("alert", word) for word in ("set", "remove", "check")),
    *(("webhooks", word) for word in ("add", "change", "rotate", "remove", "replay", "test")),
    *(("account", "suspend"), ("account", "resume"), ("account", "close")),
    *(("projections", "rebuild"), ("projections", "retry"), ("db", "adopt"), ("rebuild",)),
    ("files", "move"),
    ("archive", "run"),
    ("import-account",),
    ("worker",),
    ("relay",),
    *(("period", "close"), ("goodwill",), ("correct-cost",), ("statement", "issue"), ("statement", "void")),
    ("statement", "prove"),
    *(("invoices", word) for word in ("record", "void", "settle")),
}


def path_of(command: tuple[str, ...]) -> tuple[str, ...]:
    """The words of the command itself, without what it is given."""
    return next(path for path in leaves() if command[: len(path)] == path)


def content(folder: Path) -> dict[str, bytes]:
    """Every file and folder, with what is in it."""
    return {str(file.relative_to(folder)): file.read_bytes() if file.is_file() else b"" for file in folder.rglob("*")}


READS = [command for command in COMMANDS if path_of(command) in READING - CHECKED_ELSEWHERE]


def test_every_command_is_said_to_read_or_to_write() -> None:
    unsaid = leaves().keys() ^ (READING | WRITING | ENDLESS | SHARDED)
    assert not unsaid, (
        "add each to READING or WRITING of this file (WITHOUT_LEDGER if it asks nothing of one), or remove it"
    )
    assert not READING & WRITING


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_ledger_nothing_is_made_and_one_error_says_so(
    empty: Workspace,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_ACCOUNT", ACCOUNT)
    place = tmp_path_factory.mktemp("place")
    done = call(*command, "--db", f"sqlite:///{place / 'such' / 'ledger.db'}", "--json")
    if path_of(command) in MAKING:
        assert (done.code, (place / "such" / "ledger.db").exists()) == (0, True)
        return
    assert content(place) == content(empty.home) == {}
    if path_of(command) in CHECKED_ELSEWHERE:
        assert (done.code, done.error["code"]) == (2, "invalid_input")
    elif path_of(command) in WITHOUT_LEDGER:
        assert done.code == 0
    else:
        assert (done.code, done.out, done.error["code"]) == (6, "", "no_ledger")
        assert f"{place / 'such' / 'ledger.db'}: the file does not exist" in done.error["message"]
        assert "--db" in done.error["hint"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_ledger_in_the_home_no_home_is_made(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("IMAGESTUDIO_HOME", str(empty.home / "deep" / "home"))
    call(*command, "--json")
    if path_of(command) not in MAKING:
        assert content(empty.home) == {}


@pytest.mark.parametrize("size", [0, 4096])
def test_a_file_without_tables_is_no_ledger_and_stays_as_it_is(empty: Workspace, size: int) -> None:
    """Nothing at all, and what cp leaves of a new ledger whose log was not copied with it."""
    if size:
        with closing(sqlite3.connect(empty.database)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    else:
        empty.database.touch()
    before = content(empty.home)
    done = call("usage", "--everyone", "--json")
    assert (done.code, done.error["code"]) == (6, "no_ledger")
    assert "-wal" in done.error["hint"]
    assert content(empty.home) == before


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_reading_leaves_every_file_as_it_was(workspace: Workspace, command: tuple[str, ...]) -> None:
    words = filled(command, workspace)
    call("usage", "--everyone")
    before = content(workspace.home)
    assert call(*words, "--json").code == 0
    assert content(workspace.home) == before


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_reading_takes_nothing_over_from_a_log_that_was_left_behind(
    workspace: Workspace, command: tuple[str, ...]
) -> None:
    """A process was killed: what it wrote last is in the log beside the file, and is read there."""
    words = filled(command, workspace)
    with closing(sqlite3.connect(workspace.database)) as holding:
        holding.execute("SELECT count(*) FROM log").fetchall()
        assert call("generate", "a heron", *SMALL).code == 0
        call("usage", "--everyone")
        copied = Path(shutil.copytree(workspace.home, workspace.home.parent / "killed"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IMAGESTUDIO_HOME", str(copied))
        before = content(copied)
        assert len(before["ledger.db-wal"]) > 0
        assert call(*words, "--json").code == 0
    after = content(copied)
    assert after.pop("ledger.db-shm") is not None
    assert after == {name: found for name, found in before.items() if name != "ledger.db-shm"}


def test_a_schema_of_an_older_version_is_upgraded_by_nobody_but_who_asks_for_it(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.database, isolation_level=None)) as connection:
        for table in schema_of(ALL).tables:
            connection.execute(f"DROP TABLE {table}")
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
    before = content(workspace.home)
    for command in (("usage",), ("audit",), ("generate", "a cat", *SMALL), ("account", "plan", "free")):
        done = call(*command, "--json")
        assert (done.code, done.error["code"]) == (6, "schema_mismatch")
        assert "imagestudio db upgrade" in done.error["hint"]
    assert call("db", "status", "--json").document["current"] is False
    assert content(workspace.home) == before
    assert call("db", "upgrade").code == 0
    assert call("audit").code == 0


AS_NOBODY = """
import io, json, os, sys
from contextlib import redirect_stderr, redirect_stdout
from infrastructure.bootstrap import open_studio
from infrastructure.cli import main
from infrastructure.store.database import Database
Database("sqlite:///unused.db")  # loads what that user may not be able to read
if os.geteuid() == 0:
    os.setuid(65534)
for command in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(command)
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def test_who_may_not_write_reads_all_the_same_and_is_told_how_far_the_views_are(
    workspace: Workspace,
) -> None:
    """The views are behind, as after every command that writes."""
    place = Path(mkdtemp())
    shutil.copytree(workspace.home, place, dirs_exist_ok=True)
    try:
        (place / "ledger.db").chmod(0o444)
        place.chmod(0o555)
        before = content(place)
        commands = [("operations", "--json"), ("account", "show", "--json"), ("events", "--json"), ("seal",)]
        program = [sys.executable, "-c", AS_NOBODY, json.dumps(commands)]
        done = subprocess.run(program, cwd=ROOT, env=environment(place), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for command, line in zip(commands, done.stdout.splitlines(), strict=True):
            code, out, err = json.loads(line)
            assert (code, bool(out)) == (0, True), err
            told = "positions behind the log, and cannot be brought up to date" in err
            assert told == (command[0] == "operations")
        assert content(place) == before
    finally:
        place.chmod(0o755)
        shutil.rmtree(place)


def test_views_that_a_rebuild_left_held_are_not_shown_in_silence(workspace: Workspace) -> None:
    assert call("usage").err == ""
    with closing(sqlite3.connect(workspace.database, isolation_level=None)) as other:
        other.execute("UPDATE view_checkpoints SET token = 'left behind' WHERE view = 'usage_summary'")
    assert call("account", "plan", "basic").code == 0
    told = call("usage")
    words = " ".join(told.err.split())
    assert told.code == 0
    assert "the views are 1 position behind the log, and cannot be brought up to date" in words
    assert "holds" in words
    assert "usage_summary" in words
    assert "imagestudio projections rebuild" in words
    assert call("projections", "rebuild").code == 0
    assert call("usage").err == ""


def test_a_reader_sees_what_a_writer_that_goes_on_has_committed(workspace: Workspace) -> None:
    end = int(call("seal", "--json").document["position"])
    with closing(sqlite3.connect(workspace.database)) as holding:
        holding.execute("SELECT count(*) FROM log").fetchall()
        assert call("account", "plan", "basic").code == 0
        assert call("seal", "--json").document["position"] == end + 1
