"""Rows that a replay holds in memory, compared with those that are stored: each table is read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from projections.engine.folding import Rows
from projections.engine.view import AnyView

PAGE: Final = 5_000
CURSOR: Final = "stored_rows"


def is_alike(connection: Connection, view: AnyView, rows: Rows) -> tuple[bool, int]:
    """Whether the stored rows of a view are these, and how many are stored."""
    size, count, same = len(view.key), 0, True
    for some in _stored(connection, view):
        count += len(some)
        for row in some:
            made = rows.get(row[:size])
            if made is None or (*made.values(),) != row[size:]:
                same = False
    return same and count == len(rows), count


def _stored(connection: Connection, view: AnyView) -> Iterator[Sequence[Any]]:
    """All rows of a view's table, some at a time, as the driver's own tuples: first the key, then the rest."""
    columns = ", ".join(f'"{name}"' for name in (*view.key, *view.blank))
    query = f"SELECT {columns} FROM {view.name}"
    if connection.dialect.name == "sqlite":
        result = connection.exec_driver_sql(query)
        while some := result.cursor.fetchmany(PAGE):
            yield some
        result.close()
        return
    connection.exec_driver_sql(f"DECLARE {CURSOR} NO SCROLL CURSOR FOR {query}")
    while some := connection.exec_driver_sql(f"FETCH FORWARD {PAGE} FROM {CURSOR}").cursor.fetchall():
        yield some
    connection.exec_driver_sql(f"CLOSE {CURSOR}")
