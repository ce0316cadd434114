"""Tags of operations as queries of views read them: the ledger's table beside the log, of which no view is made.

They can be erased, so whatever is asked by them is asked of what is there now. A row without a name stands for tags
that were erased.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.tags import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, TableClause

    from projections.engine.database import ViewDatabase

NOT_SAID: Final = ""
"""The group of what has no such tag."""
CHUNK: Final = 500
GONE: Final = "\n"
"""The group of what had tags which were erased; no tag's value is not printable."""


def tags_table() -> TableClause:
    """The table, as far as queries need it."""
    from sqlalchemy import column, table

    return table("operation_tags", column("operation"), column("account"), column("name"), column("value"))


def known_tags(database: ViewDatabase, operations: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of operations that have any, by id."""
    from sqlalchemy import select

    tags, found = tags_table().c, dict[str, dict[str, str]]()
    query = select(tags.operation, tags.name, tags.value).where(tags.name != BLANK).order_by(tags.operation, tags.name)
    for start in range(0, len(operations), CHUNK):
        some = query.where(tags.operation.in_(operations[start : start + CHUNK]))
        for operation, name, told in database.rows(some):
            found.setdefault(operation, {})[name] = told
    return found


def has_tag(id: ColumnElement[str], account: Any, name: Any, value: Any) -> ColumnElement[bool]:
    """The condition that an operation has a tag; its account is None if it may be anybody's."""
    from sqlalchemy import select

    tags = tags_table().c
    found = select(tags.operation).where(tags.name == name, tags.value == value, tags.name != BLANK)
    return id.in_(found if account is None else found.where(tags.account == account))
