"""How any view is asked: its rows by a filter, in its order, a page at a time.

    filter, after a cursor ── one statement ── rows, and the cursor of the last one if more follow

A cursor names the place of a row in the view's order, not a number of rows: what comes in meanwhile moves nothing.
A statement is made once for all questions that give the same fields: making it, and finding that it was made before,
takes SQLAlchemy twice as long as SQLite takes to answer.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Integer, Select, bindparam, select, tuple_

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
    """Rows in the view's order; `whole` if these are all, and `next` the cursor after which more follow, if any do.

    `position` is that of each log if the rows are of several, else None.
    """

    rows: list[Row]
    next: str | None
    whole: bool
    position: int | None = None


def find_rows(
    database: ViewDatabase, view: View[Row, Filter], wanted: Filter, after: str | None = None, limit: int | None = None
) -> Found[Row]:
    """The rows that are wanted, after a cursor, at most so many.

    Raises InvalidInput for a word or a cursor that there is not, UnknownKind, StoreUnavailable.
    """
    wanted.check()
    question = _Question(view, wanted, after, limit)
    rows = [view.row(*row) for row in question.rows(database)]
    if not rows and after is None:
        wanted.missed()
    if limit is None or len(rows) <= limit:
        return Found(rows, None, whole=after is None)
    return Found(rows[:limit], cursor(view, rows[limit - 1]), whole=False)


def one(database: ViewDatabase, view: View[Row, Filter], key: Sequence[str | int]) -> Row | None:
    """The row of a key, None if the view does not know it (yet)."""

    def query() -> Select[Any]:
        return select_from(view).where(*(live(view).c[name] == bindparam(name) for name in view.key))

    rows = database.ask((view, "one"), query, dict(zip(view.key, key, strict=True)))
    return next((view.row(*row) for row in rows), None)


class _Question(Generic[Row, Filter]):
    """Which rows of a view, after a cursor, and how many."""

    def __init__(self, view: View[Row, Filter], wanted: Filter, after: str | None, limit: int | None) -> None:
        self._view, self._wanted = view, wanted
        filter: Any = type(wanted)
        self._given = {name: value for name in _names_of(filter) if (value := getattr(wanted, name)) is not None}
        self._place = None if after is None else place_after(view, after)
        self._most = None if limit is None else limit + 1

    def rows(self, database: ViewDatabase) -> Sequence[Any]:
        if self._wanted.alone:
            return database.rows(self._query(self._wanted, self._place, self._most))
        fixed = [(name, self._given[name]) for name in self._wanted.WORDING if name in self._given]
        shape = (self._view, *self._given, *fixed, self._place is None, self._most is None)
        return database.ask(shape, self._to_come, dict(self._values()))

    def _query(self, wanted: Filter, place: Sequence[Any] | None, most: Any) -> Select[Any]:
        view, table = self._view, live(self._view)
        columns = [table.c[name] for name in view.order]
        found = select_from(view).where(*wanted.conditions(table))
        if place is not None:
            here, there = tuple_(*columns), tuple_(*place)
            found = found.where(here < there if view.newest else here > there)
        return found.order_by(*(column.desc() for column in columns) if view.newest else columns).limit(most)

    def _to_come(self) -> Select[Any]:
        """The query, with parameters for the values."""
        bound = {name: value for name, value in self._given.items() if name not in self._wanted.WORDING}
        told: Any = self._wanted
        wanted = replace(told, **{name: _parameter(name, value) for name, value in bound.items()})
        place = None if self._place is None else _parameter("after", self._place)
        return self._query(wanted, place, None if self._most is None else bindparam("most", type_=Integer))

    def _values(self) -> Iterator[tuple[str, Any]]:
        for name, value in (*self._given.items(), ("after", self._place), ("most", self._most)):
            if isinstance(value, tuple):
                yield from ((f"{name}_{number}", part) for number, part in enumerate(value))
            else:
                yield name, value


def _parameter(name: str, value: Any) -> Any:
    """The parameter of the name, or one a part."""
    if isinstance(value, tuple):
        return tuple(bindparam(f"{name}_{number}") for number, _ in enumerate(value))
    return bindparam(name)


@cache
def _names_of(filter: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(filter))


@cache
def select_from(view: AnyView) -> Select[Any]:
    """All columns in the order of the row class, with those that the query works out."""
    table = live(view)
    made = view.asked(table) if view.asked is not None else {}
    return select(table, *(made[column.name] for column in view.columns if column.role is Role.ASKED))


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
    fits = [_fits(value, view.is_whole[column]) for value, column in zip(place, view.order, strict=False)]
    if name != view.name or len(place) != len(view.order) or not all(fits):
        raise InvalidInput("after", f"{after!r} is not a cursor of {view.name}", hint="take `next` of the page before")
    return tuple(place)


def _fits(value: str | int, whole: bool) -> bool:
    if isinstance(value, int):
        return whole and abs(value) <= LARGEST
    return not whole and "\0" not in value
