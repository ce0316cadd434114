"""A row class says of each column what it is and what it holds, or is refused."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from projections.engine.columns import (
    Asked,
    Column,
    ColumnKind,
    Count,
    Instant,
    Key,
    Money,
    Note,
    Role,
    Sum,
    Text,
    ViewRow,
    Words,
    columns_of_row,
)
from projections.views import ALL
from projections.views.operations import OPERATIONS
from projections.views.periods import PERIODS


class Priced(ViewRow):
    """Rows that have something in common."""

    __slots__ = ()

    price: int

    @property
    def double(self) -> Money:
        return 2 * self.price


@dataclass(frozen=True, slots=True)
class WholeRow(Priced):
    name: Key[Text]
    price: Sum[Money]
    seen: Note[Instant | None]
    held: Asked[Money]

    @property
    def marks(self) -> Words:
        return ()

    @property
    def length(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class UnsortedRow(ViewRow):
    count: Sum[Count]
    name: Key[Text]


@dataclass(frozen=True, slots=True)
class BareRow(ViewRow):
    name: Key[Text]
    margin: int


@dataclass(frozen=True, slots=True)
class RolelessRow(ViewRow):
    name: Key[Text]
    margin: Money


@dataclass(frozen=True, slots=True)
class KindlessRow(ViewRow):
    name: Key[Text]
    margin: Sum[int]


def test_columns_are_what_annotations_say_and_what_is_worked_out_comes_last() -> None:
    assert columns_of_row(WholeRow) == (
        Column("name", Role.KEY, ColumnKind.TEXT),
        Column("price", Role.SUM, ColumnKind.MONEY),
        Column("seen", Role.NOTE, ColumnKind.INSTANT),
        Column("held", Role.ASKED, ColumnKind.MONEY),
        Column("double", Role.WORKED_OUT, ColumnKind.MONEY),
        Column("marks", Role.WORKED_OUT, ColumnKind.WORDS),
    )


def test_columns_come_in_the_order_in_which_they_are_folded_and_written() -> None:
    with pytest.raises(TypeError, match="UnsortedRow: write keys, then sums"):
        columns_of_row(UnsortedRow)


@pytest.mark.parametrize("row", [BareRow, RolelessRow, KindlessRow])
def test_a_column_whose_name_alone_would_say_what_it_is_is_refused(row: type[ViewRow]) -> None:
    with pytest.raises(TypeError, match="margin must say what it is and what it holds"):
        columns_of_row(row)


def test_no_row_holds_money_without_saying_in_which_currency() -> None:
    for view in ALL:
        kinds = [column.kind for column in view.columns]
        assert (ColumnKind.MONEY not in kinds) or kinds.count(ColumnKind.CURRENCY) == 1, view.name


def test_a_view_that_reads_anothers_table_is_locked_before_it() -> None:
    assert ALL.index(PERIODS) < ALL.index(OPERATIONS)
