"""The command `batch`: estimated whole, begun only if it can end, gone on with by the same command."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from domain.meaning import Kind
from infrastructure.showing.codes import EXIT_CODES
from tests.infrastructure.cli.workspaces import Workspace, call

SMALLER = ("-o", "width=64", "-o", "height=64")


@pytest.fixture
def prompts(workspace: Workspace) -> Path:
    path = workspace.home.parent / "prompts.txt"
    path.write_text("a fox\na hen\na lake\n", encoding="utf-8")
    return path


def test_an_estimate_sums_all_up_and_says_whether_the_budget_holds(prompts: Path) -> None:
    found = call("batch", prompts, *SMALLER, "--budget", "0.02", "--estimate", "--json")
    assert found.code == EXIT_CODES[Kind.REFUSED]
    document = found.document
    assert (document["items"], document["held"]["amount"], document["over_budget"]) == (3, "0.03", True)
    told = call("batch", prompts, *SMALLER, "--estimate")
    assert told.out.startswith("0.03 USD would be held for 3 of 3 items")


def test_nothing_is_begun_that_the_budget_would_stop_and_part_of_it_if_that_is_asked_for(prompts: Path) -> None:
    refused = call("batch", prompts, *SMALLER, "--budget", "0.02", "--yes", "--json")
    assert refused.error["message"] == "batch: would hold 0.03 USD, and the budget is 0.02 USD"
    part = call("batch", prompts, *SMALLER, "--budget", "0.02", "--yes", "--partly", "--json")
    assert (part.code, part.document["states"]) == (EXIT_CODES[Kind.REFUSED], {"done": 2, "waiting": 1})
    whole = call("batch", prompts, *SMALLER, "--budget", "0.03", "--yes", "--json")
    assert (whole.code, whole.document["states"], whole.document["stopped"]) == (0, {"done": 3}, None)
    assert whole.document["price"]["amount"] == "0.03"
    assert whole.document["batch"] == part.document["batch"]


def test_a_page_names_the_items_that_cannot_be_done_with_a_hint(workspace: Workspace) -> None:
    path = workspace.home.parent / "list.csv"
    path.write_text("prompt,style\na fox,animee\na hen,\n", encoding="utf-8")
    told = call("batch", path, *SMALLER, "--estimate")
    assert told.code == EXIT_CODES[Kind.INVALID]
    assert "0.01 USD would be held for 1 of 2 items" in told.out
    assert "did you mean anime?" in " ".join(told.out.split())


def test_nobody_is_charged_who_cannot_be_asked(prompts: Path) -> None:
    refused = call("batch", prompts, *SMALLER, "--json")
    assert "--yes: is missing" in refused.error["message"]
    assert "0.03 USD" in refused.error["message"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--recipe", "print-redy"), "there is no recipe 'print-redy'"),
        (("--service", "creat"), "there is no service 'creat'"),
        (("--recipe", "print-ready", "-o", "n=2"), "a recipe has its own options"),
        (("-o", "n=x"), "n: must be a whole number, not 'x'"),
        (("--budget", "1e3"), "not an exact amount"),
        (("--side-by-side", "0"), "side_by_side: 0 items side by side"),
        (("--name", "a b"), "name: 'a b' cannot name a batch"),
    ],
)
def test_wrong_options_are_told_before_anything(prompts: Path, options: tuple[str, ...], told: str) -> None:
    assert told in call("batch", prompts, *options, "--yes", "--json").error["message"]


@pytest.mark.parametrize(
    ("service", "options"),
    [
        ("compress", ("-o", "preset=web")),
        ("convert", ("-o", "format=webp")),
        ("resize", ("-o", "size=16x16", "-o", "enlarge=false")),
        ("watermark", ("-o", "text=(c) Acme")),
        ("social", ("-o", "platforms=instagram-square")),
        ("upscale", ("--allow", "stand-in")),
        ("background", ("--allow", "stand-in")),
        ("edit", ("--allow", "stand-in", "-o", "prompt=sepia")),
    ],
)
def test_a_folder_of_pictures_goes_through_any_service_of_one_picture(
    workspace: Workspace, service: str, options: tuple[str, ...]
) -> None:
    folder = workspace.home.parent / "folder"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.png").write_bytes(workspace.picture().read_bytes())
    found = call("batch", folder, "--service", service, *options, "--estimate", "--json")
    assert (found.code, found.document["items"], found.document["wrong"], found.document["unknown"]) == (0, 2, [], 0)


def test_all_that_is_done_ends_in_one_zip_file_also_after_a_stop(prompts: Path, workspace: Workspace) -> None:
    target = workspace.home.parent / "all.zip"
    target.write_text("an older one")
    for folder in (workspace.home.parent, workspace.home.parent / "none" / "all.zip"):
        refused = call("batch", prompts, *SMALLER, "--yes", "--zip", folder, "--json")
        assert (refused.code, refused.error["message"].partition(":")[0]) == (EXIT_CODES[Kind.INVALID], "--zip")
    before = call("usage", "--json").document["total"]
    assert call("batch", prompts, *SMALLER, "--estimate", "--zip", target).code == 0
    assert (target.read_text(), call("usage", "--json").document["total"]) == ("an older one", before)
    of_two = ("--side-by-side", "1", "--yes", "--partly", "--zip")
    part = call("batch", prompts, *SMALLER, "--budget", "0.02", *of_two, target, "--json")
    assert list(part.document["zip"]["files"]) == ["1-a-fox.png", "2-a-hen.png"]
    whole = call("batch", prompts, *SMALLER, "--budget", "0.03", "--yes", "--zip", target)
    assert whole.out.splitlines()[-1] == f"Wrote 3 files to {target}"
    with ZipFile(target) as archive:
        assert archive.namelist() == ["1-a-fox.png", "2-a-hen.png", "3-a-lake.png", "manifest.json"]
        assert archive.testzip() is None
    assert not [*workspace.home.parent.glob(".all.zip*")]
