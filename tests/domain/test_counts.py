"""Counts are told in the right number, everywhere by the one function that knows how."""

from __future__ import annotations

import re

import pytest

from domain.counts import counted
from infrastructure.showing.wording import all_words, wording

NOUNS = "operations|facts|accounts|files|entries|models|assets|rows|outputs|problems|corrections|statements|invoices"


@pytest.mark.parametrize(
    ("count", "words", "told"),
    [
        (1, ("image",), "1 image"),
        (0, ("image",), "0 images"),
        (1_200, ("image",), "1,200 images"),
        (1, ("entry is", "entries are"), "1 entry is"),
        (2, ("entry is", "entries are"), "2 entries are"),
    ],
)
def test_one_is_told_otherwise_than_many(count: int, words: tuple[str, ...], told: str) -> None:
    assert counted(count, *words) == told


def test_words_of_pages_have_both_forms() -> None:
    assert wording("audit.rows_differ", count=1) == "1 row differs"
    assert wording("audit.rows_differ", count=2) == "2 rows differ"
    plain = re.compile(rf"\{{\w+\}} (?:\w+ )?(?:{NOUNS})\b")
    assert [name for name, text in all_words().items() if plain.search(text)] == []
