"""The tables of the views, which are disposable: a revision that changes them drops all and lets projectors refill."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from projections.engine.tables import schema_of
from projections.views import ALL


def recreate_views(connection: Connection) -> None:
    """Make the views' tables anew, empty, with checkpoints at the beginning of the log."""
    schema = schema_of(ALL)
    schema.drop_all(connection)
    schema.create_all(connection)


def shape_of_views() -> str:
    """A digest of every column and index: when it changes, databases in use need a revision that recreates them."""
    tables = schema_of(ALL).sorted_tables
    indexes = sorted((index for table in tables for index in table.indexes), key=lambda index: str(index.name))
    elements: list[DDLElement] = [*(CreateTable(table) for table in tables), *(CreateIndex(index) for index in indexes)]
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    statements = [str(element.compile(dialect=dialect)) for element in elements]
    return sha256("\n".join(statements).encode()).hexdigest()[:16]
