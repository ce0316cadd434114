"""Files move to another place while they are used: every one the ledger needs, whenever the move is stopped."""

from __future__ import annotations

import hashlib
import signal
import time
from pathlib import Path

import pytest

from tests.infrastructure.files.machines import ACCOUNT, DRAW, Machine
from tests.objects import Server

TIMES = 6
PICTURES = 40


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """With some pictures in a folder."""
    machine = Machine(tmp_path / "home", {"scripted_enabled": "true"})
    machine.call("account", "open", ACCOUNT, "--plan", "enterprise")
    return machine


@pytest.fixture
def drawn(machine: Machine) -> Machine:
    machine.call("generate", "a heron", "-n", "3", *DRAW)
    return machine


def with_files(machine: Machine, **settings: object) -> Machine:
    return Machine(machine.home, {**machine.settings, **settings})


def folder_files(folder: Path) -> dict[str, bytes]:
    found = (file for file in folder.rglob("*.png") if not file.name.startswith("."))
    return {str(file.relative_to(folder)): file.read_bytes() for file in found}


def bucket_names(server: Server, bucket: str) -> list[str]:
    return [name for name in server.names(bucket) if name.endswith(".png")]


def bucket_files(server: Server, bucket: str) -> dict[str, bytes]:
    return {name.removeprefix("files/"): server.content(bucket, name) for name in bucket_names(server, bucket)}


@pytest.fixture
def bucket(swift: Server) -> str:
    return swift.bucket()


@pytest.fixture
def moved(drawn: Machine, swift: Server, bucket: str) -> Machine:
    """The machine with the bucket's settings, to which its files have been moved."""
    settings = swift.settings(bucket)
    where = settings.pop("assets")
    done = with_files(drawn, **settings).call("files", "move", "--to", where)
    assert (done["copied"], done["present"], done["damaged"], done["missing"]) == (3, 0, 0, 0)
    return with_files(drawn, **settings, assets=where)


def test_files_move_to_a_bucket_and_back(moved: Machine, swift: Server, bucket: str, tmp_path: Path) -> None:
    there = bucket_files(swift, bucket)
    assert there == folder_files(moved.home / "assets")
    assert all(hashlib.sha256(content).hexdigest() == Path(name).stem for name, content in there.items())
    moved.call("generate", "a fox", *DRAW)
    assert len(bucket_files(swift, bucket)) == 4
    back = moved.call("files", "move", "--to", tmp_path / "back")
    assert (back["source"], back["copied"]) == (moved.settings["assets"], 4)
    at_home = with_files(moved, assets=tmp_path / "back")
    at_home.call("generate", "an owl", *DRAW)
    assert len(folder_files(tmp_path / "back")) == 5
    at_home.call("audit")
    again = at_home.call("files", "move", "--to", moved.settings["assets"])
    assert (again["copied"], again["present"]) == (1, 4)


def test_the_old_place_is_refused_and_names_the_new_one(moved: Machine, drawn: Machine) -> None:
    error = drawn.call("generate", "a fox", *DRAW, code=6)
    assert (error["code"], error["hint"]) == ("files_moved", f"set IMAGESTUDIO_ASSETS to {moved.settings['assets']}")
    assert drawn.call("db", "status", code=6)["foreign"] == error["message"]


def test_a_file_that_was_written_to_the_old_place_meanwhile_is_brought_by_another_run(
    moved: Machine, swift: Server, bucket: str
) -> None:
    late = next(iter(folder_files(moved.home / "assets")))
    swift.delete(bucket, f"files/{late}")
    done = moved.call("files", "move", "--to", moved.settings["assets"])
    assert (done["source"], done["copied"], done["present"]) == (str(moved.home / "assets"), 1, 2)
    assert len(bucket_files(swift, bucket)) == 3


def test_only_what_the_ledger_needs_is_moved_and_what_is_damaged_or_lost_is_told(
    drawn: Machine, tmp_path: Path
) -> None:
    folder = drawn.home / "assets"
    damaged, lost, whole = sorted(folder_files(folder))
    (folder / damaged).write_bytes(b"another" * 10)
    (folder / lost).unlink()
    (folder / whole).with_name(f"{'0' * 64}.png").write_bytes(b"nobody needs it")
    done = drawn.call("files", "move", "--to", tmp_path / "new")
    assert (done["copied"], done["damaged"], done["missing"]) == (1, 1, 1)
    assert list(folder_files(tmp_path / "new")) == [whole]


def test_an_erased_file_is_not_moved(drawn: Machine, tmp_path: Path) -> None:
    [row] = drawn.call("operations", "--limit", "1")["operations"]
    drawn.call("erase", row["id"], "--yes")
    done = drawn.call("files", "move", "--to", tmp_path / "new")
    assert done["missing"] == 0


def test_a_place_of_another_ledger_is_refused_with_nothing_changed(drawn: Machine, tmp_path: Path) -> None:
    other = Machine(tmp_path / "other", {})
    other.call("account", "open", ACCOUNT)
    other.call("generate", "a fox", *DRAW)
    before = folder_files(other.home / "assets")
    error = drawn.call("files", "move", "--to", other.home / "assets", code=6)
    assert error["code"] == "foreign_files"
    assert folder_files(other.home / "assets") == before
    drawn.call("generate", "a heron", *DRAW)


@pytest.mark.parametrize("to", ["gs://bucket", "s3://", "s3://A_b"])
def test_what_is_no_place_is_refused(drawn: Machine, to: str) -> None:
    error = drawn.call("files", "move", "--to", to, code=2)
    assert error["code"] == "invalid_input"


def test_where_the_files_are_already_there_is_nothing_to_move(drawn: Machine) -> None:
    error = drawn.call("files", "move", "--to", drawn.home / "assets", code=2)
    assert "already" in error["message"]


def test_a_move_to_a_store_that_is_away_switches_nothing(drawn: Machine, swift: Server, bucket: str) -> None:
    settings = swift.settings(bucket, url="http://127.0.0.1:1")
    away = with_files(drawn, **{**settings, "assets": drawn.home / "assets", "s3_seconds": 1})
    error = away.call("files", "move", "--to", settings["assets"], code=6)
    assert (error["code"], "cannot be reached" in error["message"]) == ("store_unavailable", True)
    drawn.call("generate", "a fox", *DRAW)


def test_a_move_killed_again_and_again_ends_with_every_file_there(machine: Machine, swift: Server, bucket: str) -> None:
    for _ in range(2):
        machine.call("generate", "a heron", "-n", PICTURES // 2, "--model", "scripted-image")
    files = folder_files(machine.home / "assets")
    settings = swift.settings(bucket)
    where = settings.pop("assets")
    mover = with_files(machine, **settings)
    for number in range(TIMES):
        with mover.start("files", "move", "--to", where) as moving:
            while moving.poll() is None and len(bucket_names(swift, bucket)) <= number * len(files) // TIMES:
                time.sleep(0.02)
            moving.send_signal(signal.SIGKILL)
    done = mover.call("files", "move", "--to", where)
    assert done["copied"] + done["present"] == len(files)
    assert done["present"] > 0
    assert bucket_files(swift, bucket) == files
    with_files(machine, **settings, assets=where).call("audit")
