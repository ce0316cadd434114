"""Asking a view in another order than its own, by what may stand elsewhere, as its rows' price does.

A cursor is, as ever, the place of a row: its values in the order, and its key, so that rows of one value stay apart.
Rows that are not changed are each met once, whatever comes in meanwhile.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Text, literal, tuple_

from domain.errors import InvalidInput
from projections.engine.asking import LARGEST, Found, select_from
from projections.engine.columns import ViewRow
from projections.engine.database import ViewDatabase
from projections.engine.filters import ViewFilter
from projections.engine.tables import live
from projections.engine.view import View

Row = TypeVar("Row", bound=ViewRow)
Filter = TypeVar("Filter", bound=ViewFilter)


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order by expressions over the view's table, none of them null and the last one different in every row.

    `whole` says of each whether it is a whole number or text, which compares byte by byte.
    """

    name: str
    by: tuple[ColumnElement[Any], ...]
    whole: tuple[bool, ...]
    descending: bool = False


def find_sorted(
    database: ViewDatabase,
    view: View[Row, Filter],
    wanted: Filter,
    order: Ordering,
    after: str | None = None,
    limit: int | None = None,
) -> Found[Row]:
    """As `find_rows`, in this order. Raises InvalidInput for a word or a cursor that there is not, UnknownKind."""
    wanted.check()
    query = select_from(view).add_columns(*order.by).where(*wanted.conditions(live(view)))
    if after is not None:
        query = query.where(_beyond(order, _read(order, after)))
    query = query.order_by(*((one.desc() for one in order.by) if order.descending else order.by))
    rows = database.rows(query.limit(None if limit is None else limit + 1))
    if not rows and after is None:
        wanted.missed()
    shown = rows if limit is None else rows[:limit]
    found = [view.row(*row[: -len(order.by)]) for row in shown]
    if len(shown) == len(rows):
        return Found(found, None, whole=after is None)
    return Found(found, _written(order, shown[-1][-len(order.by) :]), whole=False)


def _beyond(order: Ordering, place: Sequence[str | int]) -> ColumnElement[bool]:
    kinds = [BigInteger() if whole else Text() for whole in order.whole]
    there = tuple_(*(literal(value, kind) for value, kind in zip(place, kinds, strict=True)))
    here = tuple_(*order.by)
    return here < there if order.descending else here > there


def _written(order: Ordering, place: Sequence[Any]) -> str:
    return urlsafe_b64encode(msgspec.json.encode([order.name, *place])).decode().rstrip("=")


def _read(order: Ordering, after: str) -> list[str | int]:
    try:
        name, *place = msgspec.json.decode(urlsafe_b64decode(after + "=" * (-len(after) % 4)), type=list[str | int])
    except (ValueError, msgspec.MsgspecError):
        name, place = "", []
    if name != order.name or len(place) != len(order.by) or not all(map(_fits, place, order.whole)):
        told = f"{after!r} is not a cursor of assets in this order"
        raise InvalidInput("after", told, hint="take `next` of the page before, and ask in the same order")
    return place


def _fits(value: str | int, whole: bool) -> bool:
    if isinstance(value, int):
        return whole and abs(value) <= LARGEST
    return not whole and "\0" not in value
