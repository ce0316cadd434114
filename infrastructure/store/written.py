"""Queries as text with places for values, written once and asked many times through the driver's own cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Select


@dataclass(frozen=True, slots=True)
class WrittenQuery:
    """The text, its parameters in their order if they have no names in it, and the values that never change."""

    sql: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, Any]

    def values(self, told: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        """All values, as the driver takes them."""
        known = {**self.fixed, **told}
        return known if self.order is None else [known[name] for name in self.order]


def write_query(query: Select[Any], dialect: Dialect) -> WrittenQuery:
    """The query in the words of a database. Raises TypeError if it has a list, whose places its values decide."""
    compiled = query.compile(dialect=dialect)
    if compiled.post_compile_params or compiled.literal_execute_params:
        raise TypeError("a condition has a list: write one for each of its values, joined by or_")
    order = compiled.positiontup
    return WrittenQuery(str(compiled), None if order is None else tuple(order), dict(compiled.params))
