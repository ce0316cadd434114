"""A query is written once for every question of its shape: what its values would change in its text is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from infrastructure.store.written import write_query

ROWS = Table("rows", MetaData(), Column("kind", Integer), Column("size", Integer))
DIALECTS: list[Any] = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_values_that_stay_are_kept_beside_those_to_come(dialect: Any) -> None:
    query = select(ROWS.c.size).where(or_(ROWS.c.kind == 1, ROWS.c.kind == 2), ROWS.c.size > bindparam("least"))
    values = write_query(query, dialect).values({"least": 7})
    assert sorted(values.values() if isinstance(values, dict) else values) == [1, 2, 7]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_a_list_is_refused(dialect: Any) -> None:
    with pytest.raises(TypeError, match="has a list"):
        write_query(select(ROWS.c.size).where(ROWS.c.kind.in_([1, 2])), dialect)
