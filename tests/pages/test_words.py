"""The glossary names what the code has: each word's file and name, every state and every source of an amount."""

from __future__ import annotations

import re

from domain.charging import CostSource
from domain.operation import PHASES, Closed
from tests.pages import ROOT, page, table

WORDS = page("docs/words.md")


def test_each_word_is_where_the_glossary_says() -> None:
    places = re.findall(r"\| (`[\w/]+\.py`(?: `\w+`)+) \|$", WORDS, re.MULTILINE)
    assert len(places) > 80
    for place in places:
        file, *names = re.findall(r"`(.+?)`", place)
        text = (ROOT / file).read_text(encoding="utf-8")
        missing = [name for name in names if not re.search(rf"(class|def|^) *{name}\b", text, re.MULTILINE)]
        assert not missing, f"{file} has no {missing}"


def test_every_state_is_there_with_its_stored_word() -> None:
    rows = table(WORDS, "What becomes of an operation")
    assert {row["class"]: row["stored and shown as"] for row in rows} == {
        state.__name__: phase for state, phase in PHASES.items()
    }
    closed = {row["class"] for row in rows if row["ends"] == "yes"}
    assert closed == {state.__name__ for state in Closed.__args__}


def test_every_source_of_an_amount_is_there_in_order() -> None:
    listed = re.findall(r"^\| `(\w+)` \| ", WORDS.split("| source |")[1].split("\n## ")[0], re.MULTILINE)
    assert listed == [str(source) for source in CostSource]
