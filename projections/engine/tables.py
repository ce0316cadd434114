"""The tables of views, made from their declarations, and the checkpoints beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, MetaData, Table, Text, text

from projections.engine.columns import Role
from projections.engine.view import AnyView, in_order

CHECKPOINTS = Table(
    "view_checkpoints",
    MetaData(),
    Column("view", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("failed_at", BigInteger),
    Column("error", Text),
    Column("token", Text),
    Column("erased", BigInteger, nullable=False, server_default=text("0")),
)
"""How far each view is. `token` says who rebuilds a view, in the row of the table that will replace it; `erased`
counts the erasures of users, which whoever folds has to know."""


FRESH, RETIRED = "__next", "__old"
"""The endings of a view's name in the names of the tables that will replace its own, and that were replaced."""


def table_of(view: AnyView, metadata: MetaData, name: str = "", prefixes: Sequence[str] = ()) -> Table:
    """A table for a view's rows, under its own name or another."""
    columns = (
        Column(
            column.name,
            BigInteger() if column.kind.is_whole else Text(),
            primary_key=column.role is Role.KEY,
            nullable=column.role in (Role.FIRST, Role.NOTE),
            autoincrement=False,
        )
        for column in view.stored
    )
    return Table(name or view.name, metadata, *columns, _no_float(view), prefixes=list(prefixes))


def _no_float(view: AnyView) -> CheckConstraint:
    """SQLite would go on in floating point if a sum leaves 64 bits; PostgreSQL refuses by itself."""
    condition = " AND ".join(f"typeof({measure}) = 'integer'" for measure in view.named(Role.SUM))
    return CheckConstraint(condition or "1").ddl_if(dialect="sqlite")


def indexes_of(view: AnyView, table: Table, suffix: str = "") -> list[Index]:
    """The indexes that a view declares, besides its key."""
    return [
        Index(
            f"{view.name}_{one.name}{suffix}",
            *(table.c[name] for name in one.columns),
            sqlite_where=one.holds and text(one.holds),
            postgresql_where=one.holds and text(one.holds),
        )
        for one in view.indexes
    ]


@cache
def live(view: AnyView) -> Table:
    """The table that a view's rows are in."""
    return table_of(view, MetaData())


def schema_of(views: Iterable[AnyView], *, indexed: bool = True) -> MetaData:
    """The tables of these views and the checkpoints, to be created or dropped.

    An index with a condition loads the dialects of all databases, which whoever creates nothing need not wait for.
    """
    schema = MetaData()
    CHECKPOINTS.to_metadata(schema)
    for view in in_order(views):
        table = table_of(view, schema)
        if indexed:
            indexes_of(view, table)
    return schema
