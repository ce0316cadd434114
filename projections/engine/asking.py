"""How any view is asked: its rows by a filter, in its order, a page at a time.

    filter, after a cursor ── one statement ── rows, and the cursor of the last one if more follow

A cursor names the place of a row in the view's order, not a number of rows: what comes in meanwhile moves nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, select, tuple_

from domain.errors import InvalidInput
from projections.engine.columns import Role, ViewRow
from projections.engine.database import ViewDatabase
from projections.engine.filters import ViewFilter
from projections.engine.tables import live
from projections.engine.view import AnyView, View

Row = TypeVar("Row", bound=ViewRow)
Filter = TypeVar("Filter", bound=ViewFilter)

LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """Rows in the view's order; `whole` if these are all, and `next` the cursor after which more follow, if any do."""

    rows: list[Row]
    next: str | None
    whole: bool


def find_rows(
    database: ViewDatabase, view: View[Row, Filter], wanted: Filter, after: str | None = None, limit: int | None = None
) -> Found[Row]:
    """The rows that are wanted, after a cursor, at most so many.

    Raises InvalidInput for a word or a cursor that there is not, UnknownKind, StoreUnavailable.
    """
    wanted.check()
    query = _ordered(view, select_from(view).where(*wanted.conditions(live(view)), *_after(view, after)))
    rows = [view.row(*row) for row in database.rows(query.limit(None if limit is None else limit + 1))]
    if not rows and after is None:
        wanted.missed()
    if limit is None or len(rows) <= limit:
        return Found(rows, None, whole=after is None)
    return Found(rows[:limit], cursor(view, rows[limit - 1]), whole=False)


def one(database: ViewDatabase, view: View[Row, Filter], key: Sequence[str | int]) -> Row | None:
    """The row of a key, None if the view does not know it (yet)."""
    table = live(view)
    here = [table.c[name] == value for name, value in zip(view.key, key, strict=True)]
    return next((view.row(*row) for row in database.rows(select_from(view).where(*here))), None)


@cache
def select_from(view: AnyView) -> Select[Any]:
    """All columns in the order of the row class, with those that the query works out."""
    table = live(view)
    made = view.asked(table) if view.asked is not None else {}
    return select(table, *(made[column.name] for column in view.columns if column.role is Role.ASKED))


def _ordered(view: AnyView, query: Select[Any]) -> Select[Any]:
    columns = _places(view)
    return query.order_by(*(column.desc() for column in columns) if view.newest else columns)


def _places(view: AnyView) -> list[ColumnElement[Any]]:
    table = live(view)
    return [table.c[name] for name in view.order]


def _after(view: AnyView, after: str | None) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    here, there = tuple_(*_places(view)), place_after(view, after)
    return [here < there if view.newest else here > there]


def cursor(view: AnyView, row: ViewRow) -> str:
    """The place of a row in its view, as text that is handed back to go on after it."""
    place = msgspec.json.encode([view.name, *(getattr(row, name) for name in view.order)])
    return urlsafe_b64encode(place).decode().rstrip("=")


def place_after(view: AnyView, after: str) -> tuple[str | int, ...]:
    """The place that a cursor of this view names. Raises InvalidInput."""
    try:
        name, *place = msgspec.json.decode(urlsafe_b64decode(after + "=" * (-len(after) % 4)), type=list[str | int])
    except (ValueError, msgspec.MsgspecError):
        name, place = "", []
    whole = {column.name: column.kind.is_whole for column in view.stored}
    fits = [_fits(value, whole[column]) for value, column in zip(place, view.order, strict=False)]
    if name != view.name or len(place) != len(view.order) or not all(fits):
        raise InvalidInput("after", f"{after!r} is not a cursor of {view.name}", hint="take `next` of the page before")
    return tuple(place)


def _fits(value: str | int, whole: bool) -> bool:
    if isinstance(value, int):
        return whole and abs(value) <= LARGEST
    return not whole and "\0" not in value
