"""Columns of values as PostgreSQL's array literals, each parsed by its type.

The same column as a list of expressions costs the client twice and the server a third more; only long texts full of
quotes are better left to the driver.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

QUOTES = '","'


def numbers(values: Iterable[int | None]) -> str:
    """The literal of whole numbers."""
    column = list(values)
    if None not in column:
        return "{" + ",".join(map(str, column)) + "}"
    return "{" + ",".join(["NULL" if value is None else str(value) for value in column]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """The literal of texts; nearly every column has nothing in it that needs more than quotes around it."""
    column: list[Any] = list(values)
    if None not in column:
        joined = QUOTES.join(column)
        if "\\" not in joined and joined.count('"') == 2 * (len(column) - 1):
            return f'{{"{joined}"}}'
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in column]) + "}"


def octets(values: Iterable[bytes]) -> str:
    """The literal of byte strings, in hexadecimal."""
    return "{" + ",".join([rf'"\\x{value.hex()}"' for value in values]) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
