"""Lists that are shown a page at a time, and written to files."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.cli.workspaces import Workspace, call

LISTS = (
    ("usage", "--all", "--everyone"),
    ("periods", "--everyone"),
    ("costs", "--all"),
    ("operations", "--everyone"),
)


def listed(*command: str) -> dict[str, Any]:
    done = call(*command, "--json")
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = done.document
    return found


def paged(*command: str) -> list[dict[str, Any]]:
    """Documents of one row, each from the cursor of the one before."""
    pages = [listed(*command, "--limit", "1")]
    while "next" in pages[-1]:
        pages.append(listed(*command, "--limit", "1", "--after", pages[-1]["next"]))
    return pages


@pytest.mark.parametrize("command", LISTS, ids=lambda command: command[0])
def test_pages_come_to_the_whole_list(workspace: Workspace, command: tuple[str, ...]) -> None:
    name, whole = command[0], listed(*command)
    pages = paged(*command)
    assert [row for page in pages for row in page[name]] == whole[name]
    assert "next" not in whole
    assert all(len(page[name]) == 1 for page in pages)


def test_only_a_whole_list_has_a_total(workspace: Workspace) -> None:
    assert listed("usage", "--all")["total"]
    assert {page["total"] is None for page in paged("usage", "--all")} == {True}
    assert "in all" in call("usage", "--all").out
    assert "in all" not in call("usage", "--all", "--limit", "1").out


def test_a_page_says_how_to_go_on_as_long_as_more_follow(workspace: Workspace) -> None:
    count = len(listed("operations")["operations"])
    after: list[str] = []
    seen: list[str] = []
    while True:
        told = call("operations", "--limit", "2", *after).out
        seen += re.findall(r"^ *([0-9a-f-]{36}(?:\.\d+)?) ", told, re.MULTILINE)
        more = re.search(r"more follow: --after (\S+)", told)
        if more is None:
            break
        after = ["--after", more.group(1)]
    assert len(seen) == len(set(seen)) == count


@pytest.mark.parametrize("command", LISTS, ids=lambda command: command[0])
def test_what_is_not_a_cursor_of_the_list_is_refused(workspace: Workspace, command: tuple[str, ...]) -> None:
    other = next(one for one in LISTS if one[0] != command[0] and "next" in listed(*one, "--limit", "1"))
    for after in ("nonsense", listed(*other, "--limit", "1")["next"]):
        done = call(*command, "--after", after, "--json")
        assert (done.code, done.error["code"]) == (2, "invalid_input")
        assert "is not a cursor of" in done.error["message"]


@pytest.mark.parametrize("command", LISTS, ids=lambda command: command[0])
def test_a_list_is_written_to_a_file_as_it_is_shown(
    workspace: Workspace, command: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    rows = listed(*command, "--csv", str(file))[command[0]]
    for row in rows:
        if "tags" in row:
            row["tags"] = ", ".join(f"{name}={value}" for name, value in row["tags"].items())
    written = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert written == [{name: plain(value) for name, value in row.items()} for row in rows]
    assert f"every row is in {file}" in call(*command, "--csv", file).out.replace("\n", "")


def plain(value: Any) -> str:
    """A value of JSON as a cell."""
    if isinstance(value, dict):
        return str(value["amount"])
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)


def test_a_file_that_cannot_be_written_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "nowhere" / "rows.csv"):
        done = call("usage", "--csv", file, "--json")
        assert (done.code, done.error["code"]) == (2, "invalid_input")
