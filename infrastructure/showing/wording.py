"""The words of pages and reports, all from one file: whoever translates the dashboard translates that."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Final

from domain.counts import counted

FILE: Final = Path(__file__).with_name("words.toml")


@cache
def all_words() -> Mapping[str, str]:
    """Every text by its name, such as "menu.operations"."""
    return dict(_flat("", tomllib.loads(FILE.read_text(encoding="utf-8"))))


def _flat(before: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        found += _flat(f"{before}{name}.", value) if isinstance(value, dict) else [(f"{before}{name}", value)]
    return found


class _Filled(Formatter):
    """Of a count, {count:operation is|operations are} is the number with the words that it takes."""

    def format_field(self, value: Any, spec: str) -> str:
        one, bar, many = spec.partition("|")
        return counted(value, one, many) if bar else str(super().format_field(value, spec))


_FILLED: Final = _Filled()


def wording(name: str, /, **fields: object) -> str:
    """A text with its fields filled in. Raises KeyError for one that the file does not have."""
    return _FILLED.vformat(all_words()[name], (), fields) if fields else all_words()[name]


def wording_or(name: str, otherwise: str) -> str:
    """A text, or else a word of the ledger's own, which no file could list, with spaces between its parts."""
    return all_words().get(name, otherwise.replace("_", " "))
