"""The command `spend`: days and models in rows, as bars that are told apart without colours, and as SVG."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.infrastructure.cli.workspaces import Workspace, call


def test_rows_and_bars_tell_the_same_money(workspace: Workspace) -> None:
    found = call("spend", "--json").document
    assert {row["model"] for row in found["spend"]} == {"local-canvas", "scripted-image"}
    [total] = found["total"]
    told = call("spend", "--plot").out
    assert f"{total['price']['amount']} USD price" in told
    assert "█" in told
    assert "local-canvas" in told


def test_a_drawing_replaces_the_file_and_is_named_by_its_account(workspace: Workspace) -> None:
    path = workspace.home / "spend.svg"
    path.write_text("old", encoding="utf-8")
    assert call("spend", "--svg", path).code == 0
    title = ET.parse(path).getroot().findtext("{http://www.w3.org/2000/svg}title")
    assert title == "Spend of acme, USD a day"


def test_what_cannot_be_drawn_leaves_the_file_as_it_was(workspace: Workspace) -> None:
    path = workspace.home / "spend.svg"
    path.write_text("old", encoding="utf-8")
    nothing = call("spend", "--since", "2100-01-01", "--svg", path, "--json")
    assert nothing.error["message"] == "--svg: nothing was spent on these days"
    assert path.read_text(encoding="utf-8") == "old"
    assert call("spend", "--since", "tomorrow", "--json").error["code"] == "invalid_input"
    assert "there is no model" in call("spend", "--model", "sketchr", "--json").error["message"]
