"""What a fold adds to the views' tables, by ascending key: many rows with one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from projections.engine.sql import numbers, texts
from projections.engine.tables import is_whole
from projections.engine.tally import Folded, Tally

CHUNK = 10_000
"""Rows written by one statement."""

SIZES = (64, 8, 1)
"""Rows that SQLite is given at a time: the most that fit, then the rest. Each statement lets other threads in."""


class Unwritable(Exception):
    """A view's table refuses what was folded."""


def add(connection: Connection, views: Sequence[Tally], folded: Folded, suffix: str = "") -> None:
    """Add a fold to the views' tables, by ascending key. Raises Unwritable."""
    for view in views:
        rows = [view.row(key, row) for key, row in sorted(folded[view.name].items())]
        for start in range(0, len(rows), CHUNK):
            try:
                _upsert(connection, view, view.name + suffix, rows[start : start + CHUNK])
            except (DataError, IntegrityError, OverflowError, ValueError) as error:
                raise Unwritable(f"{type(error).__name__}: {error}") from error


def _upsert(connection: Connection, view: Tally, table: str, rows: list[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "sqlite":
        start = 0
        for size in SIZES:
            while len(rows) - start >= size:
                values = tuple(value for row in rows[start : start + size] for value in row)
                connection.exec_driver_sql(_sqlite_upsert(view, table, size), values)
                start += size
        return
    columns = zip(view.columns, zip(*rows, strict=True), strict=True)
    arrays = tuple(numbers(values) if is_whole(view, name) else texts(values) for name, values in columns)
    connection.exec_driver_sql(_postgres_upsert(view, table), arrays)


@cache
def _sqlite_upsert(view: Tally, table: str, size: int) -> str:
    values = ", ".join([f"({', '.join('?' for _ in view.columns)})"] * size)
    return f"INSERT INTO {table} ({_names(view.columns)}) VALUES {values} {_on_conflict(view, table)}"


@cache
def _postgres_upsert(view: Tally, table: str) -> str:
    """One array literal a column."""
    arrays = ", ".join(f"%s::{'bigint' if is_whole(view, name) else 'text'}[]" for name in view.columns)
    names = _names(view.columns)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {_on_conflict(view, table)}"


def _on_conflict(view: Tally, table: str) -> str:
    sums = [f'"{name}" = {table}."{name}" + excluded."{name}"' for name in view.measures]
    notes = [f'"{name}" = coalesce(excluded."{name}", {table}."{name}")' for name in view.notes]
    return f"ON CONFLICT ({_names(view.key)}) DO UPDATE SET {', '.join(sums + notes)}"


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
