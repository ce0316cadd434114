"""Rows that a fold adds to the views' tables, by ascending key: many rows with one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from projections.engine.columns import Role
from projections.engine.folding import Folded
from projections.engine.sql import numbers, texts
from projections.engine.view import AnyView, RowKey, Value

CHUNK = 10_000
"""Rows written by one statement."""

SIZES = (64, 8, 1)
"""Rows that SQLite is given at a time: the most that fit, then the rest. Each statement lets other threads in."""


STATEMENTS = 256
"""Statements that are kept: as many as there are views, sizes, and sets of columns that folds bring together."""


class Unwritable(Exception):
    """A view's table refuses what was folded."""


def add(connection: Connection, views: Sequence[AnyView], folded: Folded, suffix: str = "") -> None:
    """Add a fold to the views' tables, by ascending key. Raises Unwritable."""
    for view in views:
        rows = folded[view.name]
        keys = sorted(rows)
        for start in range(0, len(keys), CHUNK):
            some = keys[start : start + CHUNK]
            try:
                _upsert(connection, view, view.name + suffix, some, [rows[key] for key in some])
            except (DataError, IntegrityError, OverflowError, ValueError) as error:
                raise Unwritable(f"{type(error).__name__}: {error}") from error


def _upsert(
    connection: Connection, view: AnyView, table: str, keys: list[RowKey], folded: list[dict[str, Any]]
) -> None:
    told = _told(view, folded)
    take = _taker(told)
    rows = [(*key, *take(row)) for key, row in zip(keys, folded, strict=True)]
    if connection.dialect.name == "sqlite":
        start = 0
        for size in SIZES:
            while len(rows) - start >= size:
                values = tuple(chain.from_iterable(rows[start : start + size]))
                connection.exec_driver_sql(_sqlite_upsert(view, table, told, size), values)
                start += size
        return
    whole = [view.is_whole[name] for name in (*view.key, *told)]
    columns = zip(whole, zip(*rows, strict=True), strict=True)
    arrays = tuple(numbers(values) if is_whole else texts(values) for is_whole, values in columns)
    connection.exec_driver_sql(_postgres_upsert(view, table, told), arrays)


def _told(view: AnyView, folded: list[dict[str, Any]]) -> tuple[str, ...]:
    """The columns beside the key of which some row is told something: a third is not, and costs as much to write."""
    return tuple(name for name, blank in view.blank.items() if _is_told(itemgetter(name), blank, folded))


def _is_told(value: Callable[[dict[str, Any]], Any], blank: Value, folded: list[dict[str, Any]]) -> bool:
    return any(map(value, folded)) or [*map(value, folded)].count(blank) < len(folded)


@lru_cache(maxsize=STATEMENTS)
def _taker(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    return itemgetter(*names) if len(names) > 1 else lambda row: tuple(row[name] for name in names)


@lru_cache(maxsize=STATEMENTS)
def _sqlite_upsert(view: AnyView, table: str, told: tuple[str, ...], size: int) -> str:
    columns, zeros = (*view.key, *told), _zeros(view, told)
    row = f"({', '.join(['?'] * len(columns) + ['0'] * len(zeros))})"
    rows = ", ".join([row] * size)
    return f"INSERT INTO {table} ({_names(columns + zeros)}) VALUES {rows} {_on_conflict(view, table, told)}"


@lru_cache(maxsize=STATEMENTS)
def _postgres_upsert(view: AnyView, table: str, told: tuple[str, ...]) -> str:
    """One array literal a column."""
    columns, zeros = (*view.key, *told), _zeros(view, told)
    arrays = ", ".join(f"%s::{'bigint' if view.is_whole[name] else 'text'}[]" for name in columns)
    chosen = ", ".join(["*"] + ["0"] * len(zeros))
    source = f"SELECT {chosen} FROM unnest({arrays})"
    return f"INSERT INTO {table} ({_names(columns + zeros)}) {source} {_on_conflict(view, table, told)}"


def _zeros(view: AnyView, told: tuple[str, ...]) -> tuple[str, ...]:
    """The sums to which nothing is added: a new row begins with them."""
    return tuple(name for name in view.named(Role.SUM) if name not in told)


def _on_conflict(view: AnyView, table: str, told: tuple[str, ...]) -> str:
    renewed = {
        Role.SUM: '"{0}" = {1}."{0}" + excluded."{0}"',
        Role.FIRST: '"{0}" = coalesce({1}."{0}", excluded."{0}")',
        Role.NOTE: '"{0}" = coalesce(excluded."{0}", {1}."{0}")',
    }
    changes = [text.format(name, table) for role, text in renewed.items() for name in view.named(role) if name in told]
    return f"ON CONFLICT ({_names(view.key)}) DO " + (f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING")


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
