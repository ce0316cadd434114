"""Names for the files of a batch, when it ends in one archive: the item's number, what it was, and which of its files.

007-a-red-fox       the one file of the seventh of a hundred items and more
008-a-hen-2         the second of several
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from application.asking.requests import NAMED
from application.library.searching import words_of
from application.studios.carrying import Outcome
from application.studios.recipes import Item

LONGEST_TOLD: Final = 48
"""Characters of what the item was."""


def packed(items: Sequence[Item], outcomes: Sequence[Outcome]) -> dict[str, str]:
    """The asset of every file that items ended with, by its name; files of the same bytes have a name each."""
    return dict(_named(items, outcomes))


def _named(items: Sequence[Item], outcomes: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    wide = len(str(len(items)))
    for one in outcomes:
        told = _told(items[one.number - 1].subject)
        stem = f"{one.number:0{wide}}{f'-{told}' if told else ''}"
        for place, output in enumerate(one.outputs, start=1):
            if output.asset.id:
                yield (stem if len(one.outputs) == 1 else f"{stem}-{place}"), output.asset.id


def _told(subject: Path | str) -> str:
    if isinstance(subject, Path):
        subject = subject.stem
    elif subject.lower().startswith(NAMED):
        subject = Path(unquote(urlsplit(subject).path)).stem
    return normalize("NFC", "-".join(words_of(subject)))[:LONGEST_TOLD].strip("-")
