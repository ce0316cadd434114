"""Searching the library: for words, phrases and beginnings of words, and without others.

    lake "at dawn" moun* -fog    ── parsed ──> all of: lake, at dawn, moun…; none of: fog

A text is cut into the same words when it is stored and when it is looked for, whichever database keeps it: letters and
digits, in small letters, without accents. So a quote or a sign of a user's is never an error, and never an operator but
for the three above.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category, normalize

from domain.errors import InvalidInput

MOST_WORDS = 2_000
"""Of one text; what follows is not found."""
LONGEST_WORD = 100
MOST_TERMS = 20

_TERM = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other; of the last only the beginning has to be there if it is a `prefix`."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class SearchedText:
    """All of `every` have to be in an asset's words, and none of `none`."""

    every: tuple[Term, ...]
    none: tuple[Term, ...]


def words_of(text: str) -> list[str]:
    """The words of a text, as they are stored and looked for."""
    plain = "".join(one for one in normalize("NFKD", text.casefold()) if not category(one).startswith("M"))
    cut = "".join(one if one.isalnum() else " " for one in plain)
    return [word[:LONGEST_WORD] for word in cut.split()[:MOST_WORDS]]


def searched(text: str) -> SearchedText:
    """The search that a user writes. Raises InvalidInput if nothing is, or if only what must not be there is named."""
    every, none = list[Term](), list[Term]()
    for minus, phrase, word in _TERM.findall(text):
        words = tuple(words_of(phrase or word))
        if words:
            (none if minus else every).append(Term(words, prefix=not phrase and word.endswith("*")))
    if not every or len(every) + len(none) > MOST_TERMS:
        hint = f'name 1 to {MOST_TERMS} words, such as: lake "at dawn" moun* -fog'
        raise InvalidInput("search", "names no word that has to be there, or too many", hint=hint)
    return SearchedText(tuple(every), tuple(none))


def as_fts5(wanted: SearchedText) -> str:
    """The expression for SQLite's FTS5; words hold letters and digits alone, so nothing in them is an operator."""

    def term(one: Term) -> str:
        return f'"{" ".join(one.words)}"{" *" if one.prefix else ""}'

    every = " AND ".join(map(term, wanted.every))
    return f"({every})" + "".join(f" NOT {term(one)}" for one in wanted.none)


def as_tsquery(wanted: SearchedText) -> str:
    """The same for PostgreSQL's tsquery, as its own text form, which no parser for a language touches."""

    def term(one: Term) -> str:
        words = [f"'{word}'" for word in one.words]
        words[-1] += ":*" if one.prefix else ""
        return f"({' <-> '.join(words)})"

    return " & ".join([*map(term, wanted.every), *(f"!{term(one)}" for one in wanted.none)])


def as_tsvector(texts: Sequence[Sequence[str]]) -> str:
    """Words with their places for PostgreSQL, in its own text form; no phrase goes from one text into the next."""
    places: dict[str, list[int]] = {}
    at = 0
    for words in texts:
        for word in words:
            at += 1
            places.setdefault(word, []).append(at)
        at += 2
    return " ".join(f"'{word}':{','.join(map(str, found[:256]))}" for word, found in places.items())
