"""Files that commands write and read: a device stays, a full disk is no mistake, and nothing endless is read."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import InvalidInput
from infrastructure.cli import main
from infrastructure.cli.files import DiskFull, handed_text, replacing, replacing_whole, write_new
from infrastructure.texts import LONGEST, text_in
from tests.infrastructure.cli.workspaces import Workspace, call

SPAN = ("--from", "2026-11-01", "--to", "2026-12-01")


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A way to a disk that has no space."""
    (tmp_path / "full").symlink_to("/dev/full")
    return tmp_path / "full"


def test_nothing_takes_the_place_of_a_pipe_or_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reading:
        read = reading.submit(pipe.read_bytes)
        with replacing_whole(pipe, "--out") as stream:
            stream.write(b"whole")
        assert read.result() == b"whole"
    assert pipe.is_fifo()
    assert [*tmp_path.iterdir()] == [pipe]


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "same"])
def test_stdout_by_any_name_has_the_data_alone(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also if it goes to a file of that name, which stays."""
    assert call("operations", "--csv", tmp_path / "rows", "--json").code == 0
    with (tmp_path / "same").open("w+", encoding="utf-8") as shown:
        descriptor = os.dup(1)
        os.dup2(shown.fileno(), 1)
        try:
            with open(1, "w", encoding="utf-8", closefd=False) as stdout, monkeypatch.context() as patched:
                patched.setattr("sys.stdout", stdout)
                code = main(["operations", "--csv", str(tmp_path / "same") if name == "same" else name, "--json"])
        finally:
            os.dup2(descriptor, 1)
            os.close(descriptor)
        shown.seek(0)
        assert (code, shown.read()) == (0, (tmp_path / "rows").read_text(encoding="utf-8").replace("\r\n", "\n"))


def test_of_a_link_the_file_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    link, file = tmp_path / "link", tmp_path / "kept" / "file"
    file.write_text("old", encoding="utf-8")
    link.symlink_to(file)
    with replacing(link) as stream:
        assert stream is not None
        stream.write("new")
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("command", [("usage", "--csv"), ("export", "csv", "--out")])
def test_a_full_disk_is_no_mistake_of_whoever_asks_and_its_file_is_named(
    command: tuple[str, ...], workspace: Workspace, full: Path
) -> None:
    done = call(*command, full, "--json")
    assert (done.code, done.error["code"]) == (6, "io")
    assert done.error["message"].startswith(f"{command[-1]}: {full} cannot be written: No space left")
    assert full.is_symlink()


def test_what_goes_wrong_with_another_file_is_not_said_of_this_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing_whole(tmp_path / "file", "--out"):
        (tmp_path / "other").read_bytes()
    assert [*tmp_path.iterdir()] == []


def test_a_new_file_is_there_whole_or_not_at_all(tmp_path: Path, full: Path) -> None:
    write_new(tmp_path / "new", "text", "--overlay")
    with pytest.raises(InvalidInput, match=r"--overlay: .*new is there already"):
        write_new(tmp_path / "new", "other", "--overlay")
    assert (tmp_path / "new").read_text(encoding="utf-8") == "text"
    with pytest.raises(DiskFull), replacing_whole(full, "--out") as stream:
        stream.write(b"x")


def test_what_never_ends_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    long = tmp_path / "long"
    with long.open("wb") as stream:
        stream.truncate(LONGEST + 1)
    with pytest.raises(OSError, match="has more than 64 MiB"):
        text_in(long)
    book = call("simulate", *SPAN, "--book", long, "--json")
    assert (book.code, book.error["code"]) == (2, "catalogue")
    assert "more than 64 MiB" in book.error["message"]
    picture = call("upscale", "/dev/zero", "--key", "endless", "--json")
    assert (picture.code, picture.error["message"]) == (2, "image: /dev/zero is a device")
    with pytest.raises(InvalidInput, match=r"--lines: .*long cannot be read: has more than"):
        handed_text(long, "--lines")
