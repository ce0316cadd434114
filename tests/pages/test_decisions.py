"""Decisions have a number each, and whoever names one by its number leads to that one."""

from __future__ import annotations

import re

from tests.pages import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = re.compile(r"\[decision (\d+)\]\([^)]*?(\d{4})-[^)]*\)")


def test_no_two_decisions_have_one_number_and_each_says_its_own() -> None:
    files = sorted(FOLDER.glob("*.md"))
    numbers = [file.name[:4] for file in files]
    assert len(numbers) == len(set(numbers))
    for file in files:
        assert file.read_text(encoding="utf-8").startswith(f"# {int(file.name[:4])}. "), file.name


def test_a_decision_that_is_named_is_the_one_that_is_linked() -> None:
    named = [(page.name, *found) for page in PAGES for found in NAMED.findall(page.read_text(encoding="utf-8"))]
    assert len(named) > 10
    assert not [one for one in named if int(one[1]) != int(one[2])]
