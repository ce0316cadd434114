"""Reads the list of a batch: a CSV file with a heading, a text file with a prompt a line, or a folder of files.

prompt,style,n          one row an item; `prompt` is words, `file` a path beside the list, an address or asset:ID;
a red fox,anime,2       every other column is an option of the service, and an empty cell leaves it out
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from application.asking.requests import NAMED
from application.ledger.contents import canonical
from application.studios.recipes import Item, Recipe
from domain.errors import InvalidInput

WORDS, FILE = "prompt", "file"
CORRECT = "correct the row"


def read_list(path: Path) -> list[Item]:
    """The items of a list, in its order. Raises InvalidInput that names the row."""
    try:
        if path.is_dir():
            return [Item(file) for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return _rows(path, lines) if path.suffix.lower() == ".csv" else _prompts(lines)
    except OSError as error:
        raise InvalidInput(
            "list", f"{path} cannot be read: {error.strerror}", hint="give a file or a folder"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput("list", f"{path} is not text in UTF-8", hint="save it as UTF-8") from error


def batch_name(items: Iterable[Item], recipe: Recipe) -> str:
    """The name of a batch that has none of its own: the same list and recipe go on with the same batch."""
    told = [[str(item.subject), *sorted(item.options.items())] for item in items]
    steps = [[step.service, *sorted((name, str(one)) for name, one in step.options.items())] for step in recipe.steps]
    return sha256(canonical([told, steps]).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _prompts(lines: Iterable[str]) -> list[Item]:
    return [Item(line.strip()) for line in lines if line.strip()]


def _rows(path: Path, lines: Iterable[str]) -> list[Item]:
    reader = csv.DictReader(lines, strict=True)
    try:
        heading = [name.strip() for name in reader.fieldnames or ()]
        _check_heading(heading)
        reader.fieldnames = heading
        return [_item(path, reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InvalidInput("list", f"{path.name}, line {reader.line_num}: {error}", hint=CORRECT) from error


def _check_heading(heading: list[str]) -> None:
    subjects = [name for name in heading if name in (WORDS, FILE)]
    if len(subjects) != 1 or len(set(heading)) != len(heading) or "" in heading:
        told = f"its first line must name each column once, and one of them {WORDS} or {FILE}"
        raise InvalidInput("list", told, hint=f"begin with a line such as: {WORDS},style,n")


def _item(path: Path, line: int, row: Mapping[str | None, str | list[str] | None]) -> Item:
    if None in row or None in row.values():
        told = f"{path.name}, line {line}: has another number of cells than the first line"
        raise InvalidInput("list", told, hint="put cells with commas into quotes")
    cells = {str(name): str(cell).strip() for name, cell in row.items()}
    subject = WORDS if WORDS in cells else FILE
    told = cells.pop(subject)
    if not told:
        raise InvalidInput("list", f"{path.name}, line {line}: {subject} is empty", hint=CORRECT)
    is_path = subject == FILE and not told.lower().startswith(NAMED)
    return Item(path.parent / told if is_path else told, {name: cell for name, cell in cells.items() if cell})
