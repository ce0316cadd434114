"""Open operations: those that hold money now, in groups, apart from what ended and was charged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, cast, func, literal_column, select

from domain.periods import EARLIEST
from projections.engine.database import ViewDatabase
from projections.engine.filters import same
from projections.engine.tables import live
from projections.tagged import has_tag
from projections.views.operations import OPERATIONS
from projections.views.quarters import NOBODY, QuarterFilter

MAYBE = ("project", "api_key")
"""Columns without a value where an operation has none."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Open operations of one group, and what they hold, in micro-units."""

    group: Mapping[str, str]
    currency: str
    operations: int
    held: int


def holdings(
    database: ViewDatabase, wanted: QuarterFilter, by: Sequence[str], tag: tuple[str, str] | None = None
) -> tuple[Holding, ...]:
    """The open ones of what is wanted, and have a tag if one is named; none has a code yet, so that who asks for one
    finds nothing."""
    if wanted.code:
        return ()
    table, names = live(OPERATIONS), [one for one in by if one != "code"]
    keys = [_column(table, one).label(f"by_{one}") for one in names] + [table.c.currency]
    sums = func.count(), cast(func.sum(table.c.held), BigInteger)
    found = select(*keys, *sums).where(*_conditions(table, wanted)).group_by(*keys).order_by(*keys)
    found = found if tag is None else found.where(has_tag(table.c.id, wanted.account, *tag))
    return tuple(
        Holding(dict(zip(names, row, strict=False)), row[len(names)], row[-2], row[-1]) for row in database.rows(found)
    )


def _conditions(table: Table, wanted: QuarterFilter) -> Iterator[ColumnElement[bool]]:
    """In so many words, as for the list of holds: their own index is not chosen for values that come later."""
    yield table.c.held > literal_column("0")
    yield table.c.period_start >= literal_column(str(EARLIEST))
    yield from same(table, account=wanted.account, user=wanted.user, kind=wanted.kind, model=wanted.model)
    yield from same(table, provider=wanted.provider)
    for name in MAYBE:
        value = getattr(wanted, name)
        if value is not None:
            yield _column(table, name) == value


def _column(table: Table, name: str) -> ColumnElement[Any]:
    return func.coalesce(table.c[name], NOBODY) if name in MAYBE else table.c[name]
