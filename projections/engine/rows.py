"""Rows that a fold adds to the views' tables, by ascending key: many rows with one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from projections.engine.columns import STORED, Role
from projections.engine.folding import Folded
from projections.engine.sql import numbers, texts
from projections.engine.view import AnyView

CHUNK = 10_000
"""Rows written by one statement."""

SIZES = (64, 8, 1)
"""Rows that SQLite is given at a time: the most that fit, then the rest. Each statement lets other threads in."""


class Unwritable(Exception):
    """A view's table refuses what was folded."""


def add(connection: Connection, views: Sequence[AnyView], folded: Folded, suffix: str = "") -> None:
    """Add a fold to the views' tables, by ascending key. Raises Unwritable."""
    for view in views:
        rows = [view.values_of(key, row) for key, row in sorted(folded[view.name].items())]
        for start in range(0, len(rows), CHUNK):
            try:
                _upsert(connection, view, view.name + suffix, rows[start : start + CHUNK])
            except (DataError, IntegrityError, OverflowError, ValueError) as error:
                raise Unwritable(f"{type(error).__name__}: {error}") from error


def _upsert(connection: Connection, view: AnyView, table: str, rows: list[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "sqlite":
        start = 0
        for size in SIZES:
            while len(rows) - start >= size:
                values = tuple(chain.from_iterable(rows[start : start + size]))
                connection.exec_driver_sql(_sqlite_upsert(view, table, size), values)
                start += size
        return
    columns = zip(view.stored, zip(*rows, strict=True), strict=True)
    arrays = tuple(numbers(values) if column.kind.is_whole else texts(values) for column, values in columns)
    connection.exec_driver_sql(_postgres_upsert(view, table), arrays)


@cache
def _sqlite_upsert(view: AnyView, table: str, size: int) -> str:
    values = ", ".join([f"({', '.join('?' for _ in view.stored)})"] * size)
    return f"INSERT INTO {table} ({_names(view.named(*STORED))}) VALUES {values} {_on_conflict(view, table)}"


@cache
def _postgres_upsert(view: AnyView, table: str) -> str:
    """One array literal a column."""
    arrays = ", ".join(f"%s::{'bigint' if column.kind.is_whole else 'text'}[]" for column in view.stored)
    names = _names(view.named(*STORED))
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {_on_conflict(view, table)}"


def _on_conflict(view: AnyView, table: str) -> str:
    sums = [f'"{name}" = {table}."{name}" + excluded."{name}"' for name in view.named(Role.SUM)]
    firsts = [f'"{name}" = coalesce({table}."{name}", excluded."{name}")' for name in view.named(Role.FIRST)]
    notes = [f'"{name}" = coalesce(excluded."{name}", {table}."{name}")' for name in view.named(Role.NOTE)]
    return f"ON CONFLICT ({_names(view.key)}) DO UPDATE SET {', '.join(sums + firsts + notes)}"


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
