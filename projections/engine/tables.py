"""The tables of all views, made from their declarations, and the checkpoints beside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import BigInteger, CheckConstraint, Column, Connection, Index, MetaData, Table, Text, text

from projections.engine.tally import Tally
from projections.views import ALL, OPERATIONS

VIEWS = MetaData()

SPANS = frozenset({"period_start", "period_end", "month_start", "month_end"})
WHOLE = SPANS | {"requested_at", "settled_at", "asked", "held"}
"""Keys and notes that are numbers; the others are text, and measures are always numbers."""

CHECKPOINTS = Table(
    "view_checkpoints",
    VIEWS,
    Column("view", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("failed_at", BigInteger),
    Column("error", Text),
    Column("token", Text),
)
"""How far each view is. `token` says who rebuilds a view, in the row of the table that will replace it."""


FRESH, RETIRED = "__next", "__old"
"""What follows a view's name in the names of the tables that will replace its own, and that were replaced."""


def is_whole(view: Tally, column: str) -> bool:
    """Whether a column holds 64-bit numbers; the others hold text."""
    return column in view.measures or column in WHOLE


def table_of(view: Tally, metadata: MetaData, name: str = "", prefixes: Sequence[str] = ()) -> Table:
    """A table for a view's rows, under its own name or another."""
    columns = (
        Column(
            column,
            BigInteger() if is_whole(view, column) else Text(),
            primary_key=column in view.key,
            nullable=column in view.notes,
            autoincrement=False,
        )
        for column in view.columns
    )
    return Table(name or view.name, metadata, *columns, _no_float(view), prefixes=list(prefixes))


def _no_float(view: Tally) -> CheckConstraint:
    """SQLite would go on in floating point where a sum leaves 64 bits; PostgreSQL refuses by itself."""
    condition = " AND ".join(f"typeof({measure}) = 'integer'" for measure in view.measures)
    return CheckConstraint(condition).ddl_if(dialect="sqlite")


def indexes_of(view: Tally, table: Table, suffix: str = "") -> list[Index]:
    """Besides the keys, only the operation log has any: an account's newest operations and a period's open holds."""
    if view is not OPERATIONS:
        return []
    held = text("held > 0")
    by_account, period = table.c.account, table.c.period_start
    return [
        Index(f"operation_log_newest{suffix}", by_account, table.c.requested_at),
        Index(f"operation_log_held{suffix}", by_account, period, sqlite_where=held, postgresql_where=held),
    ]


TABLES = {view.name: table_of(view, VIEWS) for view in ALL}


@cache
def indexed_views() -> MetaData:
    """The tables with their indexes, for whoever makes them: the condition of one loads all of both dialects."""
    for view in ALL:
        indexes_of(view, TABLES[view.name])
    return VIEWS


def create_views(connection: Connection) -> None:
    """Create what is missing of the views' tables."""
    indexed_views().create_all(connection)
