"""Pages for people, whose examples tests run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def page(path: str) -> str:
    """The text of a page, by its path from the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def block(text: str, language: str, containing: str) -> str:
    """The first example in that language with those words in it."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return next(example for example in found if containing in example)


def table(text: str, heading: str) -> list[dict[str, str]]:
    """The first table below a heading: each row by the names of its columns, without backquotes."""
    lines = text.split(f"## {heading}\n")[1].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    names, _, *cells = rows
    return [dict(zip(names, row, strict=True)) for row in cells]
