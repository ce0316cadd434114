"""The table of a page as CSV: its columns by their fields' names, exact amounts, nothing for what nobody knows."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from infrastructure.dashboard.page import Document
from infrastructure.showing.formats import cell

MOST_ROWS: Final = 100_000


def fields_of(rows: Sequence[Document], otherwise: Sequence[str]) -> list[str]:
    """The fields of all rows in the order in which they first come; without a row those of the table."""
    return list(dict.fromkeys(name for row in rows for name in row)) or list(otherwise)


def as_cell(value: Any) -> str:
    """A value of a document in one cell."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case {"micros": _, "amount": amount}:
            return str(amount)
        case {"start": start, "end": end}:
            return f"{start}/{end}"
        case dict():
            return cell(", ".join(f"{name}={as_cell(one)}" for name, one in value.items()))
        case list():
            return cell(" ".join(as_cell(one) for one in value))
    return cell(str(value))


async def csv_lines(
    first: Document, rows: str, columns: Sequence[str], following: Callable[[str], Awaitable[Document]]
) -> AsyncIterator[str]:
    """The table from its first page on, and each page that follows by its cursor."""
    fields = fields_of(first[rows], columns)
    yield _written([fields])
    document, count = first, 0
    while True:
        yield _written([[as_cell(row.get(name)) for name in fields] for row in document[rows]])
        count += len(document[rows])
        if "next" not in document or count >= MOST_ROWS:
            return
        document = await following(document["next"])


def _written(lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()
