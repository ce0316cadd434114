"""A view is a row class, what each type of fact changes in it, and how its rows are asked for: one file, one `View`.

    USAGE = View("usage_summary", UsageRow, UsageFilter, changes={Charged: reads(_charged, "operation.user price")})

Measures add. Notes keep the newest value that a fact brought, so folds are merged in the order of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from projections.engine.columns import STORED, Column, Role, ViewRow, columns_of_row
from projections.engine.filters import ViewFilter

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

Value = str | int | None
RowKey = tuple[str | int, ...]
Change = tuple[RowKey, Mapping[str, int], Mapping[str, Value]]
"""Which row, what to add to its measures, and what is newly known of it."""

NOTHING: Mapping[str, Value] = {}
NO_SUMS: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Reads:
    """A change, and the fields of the fact that it reads: it is handed no others, under the domain's own names.

    `each` takes its place if one fact changes any number of rows.
    """

    change: Callable[[Any], Change] | None
    names: frozenset[str]
    each: Callable[[Any], Iterable[Change]] | None = None

    def of(self, fact: Any) -> list[Change]:
        """All changes by a fact."""
        if self.each is not None:
            return [*self.each(fact)]
        assert self.change is not None, "either makes changes"
        return [self.change(fact)]


def reads(change: Callable[[Any], Change], *names: str) -> Reads:
    """The fields that a change reads: names with spaces between them, "operation.id" for a field of a field."""
    return Reads(change, _names(names))


def reads_each(changes: Callable[[Any], Iterable[Change]], *names: str) -> Reads:
    """The fields that a function reads which makes any number of changes of one fact."""
    return Reads(None, _names(names), changes)


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name for several in names for name in several.split())


@dataclass(frozen=True, slots=True)
class Sorted:
    """An index over some columns, of the rows for which a condition holds."""

    name: str
    columns: tuple[str, ...]
    holds: str | None = None


Row = TypeVar("Row", bound=ViewRow)
Filter = TypeVar("Filter", bound=ViewFilter)


@dataclass(frozen=True, eq=False)
class View(Generic[Row, Filter]):
    """One row a key. `newest` names the columns by which the newest rows come first, else rows come by key.

    `asked` makes the columns that the query works out. Tables are locked by ascending `rank`: a view that others'
    queries read has a higher one than they. `milestone` says which rows are kept in milestones of the past: all, those
    for which a condition of SQL holds, or None of them, as there are as many as facts. `totals` says that facts of one
    type change its rows alike if all is alike that is read of them, but for where in a quarter of an hour they are
    (see `projections.engine.alike`).
    """

    name: str
    row: type[Row]
    filter: type[Filter]
    changes: Mapping[type[Any], Reads] = field(repr=False)
    indexes: tuple[Sorted, ...] = ()
    newest: tuple[str, ...] = ()
    asked: Callable[[Table], Mapping[str, ColumnElement[Any]]] | None = field(default=None, repr=False)
    rank: int = 0
    milestone: str | None = ""
    totals: bool = False

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns that the row class declares; read when it is asked for, as a program asks few views."""
        return columns_of_row(self.row)

    @cached_property
    def stored(self) -> tuple[Column, ...]:
        """The columns of the view's table, in its order."""
        return tuple(column for column in self.columns if column.role in STORED)

    @cached_property
    def blank(self) -> Mapping[str, Value]:
        """The values of a row before any fact: sums of nothing, and nothing noted."""
        beside = (column for column in self.stored if column.role is not Role.KEY)
        return {column.name: 0 if column.role is Role.SUM else None for column in beside}

    @cached_property
    def firsts(self) -> frozenset[str]:
        """The columns that keep what they were told first."""
        return frozenset(self.named(Role.FIRST))

    @cached_property
    def is_whole(self) -> Mapping[str, bool]:
        """Whether a stored column holds numbers, by its name."""
        return {column.name: column.kind.is_whole for column in self.stored}

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: it is declared there too."""
        return _declared, (self.row.__module__, self.name)

    def named(self, *roles: Role) -> tuple[str, ...]:
        """The names of the stored columns of these roles, in their order."""
        return tuple(column.name for column in self.stored if column.role in roles)

    @cached_property
    def key(self) -> tuple[str, ...]:
        return self.named(Role.KEY)

    @property
    def order(self) -> tuple[str, ...]:
        """The columns by which rows are sorted and pages go on."""
        return self.newest or self.key


AnyView = View[Any, Any]


def in_order(views: Iterable[AnyView]) -> tuple[AnyView, ...]:
    """In the order in which their tables are locked, and are listed: by rank, then by name from Z to A."""
    return tuple(sorted(sorted(views, key=lambda view: view.name, reverse=True), key=lambda view: view.rank))


def declared_in(module: Any) -> tuple[AnyView, ...]:
    """The views that a module declares."""
    found = (value for value in vars(module).values() if isinstance(value, View))
    return tuple(view for view in dict.fromkeys(found) if view.row.__module__ == module.__name__)


def _declared(module: str, name: str) -> AnyView:
    return next(view for view in declared_in(import_module(module)) if view.name == name)
