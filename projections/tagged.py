"""Tags of operations as queries of views read them: the ledger's table beside the log, of which no view is made.

They can be erased, so whatever is asked by them is asked of what is there now. A row without a name stands for tags
that were erased.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.tags import BLANK

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, TableClause

NOT_SAID: Final = ""
"""The group of what has no such tag."""
GONE: Final = "\n"
"""The group of what had tags which were erased; no tag's value is not printable."""


def tags_table() -> TableClause:
    """The table, as far as queries need it."""
    from sqlalchemy import column, table

    return table("operation_tags", column("operation"), column("account"), column("name"), column("value"))


def has_tag(id: ColumnElement[str], account: Any, name: Any, value: Any) -> ColumnElement[bool]:
    """The condition that an operation has a tag; its account is None if it may be anybody's."""
    from sqlalchemy import select

    tags = tags_table().c
    found = select(tags.operation).where(tags.name == name, tags.value == value, tags.name != BLANK)
    return id.in_(found if account is None else found.where(tags.account == account))
