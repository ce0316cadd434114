"""Words that are not known: a hint names the few that may have been meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from domain.advice import Advice, Hint

SHOWN: Final = 5
"""Names that a hint has at most."""
LONGEST_WORD: Final = 100
"""Characters of a word that is compared."""
MODELS: Final = Advice("model.list")


def meant(word: str, known: Iterable[str], otherwise: Hint = MODELS) -> Hint:
    """A hint that names the few that may have been meant, or how to see all."""
    every = sorted(known)
    close = near_names(word.lower(), every)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are: {', '.join(every)}" if len(every) <= SHOWN else otherwise


def near_names(word: str, every: Sequence[str]) -> list[str]:
    """Those spelt nearly so, and then those that hold the word."""
    if not 2 < len(word) <= LONGEST_WORD:
        return []
    holding = [each for each in every if word in each]
    return list(dict.fromkeys([*get_close_matches(word, every, n=3), *holding]))[:SHOWN]
